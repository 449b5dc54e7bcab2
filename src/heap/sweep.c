/* Sweeps: from tag to tag, so that what is not due is not looked at. A step is short: it visits one
 * span, or a few runs, or passes over a bounded number of rows. */
#include "heap/inside.h"

enum { ROWS_MAX = 256, RUNS_MAX = 64, LOOKED_MAX = 16 * 1024, COMPARED_MAX = 1024 };

struct visitor {
    bool (*visit)(void *context, void *block, uint64_t *tag);
    void *context;
    unsigned kind;
    uint64_t tag_max;
};

/* The blocks of one span; it may be emptied, and so dropped, on the way. False: not all were seen.
 * Until all are, the span keeps its tag. */
static bool sweep_span(struct heap *heap, struct span *span, const struct visitor *visitor)
{
    const struct size_class *class = class_of_span(heap, span);
    uint8_t *cells = span_start(heap, span) + class->first_at;
    uint64_t tag = UINT64_MAX;
    uint32_t left = span->live;
    for (uint32_t word = 0; left > 0; word++) {
        uint64_t used = ~map_of(heap, span, class)[word];
        if (class->capacity - word * 64 < 64)
            used &= ((uint64_t)1 << (class->capacity - word * 64)) - 1;
        for (; used != 0; used &= used - 1, left--) {
            uint32_t cell = word * 64 + (uint32_t)__builtin_ctzll(used);
            if (!visitor->visit(visitor->context, cells + cell * class->cell_bytes, &tag))
                return !holds_blocks(span);
        }
    }
    if (holds_blocks(span))
        span->tag = tag;
    return true;
}

/* The least tag of a chunk's spans, for a chunk of which all have been looked at. */
static void renew_chunk_tag(struct heap *heap, uint32_t chunk)
{
    uint64_t least = UINT64_MAX;
    uint32_t step = 1u << heap->chunk_order[chunk];
    for (uint32_t row = chunk * CHUNK_UNITS; row < (chunk + 1) * CHUNK_UNITS; row += step)
        if (holds_blocks(&heap->spans[row]) && heap->spans[row].tag < least)
            least = heap->spans[row].tag;
    heap->chunk_tag[chunk] = least;
}

/* Looks at the row of the cursor. True: a span was visited. */
static bool step_row(struct heap *heap, struct heap_sweep *sweep, const struct visitor *visitor)
{
    uint32_t row = sweep->span, chunk = row / CHUNK_UNITS;
    if (heap->chunk_tag[chunk] > visitor->tag_max) {
        sweep->span = (chunk + 1) * CHUNK_UNITS;
        return false;
    }
    struct span *span = &heap->spans[row];
    bool due = holds_blocks(span) && span->kind == visitor->kind && span->tag <= visitor->tag_max;
    if (due && !sweep_span(heap, span, visitor))
        return true;
    /* Rounded, as the chunk may have been cut anew since the last step. */
    sweep->span = (row | ((1u << heap->chunk_order[chunk]) - 1)) + 1;
    if (sweep->span % CHUNK_UNITS == 0)
        renew_chunk_tag(heap, chunk);
    return due;
}

static void start_runs(struct heap *heap, struct heap_sweep *sweep)
{
    sweep->run = heap->run_rows;
    sweep->run_tag = UINT64_MAX;
    heap->run_tag_recent = UINT64_MAX;
}

/* Downwards by row: slots that are new since the sweep began have told their tag. False: the last
 * run has been seen. */
static bool step_runs(struct heap *heap, struct heap_sweep *sweep, const struct visitor *visitor)
{
    if (sweep->run > heap->run_rows) /* address space was short, and slots at the end are gone */
        sweep->run = heap->run_rows;
    for (unsigned looked = 0; sweep->run != 0; looked++) {
        if (looked == RUNS_MAX)
            return true;
        struct run *run = &heap->runs[sweep->run - 1];
        if (run->bytes != 0 && run->kind == visitor->kind &&
            !visitor->visit(visitor->context, run_start(heap, run), &sweep->run_tag))
            return true;
        sweep->run -= 1u << run->order;
    }
    uint64_t recent = heap->run_tag_recent;
    heap->run_tag = sweep->run_tag < recent ? sweep->run_tag : recent;
    return false;
}

bool heap_sweep_step(struct heap *heap, struct heap_sweep *sweep, unsigned kind, uint64_t tag_max,
                     bool (*visit)(void *context, void *block, uint64_t *tag), void *context)
{
    const struct visitor visitor = { visit, context, kind, tag_max };
    for (unsigned looked = 0; sweep->span < heap->chunks * CHUNK_UNITS; looked++)
        if (looked == ROWS_MAX || step_row(heap, sweep, &visitor))
            return true;
    if (sweep->run == 0 && heap->run_rows > 0 && heap->run_tag <= tag_max)
        start_runs(heap, sweep);
    if (sweep->run != 0 && step_runs(heap, sweep, &visitor))
        return true;
    sweep->span = 0;
    sweep->run = 0;
    return false;
}

static void show_span(struct heap *heap, struct span *span,
                      void (*visit)(void *context, void *block), void *context)
{
    const struct size_class *class = class_of_span(heap, span);
    uint8_t *cells = span_start(heap, span) + class->first_at;
    const uint64_t *map = map_of(heap, span, class);
    uint32_t left = span->live;
    for (uint32_t word = 0; left > 0; word++) {
        uint64_t used = ~map[word];
        if (class->capacity - word * 64 < 64)
            used &= ((uint64_t)1 << (class->capacity - word * 64)) - 1;
        for (; used != 0; used &= used - 1, left--) {
            uint32_t cell = word * 64 + (uint32_t)__builtin_ctzll(used);
            visit(context, cells + cell * class->cell_bytes);
        }
    }
}

static bool is_shown(const struct span *span, unsigned kinds)
{
    return holds_blocks(span) && span->live > 0 && (kinds >> span->kind & 1u) != 0;
}

void heap_show(struct heap *heap, uint32_t row, unsigned kinds,
               void (*visit)(void *context, void *block), void *context)
{
    if (row < heap->chunks * CHUNK_UNITS && is_shown(&heap->spans[row], kinds))
        show_span(heap, &heap->spans[row], visit, context);
}

uint32_t heap_row(const struct heap *heap, const void *block)
{
    return is_run(heap, block) ? NO_SPAN : row_of(heap, span_of(heap, block));
}

static uint64_t live_bytes(const struct heap *heap, const struct span *span)
{
    return (uint64_t)span->live * class_of_span(heap, span)->cell_bytes;
}

bool heap_sparsest(const struct heap *heap, uint32_t *row, unsigned kinds)
{
    uint32_t rows = heap->chunks * CHUNK_UNITS, at = *row;
    const struct span *best = NULL;
    for (unsigned looked = 0; looked < COMPARED_MAX && looked < rows; looked++) {
        at = at + 1 < rows ? at + 1 : 0;
        const struct span *span = &heap->spans[at];
        if (!is_shown(span, kinds))
            continue;
        if (best == NULL || live_bytes(heap, span) * best->touched_bytes <
                                live_bytes(heap, best) * span->touched_bytes)
            best = span;
    }
    if (best != NULL)
        *row = row_of(heap, best);
    return best != NULL;
}

bool heap_look(struct heap *heap, uint32_t *row, unsigned kind,
               void (*visit)(void *context, void *block), void *context)
{
    uint32_t rows = heap->chunks * CHUNK_UNITS;
    for (unsigned looked = 0; looked < LOOKED_MAX && looked < rows; looked++) {
        *row = *row + 1 < rows ? *row + 1 : 0;
        struct span *span = &heap->spans[*row];
        if (!is_shown(span, 1u << kind))
            continue;
        show_span(heap, span, visit, context);
        return true;
    }
    return false;
}

/* The row of the place, or the rest of its chunk where that has no tags. NULL: nothing is shown. */
static struct span *step_tagged_span(struct heap *heap, struct heap_place *place, unsigned kind)
{
    uint32_t row = place->span, chunk = row / CHUNK_UNITS;
    if (heap->chunk_tag[chunk] == UINT64_MAX) {
        place->span = (chunk + 1) * CHUNK_UNITS;
        return NULL;
    }
    place->span++;
    return is_shown(&heap->spans[row], 1u << kind) ? &heap->spans[row] : NULL;
}

/* Downwards by row, as a sweep goes. NULL: nothing is shown. */
static struct run *step_tagged_run(struct heap *heap, struct heap_place *place, unsigned kind)
{
    if (place->run > heap->run_rows) /* slots at the end are gone */
        place->run = heap->run_rows;
    if (place->run == 0)
        return NULL;
    struct run *run = &heap->runs[place->run - 1];
    place->run -= 1u << run->order;
    return run->bytes != 0 && run->kind == kind ? run : NULL;
}

enum heap_looked heap_look_tagged(struct heap *heap, struct heap_place *place, unsigned kind,
                                  unsigned steps, void (*visit)(void *context, void *block),
                                  void *context)
{
    for (unsigned step = 0; step < steps; step++) {
        struct span *span = NULL;
        struct run *run = NULL;
        if (!place->in_runs && place->span < heap->chunks * CHUNK_UNITS) {
            span = step_tagged_span(heap, place, kind);
        } else if (!place->in_runs) {
            place->in_runs = true;
            place->run = heap->run_tag == UINT64_MAX ? 0 : heap->run_rows;
        } else if (place->run != 0) {
            run = step_tagged_run(heap, place, kind);
        } else {
            bool shown = place->shown;
            *place = (struct heap_place){ 0 };
            if (!shown)
                return HEAP_LOOKED_NONE;
        }
        if (span == NULL && run == NULL)
            continue;
        if (span != NULL)
            show_span(heap, span, visit, context);
        else
            visit(context, run_start(heap, run));
        place->shown = true;
        return HEAP_LOOKED_SHOWN;
    }
    return HEAP_LOOKED_ON;
}
