/* script/libs.h - libraries beyond Lua's own, which scripts of Redis expect.
 * Model:    an opener leaves one table of functions on the stack; the sandbox makes it a global
 *           that cannot be changed. No library keeps state but the settings of cjson.
 * Owner:    the Lua state; what a library needs it takes from the state's memory, so that a limit
 *           on that holds for libraries too.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  a Lua error; openers are called under protection. Functions raise Lua errors for what
 *           they cannot do, bound their nesting, and hold no memory but Lua's across a raise. What
 *           scripts pass is never trusted: lengths found in data allocate nothing.
 * Cost:     once for each state; functions are linear in what they read and write. */
#ifndef SCRIPT_LIBS_H
#define SCRIPT_LIBS_H

#include <lua.h>

void script_open_cjson(lua_State *L);
void script_open_cmsgpack(lua_State *L);
void script_open_struct(lua_State *L);
void script_open_bit(lua_State *L);

struct script_library {
    const char *name; /* of the global */
    void (*open)(lua_State *L);
};
/* Ends with a NULL name. */
extern const struct script_library script_libraries[];

#endif
