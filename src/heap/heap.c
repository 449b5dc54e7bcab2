#include "heap/heap.h"

#include "base/memory.h"
#include "heap/inside.h"

#include <string.h>

struct heap *heap_new(const struct seam *seam, const struct heap_options *options)
{
    ENSURE(options->kinds > 0 && options->kinds <= HEAP_KINDS_MAX);
    struct heap *heap = memory_take_zeroed(sizeof *heap);
    if (heap == NULL)
        return NULL;
    heap->seam = seam;
    heap->kinds = options->kinds;
    heap->run_tag = heap->run_tag_recent = UINT64_MAX;
    heap->kind_names = options->kind_names;
    size_classes_init(&heap->classes);
    heap->lanes = memory_take_zeroed(heap->kinds * heap->classes.count * sizeof *heap->lanes);
    if (heap->lanes == NULL || !pages_init(heap, options->reserve_bytes)) {
        heap_drop(heap);
        return NULL;
    }
    return heap;
}

void heap_drop(struct heap *heap)
{
    if (heap == NULL)
        return;
    pages_release(heap);
    for (unsigned at = 0; heap->lanes != NULL && at < heap->kinds * heap->classes.count; at++)
        bands_drop(&heap->lanes[at]);
    memory_give(heap->lanes);
    memory_give(heap);
}

bool heap_refuse_after(struct heap *heap, uint64_t takes, bool always)
{
    heap->refused_take = takes + 1;
    heap->refuses_always = always;
#ifdef SNUG_CHECKS
    return true;
#else
    return false;
#endif
}

#ifdef SNUG_CHECKS
static bool refuses(struct heap *heap)
{
    if (heap->refused_take == 1) {
        heap->refused_take = heap->refuses_always;
        return true;
    }
    heap->refused_take -= heap->refused_take > 0;
    return false;
}
#else
static inline bool refuses(const struct heap *heap)
{
    (void)heap;
    return false;
}
#endif

void *heap_take(struct heap *heap, size_t bytes, unsigned kind)
{
    return heap_take_near(heap, bytes, kind, UINT64_MAX);
}

void *heap_take_near(struct heap *heap, size_t bytes, unsigned kind, uint64_t tag)
{
    DCHECK(bytes > 0 && kind < heap->kinds);
    if (refuses(heap))
        return NULL;
    if (UNLIKELY(bytes > HEAP_CELL_MAX))
        return run_take(heap, bytes, kind);
    void *block = lane_take(heap, kind, size_class_of(&heap->classes, bytes), tag);
    if (LIKELY(block != NULL))
        unpoison(block, bytes);
    return block;
}

void heap_give(struct heap *heap, void *block)
{
    if (UNLIKELY(is_run(heap, block)))
        run_give(heap, block);
    else
        lane_give(heap, span_of(heap, block), block);
}

bool heap_fits(const struct heap *heap, const void *block, size_t bytes)
{
    return bytes <= HEAP_CELL_MAX && !is_run(heap, block) &&
           size_class_of(&heap->classes, bytes) == span_of(heap, block)->size_class;
}

void heap_refit(struct heap *heap, void *block, size_t bytes)
{
    DCHECK(heap_fits(heap, block, bytes));
    poison(block, class_of_span(heap, span_of(heap, block))->cell_bytes);
    unpoison(block, bytes);
}

void *heap_resize(struct heap *heap, void *block, size_t bytes, unsigned kind)
{
    if (heap_fits(heap, block, bytes)) {
        heap_refit(heap, block, bytes);
        return block;
    }
    bool run = is_run(heap, block);
    size_t old_bytes = run ? run_of(heap, block)->bytes : heap_block_bytes(heap, block);
    if (run && bytes > HEAP_CELL_MAX)
        return bytes > old_bytes && refuses(heap) ? NULL : run_resize(heap, block, bytes, kind);
    void *to = heap_take(heap, bytes, kind);
    if (to == NULL)
        return NULL;
    if (!run)
        unpoison(block, old_bytes);
    memcpy(to, block, old_bytes < bytes ? old_bytes : bytes);
    heap_give(heap, block);
    return to;
}

bool heap_is_sparse(const struct heap *heap, const void *block)
{
    if (is_run(heap, block))
        return false;
    const struct span *span = span_of(heap, block);
    if (span->state != SPAN_LISTED)
        return false;
    const struct lane *lane = lane_of(heap, span);
    if (lane_spare_spans(lane, class_of_span(heap, span)) == 0)
        return false;
    /* It is listed, so that some bin is not empty; where there is no current span the next block
     * comes from the first of the fullest. */
    unsigned fullest = 31U - (unsigned)__builtin_clz(lane->nonempty);
    return lane->current != NULL || &heap->spans[lane->bins[fullest]] != span;
}

size_t heap_block_bytes(const struct heap *heap, const void *block)
{
    if (is_run(heap, block))
        return (run_of(heap, block)->bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    return class_of_span(heap, span_of(heap, block))->cell_bytes;
}

size_t heap_round_up(const struct heap *heap, size_t bytes)
{
    if (bytes > HEAP_CELL_MAX)
        return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    return heap->classes.of[size_class_of(&heap->classes, bytes)].cell_bytes;
}

unsigned heap_block_kind(const struct heap *heap, const void *block)
{
    return is_run(heap, block) ? run_of(heap, block)->kind : span_of(heap, block)->kind;
}

uint8_t *heap_base(const struct heap *heap)
{
    return heap->base;
}

uint64_t heap_tag(const struct heap *heap, const void *block)
{
    return is_run(heap, block) ? heap->run_tag : span_of(heap, block)->tag;
}

void heap_tag_lower(struct heap *heap, const void *block, uint64_t tag)
{
    if (is_run(heap, block)) {
        run_tag_lower(heap, tag);
        return;
    }
    struct span *span = span_of(heap, block);
    if (tag >= span->tag)
        return;
    span->tag = tag;
    uint64_t *chunk = &heap->chunk_tag[row_of(heap, span) / CHUNK_UNITS];
    if (tag < *chunk)
        *chunk = tag;
}

uint64_t heap_tag_most(const struct heap *heap, const void *block)
{
    return is_run(heap, block) ? UINT64_MAX : span_of(heap, block)->until;
}

void heap_tag_raise(struct heap *heap, const void *block, uint64_t tag)
{
    if (is_run(heap, block))
        return;
    struct span *span = span_of(heap, block);
    if (tag <= span->until)
        return;
    span->until = tag;
    if (span->state == SPAN_DYING) {
        lane_unpin(heap, span);
        lane_relist(heap, span);
    }
}

void heap_set_present(struct heap *heap, uint64_t present)
{
    heap->present = present;
}

/* --- figures ---------------------------------------------------------------------------------- */

void heap_figures(const struct heap *heap, struct heap_figures *figures)
{
    uint64_t tables = run_pages((uint64_t)heap->chunks * CHUNK_UNITS * sizeof(struct span)) +
                      run_pages((uint64_t)heap->run_rows * sizeof(struct run)) + 2 * PAGE_BYTES;
    *figures = (struct heap_figures){
        .allocated = heap->allocated,
        .active = heap->active,
        .free_spans = heap->cached_bytes + heap->returning_bytes,
        .tables = tables,
        .committed = heap->active + heap->cached_bytes + heap->returning_bytes + tables,
        .blocks = heap->blocks,
        .runs = heap->run_count,
        .run_bytes = heap->run_bytes,
        .run_slack = heap->run_slack,
        .moved_blocks = heap->moved_blocks,
        .moved_bytes = heap->moved_bytes,
        .missed_blocks = heap->missed_blocks,
        .drained_spans = heap->drained_spans,
        .returned_bytes = heap->returned_bytes,
    };
}

void heap_run_figures(const struct heap *heap, unsigned kind, struct heap_run_figures *figures)
{
    *figures = (struct heap_run_figures){ .bytes = heap->run_bytes_of[kind],
                                          .slack = heap->run_slack_of[kind] };
}

void heap_reset_counters(struct heap *heap)
{
    heap->moved_blocks = 0;
    heap->moved_bytes = 0;
    heap->missed_blocks = 0;
    heap->drained_spans = 0;
}

uint64_t heap_reclaimable(const struct heap *heap)
{
    uint64_t bytes = 0;
    for (unsigned at = 0; at < heap->kinds * heap->classes.count; at++) {
        const struct size_class *class = &heap->classes.of[at % heap->classes.count];
        bytes += lane_spare_spans(&heap->lanes[at], class) << (SPAN_SHIFT + class->order);
    }
    return bytes;
}

unsigned heap_classes(const struct heap *heap)
{
    return heap->classes.count;
}

unsigned heap_kinds(const struct heap *heap)
{
    return heap->kinds;
}

const char *heap_kind_name(const struct heap *heap, unsigned kind)
{
    return heap->kind_names[kind];
}

/* --- the map ---------------------------------------------------------------------------------- */

static void fill_lane(const struct heap *heap, unsigned at, struct heap_lane_figures *figures)
{
    const struct lane *lane = &heap->lanes[at];
    const struct size_class *class = &heap->classes.of[at % heap->classes.count];
    uint32_t span_bytes = (uint32_t)HEAP_SPAN_BYTES << class->order;
    *figures = (struct heap_lane_figures){
        .cell_bytes = class->cell_bytes,
        .cells_per_span = class->capacity,
        .span_bytes = span_bytes,
        .spans = lane->spans,
        .live = lane->live,
        .free_cells = (uint64_t)lane->spans * class->capacity - lane->live,
        .reclaimable = lane_spare_spans(lane, class) * span_bytes,
    };
}

bool heap_lane(const struct heap *heap, unsigned kind, unsigned size_class,
               struct heap_lane_figures *figures)
{
    fill_lane(heap, kind * heap->classes.count + size_class, figures);
    return figures->spans > 0;
}

/* Draining the emptiest spans first copies what they hold. */
uint64_t heap_lane_move_bytes(const struct heap_lane_figures *figures)
{
    uint64_t bytes = 0, spare = figures->reclaimable / figures->span_bytes;
    for (unsigned bin = 0; bin < BINS && spare > 0; bin++) {
        uint64_t spans = figures->by_occupancy[bin] < spare ? figures->by_occupancy[bin] : spare;
        bytes += spans * (2 * bin + 1) * figures->span_bytes / (2 * BINS);
        spare -= spans;
    }
    return bytes;
}

uint32_t heap_span_rows(const struct heap *heap)
{
    return heap->chunks * CHUNK_UNITS;
}

bool heap_span_at(const struct heap *heap, uint32_t row, struct heap_span_figures *figures)
{
    static const enum heap_span_state states[] = {
        [SPAN_FREE] = HEAP_SPAN_FREE,         [SPAN_CURRENT] = HEAP_SPAN_CURRENT,
        [SPAN_LISTED] = HEAP_SPAN_LISTED,     [SPAN_FULL] = HEAP_SPAN_FULL,
        [SPAN_DRAINING] = HEAP_SPAN_DRAINING, [SPAN_PINNED] = HEAP_SPAN_PINNED,
        [SPAN_DYING] = HEAP_SPAN_LISTED,
    };
    _Static_assert(sizeof states / sizeof *states == SPAN_STATES, "a row for each state");
    const struct span *span = &heap->spans[row];
    if (span->state == SPAN_UNUSED)
        return false;
    *figures = (struct heap_span_figures){ .state = states[span->state],
                                           .order = span->order,
                                           .held_bytes = span->touched_bytes };
    if (!holds_blocks(span))
        return true;
    figures->kind = span->kind;
    figures->size_class = span->size_class;
    figures->live = span->live;
    figures->capacity = class_of_span(heap, span)->capacity;
    return true;
}

void heap_map(const struct heap *heap, struct heap_lane_figures *figures)
{
    unsigned lanes = heap->kinds * heap->classes.count;
    for (unsigned at = 0; at < lanes; at++)
        fill_lane(heap, at, &figures[at]);
    for (uint32_t row = 1; row < heap->chunks * CHUNK_UNITS; row++) {
        const struct span *span = &heap->spans[row];
        if (!holds_blocks(span))
            continue;
        struct heap_lane_figures *lane = &figures[lane_of(heap, span) - heap->lanes];
        uint64_t bin = (uint64_t)span->live * BINS / lane->cells_per_span;
        lane->by_occupancy[bin < BINS ? bin : BINS - 1]++;
        lane->draining += span->state == SPAN_DRAINING;
    }
    for (unsigned at = 0; at < lanes; at++)
        figures[at].move_bytes = heap_lane_move_bytes(&figures[at]);
}
