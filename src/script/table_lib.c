/* Functions of the table and math libraries that are not as LuaJIT has them. */
#include "script/inside.h"

#include <math.h>

/* --- table ------------------------------------------------------------------------------------ */

static int table_insert(lua_State *L)
{
    struct script_engine *engine = script_engine_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (script_is_protected(L, 1))
        return script_refuse_change(L);
    lua_Integer behind = (lua_Integer)lua_objlen(L, 1) + 1;
    if (lua_gettop(L) == 2) {
        lua_rawseti(L, 1, (int)behind);
        return 0;
    }
    if (lua_gettop(L) != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    lua_Integer at = luaL_checkint(L, 2);
    if (at > behind)
        behind = at;
    for (lua_Integer i = behind; i > at; i--) {
        script_tick(L, engine);
        lua_rawgeti(L, 1, (int)i - 1);
        lua_rawseti(L, 1, (int)i);
    }
    lua_rawseti(L, 1, (int)at);
    return 0;
}

/* What table.sort compares by when the script gives nothing, so that it can be ended. */
static int less(lua_State *L)
{
    script_tick(L, script_engine_of(L));
    lua_pushboolean(L, lua_lessthan(L, 1, 2));
    return 1;
}

/* The first upvalue is LuaJIT's sort, the second `less`. */
static int table_sort(lua_State *L)
{
    struct script_engine *engine = script_engine_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, lua_isnil(L, 2) ? lua_upvalueindex(2) : 2);
    script_deeper(L, engine);
    lua_call(L, 2, 0);
    script_shallower(engine);
    return 0;
}

static int table_setn(lua_State *L)
{
    return luaL_error(L, "'setn' is obsolete");
}

void script_add_table(lua_State *L)
{
    lua_getfield(L, -1, "sort");
    lua_pushcfunction(L, less);
    lua_pushcclosure(L, table_sort, 2);
    lua_setfield(L, -2, "sort");
    lua_pushcfunction(L, table_insert);
    lua_setfield(L, -2, "insert");
    lua_pushcfunction(L, table_setn);
    lua_setfield(L, -2, "setn");
}

/* --- math ------------------------------------------------------------------------------------- */

/* The generator of POSIX's lrand48: the same numbers on every machine, which scripts that write may
 * rely on. */
static uint32_t draw(struct script_engine *engine)
{
    const uint64_t mask = (UINT64_C(1) << 48) - 1;
    engine->random = (engine->random * UINT64_C(0x5DEECE66D) + 0xB) & mask;
    return (uint32_t)(engine->random >> 17);
}

static int math_random(lua_State *L)
{
    const double most = 2147483647;
    double share = fmod(draw(script_engine_of(L)), most) / most;
    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, share);
        return 1;
    case 1: {
        int upper = luaL_checkint(L, 1);
        luaL_argcheck(L, upper >= 1, 1, "interval is empty");
        lua_pushnumber(L, floor(share * upper) + 1);
        return 1;
    }
    case 2: {
        int lower = luaL_checkint(L, 1), upper = luaL_checkint(L, 2);
        luaL_argcheck(L, lower <= upper, 2, "interval is empty");
        lua_pushnumber(L, floor(share * ((double)upper - lower + 1)) + lower);
        return 1;
    }
    default:
        return luaL_error(L, "wrong number of arguments");
    }
}

static int math_randomseed(lua_State *L)
{
    uint32_t seed = (uint32_t)luaL_checkint(L, 1);
    script_engine_of(L)->random = ((uint64_t)seed << 16) | 0x330E;
    return 0;
}

void script_add_math(lua_State *L)
{
    lua_pushcfunction(L, math_random);
    lua_setfield(L, -2, "random");
    lua_pushcfunction(L, math_randomseed);
    lua_setfield(L, -2, "randomseed");
    lua_getfield(L, -1, "fmod");
    lua_setfield(L, -2, "mod");
}
