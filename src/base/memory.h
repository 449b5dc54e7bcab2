/* base/memory.h - memory from the linked malloc, for all that is not a value in the heap.
 * Model:    blocks that know their size; a running total of what is held.
 * Owner:    the caller; every take has one give.
 * Pointers: stable until given or resized.
 * Threads:  the total is atomic; the rest as malloc.
 * Failure:  NULL when there is no memory, or a test said so; a failed resize changes nothing.
 * Cost:     malloc's. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

MUST_CHECK void *memory_take(size_t bytes);
MUST_CHECK void *memory_take_zeroed(size_t bytes);
MUST_CHECK void *memory_resize(void *at, size_t bytes);
void memory_give(void *at); /* NULL is allowed */

/* The bytes that the allocator set aside for a block, at least what was asked for. */
size_t memory_usable(const void *at);

/* Bytes held now, in usable sizes. */
uint64_t memory_held(void);

/* The allocator's own figures; what it cannot tell is what memory_held knows, or 0. */
struct memory_figures {
    uint64_t allocated, active, resident, retained, muzzy;
    /* Free pages that are kept for reuse and hold memory. Where the allocator does not know which
     * of its free memory does, this is all of it, and `spare_is_bound`. */
    uint64_t spare;
    bool spare_is_bound;
};
void memory_figures(struct memory_figures *figures);

/* "jemalloc-5.3.0", "libc-2.36", "tcmalloc-2.10", "mimalloc-2.0". Static text. */
const char *memory_allocator_name(void);

/* Asks the allocator to give free pages back to the system. */
void memory_purge(void);

/* To be called now and then, by any thread: free pages that nobody has wanted for ten seconds go
 * back, a part at each call. Nothing with allocators that see to it themselves. */
void memory_age(void);

/* The allocator's own account as text (MEMORY MALLOC-STATS): calls write for each piece. */
void memory_malloc_stats(void (*write)(void *context, const char *text), void *context);

/* Tests: the nth take from now fails, once (0 is the next one; UINT64_MAX: never). */
void memory_fail_after(uint64_t takes);
/* All takes after that one fail too, until this is taken back. */
void memory_fail_always(bool always);
/* One has failed since memory_fail_after was called. */
bool memory_has_failed(void);

#endif
