/* Cells: taken from the current span of a lane; when that is full, from the fullest span that has
 * room, so that sparse spans run dry by themselves where they can. */
#include "heap/inside.h"

#include <string.h>

/* Spans of a busy lane, and large cells, are touched in one call instead of page by page; less at a
 * time where many are being filled, one for each band. */
enum {
    TOUCH_FROM_SPANS = 32,
    TOUCH_BYTES = 64 * 1024,
    TOUCH_BAND_BYTES = 8 * 1024,
    TOUCH_FROM_BYTES = 16 * 1024,
};

static void map_fill(uint64_t *map, uint32_t cells)
{
    uint32_t words = cells / 64;
    memset(map, 0xff, words * sizeof *map);
    if (cells % 64 != 0)
        map[words] = ((uint64_t)1 << (cells % 64)) - 1;
}

static unsigned bin_of(const struct span *span, const struct size_class *class)
{
    return (unsigned)((uint64_t)span->live * BINS / class->capacity);
}

void lane_unlist(struct heap *heap, struct span *span)
{
    struct lane *lane = lane_of(heap, span);
    if (span->prev != NO_SPAN)
        heap->spans[span->prev].next = span->next;
    else
        lane->bins[span->bin] = span->next;
    if (span->next != NO_SPAN)
        heap->spans[span->next].prev = span->prev;
    if (lane->bins[span->bin] == NO_SPAN)
        lane->nonempty &= ~(1u << span->bin);
}

static void enlist(struct heap *heap, struct lane *lane, struct span *span, unsigned bin)
{
    span->bin = (uint8_t)bin;
    span->prev = NO_SPAN;
    span->next = lane->bins[bin];
    if (span->next != NO_SPAN)
        heap->spans[span->next].prev = row_of(heap, span);
    lane->bins[bin] = row_of(heap, span);
}

void lane_relist(struct heap *heap, struct span *span)
{
    const struct size_class *class = class_of_span(heap, span);
    if (span->live == class->capacity) {
        span->state = SPAN_FULL;
        return;
    }
    struct lane *lane = lane_of(heap, span);
    if (bands_dies(heap, lane, span)) {
        lane_pin(heap, span, SPAN_DYING);
        return;
    }
    span->state = SPAN_LISTED;
    enlist(heap, lane, span, bin_of(span, class));
    lane->nonempty |= 1u << span->bin;
}

void lane_pin(struct heap *heap, struct span *span, enum span_state state)
{
    struct lane *lane = lane_of(heap, span);
    span->state = (uint8_t)state;
    if (state == SPAN_DYING)
        enlist(heap, lane, span, BINS);
    lane->pinned++;
    lane->pinned_free += class_of_span(heap, span)->capacity - span->live;
}

void lane_unpin(struct heap *heap, struct span *span)
{
    struct lane *lane = lane_of(heap, span);
    if (span->state == SPAN_DYING)
        lane_unlist(heap, span);
    lane->pinned--;
    lane->pinned_free -= class_of_span(heap, span)->capacity - span->live;
}

static void touch_more(struct heap *heap, struct span *span, const struct lane *lane, uint32_t end)
{
    uint32_t bytes = page_up(end);
    uint32_t span_bytes = (uint32_t)HEAP_SPAN_BYTES << span->order;
    if (lane->spans >= TOUCH_FROM_SPANS) {
        uint32_t ahead = lane->bands != NULL ? TOUCH_BAND_BYTES : TOUCH_BYTES;
        uint32_t far = span->touched_bytes + ahead;
        bytes = far > span_bytes ? span_bytes : bytes > far ? bytes : far;
        heap->seam->pages_touch(heap->seam->context, span_start(heap, span) + span->touched_bytes,
                                bytes - span->touched_bytes);
    } else if (bytes - span->touched_bytes >= TOUCH_FROM_BYTES) {
        heap->seam->pages_touch(heap->seam->context, span_start(heap, span) + span->touched_bytes,
                                bytes - span->touched_bytes);
    }
    heap->active += bytes - span->touched_bytes;
    span->touched_bytes = bytes;
}

struct span *lane_new_span(struct heap *heap, struct lane *lane, unsigned kind, unsigned size_class)
{
    const struct size_class *class = &heap->classes.of[size_class];
    struct span *span = pages_take_span(heap, class->order);
    if (span == NULL)
        return NULL;
    span->tag = UINT64_MAX;
    span->until = 0;
    span->live = 0;
    span->hint = 0;
    span->kind = (uint8_t)kind;
    span->size_class = (uint16_t)size_class;
    span->state = SPAN_CURRENT;
    heap->active += span->touched_bytes;
    lane->spans++;
    if (class->first_at > span->touched_bytes)
        touch_more(heap, span, lane, class->first_at);
    unpoison(span_start(heap, span), class->first_at);
    map_fill(map_of(heap, span, class), class->capacity);
    return span;
}

/* Makes the fullest span with room the current one, or a new one. */
static struct span *refill(struct heap *heap, struct lane *lane, const struct taking *taking)
{
    struct span *span;
    if (lane->bands != NULL || bands_begin(heap, lane, taking->tag))
        return bands_span(heap, lane, taking);
    if (lane->nonempty != 0) {
        unsigned bin = (unsigned)(31 - __builtin_clz(lane->nonempty));
        span = &heap->spans[lane->bins[bin]];
        lane_unlist(heap, span);
        span->state = SPAN_CURRENT;
    } else {
        span = lane_new_span(heap, lane, taking->kind, taking->size_class);
    }
    lane->current = span;
    return span;
}

static void end_current(struct heap *heap, struct lane *lane, struct span *span)
{
    if (lane->current == span)
        lane->current = NULL;
    else
        bands_close(heap, lane, span);
}

static uint8_t *take_cell(struct heap *heap, struct lane *lane, struct span *span, uint64_t tag)
{
    const struct size_class *class = class_of_span(heap, span);
    uint64_t *map = map_of(heap, span, class);
    unsigned word = span->hint;
    while (map[word] == 0)
        word++;
    unsigned cell = word * 64 + (unsigned)__builtin_ctzll(map[word]);
    map[word] &= map[word] - 1;
    span->hint = (uint16_t)word;
    uint32_t at = class->first_at + cell * class->cell_bytes;
    if (UNLIKELY(at + class->cell_bytes > span->touched_bytes))
        touch_more(heap, span, lane, at + class->cell_bytes);
    span->live++;
    lane->live++;
    heap->allocated += class->cell_bytes;
    heap->blocks++;
    if (tag > span->until)
        span->until = tag;
    if (span->live == class->capacity) {
        end_current(heap, lane, span);
        span->state = SPAN_FULL;
    }
    return span_start(heap, span) + at;
}

static void *take(struct heap *heap, const struct taking *taking)
{
    struct lane *lane = &heap->lanes[taking->kind * heap->classes.count + taking->size_class];
    struct span *span = lane->current;
    if (UNLIKELY(span == NULL)) {
        span = refill(heap, lane, taking);
        if (span == NULL)
            return NULL;
    }
    return take_cell(heap, lane, span, taking->tag);
}

void *lane_take(struct heap *heap, unsigned kind, unsigned size_class, uint64_t tag)
{
    return take(heap, &(struct taking){ kind, size_class, tag, false });
}

void *lane_take_for(struct heap *heap, const struct span *victim)
{
    return take(heap, &(struct taking){ victim->kind, victim->size_class, victim->until, true });
}

void lane_drop_span(struct heap *heap, struct span *span)
{
    struct lane *lane = lane_of(heap, span);
    if (span->state == SPAN_LISTED)
        lane_unlist(heap, span);
    if (is_left_alone(span))
        lane_unpin(heap, span);
    if (span->state == SPAN_CURRENT)
        end_current(heap, lane, span);
    if (heap->drain.span == row_of(heap, span))
        heap->drain.span = NO_SPAN;
    lane->spans--;
    heap->active -= span->touched_bytes;
    if (lane->spans == 0)
        bands_drop(lane);
    pages_give_span(heap, span);
}

/* The span's list may have to change; an empty span goes. */
static void after_give(struct heap *heap, struct span *span, const struct size_class *class)
{
    if (UNLIKELY(is_left_alone(span)))
        lane_of(heap, span)->pinned_free++;
    if (span->live == 0) {
        lane_drop_span(heap, span);
        return;
    }
    if (span->state == SPAN_FULL) {
        lane_relist(heap, span);
    } else if (span->state == SPAN_LISTED && bin_of(span, class) != span->bin) {
        lane_unlist(heap, span);
        lane_relist(heap, span);
    }
}

void lane_give(struct heap *heap, struct span *span, const void *block)
{
    const struct size_class *class = class_of_span(heap, span);
    uint32_t offset = (uint32_t)((const uint8_t *)block - span_start(heap, span));
    uint64_t *map = map_of(heap, span, class);
    uint32_t cell = (uint32_t)(((uint64_t)(offset - class->first_at) * class->reciprocal) >> 32);
    uint64_t bit = (uint64_t)1 << (cell % 64);
    ENSURE(cell < class->capacity && cell * class->cell_bytes + class->first_at == offset);
    ENSURE((map[cell / 64] & bit) == 0); /* given twice */
    map[cell / 64] |= bit;
    if (cell / 64 < span->hint)
        span->hint = (uint16_t)(cell / 64);
    poison(block, class->cell_bytes);
    heap->allocated -= class->cell_bytes;
    heap->blocks--;
    lane_of(heap, span)->live--;
    span->live--;
    after_give(heap, span, class);
}
