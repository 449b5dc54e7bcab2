/* JSON of any bytes: what is read is written, and that reads as something written the same. */
#include "base/bytes.h"
#include "base/memory.h"
#include "script/libs.h"

#include <lauxlib.h>
#include <luajit.h>

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

/* Each block on its own, so that reading past one is seen. */
static void *resize(void *context, void *at, size_t before, size_t bytes)
{
    (void)context;
    (void)before;
    if (bytes != 0)
        return memory_resize(at, bytes);
    memory_give(at);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct bytes input = bytes_of(at, count);
    lua_State *lua = lua_newstate(resize, NULL);
    ENSURE(lua != NULL);
    luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    ENSURE(lua_cpcall(lua, run, &input) == 0);
    lua_close(lua);
    return 0;
}
