/* store/relocate.h - the mover for the store's blocks.
 * Model:    an entry carries its key and its database's slot; both lead to the one reference.
 * Owner:    the store.
 * Pointers: every entry's address dies where the mover runs.
 * Threads:  the executing thread.
 * Failure:  a block that is not referred to stays where it is and counts as missed.
 * Cost:     a hash and two cache lines a block, overlapped by sixteen. */
#ifndef STORE_RELOCATE_H
#define STORE_RELOCATE_H

#include "heap/mover.h"
#include "store/store.h"

struct heap_mover store_mover(struct store *store);

#endif
