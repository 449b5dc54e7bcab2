#include "heap/mover.h"

#include "base/prefetch.h"
#include "heap/inside.h"

#include <string.h>

enum {
    LINE_BYTES = 64,
    BATCH_BLOCKS = 32,       /* repointed together: their cache misses overlap */
    BATCH_BYTES = 64 * 1024, /* copied between two looks at the clock */
    STAY_WITH_LANE = 32,     /* victims, before all lanes are compared again */
};

struct batch {
    struct heap_move moves[BATCH_BLOCKS];
    size_t count, bytes;
};

/* --- choosing --------------------------------------------------------------------------------- */

static unsigned emptiest_bin(const struct lane *lane)
{
    return lane->nonempty == 0 ? BINS : (unsigned)__builtin_ctz(lane->nonempty);
}

/* The lane whose emptiest span is the cheapest to drain; among equals the one that wastes most. */
static struct lane *choose_lane(const struct heap *heap)
{
    struct lane *best = NULL;
    uint64_t best_bytes = 0;
    unsigned best_bin = BINS;
    for (unsigned at = 0; at < heap->kinds * heap->classes.count; at++) {
        struct lane *lane = &heap->lanes[at];
        if (lane->spans < 2)
            continue;
        const struct size_class *class = &heap->classes.of[at % heap->classes.count];
        uint64_t bytes = lane_spare_spans(lane, class) << (SPAN_SHIFT + class->order);
        unsigned bin = emptiest_bin(lane);
        if (bytes == 0 || bin > best_bin || (bin == best_bin && bytes <= best_bytes))
            continue;
        best = lane;
        best_bytes = bytes;
        best_bin = bin;
    }
    return best_bin == BINS ? NULL : best;
}

static bool worth_draining(const struct heap *heap, const struct lane *lane)
{
    unsigned size_class = (unsigned)(lane - heap->lanes) % heap->classes.count;
    return lane_spare_spans(lane, &heap->classes.of[size_class]) > 0;
}

static void start_draining(struct heap *heap, struct span *span)
{
    struct lane *lane = lane_of(heap, span);
    if (span->state == SPAN_LISTED)
        lane_unlist(heap, span);
    else if (is_left_alone(span))
        lane_unpin(heap, span);
    else if (lane->current == span)
        lane->current = NULL;
    else if (span->state == SPAN_CURRENT)
        bands_close(heap, lane, span);
    span->state = SPAN_DRAINING;
    heap->drain = (struct drain){ .span = row_of(heap, span) };
}

static bool choose_victim(struct heap *heap)
{
    struct lane *lane = heap->move_lane;
    if (heap->move_lane_stay == 0 || lane == NULL || lane->nonempty == 0 ||
        !worth_draining(heap, lane)) {
        lane = heap->move_lane = choose_lane(heap);
        heap->move_lane_stay = STAY_WITH_LANE;
    }
    if (lane == NULL)
        return false;
    heap->move_lane_stay--;
    start_draining(heap, &heap->spans[lane->bins[emptiest_bin(lane)]]);
    return true;
}

/* --- draining --------------------------------------------------------------------------------- */

static void add_block(struct batch *batch, uint8_t *from, uint8_t *to, size_t bytes)
{
    prefetch(from);
    prefetch(to);
    if (bytes > LINE_BYTES) { /* of longer ones the processor fetches the rest unasked */
        prefetch(from + LINE_BYTES);
        prefetch(to + LINE_BYTES);
    }
    batch->moves[batch->count++] = (struct heap_move){ .from = from, .to = to, .bytes = bytes };
    batch->bytes += bytes;
}

static void copy_blocks(const struct batch *batch)
{
    for (size_t at = 0; at < batch->count; at++) {
        const struct heap_move *move = &batch->moves[at];
        unpoison(move->from, move->bytes); /* the cell's tail is copied too */
        unpoison(move->to, move->bytes);
        memcpy(move->to, move->from, move->bytes);
    }
}

/* The next live cell from `cell` on; what is past the capacity may be said to be live. */
static uint32_t next_used(const uint64_t *map, uint32_t cell, uint32_t capacity)
{
    while (cell < capacity) {
        uint64_t used = ~map[cell / 64] >> (cell % 64);
        if (used != 0)
            return cell + (uint32_t)__builtin_ctzll(used);
        cell = (cell / 64 + 1) * 64;
    }
    return cell;
}

static bool batch_is_full(const struct batch *batch, size_t cell_bytes)
{
    return batch->count == BATCH_BLOCKS ||
           (batch->count > 0 && batch->bytes + cell_bytes > BATCH_BYTES);
}

/* Finds a place for each of the victim's next live cells. False: no room to be had. */
static bool fill_batch(struct heap *heap, struct span *span, struct batch *batch)
{
    const struct size_class *class = class_of_span(heap, span);
    const uint64_t *map = map_of(heap, span, class);
    uint8_t *cells = span_start(heap, span) + class->first_at;
    uint32_t cell = next_used(map, heap->drain.cell, class->capacity);
    for (; cell < class->capacity; cell = next_used(map, cell + 1, class->capacity)) {
        if (batch_is_full(batch, class->cell_bytes))
            break;
        void *to = lane_take_for(heap, span);
        if (to == NULL)
            return false;
        add_block(batch, cells + cell * class->cell_bytes, to, class->cell_bytes);
    }
    heap->drain.cell = cell;
    return true;
}

/* The fuller span takes over the block's tag; whichever copy is dead is given back. */
static void settle(struct heap *heap, const struct span *victim, const struct batch *batch)
{
    uint64_t tag = victim->tag;
    for (size_t at = 0; at < batch->count; at++) {
        const struct heap_move *move = &batch->moves[at];
        if (move->done) {
            heap->moved_blocks++;
            heap->moved_bytes += move->bytes;
            if (tag != UINT64_MAX)
                heap_tag_lower(heap, move->to, tag);
            lane_give(heap, span_of(heap, move->from), move->from);
        } else {
            heap->missed_blocks++;
            heap->drain.missed = true;
            lane_give(heap, span_of(heap, move->to), move->to);
        }
    }
}

/* Ends with a victim that still holds blocks. */
static void leave_victim(struct heap *heap, struct span *span)
{
    bool missed = heap->drain.missed;
    heap->drain = (struct drain){ .span = NO_SPAN };
    if (missed)
        lane_pin(heap, span, SPAN_PINNED);
    else
        lane_relist(heap, span);
}

static void drain_batch(struct heap *heap, const struct heap_mover *mover)
{
    struct span *span = &heap->spans[heap->drain.span];
    const struct size_class *class = class_of_span(heap, span);
    struct batch batch = { .count = 0 };
    bool room = fill_batch(heap, span, &batch);
    bool end = heap->drain.cell >= class->capacity;
    copy_blocks(&batch);
    if (batch.count > 0)
        mover->repoint(mover->context, span->kind, batch.moves, batch.count);
    settle(heap, span, &batch);
    if (heap->drain.span == NO_SPAN)
        heap->drained_spans++;
    else if (!room || end)
        leave_victim(heap, span);
}

enum heap_move_outcome heap_move_step(struct heap *heap, const struct heap_mover *mover,
                                      uint64_t deadline_ns)
{
    uint64_t now_ns = seam_now_ns(heap->seam), longest_ns = 0;
    do {
        if (heap->drain.span != NO_SPAN) {
            /* Commands may have used the room meanwhile: then this victim is not worth it. */
            struct span *span = &heap->spans[heap->drain.span];
            if (!worth_draining(heap, lane_of(heap, span)))
                leave_victim(heap, span);
        }
        if (heap->drain.span == NO_SPAN && !choose_victim(heap))
            return HEAP_MOVE_IDLE;
        drain_batch(heap, mover);
        uint64_t before_ns = now_ns;
        now_ns = seam_now_ns(heap->seam);
        if (now_ns - before_ns > longest_ns)
            longest_ns = now_ns - before_ns;
    } while (now_ns + longest_ns < deadline_ns); /* where one more batch would fit */
    return HEAP_MOVE_STEPPED;
}

void heap_move_end(struct heap *heap)
{
    if (heap->drain.span != NO_SPAN)
        leave_victim(heap, &heap->spans[heap->drain.span]);
}

void heap_move_all(struct heap *heap, const struct heap_mover *mover, uint64_t blocks_max)
{
    uint64_t until = heap->moved_blocks + blocks_max;
    uint32_t rows = heap->chunks * CHUNK_UNITS;
    heap_move_end(heap);
    for (uint32_t seen = 0; seen < rows && heap->moved_blocks < until; seen++) {
        heap->move_all_row = heap->move_all_row + 1 < rows ? heap->move_all_row + 1 : 0;
        struct span *span = &heap->spans[heap->move_all_row];
        if (span->state != SPAN_CURRENT && span->state != SPAN_LISTED && span->state != SPAN_FULL &&
            span->state != SPAN_DYING)
            continue;
        start_draining(heap, span);
        while (heap->drain.span != NO_SPAN)
            drain_batch(heap, mover);
    }
}
