/* Functions of the base library and of coroutines that are not as LuaJIT has them: they keep the
 * sandbox closed (next, pairs, rawset, load), count how deep C is in Lua (pcall, resume), or answer
 * as Redis's do (pcall). */
#include "script/inside.h"

#include "base/bytes.h"

#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* Puts the real table in the place of one that shows it; that never leaves C. */
static void look_behind(lua_State *L, int at)
{
    if (!script_is_protected(L, at))
        return;
    (void)lua_getmetatable(L, at);
    lua_getfield(L, -1, "__index");
    lua_replace(L, at);
    lua_pop(L, 1);
}

static int base_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    look_behind(L, 1);
    if (lua_next(L, 1) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

/* The first upvalue is LuaJIT's own next, which its loops know; the second is ours. */
static int base_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(script_is_protected(L, 1) ? 2 : 1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static void refuse_protected(lua_State *L, int at)
{
    if (!script_is_protected(L, at))
        return;
    lua_pushliteral(L, "Attempt to modify a readonly table");
    lua_error(L);
}

static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    refuse_protected(L, 1);
    lua_rawset(L, 1);
    return 1;
}

static int base_rawget(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    look_behind(L, 1);
    lua_rawget(L, 1);
    return 1;
}

static int base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
    lua_settop(L, 2);
    refuse_protected(L, 1);
    if (luaL_getmetafield(L, 1, "__metatable"))
        return luaL_error(L, "cannot change a protected metatable");
    lua_setmetatable(L, 1);
    return 1;
}

/* --- catching errors -------------------------------------------------------------------------- */

/* What caught an error is as deep as it was. */
static int call_caught(lua_State *L, int arguments, int handler)
{
    struct script_engine *engine = script_engine_of(L);
    uint32_t depth = engine->depth;
    script_deeper(L, engine);
    int error = lua_pcall(L, arguments, LUA_MULTRET, handler);
    engine->depth = depth;
    return error;
}

/* An error of a command is a table to redis.pcall, and its text to pcall. */
static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    if (call_caught(L, lua_gettop(L) - 1, 0) == 0) {
        lua_pushboolean(L, 1);
        lua_insert(L, 1);
        return lua_gettop(L);
    }
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "err");
        lua_rawget(L, -2);
        if (lua_isstring(L, -1))
            lua_replace(L, -2);
        else
            lua_pop(L, 1);
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* The handler of a script runs before the stack is unwound: behind the hook that ends the script no
 * hook is called, and nothing would end the handler. */
static int handle(lua_State *L)
{
    lua_settop(L, 1);
    if (script_engine_of(L)->killed)
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_insert(L, 1);
    lua_pushboolean(L, call_caught(L, 0, 1) == 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* Text only: what LuaJIT makes of hostile bytecode is not defined. */
static int load_text(lua_State *L, struct bytes code, const char *name)
{
    if (luaL_loadbufferx(L, (const char *)code.at, code.count, name, "t") == 0)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int base_loadstring(lua_State *L)
{
    size_t count;
    const char *code = luaL_checklstring(L, 1, &count);
    return load_text(L, bytes_of(code, count), luaL_optstring(L, 2, code));
}

/* Pieces come from a function until it says nil or an empty text. */
static int base_load(lua_State *L)
{
    struct script_engine *engine = script_engine_of(L);
    const char *name = luaL_optstring(L, 2, "=(load)");
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    script_deeper(L, engine);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (;;) {
        script_tick(L, engine);
        lua_pushvalue(L, 1);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1) || (lua_isstring(L, -1) && lua_objlen(L, -1) == 0))
            break;
        if (!lua_isstring(L, -1))
            return luaL_error(L, "reader function must return a string");
        luaL_addvalue(&text);
    }
    lua_pop(L, 1);
    luaL_pushresult(&text);
    script_shallower(engine);
    size_t count;
    const char *code = lua_tolstring(L, -1, &count);
    return load_text(L, bytes_of(code, count), name);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Counting and collecting; the pace is not the script's business. */
static int base_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");
    if (strcmp(what, "count") == 0) {
        lua_pushnumber(L, (double)script_engine_of(L)->held / 1024);
        return 1;
    }
    if (strcmp(what, "collect") == 0 || strcmp(what, "step") == 0)
        lua_gc(L, LUA_GCCOLLECT, 0);
    lua_pushinteger(L, 0);
    return 1;
}

static int base_gcinfo(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)(script_engine_of(L)->held / 1024));
    return 1;
}

void script_add_base(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "rawset", base_rawset },
        { "rawget", base_rawget },
        { "setmetatable", base_setmetatable },
        { "pcall", base_pcall },
        { "xpcall", base_xpcall },
        { "loadstring", base_loadstring },
        { "load", base_load },
        { "collectgarbage", base_collectgarbage },
        { "gcinfo", base_gcinfo },
        { "next", base_next },
        { NULL, NULL },
    };
    luaL_register(L, NULL, functions);
    lua_getglobal(L, "next");
    lua_getfield(L, -2, "next");
    lua_pushcclosure(L, base_pairs, 2);
    lua_setfield(L, -2, "pairs");
}

/* --- coroutines ------------------------------------------------------------------------------- */

/* Moves `arguments` values to the coroutine and what it answers back; its error is on the stack
 * when it says -1. */
static int resume(lua_State *L, lua_State *routine, int arguments)
{
    struct script_engine *engine = script_engine_of(L);
    bool fresh = lua_status(routine) == 0 && lua_gettop(routine) > 0;
    if (routine == L || (!fresh && lua_status(routine) != LUA_YIELD)) {
        lua_pushliteral(L, "cannot resume dead coroutine");
        return -1;
    }
    if (!lua_checkstack(routine, arguments))
        return luaL_error(L, "too many arguments to resume");
    lua_xmove(L, routine, arguments);
    uint32_t depth = engine->depth;
    script_deeper(L, engine);
    int status = lua_resume(routine, arguments);
    engine->depth = depth;
    if (status != 0 && status != LUA_YIELD) {
        lua_xmove(routine, L, 1);
        return -1;
    }
    int results = lua_gettop(routine);
    if (!lua_checkstack(L, results + 1))
        return luaL_error(L, "too many results to resume");
    lua_xmove(routine, L, results);
    return results;
}

static int coroutine_resume(lua_State *L)
{
    lua_State *routine = lua_tothread(L, 1);
    luaL_argcheck(L, routine != NULL, 1, "coroutine expected");
    int results = resume(L, routine, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    if (results < 0)
        results = 1;
    lua_insert(L, -results - 1);
    return results + 1;
}

static int resume_wrapped(lua_State *L)
{
    lua_State *routine = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, routine, lua_gettop(L));
    if (results >= 0)
        return results;
    if (lua_isstring(L, -1)) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* The first upvalue is coroutine.create. */
static int coroutine_wrap(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    lua_pushcclosure(L, resume_wrapped, 1);
    return 1;
}

void script_add_coroutine(lua_State *L)
{
    lua_pushcfunction(L, coroutine_resume);
    lua_setfield(L, -2, "resume");
    lua_getfield(L, -1, "create");
    lua_pushcclosure(L, coroutine_wrap, 1);
    lua_setfield(L, -2, "wrap");
}
