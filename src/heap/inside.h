/* heap/inside.h - the heap's own structs, for the files of heap/ alone.
 * Model:
 *   one reservation:  | span chunks of 2 MiB -> ...free... <- run slots | tables |
 *                     chunks are cut upwards, each for one span order, slots taken downwards
 *   span table:       one row for each 64 KiB from the bottom, the first row of a span speaks
 *   run table:        one row for each 128 KiB from the top, the last row of a slot speaks: that of
 *                     its lowest address, where the run begins
 *   lane:             the spans of one size class and kind: one current, from which cells are
 *                     taken; sixteen lists by occupancy; full spans stand in no list. Where blocks
 *                     have tags and spans are many there is a current one for each band of tags,
 *                     and those are in a ring
 * Owner:    struct heap owns all of it.
 * Pointers: rows of the span table never move.
 * Threads:  one.
 * Failure:  see heap.h.
 * Cost:     64 bytes of table for each span of 64 KiB. */
#ifndef HEAP_INSIDE_H
#define HEAP_INSIDE_H

#include "base/poison.h"
#include "heap/classes.h"
#include "heap/heap.h"

enum {
    CHUNK_SHIFT = 21,
    CHUNK_BYTES = 1 << CHUNK_SHIFT,
    CHUNK_UNITS = CHUNK_BYTES / HEAP_SPAN_BYTES,
    PAGE_BYTES = 4096,
    BINS = HEAP_OCCUPANCY_BINS,
    RUN_SHIFT = 17, /* the smallest slot of a run, and the unit of the run table */
    RUN_ORDERS = 24,
    NO_SPAN = 0, /* row 0 is never used: reference 0 must not be a block */
};

enum span_state {
    SPAN_UNUSED = 0, /* in no list: never cut, or the inside of a larger span */
    SPAN_FREE,       /* in a list of free spans, with or without memory */
    SPAN_CURRENT,
    SPAN_LISTED, /* in the bin of its occupancy */
    SPAN_FULL,
    SPAN_DRAINING, /* the mover empties it: nothing is taken from it */
    SPAN_PINNED,   /* a block in it could not be moved; serves gives only, until it is empty */
    SPAN_DYING,    /* no victim, as all its blocks are at the end of their time; listed */
    SPAN_STATES,
};

struct span {
    uint32_t next, prev; /* rows, in the list of the state */
    uint64_t map;        /* a bit for each free cell, when there are at most 64 */
    uint64_t tag;        /* no block in it has a smaller one */
    uint64_t until;      /* or a greater one */
    uint32_t live;
    uint32_t touched_bytes; /* whole pages from the start that hold memory */
    uint16_t size_class;
    uint16_t hint; /* no map word before it has a free cell */
    uint8_t kind, state, order, bin;
    uint32_t seen_live; /* when the ring was last looked over */
    uint8_t unused[8];
};
_Static_assert(sizeof(struct span) == 64, "a row is a cache line");

struct lane {
    struct span *current;    /* NULL: none, or divided into bands */
    uint32_t bins[BINS + 1]; /* first row of each list, NO_SPAN; the last are the dying ones */
    uint32_t nonempty;       /* bit for each bin */
    uint32_t spans;          /* in any state */
    uint32_t pinned;         /* or dying */
    uint64_t pinned_free;    /* free cells of those, which are no room for the mover */
    uint64_t live;
    uint32_t *bands; /* BANDS rows: where the band took last, a hint; NULL: undivided */
    uint32_t open;   /* a row of the ring of current spans, NO_SPAN */
    uint32_t open_count;
};

struct run {             /* a row for each slot unit */
    uint64_t bytes;      /* asked for; 0: free, or on the way to be */
    uint32_t next;       /* in the list of free slots, or of those with surplus pages; row + 1 */
    uint32_t held_pages; /* from its start that hold memory: those of the run, then the surplus */
    uint32_t cuts;       /* bit k: the kernel's mapping may change at 1 << (RUN_SHIFT + k) */
    uint8_t kind, order;
    bool queued; /* in the list of those with surplus pages, which go back in steps */
};
_Static_assert(sizeof(struct run) == 24, "runs are many where values are big");

struct free_list {
    uint32_t first, last; /* FIFO for test builds, LIFO otherwise */
    uint32_t count;
};

struct drain {
    uint32_t span; /* the victim, NO_SPAN */
    uint32_t cell; /* where to go on: a block that was missed is not asked for again */
    bool missed;   /* a block of it could not be moved */
};

/* Each grows with what it describes. */
enum heap_table { TABLE_SPANS, TABLE_ORDERS, TABLE_TAGS, TABLE_RUNS, TABLES };

struct heap {
    uint8_t *base;
    const struct seam *seam;
    struct size_classes classes;
    const char *const *kind_names;
    unsigned kinds;

    struct span *spans;   /* the table */
    uint8_t *chunk_order; /* by chunk */
    uint64_t *chunk_tag;  /* no span of the chunk has a smaller tag */
    uint32_t chunks;
    struct lane *lanes;                          /* kind * classes.count + class */
    struct free_list clean[SPAN_ORDER_MAX + 1];  /* without memory */
    struct free_list cached[SPAN_ORDER_MAX + 1]; /* with memory */
    uint64_t cached_bytes, cached_low;           /* now, and least since the last look */
    uint64_t cached_target;                      /* more than this is surplus */
    uint64_t cached_looked_ns;

    uint8_t *end;      /* of blocks: the first slot of a run ends here */
    uint8_t *run_base; /* where the last slot begins: runs are above, cells below */
    struct run *runs;
    uint32_t run_rows;             /* in use; each 1 << RUN_SHIFT bytes */
    uint32_t run_free[RUN_ORDERS]; /* row + 1 */
    uint32_t run_cuts;             /* of all slots */
    bool run_freed;                /* a slot, since free ones were last joined */
    uint64_t run_tag;              /* no run has a smaller tag */
    uint64_t run_tag_recent;       /* the least told since a sweep over the runs began */
    uint64_t present;              /* tags up to here have passed; 0: nobody told */
    uint64_t bands_looked;         /* the present when bands_tidy began its last round */
    unsigned bands_lane;           /* where that round is */
    bool crowded;                  /* cells and runs have changed places: mappings are unknown */
    uint32_t returning;            /* row + 1 of the first run with surplus pages */
    uint64_t returning_bytes;      /* all surplus */

    struct drain drain;
    struct lane *move_lane;  /* where the last victim came from; NULL: choose one */
    unsigned move_lane_stay; /* victims more from it, before all lanes are compared again */
    uint32_t move_all_row;   /* heap_move_all's place */

    uint64_t refused_take; /* test builds: 1 + the takes until one is refused; 0: none is */
    bool refuses_always;

    uint64_t allocated, active, blocks; /* cells and runs */
    uint64_t run_count, run_bytes, run_slack;
    uint64_t run_bytes_of[HEAP_KINDS_MAX], run_slack_of[HEAP_KINDS_MAX]; /* the same by kind */
    uint64_t moved_blocks, moved_bytes, missed_blocks, drained_spans, returned_bytes;
    uint8_t *tables[TABLES];
    uint64_t tables_committed[TABLES];
    uint64_t reserve_bytes; /* with the tables */
};

static inline uint32_t page_up(uint64_t bytes)
{
    return (uint32_t)((bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1));
}

/* It is no victim, and its free cells are none to move to. */
static inline bool is_left_alone(const struct span *span)
{
    return span->state >= SPAN_PINNED;
}

static inline bool holds_blocks(const struct span *span)
{
    return span->state >= SPAN_CURRENT;
}

static inline void run_tag_lower(struct heap *heap, uint64_t tag)
{
    heap->run_tag = tag < heap->run_tag ? tag : heap->run_tag;
    heap->run_tag_recent = tag < heap->run_tag_recent ? tag : heap->run_tag_recent;
}

static inline uint32_t row_of(const struct heap *heap, const struct span *span)
{
    return (uint32_t)(span - heap->spans);
}

static inline uint8_t *span_start(const struct heap *heap, const struct span *span)
{
    return heap->base + ((uint64_t)row_of(heap, span) << SPAN_SHIFT);
}

static inline bool is_run(const struct heap *heap, const void *block)
{
    return (const uint8_t *)block >= heap->run_base;
}

/* The span that holds a block of a cell. */
static inline struct span *span_of(const struct heap *heap, const void *block)
{
    uint64_t offset = (uint64_t)((const uint8_t *)block - heap->base);
    unsigned order = heap->chunk_order[offset >> CHUNK_SHIFT];
    return &heap->spans[(offset >> SPAN_SHIFT) & ~(uint64_t)((1u << order) - 1)];
}

static inline const struct size_class *class_of_span(const struct heap *heap,
                                                     const struct span *span)
{
    return &heap->classes.of[span->size_class];
}

static inline struct lane *lane_of(const struct heap *heap, const struct span *span)
{
    return &heap->lanes[span->kind * heap->classes.count + span->size_class];
}

static inline uint64_t *map_of(const struct heap *heap, struct span *span,
                               const struct size_class *class)
{
    return class->capacity > MAP_INLINE_OVER ? (uint64_t *)(void *)span_start(heap, span)
                                             : &span->map;
}

/* pages.c: spans from chunks, and back. */
MUST_CHECK bool pages_init(struct heap *heap, uint64_t reserve_bytes);
void pages_release(struct heap *heap);
MUST_CHECK struct span *pages_take_span(struct heap *heap, unsigned order);
void pages_give_span(struct heap *heap, struct span *span);
/* Where address space is short: gives chunks at the end that hold no block back to the runs. */
void pages_drop_chunks(struct heap *heap);
/* Makes the first `bytes` of a table usable. */
MUST_CHECK bool pages_reach_table(struct heap *heap, enum heap_table table, uint64_t bytes);

/* lane.c: cells of spans. */
MUST_CHECK void *lane_take(struct heap *heap, unsigned kind, unsigned size_class, uint64_t tag);
/* A cell for a block of `victim`: of a new span only where no other has room. */
MUST_CHECK void *lane_take_for(struct heap *heap, const struct span *victim);
MUST_CHECK struct span *lane_new_span(struct heap *heap, struct lane *lane, unsigned kind,
                                      unsigned size_class);
void lane_give(struct heap *heap, struct span *span, const void *block);
void lane_unlist(struct heap *heap, struct span *span); /* out of its bin */
void lane_relist(struct heap *heap, struct span *span); /* to where its occupancy puts it */
void lane_drop_span(struct heap *heap, struct span *span);
/* It is left alone from now on; and no more. */
void lane_pin(struct heap *heap, struct span *span, enum span_state state);
void lane_unpin(struct heap *heap, struct span *span);
/* Spans that its free cells could replace, those aside that are being filled. */
static inline uint64_t lane_spare_spans(const struct lane *lane, const struct size_class *class)
{
    uint64_t cells = (uint64_t)lane->spans * class->capacity;
    uint64_t spare = (cells - lane->live - lane->pinned_free) / class->capacity;
    return spare > lane->open_count ? spare - lane->open_count : 0;
}

/* bands.c: which span a block with a tag comes to stand in. */
struct taking {
    unsigned kind, size_class;
    uint64_t tag;
    bool moves; /* a block that has a place: no new span where there is room */
};
/* True when the lane has bands from now on. */
bool bands_begin(struct heap *heap, struct lane *lane, uint64_t tag);
/* The current span of the tag's band; NULL: no memory. pre: the lane has bands. */
MUST_CHECK struct span *bands_span(struct heap *heap, struct lane *lane,
                                   const struct taking *taking);
/* Out of the ring; the state is the caller's to set. */
void bands_close(struct heap *heap, struct lane *lane, struct span *span);
/* True when the span will be empty soon by itself, and the lane can afford to wait. */
bool bands_dies(const struct heap *heap, const struct lane *lane, const struct span *span);
/* Spans of the ring from which nothing was taken for long go back to the lists. */
void bands_tidy(struct heap *heap);
void bands_drop(struct lane *lane);

/* run.c: blocks over HEAP_CELL_MAX. */
MUST_CHECK void *run_take(struct heap *heap, size_t bytes, unsigned kind);
void run_give(struct heap *heap, void *block);
MUST_CHECK void *run_resize(struct heap *heap, void *block, size_t bytes, unsigned kind);
/* Gives some surplus pages of the first run in that list back, `most` bytes of them. */
void run_return_piece(struct heap *heap, uint64_t most);
/* Where address space is short: joins free slots, gives the last ones back to who cuts spans. */
void run_join_slots(struct heap *heap);
static inline struct run *run_of(const struct heap *heap, const void *block)
{
    return &heap->runs[((uint64_t)(heap->end - (const uint8_t *)block) >> RUN_SHIFT) - 1];
}
static inline uint8_t *run_start(const struct heap *heap, const struct run *run)
{
    return heap->end - ((uint64_t)(run - heap->runs + 1) << RUN_SHIFT);
}
static inline uint64_t run_pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

#endif
