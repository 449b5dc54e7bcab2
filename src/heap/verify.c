/* The heap against its invariants, one question at a time; the answer names none of them: run it in
 * a debugger, or bisect by calling it after every step as the tests do. */
#include "heap/inside.h"

struct tally {
    uint64_t allocated, active, blocks;
    uint64_t spans, current, pinned, pinned_free; /* of all lanes */
    uint64_t cached_bytes, cached_spans;          /* free ones, with memory and all */
    uint64_t runs, run_slack, surplus, cuts;
};

static bool span_valid(const struct heap *heap, struct span *span)
{
    const struct size_class *class = class_of_span(heap, span);
    const uint64_t *map = map_of(heap, span, class);
    uint32_t free_cells = 0;
    for (uint32_t word = 0; word * 64 < class->capacity; word++) {
        if (word < span->hint && map[word] != 0)
            return false;
        if (class->capacity - word * 64 < 64 && map[word] >> (class->capacity - word * 64) != 0)
            return false;
        free_cells += (uint32_t)__builtin_popcountll(map[word]);
    }
    bool state = span->state == SPAN_FULL ? free_cells == 0 : true;
    return state && span->live > 0 && free_cells + span->live == class->capacity &&
           span->touched_bytes <= (uint32_t)HEAP_SPAN_BYTES << span->order &&
           span->order == class->order;
}

static bool lists_valid(const struct heap *heap, const struct lane *lane)
{
    for (unsigned bin = 0; bin <= BINS; bin++) {
        const enum span_state state = bin < BINS ? SPAN_LISTED : SPAN_DYING;
        bool known = (lane->nonempty >> bin & 1) != 0;
        if (bin < BINS ? (lane->bins[bin] != NO_SPAN) != known : known)
            return false;
        uint32_t before = NO_SPAN;
        for (uint32_t row = lane->bins[bin]; row != NO_SPAN; row = heap->spans[row].next) {
            const struct span *span = &heap->spans[row];
            if (span->state != state || span->bin != bin || span->prev != before)
                return false;
            if (lane_of(heap, span) != lane)
                return false;
            before = row;
        }
    }
    if (lane->bands == NULL && lane->open_count > 0)
        return false;
    uint32_t row = lane->open;
    for (uint32_t at = 0; at < lane->open_count; at++, row = heap->spans[row].next) {
        const struct span *span = &heap->spans[row];
        if (span->state != SPAN_CURRENT || lane_of(heap, span) != lane ||
            heap->spans[span->next].prev != row)
            return false;
    }
    return row == lane->open && (lane->current == NULL ||
                                 (lane->current->state == SPAN_CURRENT && lane->open_count == 0));
}

static void add_span(const struct heap *heap, const struct span *span, struct tally *tally)
{
    const struct size_class *class = class_of_span(heap, span);
    tally->allocated += (uint64_t)span->live * class->cell_bytes;
    tally->active += span->touched_bytes;
    tally->blocks += span->live;
    tally->spans++;
    tally->current += span->state == SPAN_CURRENT;
    if (!is_left_alone(span))
        return;
    tally->pinned++;
    tally->pinned_free += class->capacity - span->live;
}

static bool spans_valid(const struct heap *heap, struct tally *tally)
{
    for (uint32_t row = 1; row < heap->chunks * CHUNK_UNITS; row++) {
        struct span *span = &heap->spans[row];
        if (span->state == SPAN_FREE) {
            tally->cached_spans += span->touched_bytes != 0;
            tally->cached_bytes += span->touched_bytes;
        }
        if (span->state < SPAN_CURRENT)
            continue;
        /* A span that was just taken and holds nothing yet cannot be seen from outside. */
        if (!span_valid(heap, span))
            return false;
        if (heap->chunk_tag[row / CHUNK_UNITS] > span->tag)
            return false;
        if (span->tag > span->until && span->tag != UINT64_MAX)
            return false;
        if (span->state == SPAN_DRAINING && heap->drain.span != row)
            return false;
        add_span(heap, span, tally);
    }
    return true;
}

static bool lanes_valid(const struct heap *heap, const struct tally *tally)
{
    uint64_t spans = 0, live = 0, current = 0, pinned = 0, pinned_free = 0;
    for (unsigned at = 0; at < heap->kinds * heap->classes.count; at++) {
        const struct lane *lane = &heap->lanes[at];
        if (!lists_valid(heap, lane))
            return false;
        spans += lane->spans;
        live += lane->live;
        current += lane->open_count + (lane->current != NULL);
        pinned += lane->pinned;
        pinned_free += lane->pinned_free;
    }
    return live == tally->blocks && spans == tally->spans && current == tally->current &&
           pinned == tally->pinned && pinned_free == tally->pinned_free;
}

static bool free_spans_valid(const struct heap *heap, const struct tally *tally)
{
    uint64_t cached = 0;
    for (unsigned order = 0; order <= SPAN_ORDER_MAX; order++) {
        cached += heap->cached[order].count;
        for (uint32_t row = heap->clean[order].first; row != NO_SPAN; row = heap->spans[row].next)
            if (heap->spans[row].state != SPAN_FREE || heap->spans[row].touched_bytes != 0)
                return false;
    }
    return cached == tally->cached_spans && heap->cached_bytes == tally->cached_bytes &&
           heap->cached_low <= heap->cached_bytes;
}

/* Slot by slot, which must leave no row between them. */
static bool add_runs(const struct heap *heap, struct tally *tally)
{
    int64_t row = (int64_t)heap->run_rows - 1;
    while (row >= 0) {
        const struct run *run = &heap->runs[row];
        uint64_t pages = run_pages(run->bytes), held = (uint64_t)run->held_pages * PAGE_BYTES;
        if (run->order >= RUN_ORDERS || held > (uint64_t)1 << (RUN_SHIFT + run->order) ||
            held < pages || (held > pages && !run->queued) || run->cuts >> run->order != 0)
            return false;
        tally->allocated += pages;
        tally->active += pages;
        tally->run_slack += pages - run->bytes;
        tally->runs += run->bytes != 0;
        tally->surplus += held - pages;
        tally->cuts += (uint32_t)__builtin_popcount(run->cuts);
        row -= (int64_t)1 << run->order;
    }
    tally->blocks += tally->runs;
    return row == -1 && heap->run_base == heap->end - ((uint64_t)heap->run_rows << RUN_SHIFT);
}

static bool run_lists_valid(const struct heap *heap)
{
    for (unsigned order = 0; order < RUN_ORDERS; order++)
        for (uint32_t at = heap->run_free[order]; at != 0; at = heap->runs[at - 1].next)
            if (heap->runs[at - 1].bytes != 0 || heap->runs[at - 1].queued ||
                heap->runs[at - 1].order != order)
                return false;
    for (uint32_t at = heap->returning; at != 0; at = heap->runs[at - 1].next)
        if (!heap->runs[at - 1].queued)
            return false;
    return true;
}

bool heap_valid(const struct heap *heap)
{
    struct tally tally = { .allocated = 0 };
    if (!spans_valid(heap, &tally) || !lanes_valid(heap, &tally) ||
        !free_spans_valid(heap, &tally) || !run_lists_valid(heap) || !add_runs(heap, &tally))
        return false;
    return tally.allocated == heap->allocated && tally.active == heap->active &&
           tally.blocks == heap->blocks && tally.runs == heap->run_count &&
           tally.run_slack == heap->run_slack && tally.surplus == heap->returning_bytes &&
           tally.cuts == heap->run_cuts;
}
