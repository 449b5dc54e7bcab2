/* tests/unit/script_lib_world.h - a plain interpreter with the libraries of scripts in it.
 * Model:    LuaJIT as it comes, compiling off, in memory that is counted and limited.
 * Owner:    the test.
 * Pointers: none.
 * Threads:  one.
 * Failure:  a chunk that fails, or returns anything but true, fails the test with its error.
 * Cost:     some 100 KB. */
#ifndef TESTS_UNIT_SCRIPT_LIB_WORLD_H
#define TESTS_UNIT_SCRIPT_LIB_WORLD_H

#include "base/bytes.h"

#include <lua.h>

struct lib_world {
    lua_State *lua;
    size_t held;
    size_t held_max;
};

void lib_world_open(struct lib_world *world, size_t held_max);
void lib_world_close(struct lib_world *world);
/* Runs a chunk; its arguments are a number and bytes. It must return true. */
void lib_world_run(struct lib_world *world, const char *chunk, uint64_t number, struct bytes bytes);

struct lib_row {
    const char *expression;
    const char *wanted;
};

/* The value of each expression as text, or its error behind a '!', is what is wanted; all in one
 * interpreter, up to the row that is empty. */
void lib_world_rows(const struct lib_row *rows);
/* A chunk in an interpreter of its own, of 64 MiB, with a number that goes by the seed. */
void lib_world_chunk(const char *chunk);

#endif
