#include "script/library.h"

#include "script/inside.h"

/* The library that is being loaded: the host of its run leads here. */
struct loading {
    const struct script_library_host *host;
    struct bytes code;
    bool compiled;
};

/* --- as the engine sees it -------------------------------------------------------------------- */

/* Only asked past the limit. */
static bool must_end(void *context)
{
    (void)context;
    return true;
}

static void log_line(void *context, enum script_log_level level, struct bytes text)
{
    const struct loading *loading = context;
    loading->host->log(loading->host->context, level, text);
}

/* NULL: none is being loaded. A library may keep register_function and call it any time. */
static struct loading *loading_of(lua_State *L)
{
    const struct script_run *run = script_engine_of(L)->run;
    return run != NULL && run->host->must_end == must_end ? run->host->context : NULL;
}

/* --- redis.register_function ------------------------------------------------------------------ */

/* Where its arguments stand on the stack, by the order in which they are taken. */
enum { AT_NAME = 2, AT_CALLBACK, AT_DESCRIPTION, AT_FLAGS, AT_LAST = AT_FLAGS };

static void refuse(lua_State *L, const char *why)
{
    script_push_error(L, bytes_of_text(why));
    lua_error(L);
}

static struct bytes text_at(lua_State *L, int at)
{
    size_t count;
    const char *text = lua_tolstring(L, at, &count);
    return bytes_of(text, count);
}

static uint32_t read_flags(lua_State *L, const struct loading *loading, int at)
{
    uint32_t flags = 0;
    for (int i = 1;; i++) {
        lua_rawgeti(L, at, i);
        if (lua_isnil(L, -1))
            break;
        uint32_t flag = lua_isstring(L, -1) ? loading->host->flag(text_at(L, -1)) : 0;
        if (flag == 0)
            refuse(L, "unknown flag given");
        flags |= flag;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return flags;
}

/* One named argument: key and value are on the stack, and the value goes to its place. */
static void take_named(lua_State *L, const struct loading *loading)
{
    int type = lua_type(L, -2), at = 0;
    if (type != LUA_TSTRING && type != LUA_TNUMBER)
        refuse(L, "named argument key given to redis.register_function is not a string");
    struct bytes key = type == LUA_TSTRING ? text_at(L, -2) : BYTES("");
    if (bytes_is(key, "function_name")) {
        at = AT_NAME;
        if (!lua_isstring(L, -1))
            refuse(L, "function_name argument given to redis.register_function must be a string");
    } else if (bytes_is(key, "description")) {
        at = AT_DESCRIPTION;
        if (!lua_isstring(L, -1))
            refuse(L, "description argument given to redis.register_function must be a string");
    } else if (bytes_is(key, "callback")) {
        at = AT_CALLBACK;
        if (!lua_isfunction(L, -1))
            refuse(L, "callback argument given to redis.register_function must be a function");
    } else if (bytes_is(key, "flags")) {
        at = AT_FLAGS;
        if (!lua_istable(L, -1))
            refuse(L, "flags argument to redis.register_function must be a table representing "
                      "function flags");
        (void)read_flags(L, loading, lua_gettop(L));
    } else {
        refuse(L, "unknown argument given to redis.register_function");
    }
    lua_replace(L, at);
}

static void read_named(lua_State *L, const struct loading *loading)
{
    if (!lua_istable(L, 1))
        refuse(L, "calling redis.register_function with a single argument is only applicable to "
                  "Lua table (representing named arguments).");
    lua_settop(L, AT_LAST);
    lua_pushnil(L);
    while (lua_next(L, 1) != 0)
        take_named(L, loading);
    if (lua_isnil(L, AT_NAME))
        refuse(L, "redis.register_function must get a function name argument");
    if (lua_isnil(L, AT_CALLBACK))
        refuse(L, "redis.register_function must get a callback argument");
}

static void read_positional(lua_State *L)
{
    if (!lua_isstring(L, 1))
        refuse(L, "first argument to redis.register_function must be a string");
    if (!lua_isfunction(L, 2))
        refuse(L, "second argument to redis.register_function must be a function");
    lua_pushnil(L);
    lua_insert(L, 1);
    lua_settop(L, AT_LAST);
}

static int register_function(lua_State *L)
{
    struct loading *loading = loading_of(L);
    struct script_function function = { .flags = 0 };
    if (loading == NULL)
        refuse(L, "redis.register_function can only be called on FUNCTION LOAD command");
    int count = lua_gettop(L);
    if (count < 1 || count > 2)
        refuse(L, "wrong number of arguments to redis.register_function");
    if (count == 1)
        read_named(L, loading);
    else
        read_positional(L);
    if (!lua_isnil(L, AT_FLAGS))
        function.flags = read_flags(L, loading, AT_FLAGS);
    function.name = text_at(L, AT_NAME);
    if (!lua_isnil(L, AT_DESCRIPTION))
        function.description = text_at(L, AT_DESCRIPTION);
    lua_pushvalue(L, AT_CALLBACK);
    function.function = luaL_ref(L, LUA_REGISTRYINDEX);
    const char *why = loading->host->add(loading->host->context, &function);
    if (why != NULL) {
        luaL_unref(L, LUA_REGISTRYINDEX, function.function);
        refuse(L, why);
    }
    return 0;
}

/* --- what a library sees while it runs -------------------------------------------------------- */

static void set_unknown(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, script_unknown_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

static void push_redis(lua_State *L)
{
    static const char *const taken[] = {
        "log",         "LOG_DEBUG",     "LOG_VERBOSE",      "LOG_NOTICE",
        "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM"
    };
    lua_newtable(L);
    lua_getglobal(L, "redis");
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        lua_getfield(L, -1, taken[i]);
        lua_setfield(L, -3, taken[i]);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, register_function);
    lua_setfield(L, -2, "register_function");
    set_unknown(L);
    script_protect(L);
}

/* A key of the registry, by address. */
static const char globals;

static void push_globals(lua_State *L)
{
    void *key = (void *)(uintptr_t)&globals;
    lua_pushlightuserdata(L, key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    push_redis(L);
    lua_setfield(L, -2, "redis");
    set_unknown(L);
    lua_pushlightuserdata(L, key);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* --- loading ---------------------------------------------------------------------------------- */

/* Functions keep the globals of their chunk: so it is not given others, but those that all have
 * show another table for a while. */
static int load(lua_State *L)
{
    struct loading *loading = lua_touserdata(L, 1);
    const char *code = loading->code.count == 0 ? "" : (const char *)loading->code.at;
    lua_settop(L, 0);
    if (luaL_loadbufferx(L, code, loading->code.count, "@user_function", "t") != 0)
        return lua_error(L);
    loading->compiled = true;
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_getmetatable(L, -1);
    lua_getfield(L, -1, "__index");
    lua_pushvalue(L, 1);
    push_globals(L);
    lua_setfield(L, 3, "__index");
    int failed = lua_pcall(L, 0, 0, 0);
    lua_pushvalue(L, 4);
    lua_setfield(L, 3, "__index");
    return failed != 0 ? lua_error(L) : 0;
}

/* Writes why it failed: the error is on the stack. */
static void explain(lua_State *L, const struct loading *loading, struct buffer *error)
{
    const char *begin =
        loading->compiled ? "Error registering functions: " : "Error compiling function: ";
    const char *code = "";
    struct bytes text = BYTES("unknown error");
    if (script_engine_of(L)->killed) {
        text = BYTES("ERR FUNCTION LOAD timeout");
    } else if (lua_isstring(L, -1)) {
        code = loading->compiled ? "ERR " : "";
        text = text_at(L, -1);
    } else if (lua_istable(L, -1)) {
        lua_pushliteral(L, "err");
        lua_rawget(L, -2);
        if (lua_isstring(L, -1))
            text = text_at(L, -1);
    }
    error->count = 0;
    if (!buffer_append_text(error, begin) || !buffer_append_text(error, code) ||
        !buffer_append(error, text))
        error->count = 0;
}

bool script_load_library(struct script_engine *engine, struct bytes code,
                         const struct script_library_host *host, struct buffer *error)
{
    struct loading loading = { host, code, false };
    const struct script_host run_host = { .context = &loading,
                                          .log = log_line,
                                          .must_end = must_end };
    const struct script_run run = { .host = &run_host,
                                    .name = BYTES("user_function"),
                                    .limit_ns = host->limit_ns };
    script_begin(engine, 0, &run);
    bool loaded = lua_cpcall(engine->L, load, &loading) == 0;
    if (!loaded)
        explain(engine->L, &loading, error);
    script_end(engine);
    return loaded;
}
