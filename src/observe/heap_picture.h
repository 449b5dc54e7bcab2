/* observe/heap_picture.h - every span of the heap as one word, kept up step by step, read while it
 * changes.
 * Model:    a word for each row of HEAP_SPAN_BYTES, whatever the heap's size; sweeps renew them in
 *           steps that end by the clock. Words stand in blocks, and a block knows in which sweep a
 *           word of it changed last: who has seen an earlier sweep asks for what changed since.
 *
 *             bits  0-7   how full, 255: all cells live; 0: none
 *                   8-16  size class        17-19  kind        20-22  order: HEAP_SPAN_BYTES << it
 *                  23-25  enum picture_state
 *                  26-31  how much of it is held of the system, 63: all
 *
 * Owner:    whoever made it; blocks live until it is dropped.
 * Pointers: none handed out.
 * Threads:  the executing thread steps; any thread reads: each word is whole, neighbours may be of
 *           two moments.
 * Failure:  without memory for a block its rows read as no span.
 * Cost:     4 bytes a row: 1/16,384 of the heap, and 20 ns a row. 100 GB are 1.6 million rows. */
#ifndef OBSERVE_HEAP_PICTURE_H
#define OBSERVE_HEAP_PICTURE_H

#include "base/seam.h"
#include "heap/heap.h"

enum {
    PICTURE_BLOCK_ROWS = 1024,
    PICTURE_ROWS_MAX = 1 << 27, /* as far as references reach: 8 TB */
    PICTURE_BLOCKS_MAX = PICTURE_ROWS_MAX / PICTURE_BLOCK_ROWS,
};

enum picture_state {
    PICTURE_NONE,   /* no span begins here: the inside of a larger one, or nothing at all */
    PICTURE_FREE,   /* a free span without memory */
    PICTURE_CACHED, /* a free span that keeps memory for reuse */
    PICTURE_CURRENT,
    PICTURE_PARTLY,
    PICTURE_FULL,
    PICTURE_DRAINING,
    PICTURE_PINNED,
};

static inline enum picture_state picture_state_of(uint32_t word)
{
    return (enum picture_state)(word >> 23 & 7u);
}
uint32_t picture_word(const struct heap_span_figures *span);

struct heap_picture;
MUST_CHECK struct heap_picture *heap_picture_new(const struct seam *seam);
void heap_picture_drop(struct heap_picture *picture);

/* The executing thread: goes on with the sweep until the deadline; true at the end of one. */
bool heap_picture_step(struct heap_picture *picture, const struct heap *heap, uint64_t deadline_ns);
/* heap_lane, with by_occupancy, draining and move_bytes as of the last whole sweep. */
bool heap_picture_lane(const struct heap_picture *picture, const struct heap *heap, unsigned kind,
                       unsigned size_class, struct heap_lane_figures *figures);
uint64_t heap_picture_bytes(const struct heap_picture *picture); /* that it takes */

/* Any thread. Rows there are; the sweep that runs now, from 1; how many were finished. */
uint32_t heap_picture_rows(const struct heap_picture *picture);
uint32_t heap_picture_sweep(const struct heap_picture *picture);
/* Whether a word of the block changed in sweep `since` or later. */
bool heap_picture_changed(const struct heap_picture *picture, uint32_t block, uint32_t since);
/* Copies the block's rows; those past the end are 0. */
void heap_picture_copy(const struct heap_picture *picture, uint32_t block,
                       uint32_t words[PICTURE_BLOCK_ROWS]);

#endif
