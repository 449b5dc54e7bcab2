/* os/part.h - parts of the program that only some need, each a shared object beside it.
 * Model:    a part is loaded when it is first wanted, and stays. So the libraries that it needs are
 *           no burden to those who do not want it.
 * Owner:    the process.
 * Pointers: what a part shows stays good.
 * Threads:  the executing thread.
 * Failure:  NULL, with the reason.
 * Cost:     loading one takes some milliseconds. */
#ifndef OS_PART_H
#define OS_PART_H

#include "base/err.h"

#include <stddef.h>

/* Stands once in each part: one of another version than the server's is not taken. */
#define PART_OF_SNUG                                                                               \
    extern const char part_version[];                                                              \
    __attribute__((visibility("default"))) const char part_version[] = SNUG_VERSION

/* The address of `symbol` in the part `file`. It lies where the program does, or in ../lib/snug
 * from there, and nowhere else, whatever the environment says. The reason ends with NUL. */
MUST_CHECK const void *part_load(const char *file, const char *symbol, char *reason, size_t bytes);

#endif
