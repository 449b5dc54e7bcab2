/* os/seam.h - the real outside world, for all who take a struct seam.
 * Model:    each function is the system call of the same name; files and sockets are descriptors.
 * Owner:    server/ fills one at start; it needs no release.
 * Pointers: the context is unused.
 * Threads:  as base/seam.h says.
 * Failure:  filling cannot fail; what the kernel lacks (mremap without unmapping, populating pages)
 *           is answered as not done.
 * Cost:     the system's. */
#ifndef OS_SEAM_H
#define OS_SEAM_H

#include "base/seam.h"

void os_seam_init(struct seam *seam);

#endif
