/* JSON of any bytes: what is read is written, and that reads as something written the same. */
#include "lua_input.h"
#include "script/libs.h"

#include <lauxlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* Pushes the result of a function of cjson of the value on top, in its place; false on an error. */
static bool call(lua_State *lua, const char *function)
{
    lua_getglobal(lua, "cjson");
    lua_getfield(lua, -1, function);
    lua_pushvalue(lua, -3);
    return lua_pcall(lua, 1, 1, 0) == 0;
}

static int run(lua_State *lua)
{
    const struct bytes *input = lua_touserdata(lua, 1);
    script_open_cjson(lua);
    lua_setglobal(lua, "cjson");
    lua_pushlstring(lua, (const char *)input->at, input->count);
    if (!call(lua, "decode") || !call(lua, "encode"))
        return 0;
    size_t first_count, second_count;
    const char *first = lua_tolstring(lua, -1, &first_count);
    ENSURE(call(lua, "decode") && call(lua, "encode"));
    const char *second = lua_tolstring(lua, -1, &second_count);
    /* The order of fields may differ, their lengths do not, unless fields of one name met. */
    ENSURE(second_count <= first_count);
    ENSURE(first[0] == second[0]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    return lua_input_run(run, at, count);
}
