/* persist/leftover.h - what processes that were killed have left of files they were writing.
 * Model:    a file that is not whole yet has a temporary name: temp-N.rdb, by the process N (those
 *           of Redis too, and its temp-rewriteaof-N.aof), or a prefix of the log's. What belongs to
 *           a process that is there, or is locked by somebody, stays.
 * Owner:    nobody: files.
 * Pointers: none kept.
 * Threads:  the executing thread, before it writes any such file itself.
 * Failure:  what cannot be looked at or removed stays.
 * Cost:     one pass over the directory, and 64 files at most. */
#ifndef PERSIST_LEFTOVER_H
#define PERSIST_LEFTOVER_H

#include "base/seam.h"

struct leftovers {
    const struct seam *seam;
    const char *directory;
    const char *prefix; /* of the log's own; NULL: none are here */
    void (*removed)(void *context, const char *name);
    void *context;
};
void leftovers_remove(const struct leftovers *leftovers);

#endif
