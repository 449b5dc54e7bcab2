/* Blocks over HEAP_CELL_MAX: whole pages at the front of a slot of address space whose size is a
 * power of two. Growing inside the slot costs nothing; past it the pages are moved to a larger slot
 * without copying. Address space is plenty, memory is held for the pages only; what a run holds no
 * more is surplus, and goes back to the system in bounded steps. */
#include "heap/inside.h"

#include <string.h>

enum {
    MOVE_PAGES_FROM = 256 * 1024, /* a slot of less is copied sooner than remapped */
    CUTS_MAX = 16 * 1024,         /* a process may have 65,530 mappings by default */
};

static unsigned slot_order(uint64_t bytes)
{
    unsigned order = 0;
    while (((uint64_t)1 << (RUN_SHIFT + order)) < bytes)
        order++;
    return order;
}

static uint64_t slot_bytes(const struct run *run)
{
    return (uint64_t)1 << (RUN_SHIFT + run->order);
}

static uint32_t row_1_of(const struct heap *heap, const struct run *run)
{
    return (uint32_t)(run - heap->runs) + 1;
}

/* --- pages ------------------------------------------------------------------------------------ */

static uint64_t held_bytes(const struct run *run)
{
    return (uint64_t)run->held_pages * PAGE_BYTES;
}

static uint64_t surplus(const struct run *run)
{
    uint64_t used = run_pages(run->bytes), held = held_bytes(run);
    return held > used ? held - used : 0;
}

static void count(struct heap *heap, const struct run *run, bool add)
{
    uint64_t pages = run_pages(run->bytes);
    heap->allocated += add ? pages : -pages;
    heap->active += add ? pages : -pages;
    heap->run_bytes += add ? pages : -pages;
    heap->run_slack += add ? pages - run->bytes : run->bytes - pages;
    heap->run_bytes_of[run->kind] += add ? pages : -pages;
    heap->run_slack_of[run->kind] += add ? pages - run->bytes : run->bytes - pages;
    heap->returning_bytes += add ? surplus(run) : -surplus(run);
}

/* The one way in which the bytes of a run, or the pages it holds, change. */
static void set_run(struct heap *heap, struct run *run, uint64_t bytes, uint64_t held)
{
    count(heap, run, false);
    run->bytes = bytes;
    run->held_pages = (uint32_t)((held > run_pages(bytes) ? held : run_pages(bytes)) / PAGE_BYTES);
    count(heap, run, true);
    if (surplus(run) == 0 || run->queued)
        return;
    run->queued = true;
    run->next = heap->returning;
    heap->returning = row_1_of(heap, run);
}

static void slot_free(struct heap *heap, struct run *run)
{
    run->next = heap->run_free[run->order];
    heap->run_free[run->order] = row_1_of(heap, run);
    heap->run_freed = true;
}

void run_return_piece(struct heap *heap, uint64_t most)
{
    struct run *run = &heap->runs[heap->returning - 1];
    uint64_t bytes = surplus(run) < most ? surplus(run) : most;
    if (bytes > 0) {
        uint8_t *end = run_start(heap, run) + held_bytes(run);
        heap->seam->pages_return(heap->seam->context, end - bytes, bytes);
        heap->returned_bytes += bytes;
        set_run(heap, run, run->bytes, held_bytes(run) - bytes);
    }
    if (surplus(run) > 0)
        return;
    heap->returning = run->next;
    run->queued = false;
    if (run->bytes == 0)
        slot_free(heap, run);
}

/* --- slots ------------------------------------------------------------------------------------ */

static struct run *free_slot(struct heap *heap, unsigned order)
{
    struct run *run = &heap->runs[heap->run_free[order] - 1];
    heap->run_free[order] = run->next;
    return run;
}

/* One more below the last one. NULL: no address space, or the system refuses. */
static struct run *new_slot(struct heap *heap, unsigned order)
{
    uint64_t rows = ((uint64_t)1 << order), bytes = rows << RUN_SHIFT;
    uint64_t room =
        (uint64_t)(heap->run_base - heap->base) - ((uint64_t)heap->chunks << CHUNK_SHIFT);
    if (bytes > room ||
        !pages_reach_table(heap, TABLE_RUNS, (heap->run_rows + rows) * sizeof(struct run)) ||
        !heap->seam->pages_commit(heap->seam->context, heap->run_base - bytes, bytes))
        return NULL;
    heap->run_rows += (uint32_t)rows;
    heap->run_base -= bytes;
    poison(heap->run_base, bytes);
    struct run *run = &heap->runs[heap->run_rows - 1];
    *run = (struct run){ .order = (uint8_t)order };
    return run;
}

static void set_cuts(struct heap *heap, struct run *run, uint32_t cuts)
{
    heap->run_cuts += (uint32_t)__builtin_popcount(cuts);
    heap->run_cuts -= (uint32_t)__builtin_popcount(run->cuts);
    run->cuts = cuts;
}

/* The front part of a larger free slot; its other parts are free slots then. */
static struct run *split_slot(struct heap *heap, unsigned order)
{
    unsigned from = order + 1;
    while (from < RUN_ORDERS && heap->run_free[from] == 0)
        from++;
    if (from >= RUN_ORDERS)
        return NULL;
    struct run *run = free_slot(heap, from);
    while (from-- > order) {
        struct run *rest = run - ((size_t)1 << from);
        *rest = (struct run){ .order = (uint8_t)from };
        slot_free(heap, rest);
        run->order = (uint8_t)from;
        set_cuts(heap, run, run->cuts & (((uint32_t)1 << from) - 1));
    }
    return run;
}

static bool may_join(const struct run *low, const struct run *high)
{
    return low->bytes == 0 && !low->queued && high->bytes == 0 && !high->queued &&
           low->order == high->order && high->cuts == 0 && low->order + 1 < RUN_ORDERS;
}

/* Joins the slot of a row with those above it while they are of its size; returns the row of the
 * slot above the result, -1: there is none. */
static int64_t join_upwards(struct heap *heap, int64_t row)
{
    struct run *run = &heap->runs[row];
    int64_t above = row - ((int64_t)1 << run->order);
    while (above >= 0 && may_join(run, &heap->runs[above])) {
        set_cuts(heap, run, run->cuts | (uint32_t)1 << run->order);
        run->order++;
        above = row - ((int64_t)1 << run->order);
    }
    return above;
}

static void drop_last_slots(struct heap *heap)
{
    while (heap->run_rows > 0) {
        struct run *last = &heap->runs[heap->run_rows - 1];
        if (last->bytes != 0 || last->queued)
            return;
        set_cuts(heap, last, 0);
        unpoison(heap->run_base, slot_bytes(last)); /* not ours any more */
        heap->run_base += slot_bytes(last);
        heap->run_rows -= 1u << last->order;
        heap->crowded = true;
    }
}

void run_join_slots(struct heap *heap)
{
    while (heap->returning != 0)
        run_return_piece(heap, UINT64_MAX);
    if (!heap->run_freed)
        return;
    drop_last_slots(heap);
    memset(heap->run_free, 0, sizeof heap->run_free);
    for (int64_t row = (int64_t)heap->run_rows - 1; row >= 0;) {
        int64_t above = join_upwards(heap, row);
        if (heap->runs[row].bytes == 0)
            slot_free(heap, &heap->runs[row]);
        row = above;
    }
    heap->run_freed = false;
}

/* A slot that waits to be given back serves at once, its memory still there. */
static struct run *waiting_slot(struct heap *heap, unsigned order)
{
    if (heap->returning == 0)
        return NULL;
    struct run *run = &heap->runs[heap->returning - 1];
    return run->bytes == 0 && run->order == order ? run : NULL;
}

static struct run *take_slot(struct heap *heap, unsigned order)
{
    struct run *run = waiting_slot(heap, order);
    if (run == NULL && heap->run_free[order] != 0)
        run = free_slot(heap, order);
    if (run == NULL)
        run = new_slot(heap, order);
    if (run == NULL)
        run = split_slot(heap, order);
    return run;
}

/* --- runs ------------------------------------------------------------------------------------- */

void *run_take(struct heap *heap, size_t bytes, unsigned kind)
{
    if (bytes > (uint64_t)1 << (RUN_SHIFT + RUN_ORDERS - 1))
        return NULL;
    unsigned order = slot_order(bytes);
    struct run *run = take_slot(heap, order);
    if (run == NULL) {
        run_join_slots(heap);
        pages_drop_chunks(heap);
        run = take_slot(heap, order);
    }
    if (run == NULL)
        return NULL;
    run->kind = (uint8_t)kind;
    set_run(heap, run, bytes, held_bytes(run));
    heap->run_count++;
    heap->blocks++;
    unpoison(run_start(heap, run), bytes);
    return run_start(heap, run);
}

void run_give(struct heap *heap, void *block)
{
    struct run *run = run_of(heap, block);
    ENSURE(run->bytes != 0);
    poison(block, run->bytes);
    heap->run_count--;
    heap->blocks--;
    set_run(heap, run, 0, held_bytes(run));
    if (!run->queued)
        slot_free(heap, run);
}

/* Moves the pages of a slot, mapping by mapping, from its end on: a kernel before Linux 6.17 moves
 * no two at once. Returns the bytes at the front for which it could not be done. */
static uint64_t move_mappings(struct heap *heap, const struct run *from, const struct run *to)
{
    const struct seam *seam = heap->seam;
    uint8_t *source = run_start(heap, from), *target = run_start(heap, to);
    uint64_t end = slot_bytes(from);
    for (unsigned order = from->order; order-- > 0;) {
        uint64_t at = (uint64_t)1 << (RUN_SHIFT + order);
        if ((from->cuts >> order & 1) == 0)
            continue;
        if (!seam->pages_move(seam->context, source + at, target + at, end - at))
            return end;
        end = at;
    }
    return seam->pages_move(seam->context, source, target, end) ? 0 : end;
}

/* Brings the content of a run to a larger slot; `from` keeps its bytes, not all of its pages. */
static void carry_over(struct heap *heap, struct run *from, struct run *to)
{
    uint64_t left = slot_bytes(from); /* what is to be copied */
    if (from->bytes >= MOVE_PAGES_FROM && heap->run_cuts < CUTS_MAX && !heap->crowded) {
        uint32_t inside = ((uint32_t)1 << from->order) - 1;
        left = move_mappings(heap, from, to);
        uint32_t kept = left == 0 ? to->cuts & ~inside : to->cuts;
        if (left < slot_bytes(from))
            set_cuts(heap, to, kept | (from->cuts & inside) | (uint32_t)1 << from->order);
    }
    memcpy(run_start(heap, to), run_start(heap, from), left < from->bytes ? left : from->bytes);
    if (held_bytes(from) > left) {
        count(heap, from, false);
        from->held_pages = (uint32_t)(left / PAGE_BYTES);
        count(heap, from, true);
    }
}

/* pre: both the old and the new size are runs. */
void *run_resize(struct heap *heap, void *block, size_t bytes, unsigned kind)
{
    struct run *run = run_of(heap, block);
    ENSURE(run->bytes != 0);
    if (bytes <= slot_bytes(run)) {
        poison(block, run->bytes);
        set_run(heap, run, bytes, held_bytes(run));
        unpoison(block, bytes);
        return block;
    }
    void *to = run_take(heap, bytes, kind);
    if (to == NULL)
        return NULL;
    carry_over(heap, run, run_of(heap, to));
    run_give(heap, block);
    return to;
}
