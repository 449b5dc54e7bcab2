/* heap/mover.h - drains sparse spans into fuller ones, a few blocks at a time.
 * Model:    a victim span is emptied block by block; each block is copied, and its owner is asked
 *           to repoint the one reference; an emptied span is memory returned.
 * Owner:    the caller keeps struct heap_mover; the heap keeps the victim's state.
 * Pointers: every address of a block dies here: call at a safe point only.
 * Threads:  the heap's.
 * Failure:  a block whose owner cannot repoint it stays, is counted, and its span is left.
 * Cost:     proportional to the bytes moved; a step ends where the longest of its
 *           batches would not fit any more before its deadline. */
#ifndef HEAP_MOVER_H
#define HEAP_MOVER_H

#include "heap/heap.h"

struct heap_move {
    void *from, *to;
    size_t bytes;
    bool done; /* set by repoint */
};

struct heap_mover {
    /* Repoints the references of `count` blocks of one kind that now live at `to`; the content has
     * been copied, `from` still holds it. Many at once, so that memory latency overlaps. */
    void (*repoint)(void *context, unsigned kind, struct heap_move *moves, size_t count);
    void *context;
};

enum heap_move_outcome {
    HEAP_MOVE_IDLE,    /* no victim is worth it: nothing left to move */
    HEAP_MOVE_STEPPED, /* the deadline came, more remains */
};

/* Moves until the deadline or until nothing is worth moving. */
enum heap_move_outcome heap_move_step(struct heap *heap, const struct heap_mover *mover,
                                      uint64_t deadline_ns);

/* Brings the blocks of each span that is partly filled to its front, and gives its empty pages
 * back, until the deadline. *row starts at 0, and says where to go on. False: the round is over,
 * and *row is 0 again. For who is short of memory: a span that is filled again takes its pages
 * anew. */
MUST_CHECK bool heap_pack_step(struct heap *heap, const struct heap_mover *mover, uint32_t *row,
                               uint64_t deadline_ns);

/* Lets go of a span that is half drained: nothing will be moved for now. */
void heap_move_end(struct heap *heap);

/* Tests: moves up to `blocks_max` live blocks to other places, in turn over the whole heap. */
void heap_move_all(struct heap *heap, const struct heap_mover *mover, uint64_t blocks_max);

#endif
