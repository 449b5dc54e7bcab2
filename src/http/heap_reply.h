/* http/heap_reply.h - /api/heap: the picture of the heap, or what of it has changed.
 * Model:    little-endian. `/api/heap` is all of it, `/api/heap?since=N` the blocks that changed
 *           since the reply whose `sweep` was N; a reader that sees another `start_ms`, or fewer
 *           rows, begins anew with N = 0. What changed in sweep N itself comes once more.
 *
 *             offset  bytes  what
 *                  0      8  "SNUGHEAP"
 *                  8      4  version, 1
 *                 12      4  bytes of this header, 64
 *                 16      8  start_ms: when the server began to draw, in ms since 1970
 *                 24      4  rows: of 64 KiB each, from the bottom of the heap
 *                 28      4  sweep: for the next `since`
 *                 32      4  rows in a block, 1024
 *                 36      4  blocks that follow
 *                 40     24  zero
 *                 64         for each block: 4 bytes its number n, then 1024 words of 4 bytes, of
 *                            rows n * 1024 on. Words: observe/heap_picture.h. A span stands in its
 *                            first row; the other rows of a larger one are 0.
 *
 *           Names of kinds and the cell sizes of classes are in /api/state.json ("heap").
 * Owner:    the reply.
 * Pointers: none.
 * Threads:  the HTTP thread.
 * Failure:  NULL: no memory.
 * Cost:     of memory the list of blocks alone, counted until the reply is sent: words are read as
 *           they are. */
#ifndef HTTP_HEAP_REPLY_H
#define HTTP_HEAP_REPLY_H

#include "observe/published.h"

#include <microhttpd.h>

enum { HEAP_REPLY_HEADER = 64 };

/* A reply without headers yet. `*unsent_bytes` holds what it takes until it is destroyed. */
MUST_CHECK struct MHD_Response *heap_reply(const struct published *published, uint32_t since,
                                           uint64_t *unsent_bytes);

#endif
