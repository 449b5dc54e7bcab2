/* cmd/function_set.h - libraries of functions, by name.
 * Model:    two sorted arrays: libraries, and the functions of all of them; no name is in one
 *           twice. Names of functions are taken in any case, as in Redis; those of libraries not.
 * Owner:    a set owns its libraries, a library its functions. Their numbers in the interpreter are
 *           given back by function_library_drop.
 * Pointers: libraries and functions stay where they are.
 * Threads:  the executing thread.
 * Failure:  false or NULL when memory fails; nothing has changed then.
 * Cost:     O(log n) to find, O(n) to put in and take out. */
#ifndef CMD_FUNCTION_SET_H
#define CMD_FUNCTION_SET_H

#include "script/library.h"

struct function_library;

struct function {
    const struct function_library *library;
    struct bytes name;
    struct bytes description; /* at NULL: none */
    uint32_t flags;           /* enum script_flags */
    int number;               /* the interpreter's */
    size_t held;
};

struct function_library {
    struct bytes name;
    struct bytes source; /* with its first line */
    struct function **functions;
    uint32_t count, capacity;
    size_t held; /* bytes, with its functions */
};

struct function_set {
    struct function_library **libraries;
    struct function **functions;
    uint32_t library_count, library_capacity;
    uint32_t function_count, function_capacity;
};

MUST_CHECK struct function_library *function_library_new(struct bytes name, struct bytes source);
MUST_CHECK bool function_library_add(struct function_library *library,
                                     const struct script_function *function);
bool function_library_has(const struct function_library *library, struct bytes name);
/* Gives its functions back to the interpreter, if there is one. NULL is allowed. */
void function_library_drop(struct function_library *library, struct script_engine *engine);

struct function_library *function_set_library(const struct function_set *set, struct bytes name);
struct function *function_set_find(const struct function_set *set, struct bytes name);
/* A function of the library whose name is in the set already, or NULL. */
const struct function *function_set_clash(const struct function_set *set,
                                          const struct function_library *library);
/* Room for so many more; what is put in then cannot fail. */
MUST_CHECK bool function_set_reserve(struct function_set *set, uint32_t libraries,
                                     uint32_t functions);
/* pre: there is room, and nothing clashes. */
void function_set_put(struct function_set *set, struct function_library *library);
/* The library is the caller's again. pre: it is in the set. */
void function_set_take(struct function_set *set, const struct function_library *library);
/* Drops all; leaves a valid empty set. */
void function_set_release(struct function_set *set, struct script_engine *engine);
uint64_t function_set_bytes(const struct function_set *set);

#endif
