/* A script may call a library many times before its own instructions lead to a look at the clock: a
 * call of some length looks itself, so that the script can be ended between two of them. */
#include "harness.h"
#include "script_lib_world.h"

#include <limits.h>

static unsigned looks;

static void count_look(lua_State *lua, lua_Debug *where)
{
    (void)lua;
    (void)where;
    looks++;
}

static unsigned looks_of(struct lib_world *world, const char *chunk)
{
    looks = 0;
    lua_sethook(world->lua, count_look, LUA_MASKCOUNT, INT_MAX);
    lib_world_run(world, chunk, 0, BYTES(""));
    lua_sethook(world->lua, NULL, 0, 0);
    return looks;
}

TEST(libraries_look_in_calls_of_some_length)
{
    static const char *const chunks[] = {
        "pcall(cmsgpack.unpack, ('\\144'):rep(500)) return true",
        "return cmsgpack.unpack(cmsgpack.pack(t))[500] == 7",
        "return #cmsgpack.pack(t) > 500",
        "return #cjson.encode(t) > 500",
        "return #cjson.decode('[' .. ('7,'):rep(499) .. '7]') == 500",
        "return #struct.pack(('b'):rep(500), unpack(t)) == 500",
    };
    struct lib_world world;
    lib_world_open(&world, 64 * 1024 * 1024);
    lib_world_run(&world, "t = {} for i = 1, 500 do t[i] = 7 end return true", 0, BYTES(""));
    for (size_t at = 0; at < sizeof chunks / sizeof *chunks; at++)
        CHECKF(looks_of(&world, chunks[at]) >= 1, "%s", chunks[at]);
    CHECK_EQ(looks_of(&world, "return cjson.encode({1, 2}) == '[1,2]'"), 0);
    lib_world_close(&world);
}
