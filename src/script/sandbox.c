/* What scripts can reach, and that they cannot change it.
 *
 * A protected table is shown through an empty one: reads go through __index to the real table,
 * which no script ever holds, and every write finds no key there and comes to __newindex. Functions
 * that pass over metatables (rawset, next, pairs, table.insert) know such tables by the marker in
 * their metatable. */
#include "script/inside.h"
#include "script/libs.h"

#include <lualib.h>

/* Keys of the registry, by address. */
static const char marker, real_globals;

static void *key_of(const char *of)
{
    return (void *)(uintptr_t)of;
}

int script_refuse_change(lua_State *L)
{
    luaL_where(L, 1);
    lua_pushliteral(L, "Attempt to modify a readonly table");
    lua_concat(L, 2);
    return lua_error(L);
}

static void set_marker(lua_State *L)
{
    lua_pushlightuserdata(L, key_of(&marker));
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
}

bool script_is_protected(lua_State *L, int at)
{
    if (!lua_istable(L, at) || !lua_getmetatable(L, at))
        return false;
    lua_pushlightuserdata(L, key_of(&marker));
    lua_rawget(L, -2);
    bool found = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return found;
}

void script_protect(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, script_refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    set_marker(L);
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* --- globals ---------------------------------------------------------------------------------- */

static void push_globals(lua_State *L)
{
    lua_pushlightuserdata(L, key_of(&real_globals));
    lua_rawget(L, LUA_REGISTRYINDEX);
}

void script_set_global(lua_State *L, const char *name)
{
    push_globals(L);
    lua_insert(L, -2);
    lua_pushstring(L, name);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* A misspelt local is found at once. */
int script_unknown_global(lua_State *L)
{
    lua_settop(L, 2);
    const char *name = lua_isstring(L, 2) ? lua_tostring(L, 2) : "?";
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'", name);
}

static void make_globals(lua_State *L)
{
    lua_pushlightuserdata(L, key_of(&real_globals));
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, script_unknown_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* --- libraries of Lua's own ------------------------------------------------------------------- */

static const char *const base_names[] = { "assert", "error",        "ipairs",   "rawequal",
                                          "select", "tonumber",     "tostring", "type",
                                          "unpack", "getmetatable", "_VERSION", NULL };
static const char *const coroutine_names[] = { "create", "running", "status", "yield", NULL };
static const char *const string_names[] = { "byte", "char",    "format", "len",   "lower",
                                            "rep",  "reverse", "sub",    "upper", NULL };
static const char *const table_names[] = { "concat", "foreach", "foreachi", "getn",
                                           "maxn",   "remove",  "sort",     NULL };
static const char *const math_names[] = { "abs",   "acos", "asin",  "atan", "atan2", "ceil",
                                          "cos",   "cosh", "deg",   "exp",  "floor", "fmod",
                                          "frexp", "huge", "ldexp", "log",  "log10", "max",
                                          "min",   "modf", "pi",    "pow",  "rad",   "sin",
                                          "sinh",  "sqrt", "tan",   "tanh", NULL };

/* Leaves a table with those of the names that `from` (a global of LuaJIT's own; NULL: these
 * themselves) has. */
static void copy_library(lua_State *L, const char *from, const char *const *names)
{
    lua_newtable(L);
    if (from == NULL)
        lua_pushvalue(L, LUA_GLOBALSINDEX);
    else
        lua_getglobal(L, from);
    for (; *names != NULL; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
    lua_pop(L, 1);
}

static void open_library(lua_State *L, const char *name, lua_CFunction open)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

static void open_base(lua_State *L)
{
    push_globals(L);
    copy_library(L, NULL, base_names);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    script_add_base(L);
    lua_pop(L, 1);
}

static void open_coroutine(lua_State *L)
{
    copy_library(L, "coroutine", coroutine_names);
    script_add_coroutine(L);
    script_protect(L);
    script_set_global(L, "coroutine");
}

/* ("x"):rep(3) finds its functions through the metatable that all strings share; who asks for that
 * metatable sees one that cannot be changed. */
static void open_string(lua_State *L)
{
    copy_library(L, "string", string_names);
    script_add_patterns(L);
    script_add_format(L);
    int real = lua_gettop(L);
    lua_pushvalue(L, real);
    script_protect(L);
    int shown = lua_gettop(L);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, shown);
    lua_setfield(L, -2, "__index");
    script_protect(L);
    int shown_metatable = lua_gettop(L);
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, shown_metatable);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_settop(L, shown);
    script_set_global(L, "string");
    lua_settop(L, real - 1);
}

static void open_table(lua_State *L)
{
    copy_library(L, "table", table_names);
    script_add_table(L);
    script_protect(L);
    script_set_global(L, "table");
}

static void open_math(lua_State *L)
{
    copy_library(L, "math", math_names);
    script_add_math(L);
    script_protect(L);
    script_set_global(L, "math");
}

static int os_clock(lua_State *L)
{
    const struct seam *seam = script_engine_of(L)->seam;
    lua_pushnumber(L, (double)seam->cpu_ns(seam->context) / 1e9);
    return 1;
}

static void open_others(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, os_clock);
    lua_setfield(L, -2, "clock");
    script_protect(L);
    script_set_global(L, "os");
    for (const struct script_library *at = script_libraries; at->name != NULL; at++) {
        at->open(L);
        script_protect(L);
        script_set_global(L, at->name);
    }
    script_push_redis(L);
    script_protect(L);
    script_set_global(L, "redis");
}

int script_make_sandbox(lua_State *L)
{
    open_library(L, "", luaopen_base);
    open_library(L, LUA_STRLIBNAME, luaopen_string);
    open_library(L, LUA_TABLIBNAME, luaopen_table);
    open_library(L, LUA_MATHLIBNAME, luaopen_math);
    make_globals(L);
    open_base(L);
    open_coroutine(L);
    open_string(L);
    open_table(L);
    open_math(L);
    open_others(L);
    push_globals(L);
    script_protect(L);
    lua_pushvalue(L, -1);
    script_set_global(L, "_G");
    lua_replace(L, LUA_GLOBALSINDEX);
    return 0;
}
