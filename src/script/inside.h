/* script/inside.h - what the files of script/ share; private to it.
 * Model:    the engine behind a Lua state is found through its allocator's context, so that every
 *           function that Lua calls can reach it.
 * Owner:    engine.c.
 * Pointers: an engine outlives its state.
 * Threads:  the executing thread.
 * Failure:  functions that Lua calls raise errors by longjmp: they hold nothing that must be given
 *           back, but what hangs in the engine.
 * Cost:     as each function says. */
#ifndef SCRIPT_INSIDE_H
#define SCRIPT_INSIDE_H

#include "script/engine.h"

#include <lauxlib.h>
#include <lua.h>

enum {
    SCRIPT_DEPTH_MAX = 190,        /* of C functions that call Lua again: each takes C stack */
    SCRIPT_REPLY_DEPTH_MAX = 1000, /* of tables in an answer; in Redis Lua's stack ends it */
    SCRIPT_HOOK_INSTRUCTIONS = 100000,
    SCRIPT_TICK_WORK = 16384, /* steps of a function in C between looks at the clock */
};

enum { NURSERY_BYTES = 40 * 1024, NURSERY_ALIGN = 16 };

struct script_engine {
    lua_State *L;
    const struct seam *seam;
    uint64_t held, held_max;
    uint64_t collected; /* what was held when the last round of collecting was over */
    unsigned rounds;    /* of collecting that are still wanted */
    uint64_t random;    /* 48 bits: math.random */

    const struct script_run *run; /* NULL: nothing runs */
    int function;                 /* that runs */
    uint64_t began_ns, asked_ns;  /* asked_ns: when the host was asked last */
    bool killed;
    bool told_before; /* the error that the script answered with is one of a command it called */
    uint32_t depth, work;
    uint8_t resp; /* what the script wants replies of commands in: redis.setresp */

    struct reply *answer;      /* being written */
    struct reply inner;        /* a command's reply, until it is read */
    struct reply_pool pool;    /* its chunks */
    struct buffer inner_bytes; /* the same in one piece */
    struct bytes *argv;        /* of the command that is called; and what they point to */
    uint32_t argv_room;
    struct buffer words;
    const char *version;

    size_t nursed; /* of the nursery: what the state began with */
    _Alignas(NURSERY_ALIGN) uint8_t nursery[NURSERY_BYTES];
};

static inline struct script_engine *script_engine_of(lua_State *L)
{
    void *engine;
    (void)lua_getallocf(L, &engine);
    return engine;
}

/* From a C function that takes long: looks at the clock now and then, raises when the script must
 * end. */
void script_look(lua_State *L, struct script_engine *engine);
static inline void script_tick(lua_State *L, struct script_engine *engine)
{
    if (UNLIKELY(++engine->work >= SCRIPT_TICK_WORK))
        script_look(L, engine);
}

/* Around a call of Lua from C: raises when too many are in each other. What catches errors puts the
 * depth back to what it was. */
static inline void script_deeper(lua_State *L, struct script_engine *engine)
{
    if (++engine->depth > SCRIPT_DEPTH_MAX)
        luaL_error(L, "C stack overflow");
}
static inline void script_shallower(struct script_engine *engine)
{
    engine->depth--;
}

/* engine.c: around all that runs in an engine. Only one thing runs at a time. */
void script_begin(struct script_engine *engine, int function, const struct script_run *run);
void script_end(struct script_engine *engine);

/* sandbox.c: makes the globals, under protection. */
int script_make_sandbox(lua_State *L);
/* Sets a global that scripts can read; takes the value from the stack. */
void script_set_global(lua_State *L, const char *name);
/* Replaces the table on the stack by one that shows it and cannot be changed. */
void script_protect(lua_State *L);
/* Whether the value is such a table. */
bool script_is_protected(lua_State *L, int at);
int script_refuse_change(lua_State *L);  /* raises */
int script_unknown_global(lua_State *L); /* __index of globals: raises */

/* base_lib.c, pattern_lib.c, format_lib.c, table_lib.c: each puts its functions into the table on
 * the stack. */
void script_add_base(lua_State *L);
void script_add_coroutine(lua_State *L);
void script_add_patterns(lua_State *L);
void script_add_format(lua_State *L);
void script_add_table(lua_State *L);
void script_add_math(lua_State *L);

/* redis_lib.c: pushes the table `redis`. */
void script_push_redis(lua_State *L);
/* Pushes { err = text }: "-CODE text" keeps its code, other texts get "ERR". */
void script_push_error(lua_State *L, struct bytes text);
/* The same with the mark that the error of a command has; and whether a table has it. */
void script_push_commands_error(lua_State *L, struct bytes text);
bool script_is_commands_error(lua_State *L, int at);

/* from_reply.c: pushes what a whole reply in the protocol's form says. */
void script_push_reply(lua_State *L, struct bytes reply);
/* to_reply.c: writes the value on the top of the stack, which stays. */
void script_write_reply(lua_State *L, struct reply *reply);

#endif
