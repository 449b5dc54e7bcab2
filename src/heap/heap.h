/* heap/heap.h - memory for values, in blocks that can be moved.
 * Model:    a block has a size class and a kind (who owns such blocks, and so who can find the one
 *           reference to it). Blocks up to HEAP_CELL_MAX are cells of spans; larger ones are runs
 *           of pages, which grow, shrink and never need moving.
 * Owner:    the heap owns pages; a block has exactly one owner, who holds one reference.
 * Pointers: an address holds until the next safe point (between two commands), where the mover may
 *           run; a run's address holds until it is resized. A reference is the address in 40 bits.
 * Threads:  one heap, one thread; nothing here locks.
 * Failure:  NULL when the system refuses pages; nothing has changed then.
 * Cost:     take and give O(1), no system call but for every 64 KiB; runs one system call. */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include "base/err.h"
#include "base/seam.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HEAP_KINDS_MAX = 8,
    HEAP_CELL_MAX = 64 * 1024,
    HEAP_SPAN_BYTES = 64 * 1024, /* the smallest span */
};

struct heap;

struct heap_options {
    const char *const *kind_names; /* one for each kind, static */
    unsigned kinds;
    uint64_t reserve_bytes; /* address space; 0: as much as 40-bit references reach */
};

MUST_CHECK struct heap *heap_new(const struct seam *seam, const struct heap_options *options);
void heap_drop(struct heap *heap); /* gives everything back, live blocks too */

/* A block of at least `bytes`, uninitialised, aligned to 8. pre: bytes > 0. */
MUST_CHECK void *heap_take(struct heap *heap, size_t bytes, unsigned kind);
void heap_give(struct heap *heap, void *block);

/* The same for a block that is expected to be given at a known time, the tag (see there): it comes
 * to stand with others that go about then, so that they leave whole spans and not holes. What that
 * costs in holes meanwhile is bounded: a lane with too many fills them before it takes a span. */
MUST_CHECK void *heap_take_near(struct heap *heap, size_t bytes, unsigned kind, uint64_t tag);
/* True when a block with this tag would stand better in another place, which there is. */
bool heap_is_misplaced(const struct heap *heap, const void *block, uint64_t tag);

/* The block with room for `bytes`, its first min(old, new) bytes kept; the address may change.
 * NULL: no memory, the block is as it was. */
MUST_CHECK void *heap_resize(struct heap *heap, void *block, size_t bytes, unsigned kind);

/* True when `bytes` are of the size class that the block has; never true for runs. */
bool heap_fits(const struct heap *heap, const void *block, size_t bytes);
/* Tells that the block now holds `bytes`. pre: heap_fits. */
void heap_refit(struct heap *heap, void *block, size_t bytes);

/* True when the block's span is one that could be spared, and another block of its class would come
 * from a fuller one: whoever owns the block may take another for it. Never true for runs. */
bool heap_is_sparse(const struct heap *heap, const void *block);

/* What the block can hold, and what a block of `bytes` would be able to hold. */
size_t heap_block_bytes(const struct heap *heap, const void *block);
size_t heap_round_up(const struct heap *heap, size_t bytes);
unsigned heap_block_kind(const struct heap *heap, const void *block);

/* References: 40 bits, never 0 for a block. */
uint8_t *heap_base(const struct heap *heap);
static inline uint64_t heap_ref(uint8_t *base, const void *block)
{
    return (uint64_t)((const uint8_t *)block - base) >> 3;
}
static inline void *heap_at(uint8_t *base, uint64_t ref)
{
    return base + (ref << 3);
}

/* Tags: times in ms at which blocks are expected to go. A span keeps the smallest that its blocks'
 * owner told, UINT64_MAX in a new span, and the greatest. The mover keeps both when blocks change
 * spans. All runs together have one, the smallest. */
uint64_t heap_tag(const struct heap *heap, const void *block);
uint64_t heap_tag_most(const struct heap *heap, const void *block); /* UINT64_MAX for runs */
void heap_tag_lower(struct heap *heap, const void *block, uint64_t tag);
void heap_tag_raise(struct heap *heap, const void *block, uint64_t tag);
/* What time it is by the clock of the tags. Until it is told, blocks stand anywhere. */
void heap_set_present(struct heap *heap, uint64_t present);

/* Work that waits for a quiet moment: pages of dropped runs and surplus free spans go back to the
 * system, until `deadline_ns` of the seam's clock. True when there is nothing left to do now. */
bool heap_tidy_step(struct heap *heap, uint64_t deadline_ns);
/* The same at once and without keeping a reserve (MEMORY PURGE). Returns the bytes given back. */
uint64_t heap_purge(struct heap *heap);

/* What is held and holds no block goes back to the system: at least `bytes` of it, or all, or until
 * the deadline. For who is short of memory: the reserve too. Returns the bytes given back. */
uint64_t heap_give_back(struct heap *heap, uint64_t bytes, uint64_t deadline_ns);

/* Shows every block of the next span of a kind, for who samples; changes nothing. `*row` starts at
 * 0 and goes round. False: there is none, or none near enough for one call. visit may neither give
 * nor take blocks. */
bool heap_look(struct heap *heap, uint32_t *row, unsigned kind,
               void (*visit)(void *context, void *block), void *context);
/* The same for blocks with a tag, in runs too, and passing quickly over what has none. `place`
 * starts as zero. */
struct heap_place {
    uint32_t span, run;
    bool in_runs;
    bool shown; /* something, since the round began */
};
enum heap_looked {
    HEAP_LOOKED_SHOWN,
    HEAP_LOOKED_ON,   /* nothing in as many steps as were allowed */
    HEAP_LOOKED_NONE, /* nothing in a whole round, which ends here */
};
enum heap_looked heap_look_tagged(struct heap *heap, struct heap_place *place, unsigned kind,
                                  unsigned steps, void (*visit)(void *context, void *block),
                                  void *context);
/* Of the next spans of these kinds (a bit for each), the one that holds least for its pages: its
 * row in *row, where the search goes on. False: there is none, or none near enough for one call. */
bool heap_sparsest(const struct heap *heap, uint32_t *row, unsigned kinds);
/* Shows every block of the span in this row, if there is one of these kinds. */
void heap_show(struct heap *heap, uint32_t row, unsigned kinds,
               void (*visit)(void *context, void *block), void *context);

/* The row of the span that the block is in; 0: it is a run. */
uint32_t heap_row(const struct heap *heap, const void *block);

/* Walks the blocks of one kind where the tag says that it is worth it: all spans, then all runs. A
 * cursor starts all zero; it stays usable whatever happens between two calls. False when the round
 * is over (cursor rewinds); a call looks at one span at the most.
 * `visit` is called for each block of the next span whose tag is <= tag_max, and lowers *tag to
 * that of each block that stays. It may give the block, and take none. When it says false the step
 * ends: the next one begins that span anew, so that costly work may be spread over steps. One kind
 * only can be swept where runs have tags. */
struct heap_sweep {
    uint32_t span;    /* where to go on */
    uint32_t run;     /* row + 1; 0: not among the runs */
    uint64_t run_tag; /* of the runs seen */
};

bool heap_sweep_step(struct heap *heap, struct heap_sweep *sweep, unsigned kind, uint64_t tag_max,
                     bool (*visit)(void *context, void *block, uint64_t *tag), void *context);

/* Exact figures, kept as it goes; bytes. */
struct heap_figures {
    uint64_t allocated;  /* cells and runs in use, as rounded */
    uint64_t active;     /* spans that hold a live cell, and runs, whole pages */
    uint64_t free_spans; /* kept for reuse, with memory */
    uint64_t committed;  /* active + free_spans + own tables: what the heap holds of the system */
    uint64_t tables;     /* span table */
    uint64_t blocks;     /* live */
    uint64_t runs, run_bytes;
    uint64_t run_slack; /* pages of runs past what was asked for */
    uint64_t moved_blocks, moved_bytes, missed_blocks, drained_spans, returned_bytes;
};
void heap_figures(const struct heap *heap, struct heap_figures *figures);
/* Runs of one kind: their pages, and what of these is past what was asked for. */
struct heap_run_figures {
    uint64_t bytes, slack;
};
void heap_run_figures(const struct heap *heap, unsigned kind, struct heap_run_figures *figures);
void heap_reset_counters(struct heap *heap); /* those of the mover */
/* What moving could give back now: free cells that fill whole spans. */
uint64_t heap_reclaimable(const struct heap *heap);

/* One size class of one kind, for MEMORY MAP. */
enum { HEAP_OCCUPANCY_BINS = 16 };
struct heap_lane_figures {
    uint32_t cell_bytes, cells_per_span, span_bytes;
    uint32_t spans, draining;
    uint64_t live, free_cells;
    uint32_t by_occupancy[HEAP_OCCUPANCY_BINS]; /* spans less than 1/16 full, 2/16, ... full */
    uint64_t reclaimable;                       /* bytes */
    uint64_t move_bytes;                        /* to be copied for it, an estimate */
};
unsigned heap_classes(const struct heap *heap);
unsigned heap_kinds(const struct heap *heap);
const char *heap_kind_name(const struct heap *heap, unsigned kind);
/* Every lane at once: `figures` has heap_kinds() * heap_classes() places, by kind, then by class;
 * a lane without spans has spans == 0. Walks the table of spans: about 1 ms for each 4 GB. */
void heap_map(const struct heap *heap, struct heap_lane_figures *figures);

/* What of one lane needs no walk: by_occupancy, draining and move_bytes are 0. False: it has no
 * spans. O(1). */
bool heap_lane(const struct heap *heap, unsigned kind, unsigned size_class,
               struct heap_lane_figures *figures);
/* What is to be copied where spans of one lane are emptied, the emptiest first, from the figures'
 * reclaimable and by_occupancy. */
uint64_t heap_lane_move_bytes(const struct heap_lane_figures *figures);

/* The spans one by one, for who draws them (observe/heap_picture.h): rows of HEAP_SPAN_BYTES from
 * the bottom, of which the first of a span tells of it. */
enum heap_span_state {
    HEAP_SPAN_FREE, /* without memory, or with some that is kept for reuse */
    HEAP_SPAN_CURRENT,
    HEAP_SPAN_LISTED,
    HEAP_SPAN_FULL,
    HEAP_SPAN_DRAINING,
    HEAP_SPAN_PINNED,
};
struct heap_span_figures {
    enum heap_span_state state;
    unsigned kind, size_class, order; /* of a free one only the order means anything */
    uint32_t live, capacity;          /* cells */
    uint32_t held_bytes;              /* of memory */
};
uint32_t heap_span_rows(const struct heap *heap);
/* False: no span begins there. pre: row < heap_span_rows() */
bool heap_span_at(const struct heap *heap, uint32_t row, struct heap_span_figures *figures);

/* Tests: of the blocks asked for from now on, or asked to grow, the one after the next `takes` is
 * refused, and with `always` all behind it; UINT64_MAX: none is. False where the build does not
 * check itself (SNUG_CHECKS): nothing is refused then. */
bool heap_refuse_after(struct heap *heap, uint64_t takes, bool always);

/* The whole heap checked against its invariants; a test build's friend. */
bool heap_valid(const struct heap *heap);

#endif
