/* os/title.h - the line that ps and top show for this process.
 * Model:    the kernel reads it from where main's arguments lay, so they are moved away and the
 *           place is written over.
 * Owner:    main, which has argv; the strings moved away stay for the life of the process.
 * Pointers: argv and environ point to copies after title_init.
 * Threads:  before any other thread is started, for title_init; then one.
 * Failure:  false: nothing is changed, and title_set does nothing.
 * Cost:     a copy of the environment. */
#ifndef OS_TITLE_H
#define OS_TITLE_H

#include "base/err.h"

#include <stddef.h>

struct title {
    char *at; /* NULL until there is room */
    size_t bytes;
};

MUST_CHECK bool title_init(struct title *title, int argc, char **argv);
void title_set(struct title *title, const char *text); /* cut to fit */

#endif
