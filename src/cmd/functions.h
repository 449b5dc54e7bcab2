/* cmd/functions.h - libraries of functions: loaded, kept, told to files.
 * Model:    one interpreter of their own and the set of what they registered. The interpreter is
 *           made with the first library and goes with the last by FUNCTION FLUSH.
 * Owner:    dispatch_new makes it for the context.
 * Pointers: a function stays until its library is replaced or deleted, which no running function
 *           can do.
 * Threads:  the executing thread.
 * Failure:  a text for the client (without its code); nothing has changed then.
 * Cost:     loading runs the library, half a second at most. */
#ifndef CMD_FUNCTIONS_H
#define CMD_FUNCTIONS_H

#include "base/buffer.h"
#include "cmd/command.h"
#include "cmd/function_set.h"

struct functions;

MUST_CHECK struct functions *functions_new(struct cmd_context *context);
void functions_drop(struct functions *functions); /* NULL is allowed */

const struct function_set *functions_set(const struct functions *functions);
const struct function *functions_find(const struct functions *functions, struct bytes name);
/* NULL before the first library. */
struct script_engine *functions_engine(const struct functions *functions);

enum functions_flags {
    FUNCTIONS_REPLACE = 1, /* a library of that name goes; else it is an error */
    FUNCTIONS_PATIENT = 2, /* it may take its time: it has been loaded before */
};
/* Loads a library; *name is its name, which holds as long as it does. */
MUST_CHECK bool functions_load(struct functions *functions, struct bytes source, unsigned flags,
                               struct bytes *name, struct buffer *error);
/* false: there is none of that name. */
MUST_CHECK bool functions_delete(struct functions *functions, struct bytes name);
void functions_clear(struct functions *functions);

/* Several libraries at once, all or none (FUNCTION RESTORE). */
enum functions_policy { FUNCTIONS_APPEND, FUNCTIONS_REPLACING, FUNCTIONS_FLUSH };
struct functions_batch;
MUST_CHECK struct functions_batch *functions_batch_new(struct functions *functions);
MUST_CHECK bool functions_batch_load(struct functions_batch *batch, struct bytes source,
                                     struct buffer *error);
MUST_CHECK bool functions_batch_join(struct functions_batch *batch, enum functions_policy policy,
                                     struct buffer *error);
void functions_batch_drop(struct functions_batch *batch); /* NULL is allowed */

/* The sources, for a file: tells each. */
void functions_tell(struct functions *functions, void (*tell)(void *to, struct bytes source),
                    void *to);

/* FCALL tells what it runs as, for FUNCTION STATS: others are read to where its words are. What is
 * longer than 64 KiB in all is cut off. */
void functions_set_running(struct functions *functions, const struct bytes *argv, uint32_t argc);
/* As bulk strings; returns how many. */
uint32_t functions_running(const struct functions *functions, struct bytes *words);

struct functions_figures {
    uint64_t libraries, functions;
    uint64_t bytes;    /* of what is kept of them */
    uint64_t vm_bytes; /* of the interpreter */
};
void functions_figures(const struct functions *functions, struct functions_figures *figures);

void function_load(struct call *call);
void function_delete(struct call *call);
void function_flush(struct call *call);
void function_list(struct call *call);
void function_dump(struct call *call);
void function_restore(struct call *call);
void function_help(struct call *call);
void function_stats(struct call *call);
void function_kill(struct call *call);
void cmd_fcall(struct call *call);

#endif
