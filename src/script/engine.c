#include "script/inside.h"

#include "base/memory.h"

#include <luajit.h>
#include <string.h>

enum { NS_PER_MS = 1000000, COLLECT_LEAST = 128 * 1024 };

/* --- memory ----------------------------------------------------------------------------------- */

/* LuaJIT does not survive a refusal while it makes a state, so what it takes for that has been
 * taken with the engine, and stays until the engine goes. */
static void *from_nursery(struct script_engine *engine, size_t bytes)
{
    size_t room = sizeof engine->nursery - engine->nursed;
    size_t wanted = (bytes + NURSERY_ALIGN - 1) & ~(size_t)(NURSERY_ALIGN - 1);
    if (engine->L != NULL || wanted > room)
        return memory_take(bytes);
    void *at = engine->nursery + engine->nursed;
    engine->nursed += wanted;
    return at;
}

static bool is_nursed(const struct script_engine *engine, const void *at)
{
    uintptr_t place = (uintptr_t)at, first = (uintptr_t)engine->nursery;
    return place >= first && place < first + sizeof engine->nursery;
}

static void *resize(struct script_engine *engine, void *at, size_t old_bytes, size_t bytes)
{
    if (at != NULL && !is_nursed(engine, at))
        return memory_resize(at, bytes);
    void *to = from_nursery(engine, bytes);
    if (to != NULL && at != NULL)
        memcpy(to, at, old_bytes < bytes ? old_bytes : bytes);
    return to;
}

/* What a script asks for over the bound is refused, which Lua raises as "not enough memory". */
static void *allocate(void *context, void *at, size_t old_bytes, size_t bytes)
{
    struct script_engine *engine = context;
    if (bytes == 0) {
        if (at != NULL && !is_nursed(engine, at))
            memory_give(at);
        engine->held -= at == NULL ? 0 : old_bytes;
        return NULL;
    }
    size_t before = at == NULL ? 0 : old_bytes;
    if (bytes > before &&
        (bytes - before > engine->held_max || engine->held > engine->held_max - (bytes - before)))
        return NULL;
    void *to = resize(engine, at, old_bytes, bytes);
    if (to != NULL)
        engine->held = engine->held - before + bytes;
    return to;
}

uint64_t script_memory(const struct script_engine *engine)
{
    return engine->held;
}

void script_set_memory_max(struct script_engine *engine, uint64_t bytes)
{
    engine->held_max = bytes;
}

struct collecting {
    int how;
    bool whole; /* a round is over */
};

static int collect(lua_State *L)
{
    struct collecting *work = lua_touserdata(L, 1);
    work->whole = lua_gc(L, work->how, 0) != 0 || work->how == LUA_GCCOLLECT;
    return 0;
}

/* LuaJIT takes memory to make its table of strings smaller, so collecting may pass the bound, and
 * it may fail. true: a round is over. */
static bool run_collector(struct script_engine *engine, int how)
{
    struct collecting work = { how, false };
    uint64_t most = engine->held_max;
    engine->held_max = UINT64_MAX;
    bool failed = lua_cpcall(engine->L, collect, &work) != 0;
    if (failed)
        lua_settop(engine->L, 0);
    engine->held_max = most;
    return work.whole || failed;
}

/* A round begins when there is noticeably more than the last one left; LuaJIT's own pace, which
 * waits for twice as much, stays for what one script makes. */
bool script_collect(struct script_engine *engine, uint64_t deadline_ns)
{
    if (engine->run != NULL)
        return false;
    uint64_t least = engine->collected + engine->collected / 8 + COLLECT_LEAST;
    if (engine->rounds == 0 && engine->held < least)
        return false;
    if (engine->rounds == 0)
        engine->rounds = 2; /* one may be under way, for which what is now garbage is alive */
    while (engine->rounds > 0 && seam_now_ns(engine->seam) < deadline_ns)
        engine->rounds -= run_collector(engine, LUA_GCSTEP);
    if (engine->rounds == 0)
        engine->collected = engine->held;
    return engine->rounds > 0;
}

/* A script that took all there is leaves it to the next one to be collected. LuaJIT's own buffer
 * gets smaller by half a round, which matters where the bound has been lowered. */
static void make_room(struct script_engine *engine)
{
    enum { ROUNDS_MAX = 8 };
    uint64_t before = UINT64_MAX;
    if (engine->held <= engine->held_max &&
        (engine->held <= engine->collected ||
         engine->held - engine->collected < engine->held_max / 4))
        return;
    for (int i = 0; i < ROUNDS_MAX && engine->held < before; i++) {
        before = engine->held;
        (void)run_collector(engine, LUA_GCCOLLECT);
        if (engine->held <= engine->held_max / 2)
            break;
    }
    engine->rounds = 0;
    engine->collected = engine->held;
}

/* --- time ------------------------------------------------------------------------------------- */

static void on_count(lua_State *L, lua_Debug *where);

/* From now on every instruction raises, so that no pcall holds the script. */
static void end_script(lua_State *L, struct script_engine *engine)
{
    engine->killed = true;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    script_push_error(L, BYTES("Script killed by user with SCRIPT KILL."));
    lua_error(L);
}

void script_look(lua_State *L, struct script_engine *engine)
{
    const struct script_run *run = engine->run;
    engine->work = 0;
    if (run == NULL)
        return;
    if (engine->killed)
        end_script(L, engine);
    uint64_t now = seam_now_ns(engine->seam);
    if (run->limit_ns == 0 || now - engine->began_ns < run->limit_ns ||
        now - engine->asked_ns < NS_PER_MS)
        return;
    engine->asked_ns = now;
    if (run->host->must_end(run->host->context))
        end_script(L, engine);
}

static void on_count(lua_State *L, lua_Debug *where)
{
    (void)where;
    script_look(L, script_engine_of(L));
}

bool script_is_running(const struct script_engine *engine)
{
    return engine->run != NULL;
}

uint64_t script_running_ns(const struct script_engine *engine)
{
    return engine->run == NULL ? 0 : seam_now_ns(engine->seam) - engine->began_ns;
}

/* --- making ----------------------------------------------------------------------------------- */

struct script_engine *script_engine_new(const struct script_settings *settings)
{
    struct script_engine *engine = memory_take_zeroed(sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->seam = settings->seam;
    engine->held_max = settings->memory_max;
    engine->version = settings->version;
    engine->random = 0x330E; /* as srand48(0) leaves it */
    reply_init(&engine->inner, &engine->pool);
    engine->L = lua_newstate(allocate, engine);
    if (engine->L == NULL || lua_cpcall(engine->L, script_make_sandbox, NULL) != 0) {
        script_engine_drop(engine);
        return NULL;
    }
    (void)luaJIT_setmode(engine->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    (void)run_collector(engine, LUA_GCCOLLECT);
    engine->collected = engine->held;
    return engine;
}

void script_engine_drop(struct script_engine *engine)
{
    if (engine == NULL)
        return;
    if (engine->L != NULL)
        lua_close(engine->L);
    reply_release(&engine->inner);
    reply_pool_release(&engine->pool);
    buffer_release(&engine->inner_bytes);
    buffer_release(&engine->words);
    memory_give(engine->argv);
    memory_give(engine);
}

/* --- loading ---------------------------------------------------------------------------------- */

struct load {
    struct bytes code;
    const char *name;
    int function;
};

static int load(lua_State *L)
{
    struct load *work = lua_touserdata(L, 1);
    const char *code = work->code.count == 0 ? "" : (const char *)work->code.at;
    if (luaL_loadbufferx(L, code, work->code.count, work->name, "t") != 0)
        return lua_error(L);
    work->function = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* The text of the error on the stack, which goes. */
static void take_error(lua_State *L, struct buffer *error)
{
    size_t count;
    const char *text = lua_tolstring(L, -1, &count);
    if (text == NULL || !buffer_append(error, bytes_of(text, count)))
        error->count = 0;
    lua_pop(L, 1);
}

int script_load(struct script_engine *engine, struct bytes code, const char *name,
                struct buffer *error)
{
    struct load work = { code, name, 0 };
    make_room(engine);
    if (lua_cpcall(engine->L, load, &work) == 0)
        return work.function;
    take_error(engine->L, error);
    return 0;
}

static int forget(lua_State *L)
{
    const int *function = lua_touserdata(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, *function);
    return 0;
}

/* The list of free numbers may take memory: past the bound, and protected where there is none. */
void script_forget(struct script_engine *engine, int function)
{
    uint64_t most = engine->held_max;
    engine->held_max = UINT64_MAX;
    if (lua_cpcall(engine->L, forget, &function) != 0)
        lua_pop(engine->L, 1);
    engine->held_max = most;
}

/* --- running ---------------------------------------------------------------------------------- */

struct job {
    const struct script_run *run;
    struct reply *reply;
    int function;
    bool answered; /* a reply was written, or at least begun */
    bool failed;
};

static void push_list(lua_State *L, const struct bytes *items, uint32_t count)
{
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushlstring(L, (const char *)items[i].at, items[i].count);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* What was raised becomes a table with its text: "ERR " before what has no code. */
static void wrap_error(lua_State *L)
{
    if (lua_istable(L, 1))
        return;
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "ERR ");
    if (lua_isstring(L, 1))
        lua_pushvalue(L, 1);
    else if (lua_isboolean(L, 1))
        lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
    else
        lua_pushstring(L, luaL_typename(L, 1));
    lua_concat(L, 2);
    lua_setfield(L, -2, "err");
    lua_replace(L, 1);
}

/* Where Lua stands. A function in C that was called last of all ("return redis.call(...)") took the
 * place of its caller in LuaJIT: then it is taken to be the end of the script. */
static bool find_place(lua_State *L, lua_Debug *where)
{
    for (int level = 1; level <= 2; level++) {
        memset(where, 0, sizeof *where);
        if (lua_getstack(L, level, where) && lua_getinfo(L, "Sl", where) && where->currentline > 0)
            return true;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, script_engine_of(L)->function);
    if (!lua_isfunction(L, -1) || !lua_getinfo(L, ">S", where))
        return false;
    where->currentline = where->lastlinedefined;
    return true;
}

/* The handler of errors: where it was raised is known only before the stack is unwound. */
static int on_error(lua_State *L)
{
    lua_Debug where;
    lua_settop(L, 1);
    wrap_error(L);
    if (script_is_protected(L, 1) || !find_place(L, &where) || where.source == NULL)
        return 1;
    lua_settop(L, 1);
    lua_pushliteral(L, "source");
    lua_pushstring(L, where.source);
    lua_rawset(L, 1);
    lua_pushliteral(L, "line");
    lua_pushinteger(L, where.currentline);
    lua_rawset(L, 1);
    return 1;
}

/* A field of the error on the stack as text, which the table keeps; NULL: there is none. */
static const char *error_field(lua_State *L, int at, const char *name, size_t *count)
{
    lua_pushstring(L, name);
    lua_rawget(L, at);
    const char *text = lua_isstring(L, -1) ? lua_tolstring(L, -1, count) : NULL;
    return text;
}

/* As Redis 7 tells it: the text, the name of the script, and where it failed. */
static void write_error(lua_State *L, const struct script_run *run, struct reply *reply)
{
    int at = lua_gettop(L);
    size_t count = 0, source_count = 0, line_count = 0;
    if (!lua_istable(L, at)) {
        const char *text = lua_isstring(L, at) ? lua_tolstring(L, at, &count) : "execution failure";
        reply_errorf(reply, "ERR Error running script %.*s, %.100s", (int)run->name.count,
                     (const char *)run->name.at, text);
        return;
    }
    script_engine_of(L)->told_before = script_is_commands_error(L, at);
    const char *text = error_field(L, at, "err", &count);
    if (text == NULL)
        text = "ERR unknown error";
    const char *source = error_field(L, at, "source", &source_count);
    const char *line = error_field(L, at, "line", &line_count);
    if (source == NULL || line == NULL)
        reply_errorf(reply, "%s", text);
    else
        reply_errorf(reply, "%s script: %.*s, on %s:%s.", text, (int)run->name.count,
                     (const char *)run->name.at, source, line);
}

/* An answer must not fail for want of memory in the midst of it: the stack may grow beyond what a
 * script may take, and no more is needed. */
static void answer(lua_State *L, struct job *job)
{
    enum { ANSWER_ROOM = 4 * 1024 * 1024 };
    struct script_engine *engine = script_engine_of(L);
    uint64_t most = engine->held_max;
    engine->held_max += ANSWER_ROOM;
    job->answered = true;
    if (job->failed)
        write_error(L, job->run, job->reply);
    else
        script_write_reply(L, job->reply);
    engine->held_max = most;
}

static int run_job(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);
    const struct script_run *run = job->run;
    lua_settop(L, 0);
    lua_pushcfunction(L, on_error);
    lua_rawgeti(L, LUA_REGISTRYINDEX, job->function);
    push_list(L, run->keys, run->key_count);
    if (!run->parameters)
        script_set_global(L, "KEYS");
    push_list(L, run->args, run->arg_count);
    if (!run->parameters)
        script_set_global(L, "ARGV");
    job->failed = lua_pcall(L, run->parameters ? 2 : 0, 1, 1) != 0;
    lua_sethook(L, NULL, 0, 0);
    answer(L, job);
    return 0;
}

bool script_error_is_commands(const struct script_engine *engine)
{
    return engine->told_before;
}

void script_begin(struct script_engine *engine, int function, const struct script_run *run)
{
    ENSURE(engine->run == NULL);
    make_room(engine);
    engine->run = run;
    engine->function = function;
    engine->began_ns = seam_now_ns(engine->seam);
    engine->asked_ns = engine->began_ns;
    engine->killed = engine->told_before = false;
    engine->depth = engine->work = 0;
    engine->resp = 2;
    if (run->limit_ns != 0)
        lua_sethook(engine->L, on_count, LUA_MASKCOUNT, SCRIPT_HOOK_INSTRUCTIONS);
}

/* What a long reply or request took is not kept. */
void script_end(struct script_engine *engine)
{
    enum { KEPT_BYTES = 64 * 1024 };
    lua_sethook(engine->L, NULL, 0, 0);
    lua_settop(engine->L, 0);
    lua_gc(engine->L, LUA_GCRESTART, 0);
    reply_release(&engine->inner);
    if (engine->inner_bytes.capacity > KEPT_BYTES)
        buffer_release(&engine->inner_bytes);
    if (engine->words.capacity > KEPT_BYTES)
        buffer_release(&engine->words);
    engine->run = NULL;
}

enum script_outcome script_run(struct script_engine *engine, int function,
                               const struct script_run *run, struct reply *reply)
{
    struct job job = { .run = run, .reply = reply, .function = function };
    script_begin(engine, function, run);
    int error = lua_cpcall(engine->L, run_job, &job);
    if (error != 0 && !job.answered)
        reply_error(reply, "ERR Error running script, not enough memory");
    bool killed = engine->killed;
    script_end(engine);
    if (killed)
        return SCRIPT_KILLED;
    return job.failed || error != 0 ? SCRIPT_FAILED : SCRIPT_DONE;
}
