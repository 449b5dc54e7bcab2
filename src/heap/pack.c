/* Packing: the blocks of a span that is partly filled go to its front, and its empty pages back to
 * the system. What draining cannot give back, for there is no other span to drain into, is mostly
 * in such spans: one of 2 MiB may hold a single block. */
#include "heap/inside.h"
#include "heap/mover.h"

#include <string.h>

enum {
    PACK_BLOCKS = 32,
    PACK_BYTES = 64 * 1024, /* copied between two looks at the clock */
    WORTH_BYTES = 32 * 1024,
    ROWS_BETWEEN_LOOKS = 1024, /* at the clock, where nothing is worth it: some 5 us */
};

static bool is_free(const uint64_t *map, uint32_t cell)
{
    return (map[cell / 64] >> (cell % 64) & 1) != 0;
}

static void set_free(uint64_t *map, uint32_t cell, bool free)
{
    uint64_t bit = (uint64_t)1 << (cell % 64);
    map[cell / 64] = free ? map[cell / 64] | bit : map[cell / 64] & ~bit;
}

/* What the span would need if its blocks stood at its front. */
static uint32_t packed_bytes(const struct span *span, const struct size_class *class)
{
    return page_up(class->first_at + (uint64_t)span->live * class->cell_bytes);
}

static bool is_worth_it(const struct heap *heap, const struct span *span)
{
    if (span->state != SPAN_CURRENT && span->state != SPAN_LISTED)
        return false;
    return span->touched_bytes >= packed_bytes(span, class_of_span(heap, span)) + WORTH_BYTES;
}

struct packing {
    struct heap *heap;
    struct span *span;
    const struct size_class *class;
    uint64_t *map;
    uint32_t low, high; /* free cells are looked for from low on, blocks below high */
    struct heap_move moves[PACK_BLOCKS];
    uint32_t from[PACK_BLOCKS], to[PACK_BLOCKS];
    size_t count, bytes;
};

static uint8_t *cell_at(const struct packing *packing, uint32_t cell)
{
    return span_start(packing->heap, packing->span) + packing->class->first_at +
           (uint64_t)cell * packing->class->cell_bytes;
}

/* The lowest free cell below the highest block; false: it is packed. */
static bool next_pair(struct packing *packing)
{
    while (packing->high > 0 && is_free(packing->map, packing->high - 1))
        packing->high--;
    while (packing->low < packing->high && !is_free(packing->map, packing->low))
        packing->low++;
    return packing->low + 1 < packing->high;
}

static void fill(struct packing *packing)
{
    size_t cell_bytes = packing->class->cell_bytes;
    packing->count = packing->bytes = 0;
    while (packing->count < PACK_BLOCKS && packing->bytes < PACK_BYTES && next_pair(packing)) {
        uint32_t from = --packing->high, to = packing->low++;
        set_free(packing->map, to, false);
        packing->from[packing->count] = from;
        packing->to[packing->count] = to;
        packing->moves[packing->count++] = (struct heap_move){ .from = cell_at(packing, from),
                                                               .to = cell_at(packing, to),
                                                               .bytes = cell_bytes };
        packing->bytes += cell_bytes;
    }
}

static void copy(const struct packing *packing)
{
    for (size_t at = 0; at < packing->count; at++) {
        const struct heap_move *move = &packing->moves[at];
        unpoison(move->from, move->bytes);
        unpoison(move->to, move->bytes);
        memcpy(move->to, move->from, move->bytes);
    }
}

/* Whichever copy is dead is free. False: a block could not be moved. */
static bool settle(struct packing *packing)
{
    bool all = true;
    for (size_t at = 0; at < packing->count; at++) {
        const struct heap_move *move = &packing->moves[at];
        uint32_t dead = move->done ? packing->from[at] : packing->to[at];
        set_free(packing->map, dead, true);
        poison(cell_at(packing, dead), move->bytes);
        packing->heap->moved_blocks += move->done;
        packing->heap->moved_bytes += move->done ? move->bytes : 0;
        packing->heap->missed_blocks += !move->done;
        all = all && move->done;
    }
    packing->span->hint = 0;
    return all;
}

static void trim(struct heap *heap, struct span *span, uint32_t cells)
{
    const struct size_class *class = class_of_span(heap, span);
    uint32_t bytes = page_up(class->first_at + (uint64_t)cells * class->cell_bytes);
    if (bytes >= span->touched_bytes)
        return;
    uint32_t less = span->touched_bytes - bytes;
    heap->seam->pages_return(heap->seam->context, span_start(heap, span) + bytes, less);
    heap->returned_bytes += less;
    heap->active -= less;
    span->touched_bytes = bytes;
}

/* True: it is packed, as far as can be. */
static bool pack_some(struct heap *heap, const struct heap_mover *mover, struct span *span)
{
    struct packing packing = { .heap = heap, .span = span, .class = class_of_span(heap, span) };
    packing.map = map_of(heap, span, packing.class);
    packing.high = packing.class->capacity;
    fill(&packing);
    copy(&packing);
    if (packing.count > 0)
        mover->repoint(mover->context, span->kind, packing.moves, packing.count);
    bool all = settle(&packing);
    packing.low = 0;
    packing.high = packing.class->capacity;
    if (all && next_pair(&packing))
        return false;
    trim(heap, span, packing.high);
    return true;
}

bool heap_pack_step(struct heap *heap, const struct heap_mover *mover, uint32_t *row,
                    uint64_t deadline_ns)
{
    for (; *row < heap->chunks * CHUNK_UNITS; ++*row) {
        struct span *span = &heap->spans[*row];
        if (!is_worth_it(heap, span)) {
            if (*row % ROWS_BETWEEN_LOOKS == ROWS_BETWEEN_LOOKS - 1 &&
                seam_now_ns(heap->seam) >= deadline_ns) {
                ++*row;
                return true;
            }
            continue;
        }
        bool packed = false;
        while (!packed) {
            packed = pack_some(heap, mover, span);
            if (seam_now_ns(heap->seam) >= deadline_ns) {
                *row += packed;
                return true;
            }
        }
    }
    *row = 0;
    return false;
}
