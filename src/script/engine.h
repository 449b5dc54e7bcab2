/* script/engine.h - an interpreter that runs what strangers wrote.
 * Model:    one LuaJIT state with the JIT off, behind a sandbox: the libraries of Redis, text
 *           chunks only, globals and libraries that cannot be changed. Memory comes through a
 *           function of ours that counts it and refuses what is over a bound; a count of
 *           instructions leads to the clock, so that a script that takes too long can be ended
 *           wherever it is. What a script may ask of the server is a struct of functions.
 * Owner:    cmd/ has one for EVAL and one for functions. Loaded functions belong to the engine and
 *           are known by number.
 * Pointers: what is handed in is copied, or read before the call returns.
 * Threads:  the executing thread.
 * Failure:  a text for the client; the engine goes on as before, whatever the script did.
 * Cost:     an empty script about 1 us. Memory is collected in small steps between commands. */
#ifndef SCRIPT_ENGINE_H
#define SCRIPT_ENGINE_H

#include "base/buffer.h"
#include "base/seam.h"
#include "proto/reply.h"

struct script_engine;

enum script_log_level {
    SCRIPT_LOG_DEBUG,
    SCRIPT_LOG_VERBOSE,
    SCRIPT_LOG_NOTICE,
    SCRIPT_LOG_WARNING
};
enum script_repl { SCRIPT_REPL_NONE = 0, SCRIPT_REPL_AOF = 1, SCRIPT_REPL_REPLICA = 2 };

/* The server, as a script sees it. */
struct script_host {
    void *context;
    /* redis.call and pcall: one command, its reply in the protocol that reply->resp says. */
    void (*command)(void *context, struct bytes *argv, uint32_t argc, struct reply *reply);
    /* redis.acl_check_cmd: 1 or 0; -1: there is no such command. */
    int (*may_run)(void *context, struct bytes *argv, uint32_t argc);
    void (*log)(void *context, enum script_log_level level, struct bytes text);
    void (*set_repl)(void *context, unsigned repl);
    /* The script has run longer than its limit; asked again about every ms. true: it must end. */
    bool (*must_end)(void *context);
};

/* What an engine is made with. */
struct script_settings {
    const struct seam *seam;
    uint64_t memory_max; /* bytes of the state */
    const char *version; /* redis.REDIS_VERSION, "7.2.4" */
};

MUST_CHECK struct script_engine *script_engine_new(const struct script_settings *settings);
void script_engine_drop(struct script_engine *engine);

/* Compiles a chunk, text only, without running it; `name` as Lua wants it: "@user_script". 0 and a
 * text in *error ("user_script:1: unexpected symbol near 'x'") when it cannot; else its number. */
MUST_CHECK int script_load(struct script_engine *engine, struct bytes code, const char *name,
                           struct buffer *error);
void script_forget(struct script_engine *engine, int function);

/* One execution. */
struct script_run {
    const struct script_host *host;
    struct bytes name; /* for error texts: the digest of the chunk, or the function's name */
    const struct bytes *keys, *args;
    uint32_t key_count, arg_count;
    bool parameters;   /* keys and arguments are given to the function, instead of KEYS and ARGV */
    uint64_t limit_ns; /* after that the host is asked; 0: never */
};

enum script_outcome { SCRIPT_DONE, SCRIPT_FAILED, SCRIPT_KILLED };

/* Runs a function and writes its answer, or its error, as one reply. pre: nothing runs in this
 * engine. */
enum script_outcome script_run(struct script_engine *engine, int function,
                               const struct script_run *run, struct reply *reply);

/* Whether the error that the last run answered with is one of a command that it called. */
bool script_error_is_commands(const struct script_engine *engine);

/* Whether a script runs, and since when. */
bool script_is_running(const struct script_engine *engine);
uint64_t script_running_ns(const struct script_engine *engine);

/* Memory of the state, in bytes as they were asked for. */
uint64_t script_memory(const struct script_engine *engine);
void script_set_memory_max(struct script_engine *engine, uint64_t bytes);
/* Between commands: collects a little, as long as that is of use and `deadline_ns` is ahead. false:
 * there is nothing to be done now. */
bool script_collect(struct script_engine *engine, uint64_t deadline_ns);

#endif
