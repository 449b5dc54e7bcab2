/* script/library.h - a library of functions: a chunk that runs once, and registers them.
 * Model:    while it runs it sees nothing but `redis`, with register_function, log and constants;
 *           its functions see later what scripts see.
 * Owner:    what was registered belongs to who was told of it (script_forget), also when the
 *           library fails after that.
 * Pointers: texts of a function hold until `add` returns.
 * Threads:  the executing thread.
 * Failure:  a text for the client; the engine goes on as before.
 * Cost:     that of the chunk, at most limit_ns. */
#ifndef SCRIPT_LIBRARY_H
#define SCRIPT_LIBRARY_H

#include "script/engine.h"

struct script_function {
    struct bytes name;
    struct bytes description; /* at NULL: there is none */
    uint32_t flags;           /* the host's bits */
    int function;             /* the engine's number */
};

struct script_library_host {
    void *context;
    /* A function is registered: NULL, or why it cannot be, which is raised in the library. */
    const char *(*add)(void *context, const struct script_function *function);
    uint32_t (*flag)(struct bytes name); /* its bit, or 0: there is no such flag */
    void (*log)(void *context, enum script_log_level level, struct bytes text);
    uint64_t limit_ns; /* 0: it may take its time */
};

/* `code` begins where lines are to be counted from. false: `error` says why. pre: nothing runs in
 * the engine. */
MUST_CHECK bool script_load_library(struct script_engine *engine, struct bytes code,
                                    const struct script_library_host *host, struct buffer *error);

#endif
