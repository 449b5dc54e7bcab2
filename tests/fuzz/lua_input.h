/* tests/fuzz/lua_input.h - an input for a library of scripts, in an interpreter of its own.
 * Model:    `run` is called in it with the input, a struct bytes, as its light userdata.
 * Owner:    the target.
 * Pointers: the input is the fuzzer's.
 * Threads:  one.
 * Failure:  an error that leaves `run` aborts, as without memory for an interpreter.
 * Cost:     an interpreter for each input. */
#ifndef FUZZ_LUA_INPUT_H
#define FUZZ_LUA_INPUT_H

#include "base/bytes.h"
#include "base/memory.h"

#include <lua.h>
#include <luajit.h>

/* Each block on its own, so that reading past one is seen. */
static void *lua_input_resize(void *context, void *at, size_t before, size_t bytes)
{
    (void)context;
    (void)before;
    if (bytes != 0)
        return memory_resize(at, bytes);
    memory_give(at);
    return NULL;
}

static int lua_input_run(lua_CFunction run, const uint8_t *at, size_t count)
{
    struct bytes input = bytes_of(at, count);
    lua_State *lua = lua_newstate(lua_input_resize, NULL);
    ENSURE(lua != NULL);
    luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    ENSURE(lua_cpcall(lua, run, &input) == 0);
    lua_close(lua);
    return 0;
}

#endif
