#include "observe/heap_picture.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <string.h>

enum { ROWS_A_LOOK = 256 }; /* between two looks at the clock: some 5 us */

struct block {
    _Atomic uint32_t changed; /* the sweep in which a word changed last */
    _Atomic uint32_t words[PICTURE_BLOCK_ROWS];
};

/* Blocks stand in shelves, made when the first of their blocks is. */
enum { SHELF_BLOCKS = 512, SHELVES_MAX = PICTURE_BLOCKS_MAX / SHELF_BLOCKS };
struct shelf {
    _Atomic(struct block *) blocks[SHELF_BLOCKS];
};

/* What a sweep adds up for each lane. */
struct occupancy {
    uint32_t by[HEAP_OCCUPANCY_BINS];
    uint32_t draining;
};

struct heap_picture {
    const struct seam *seam;
    _Atomic uint32_t rows, sweep;
    uint32_t row;     /* where the sweep goes on */
    uint32_t reached; /* no row from here on has a word */
    struct occupancy *counting, *counted;
    uint64_t bytes; /* of memory for all this */
    _Atomic(struct shelf *) shelves[SHELVES_MAX];
};

/* A share in 0 to `most`; something is never nothing, and not all is never all. */
static uint32_t share(uint64_t part, uint64_t whole, uint32_t most)
{
    if (part == 0 || whole == 0)
        return 0;
    if (part >= whole)
        return most;
    uint64_t value = (part * most + whole / 2) / whole;
    return value == 0 ? 1 : value >= most ? most - 1 : (uint32_t)value;
}

uint32_t picture_word(const struct heap_span_figures *span)
{
    static const enum picture_state states[] = {
        [HEAP_SPAN_FREE] = PICTURE_FREE,         [HEAP_SPAN_CURRENT] = PICTURE_CURRENT,
        [HEAP_SPAN_LISTED] = PICTURE_PARTLY,     [HEAP_SPAN_FULL] = PICTURE_FULL,
        [HEAP_SPAN_DRAINING] = PICTURE_DRAINING, [HEAP_SPAN_PINNED] = PICTURE_PINNED,
    };
    uint32_t state = states[span->state];
    if (state == PICTURE_FREE && span->held_bytes > 0)
        state = PICTURE_CACHED;
    uint64_t span_bytes = (uint64_t)HEAP_SPAN_BYTES << span->order;
    return share(span->live, span->capacity, 255) | span->size_class << 8 | span->kind << 17 |
           span->order << 20 | state << 23 | share(span->held_bytes, span_bytes, 63) << 26;
}

struct heap_picture *heap_picture_new(const struct seam *seam)
{
    struct heap_picture *picture = memory_take_zeroed(sizeof *picture);
    if (picture == NULL)
        return NULL;
    picture->seam = seam;
    picture->bytes = sizeof *picture;
    atomic_store_explicit(&picture->sweep, 1, memory_order_relaxed);
    return picture;
}

void heap_picture_drop(struct heap_picture *picture)
{
    if (picture == NULL)
        return;
    for (uint32_t at = 0; at < SHELVES_MAX; at++) {
        struct shelf *shelf = atomic_load_explicit(&picture->shelves[at], memory_order_relaxed);
        for (uint32_t block = 0; shelf != NULL && block < SHELF_BLOCKS; block++)
            memory_give(atomic_load_explicit(&shelf->blocks[block], memory_order_relaxed));
        memory_give(shelf);
    }
    memory_give(picture->counting);
    memory_give(picture->counted);
    memory_give(picture);
}

/* --- the executing thread --------------------------------------------------------------------- */

static struct shelf *shelf_for(struct heap_picture *picture, uint32_t block)
{
    _Atomic(struct shelf *) *place = &picture->shelves[block / SHELF_BLOCKS];
    struct shelf *shelf = atomic_load_explicit(place, memory_order_relaxed);
    if (shelf == NULL) {
        shelf = memory_take_zeroed(sizeof *shelf);
        picture->bytes += shelf == NULL ? 0 : sizeof *shelf;
        atomic_store_explicit(place, shelf, memory_order_release);
    }
    return shelf;
}

static struct block *block_for(struct heap_picture *picture, uint32_t row)
{
    uint32_t number = row / PICTURE_BLOCK_ROWS;
    struct shelf *shelf = shelf_for(picture, number);
    if (shelf == NULL)
        return NULL;
    _Atomic(struct block *) *place = &shelf->blocks[number % SHELF_BLOCKS];
    struct block *block = atomic_load_explicit(place, memory_order_relaxed);
    if (block == NULL) {
        block = memory_take_zeroed(sizeof *block);
        picture->bytes += block == NULL ? 0 : sizeof *block;
        atomic_store_explicit(place, block, memory_order_release);
    }
    return block;
}

static void put_word(struct heap_picture *picture, uint32_t row, uint32_t word)
{
    struct block *block = block_for(picture, row);
    if (block == NULL)
        return;
    _Atomic uint32_t *place = &block->words[row % PICTURE_BLOCK_ROWS];
    if (atomic_load_explicit(place, memory_order_relaxed) == word)
        return;
    atomic_store_explicit(place, word, memory_order_relaxed);
    /* Behind the word: who sees the number sees the word. */
    uint32_t sweep = atomic_load_explicit(&picture->sweep, memory_order_relaxed);
    atomic_store_explicit(&block->changed, sweep, memory_order_release);
}

static void count(struct heap_picture *picture, const struct heap *heap,
                  const struct heap_span_figures *span)
{
    if (span->state == HEAP_SPAN_FREE || picture->counting == NULL)
        return;
    struct occupancy *lane = &picture->counting[span->kind * heap_classes(heap) + span->size_class];
    uint32_t bin = (uint32_t)((uint64_t)span->live * HEAP_OCCUPANCY_BINS / span->capacity);
    lane->by[bin < HEAP_OCCUPANCY_BINS ? bin : HEAP_OCCUPANCY_BINS - 1]++;
    lane->draining += span->state == HEAP_SPAN_DRAINING;
}

static void look_at(struct heap_picture *picture, const struct heap *heap, uint32_t row)
{
    struct heap_span_figures span;
    uint32_t word = 0;
    if (row < heap_span_rows(heap) && heap_span_at(heap, row, &span)) {
        word = picture_word(&span);
        count(picture, heap, &span);
    }
    put_word(picture, row, word);
}

/* Without memory for them there are no counts. */
static void begin_counting(struct heap_picture *picture, const struct heap *heap)
{
    uint32_t lanes = heap_kinds(heap) * heap_classes(heap);
    if (picture->counting == NULL) {
        picture->counting = memory_take(lanes * sizeof *picture->counting);
        picture->bytes += picture->counting == NULL ? 0 : lanes * sizeof *picture->counting;
    }
    if (picture->counting == NULL)
        return;
    memset(picture->counting, 0, lanes * sizeof *picture->counting);
}

static void end_sweep(struct heap_picture *picture, uint32_t rows)
{
    struct occupancy *counted = picture->counted;
    picture->counted = picture->counting;
    picture->counting = counted;
    picture->row = 0;
    picture->reached = rows; /* what is gone has been wiped */
    atomic_store_explicit(&picture->rows, rows, memory_order_release);
    atomic_fetch_add_explicit(&picture->sweep, 1, memory_order_release);
}

bool heap_picture_step(struct heap_picture *picture, const struct heap *heap, uint64_t deadline_ns)
{
    uint32_t now = heap_span_rows(heap);
    now = now < PICTURE_ROWS_MAX ? now : PICTURE_ROWS_MAX;
    picture->reached = now > picture->reached ? now : picture->reached;
    uint32_t rows = picture->reached;
    if (picture->row == 0)
        begin_counting(picture, heap);
    do {
        uint32_t end = rows - picture->row < ROWS_A_LOOK ? rows : picture->row + ROWS_A_LOOK;
        for (; picture->row < end; picture->row++)
            look_at(picture, heap, picture->row);
        if (picture->row >= rows) {
            end_sweep(picture, now);
            return true;
        }
    } while (seam_now_ns(picture->seam) < deadline_ns);
    return false;
}

bool heap_picture_lane(const struct heap_picture *picture, const struct heap *heap, unsigned kind,
                       unsigned size_class, struct heap_lane_figures *figures)
{
    bool any = heap_lane(heap, kind, size_class, figures);
    if (picture->counted == NULL || !any)
        return any;
    const struct occupancy *counted = &picture->counted[kind * heap_classes(heap) + size_class];
    memcpy(figures->by_occupancy, counted->by, sizeof figures->by_occupancy);
    figures->draining = counted->draining;
    figures->move_bytes = heap_lane_move_bytes(figures);
    return any;
}

uint64_t heap_picture_bytes(const struct heap_picture *picture)
{
    return picture->bytes;
}

/* --- any thread ------------------------------------------------------------------------------- */

uint32_t heap_picture_rows(const struct heap_picture *picture)
{
    return atomic_load_explicit(&picture->rows, memory_order_acquire);
}

uint32_t heap_picture_sweep(const struct heap_picture *picture)
{
    return atomic_load_explicit(&picture->sweep, memory_order_acquire);
}

static const struct block *find(const struct heap_picture *picture, uint32_t block)
{
    const struct shelf *shelf =
        atomic_load_explicit(&picture->shelves[block / SHELF_BLOCKS], memory_order_acquire);
    if (shelf == NULL)
        return NULL;
    return atomic_load_explicit(&shelf->blocks[block % SHELF_BLOCKS], memory_order_acquire);
}

bool heap_picture_changed(const struct heap_picture *picture, uint32_t block, uint32_t since)
{
    const struct block *at = find(picture, block);
    return at != NULL && atomic_load_explicit(&at->changed, memory_order_acquire) >= since;
}

void heap_picture_copy(const struct heap_picture *picture, uint32_t block,
                       uint32_t words[PICTURE_BLOCK_ROWS])
{
    const struct block *from = find(picture, block);
    for (uint32_t at = 0; at < PICTURE_BLOCK_ROWS; at++)
        words[at] = from == NULL ? 0 : atomic_load_explicit(&from->words[at], memory_order_relaxed);
}
