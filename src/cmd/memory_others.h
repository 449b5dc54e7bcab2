/* cmd/memory_others.h - what the rooms above observe/ hold of memory: scripts, functions, the log.
 * Model:    a function for struct observer, which cannot look up.
 * Owner:    server/ puts it into the observer.
 * Pointers: `context` is a struct cmd_context, whose parts may be NULL still.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     a load for each library of functions. */
#ifndef CMD_MEMORY_OTHERS_H
#define CMD_MEMORY_OTHERS_H

#include "observe/observer.h"

void memory_count_others(void *context, struct memory_others *others);

#endif
