/* Blocks that go at about the same time stand together. Time ahead is cut into bands, an eighth to
 * a sixteenth as wide as they are far: near ones are narrow, far ones wide, and no more than eight
 * or nine of each width take blocks at a time. A span is opened for one band and filled from it
 * alone, so that it is full until the band's time comes, dies within it, and comes back whole.
 *
 *   present                                                                      time of expiry
 *   |. . . . . . . .|. . . . . . . .| .  .  .  .  .  .  .  .|    .    .    .    .    .    .
 *        128 ms         128 ms           256 ms                      512 ms
 *
 * Open spans are half empty, and dying ones too. A lane that has more holes than it may fills those
 * of the spans that die next after the block, or else last before it, so that few keys of a size
 * share few spans, and what is deleted before its time leaves no room unused. */
#include "heap/inside.h"

#include "base/memory.h"

enum {
    LEVEL_FIRST_SHIFT = 10, /* up to a second ahead is one level, then each doubling */
    LEVELS = 25,            /* and what is farther than half a year is one band */
    BANDS_OF_LEVEL = 16,    /* twice as many as take blocks: none is taken for one long past */
    BANDS = LEVELS * BANDS_OF_LEVEL + 1,
    WIDTH_SHIFT = 7, /* 128 ms */
    BANDS_FROM_SPANS = 16,
    HOLES_SHARE = 12, /* no span is opened where more of a lane's cells would be free */
    LOOKED_AT = 32,
    BINS_LOOKED_AT = 3, /* spans, for one with holes */
    SOON_MS = 8 * 1024,
    DYING_SPANS_SHARE = 4, /* of a lane's spans no more are let die, and so many of its cells */
    DYING_CELLS_SHARE = 8,
    IDLE_MS = 1000,
    TIDY_LANES = 64,
    TIDY_SPANS = 256,
};

struct band {
    unsigned at;
    uint64_t until; /* the last tag of it */
};

static struct band band_of(const struct heap *heap, uint64_t tag)
{
    uint64_t ahead = tag > heap->present ? tag - heap->present : 0;
    unsigned level = 0;
    if (ahead >> LEVEL_FIRST_SHIFT != 0)
        level = 64 - LEVEL_FIRST_SHIFT - (unsigned)__builtin_clzll(ahead);
    if (level >= LEVELS)
        return (struct band){ BANDS - 1, UINT64_MAX };
    unsigned shift = WIDTH_SHIFT + (level > 0 ? level - 1 : 0);
    return (struct band){ level * BANDS_OF_LEVEL + (unsigned)(tag >> shift) % BANDS_OF_LEVEL,
                          tag | (((uint64_t)1 << shift) - 1) };
}

bool bands_begin(struct heap *heap, struct lane *lane, uint64_t tag)
{
    if (lane->spans < BANDS_FROM_SPANS || tag == UINT64_MAX || heap->present == 0)
        return false;
    lane->bands = memory_take_zeroed(BANDS * sizeof *lane->bands);
    return lane->bands != NULL;
}

void bands_drop(struct lane *lane)
{
    memory_give(lane->bands);
    lane->bands = NULL;
}

/* --- the ring of open spans ------------------------------------------------------------------- */

static void open_span(struct heap *heap, struct lane *lane, struct span *span)
{
    uint32_t row = row_of(heap, span);
    span->state = SPAN_CURRENT;
    span->seen_live = 0;
    if (lane->open_count++ == 0) {
        span->next = span->prev = row;
    } else {
        struct span *first = &heap->spans[lane->open];
        span->next = lane->open;
        span->prev = first->prev;
        heap->spans[first->prev].next = row;
        first->prev = row;
    }
    lane->open = row;
}

void bands_close(struct heap *heap, struct lane *lane, struct span *span)
{
    heap->spans[span->prev].next = span->next;
    heap->spans[span->next].prev = span->prev;
    if (lane->open == row_of(heap, span))
        lane->open = span->next;
    if (--lane->open_count == 0)
        lane->open = NO_SPAN;
}

/* --- choosing a span -------------------------------------------------------------------------- */

/* Whether `tag` stands better in `span` than in `other`: where it does not make the span live
 * longer, and then where it goes as late as it can. */
static bool is_nearer(const struct span *span, const struct span *other, uint64_t tag)
{
    if (other == NULL || (span->until >= tag) != (other->until >= tag))
        return other == NULL || span->until >= tag;
    return span->until >= tag ? span->until < other->until : span->until > other->until;
}

static struct span *nearest_in(const struct heap *heap, uint32_t row, unsigned most, uint64_t tag,
                               struct span *best)
{
    for (unsigned looked = 0; looked < most && row != NO_SPAN; looked++) {
        struct span *span = &heap->spans[row];
        if (is_nearer(span, best, tag))
            best = span;
        row = span->next;
    }
    return best;
}

/* Of those that have been full. What is moved does not go where it would die. */
static struct span *nearest_with_holes(const struct heap *heap, const struct lane *lane,
                                       const struct taking *taking)
{
    struct span *best = NULL;
    if (!taking->moves && taking->tag <= heap->present + SOON_MS)
        best = nearest_in(heap, lane->bins[BINS], LOOKED_AT, taking->tag, best);
    unsigned bins_most = BINS_LOOKED_AT;
    for (uint32_t bins = lane->nonempty; bins != 0 && bins_most > 0; bins_most--) {
        unsigned bin = 31U - (unsigned)__builtin_clz(bins);
        bins &= ~(1U << bin);
        best = nearest_in(heap, lane->bins[bin], LOOKED_AT, taking->tag, best);
    }
    return best;
}

static struct span *nearest_open(const struct heap *heap, const struct lane *lane, uint64_t tag,
                                 struct span *best)
{
    unsigned most = lane->open_count < LOOKED_AT ? lane->open_count : LOOKED_AT;
    return nearest_in(heap, lane->open, most, tag, best);
}

/* Whether another open span would leave the lane's holes within their bound. */
static bool may_open(const struct lane *lane, const struct size_class *class)
{
    uint64_t cells = ((uint64_t)lane->spans + 1) * class->capacity;
    return (cells - lane->live) * HOLES_SHARE <= cells;
}

static struct span *new_span_of(struct heap *heap, struct lane *lane, const struct taking *taking,
                                uint64_t until)
{
    struct span *span = lane_new_span(heap, lane, taking->kind, taking->size_class);
    if (span == NULL)
        return NULL;
    span->until = until;
    open_span(heap, lane, span);
    return span;
}

static struct span *choose_span(struct heap *heap, struct lane *lane, const struct taking *taking,
                                const struct band *band)
{
    const struct size_class *class = &heap->classes.of[taking->size_class];
    struct span *span = nearest_with_holes(heap, lane, taking);
    bool outlives = span != NULL && span->until >= taking->tag;
    if (!outlives && !taking->moves && may_open(lane, class))
        return new_span_of(heap, lane, taking, band->until);
    if (!outlives)
        span = nearest_open(heap, lane, taking->tag, span);
    if (span == NULL)
        return new_span_of(heap, lane, taking, band->until);
    if (span->state == SPAN_DYING)
        lane_unpin(heap, span);
    else if (span->state == SPAN_LISTED)
        lane_unlist(heap, span);
    if (span->state != SPAN_CURRENT)
        open_span(heap, lane, span);
    return span;
}

/* The span where the tag's band took last, if it is still open. */
static struct span *span_of_band(const struct heap *heap, const struct lane *lane,
                                 const struct band *band, uint64_t tag)
{
    uint32_t row = lane->bands[band->at];
    struct span *span = &heap->spans[row];
    return row != NO_SPAN && span->state == SPAN_CURRENT && lane_of(heap, span) == lane &&
                   span->until >= tag
               ? span
               : NULL;
}

struct span *bands_span(struct heap *heap, struct lane *lane, const struct taking *taking)
{
    struct band band = band_of(heap, taking->tag);
    struct span *span = span_of_band(heap, lane, &band, taking->tag);
    if (LIKELY(span != NULL))
        return span;
    span = choose_span(heap, lane, taking, &band);
    if (span == NULL)
        return NULL;
    if (span->until < taking->tag)
        span->until = band.until;
    lane->bands[band.at] = row_of(heap, span);
    return span;
}

bool heap_is_misplaced(const struct heap *heap, const void *block, uint64_t tag)
{
    if (is_run(heap, block))
        return false;
    const struct span *span = span_of(heap, block);
    const struct lane *lane = lane_of(heap, span);
    if (LIKELY(span->until >= tag) || lane->bands == NULL)
        return false;
    struct band band = band_of(heap, tag);
    return span_of_band(heap, lane, &band, tag) != NULL ||
           may_open(lane, class_of_span(heap, span));
}

/* --- those that nobody takes from ------------------------------------------------------------- */

bool bands_dies(const struct heap *heap, const struct lane *lane, const struct span *span)
{
    if (lane->bands == NULL || span->until > heap->present + SOON_MS)
        return false;
    uint64_t capacity = class_of_span(heap, span)->capacity;
    return ((uint64_t)lane->pinned + 1) * DYING_SPANS_SHARE <= lane->spans &&
           (lane->pinned_free + capacity - span->live) * DYING_CELLS_SHARE <=
               lane->spans * capacity;
}

/* Goes round by TIDY_SPANS at the most; those of which nothing was taken or given since they
 * were last looked at are closed. */
static unsigned close_idle(struct heap *heap, struct lane *lane)
{
    unsigned count = lane->open_count < TIDY_SPANS ? lane->open_count : TIDY_SPANS;
    for (unsigned looked = 0; looked < count; looked++) {
        struct span *span = &heap->spans[lane->open];
        lane->open = span->next;
        if (span->seen_live != span->live) {
            span->seen_live = span->live;
            continue;
        }
        bands_close(heap, lane, span);
        lane_relist(heap, span);
    }
    return count;
}

/* A bounded piece of a round; a round begins a second after the one before at the earliest. */
void bands_tidy(struct heap *heap)
{
    const unsigned lanes = heap->kinds * heap->classes.count;
    if (heap->bands_lane == lanes) {
        if (heap->present - heap->bands_looked < IDLE_MS)
            return;
        heap->bands_lane = 0;
        heap->bands_looked = heap->present;
    }
    unsigned spans = 0;
    for (unsigned looked = 0; looked < TIDY_LANES && heap->bands_lane < lanes; looked++) {
        if (spans >= TIDY_SPANS)
            return;
        spans += close_idle(heap, &heap->lanes[heap->bands_lane++]);
    }
}
