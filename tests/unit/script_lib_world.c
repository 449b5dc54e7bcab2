#include "script_lib_world.h"

#include "base/memory.h"
#include "harness.h"
#include "script/libs.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>

static void *resize(void *context, void *at, size_t before, size_t bytes)
{
    struct lib_world *world = context;
    if (bytes > before && world->held - before + bytes > world->held_max)
        return NULL;
    if (bytes == 0) {
        memory_give(at);
    } else {
        at = memory_resize(at, bytes);
        if (at == NULL)
            return NULL;
    }
    world->held += bytes - before;
    return bytes == 0 ? NULL : at;
}

static int open_libraries(lua_State *lua)
{
    luaL_openlibs(lua);
    luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    int top = lua_gettop(lua);
    for (const struct script_library *library = script_libraries; library->name != NULL;
         library++) {
        library->open(lua);
        CHECK_EQ(lua_gettop(lua), top + 1);
        CHECK(lua_istable(lua, -1));
        lua_setglobal(lua, library->name);
    }
    return 0;
}

void lib_world_open(struct lib_world *world, size_t held_max)
{
    *world = (struct lib_world){ .held_max = held_max };
    world->lua = lua_newstate(resize, world);
    CHECK(world->lua != NULL);
    CHECK_EQ(lua_cpcall(world->lua, open_libraries, NULL), 0);
}

void lib_world_close(struct lib_world *world)
{
    lua_close(world->lua);
    CHECK_EQ(world->held, 0);
}

void lib_world_run(struct lib_world *world, const char *chunk, uint64_t number, struct bytes bytes)
{
    lua_State *lua = world->lua;
    int failed = luaL_loadstring(lua, chunk);
    if (failed == 0) {
        lua_pushnumber(lua, (double)number);
        lua_pushlstring(lua, (const char *)bytes.at, bytes.count);
        failed = lua_pcall(lua, 2, 1, 0);
    }
    const char *text = lua_tostring(lua, -1);
    CHECKF(failed == 0 && lua_isboolean(lua, -1) && lua_toboolean(lua, -1), "%s",
           text != NULL ? text : "the chunk did not return true");
    lua_settop(lua, 0);
}

/* Leaves the value, or the error behind a '!', as text on top of the stack. */
static void evaluate(lua_State *lua, const char *expression)
{
    char chunk[1024];
    int count =
        snprintf(chunk, sizeof(chunk), "local value = %s return tostring(value)", expression);
    CHECK(count > 0 && (size_t)count < sizeof(chunk));
    if (luaL_loadbuffer(lua, chunk, (size_t)count, "=row") == 0 && lua_pcall(lua, 0, 1, 0) == 0)
        return;
    const char *error = lua_tostring(lua, -1);
    const char *text = strncmp(error, "row:1: ", 7) == 0 ? error + 7 : error;
    lua_pushfstring(lua, "!%s", text);
}

void lib_world_rows(const struct lib_row *rows)
{
    struct lib_world world;
    lib_world_open(&world, 64u << 20u);
    for (const struct lib_row *row = rows; row->expression != NULL; row++) {
        evaluate(world.lua, row->expression);
        const char *found = lua_tostring(world.lua, -1);
        CHECKF(strcmp(found, row->wanted) == 0, "%s\n  is      %s\n  and not %s", row->expression,
               found, row->wanted);
        lua_settop(world.lua, 0);
    }
    lib_world_close(&world);
}

void lib_world_chunk(const char *chunk)
{
    struct lib_world world;
    lib_world_open(&world, 64u << 20u);
    lib_world_run(&world, chunk, test_seed() % 1000000007, bytes_of(NULL, 0));
    lib_world_close(&world);
}
