/* The library bit is LuaJIT's own, which does as that of Redis, but for one function. */
#include "script/libs.h"

#include "base/bytes.h"

#include <lauxlib.h>
#include <lualib.h>

/* The argument as 32 bits, rounded as all numbers of the library; its own function does it. */
static int32_t bits_of(lua_State *L, int index)
{
    luaL_checknumber(L, index);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    int32_t bits = (int32_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
    return bits;
}

/* At most eight digits, in capitals when their number is negative. LuaJIT's has sixteen. */
static int bit_tohex(lua_State *L)
{
    static const char small[] = "0123456789abcdef", large[] = "0123456789ABCDEF";
    enum { DIGITS_MAX = 8 };
    uint32_t bits = (uint32_t)bits_of(L, 1);
    int64_t wanted = lua_isnone(L, 2) ? DIGITS_MAX : bits_of(L, 2);
    const char *digits = wanted < 0 ? large : small;
    int64_t positive = wanted < 0 ? -wanted : wanted;
    size_t count = positive < DIGITS_MAX ? (size_t)positive : DIGITS_MAX;
    char text[DIGITS_MAX];
    for (size_t i = 0; i < count; i++) {
        text[count - 1 - i] = digits[bits & 15u];
        bits >>= 4u;
    }
    lua_pushlstring(L, text, count);
    return 1;
}

void script_open_bit(lua_State *L)
{
    luaL_checkstack(L, 3, "no room for a library");
    lua_pushcfunction(L, luaopen_bit);
    lua_pushliteral(L, "bit");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "tobit");
    lua_pushcclosure(L, bit_tohex, 1);
    lua_setfield(L, -2, "tohex");
    /* Opening it has made the global, too, which is for the sandbox to make. */
    lua_pushnil(L);
    lua_setglobal(L, "bit");
}
