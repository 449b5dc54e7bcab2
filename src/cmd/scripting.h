/* cmd/scripting.h - scripts as the server runs them: EVAL, and whatever else runs functions in Lua.
 * Model:    a script is one command; what it calls are commands within it (cmd/nested.h), with the
 *           rights of its client. Its flags say what it may do. One that runs longer than
 *           busy-reply-threshold lets the connections be looked after: everything is answered with
 *           BUSY but what ends it.
 * Owner:    the dispatcher has one; engines are made when first wanted.
 * Pointers: a job is good for one run.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     two readings of the clock a script, beside what it does. */
#ifndef CMD_SCRIPTING_H
#define CMD_SCRIPTING_H

#include "cmd/command.h"
#include "cmd/script_cache.h"
#include "cmd/table.h"
#include "script/engine.h"

enum script_flags {
    SCRIPT_NO_WRITES = 1u << 0,
    SCRIPT_ALLOW_OOM = 1u << 1,
    SCRIPT_ALLOW_STALE = 1u << 2,
    SCRIPT_NO_CLUSTER = 1u << 3,
    SCRIPT_ALLOW_CROSS_SLOT_KEYS = 1u << 4,
    SCRIPT_PLAIN = 1u << 5, /* EVAL without "#!lua": what it may do is asked call by call */
};
/* "no-writes" and its like; 0: there is no such flag. */
uint32_t script_flag_by_name(struct bytes name);
/* A flag's name; NULL behind the last one. `index` from 0. */
const char *script_flag_name(uint32_t index, uint32_t *flag);

/* One run of a loaded function. */
struct script_job {
    struct script_engine *engine;
    int function;
    uint32_t flags;  /* enum script_flags */
    bool read_only;  /* called by EVAL_RO and its like */
    bool is_eval;    /* SCRIPT KILL ends it, not FUNCTION KILL */
    bool parameters; /* see struct script_run */
    struct bytes name;
    const struct bytes *keys, *args;
    uint32_t key_count, arg_count;
};

struct scripting {
    struct cmd_context *context;
    struct script_engine *engine; /* of EVAL; NULL until wanted */
    struct script_cache cache;

    const struct script_job *job; /* that runs; NULL: none */
    struct call *outer;
    bool wrote, killed; /* killed: it was asked to end */
    bool busy;          /* it runs over its time: connections are looked after meanwhile */
    unsigned repl;      /* redis.set_repl */
};

/* What a script that is queued in MULTI adds to the flags of its row: CMD_DENYOOM, where its first
 * line says that it may write, and not that it may do so without memory. */
uint32_t scripting_queued_flags(struct call *call, const struct command_row *row);

MUST_CHECK struct scripting *scripting_new(struct cmd_context *context);
void scripting_drop(struct scripting *scripting);

/* An engine with the server's settings; NULL: no memory. */
MUST_CHECK struct script_engine *scripting_make_engine(const struct cmd_context *context);
/* That of EVAL, made when there is none; NULL with the error written. */
MUST_CHECK struct script_engine *scripting_engine(struct call *call);

/* Runs a job as the command `call`, which it answers. Refuses what its flags forbid. */
enum script_outcome scripting_run(struct call *call, const struct script_job *job);

/* Reads "numkeys key ... arg ..." at `at`: false with the error written. */
MUST_CHECK bool scripting_arguments(struct call *call, uint32_t at, struct script_job *job);

/* SCRIPT KILL (is_eval) and FUNCTION KILL: answers the call. */
void scripting_kill(struct call *call, bool is_eval);
/* The error for who must wait for the script that runs. */
void scripting_busy_error(const struct scripting *scripting, struct reply *reply);
static inline bool scripting_is_busy(const struct scripting *scripting)
{
    return UNLIKELY(scripting != NULL && scripting->busy);
}

/* At the safe point: frees and collects a little; in how many ns to come back. */
uint64_t scripting_step(struct scripting *scripting);

struct scripting_figures {
    uint64_t vm_bytes;    /* of EVAL's engine */
    uint64_t cache_bytes; /* of the cache's own structs */
    uint64_t cached;      /* scripts */
};
void scripting_figures(const struct scripting *scripting, struct scripting_figures *figures);

/* script_eval.c, script_commands.c */
void cmd_eval(struct call *call);
void cmd_evalsha(struct call *call);
void script_debug(struct call *call);
void script_exists(struct call *call);
void script_flush(struct call *call);
void script_help(struct call *call);
void script_kill(struct call *call);
void script_load_command(struct call *call);

#endif
