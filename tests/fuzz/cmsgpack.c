/* MessagePack of any bytes: what is read is written, and that is read and written again. */
#include "lua_input.h"
#include "script/libs.h"

#include <lauxlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* Calls a function of cmsgpack with all from `from` to the top, in whose place the results come. */
static bool call(lua_State *lua, const char *function, int from)
{
    lua_getglobal(lua, "cmsgpack");
    lua_getfield(lua, -1, function);
    lua_insert(lua, from);
    lua_pop(lua, 1);
    return lua_pcall(lua, lua_gettop(lua) - from, LUA_MULTRET, 0) == 0;
}

/* Tables that lie too deep are packed as nil, which may be an error where it is a key. */
static int run(lua_State *lua)
{
    const struct bytes *input = lua_touserdata(lua, 1);
    script_open_cmsgpack(lua);
    lua_setglobal(lua, "cmsgpack");
    lua_pushlstring(lua, (const char *)input->at, input->count);
    if (!call(lua, "unpack", 2) || lua_gettop(lua) < 2 || !lua_checkstack(lua, 8))
        return 0;
    ENSURE(call(lua, "pack", 2));
    if (!call(lua, "unpack", 2))
        return 0;
    ENSURE(lua_gettop(lua) >= 2 && lua_checkstack(lua, 8));
    ENSURE(call(lua, "pack", 2));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    return lua_input_run(run, at, count);
}
