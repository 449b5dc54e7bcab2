/* Where spans come from: chunks of 2 MiB, each cut into spans of one order. A free span keeps its
 * memory for a while, as a bounded reserve; surplus goes back to the system in bounded steps. */
#include "heap/inside.h"

enum {
    RETURN_STEP_BYTES = 1 << 20, /* about 65 us of the kernel's time */
    GIVE_STEP_BYTES = 256 << 10, /* what the giver of a block may be asked to wait for */
    TABLE_STEP_BYTES = 64 << 10,
    CACHE_LOOK_NS = 250 * 1000 * 1000,
};
#define RESERVE_MIN ((uint64_t)16 << 20)

/* Free spans with memory that are kept: what a burst needs before the next look. */
static uint64_t cache_max(const struct heap *heap)
{
    return heap->active / 64 + (256u << 10);
}

/* --- the reservation -------------------------------------------------------------------------- */

static uint64_t chunk_up(uint64_t bytes)
{
    return (bytes + CHUNK_BYTES - 1) & ~(uint64_t)(CHUNK_BYTES - 1);
}

/* Carves blocks and tables out of one reservation. */
static bool reserve_all(struct heap *heap, uint64_t bytes)
{
    const uint64_t chunks = bytes >> CHUNK_SHIFT;
    const uint64_t tables[TABLES] = {
        [TABLE_SPANS] = chunk_up(chunks * CHUNK_UNITS * sizeof(struct span)),
        [TABLE_ORDERS] = chunk_up(chunks),
        [TABLE_TAGS] = chunk_up(chunks * sizeof(uint64_t)),
        [TABLE_RUNS] = chunk_up((bytes >> RUN_SHIFT) * sizeof(struct run)),
    };
    uint64_t all = bytes;
    for (int table = 0; table < TABLES; table++)
        all += tables[table];
    uint8_t *at = heap->seam->pages_reserve(heap->seam->context, all);
    if (at == NULL)
        return false;
    heap->reserve_bytes = all;
    heap->base = at;
    heap->end = heap->run_base = at += bytes;
    for (int table = 0; table < TABLES; at += tables[table++])
        heap->tables[table] = at;
    heap->spans = (struct span *)(void *)heap->tables[TABLE_SPANS];
    heap->chunk_order = heap->tables[TABLE_ORDERS];
    heap->chunk_tag = (uint64_t *)(void *)heap->tables[TABLE_TAGS];
    heap->runs = (struct run *)(void *)heap->tables[TABLE_RUNS];
    return true;
}

/* Whether twice as much can be had: the indexes and everything else need address space too. */
static bool leaves_half(const struct seam *seam, uint64_t bytes)
{
    void *probe = seam->pages_reserve(seam->context, 2 * bytes);
    if (probe != NULL)
        seam->pages_unreserve(seam->context, probe, 2 * bytes);
    return probe != NULL;
}

bool pages_init(struct heap *heap, uint64_t reserve_bytes)
{
    const uint64_t reach = (uint64_t)8 << 40; /* 40 bits of 8 bytes */
    uint64_t bytes = reserve_bytes == 0 || reserve_bytes > reach ? reach : reserve_bytes;
    if (reserve_all(heap, chunk_up(bytes)))
        return true;
    for (; bytes >= RESERVE_MIN; bytes -= bytes / 4)
        if (leaves_half(heap->seam, chunk_up(bytes)) && reserve_all(heap, chunk_up(bytes)))
            return true;
    return false;
}

void pages_release(struct heap *heap)
{
    const struct seam *seam = heap->seam;
    if (heap->base == NULL)
        return;
    unpoison(heap->base, (uint64_t)heap->chunks << CHUNK_SHIFT);
    unpoison(heap->run_base, (size_t)(heap->end - heap->run_base));
    seam->pages_unreserve(seam->context, heap->base, heap->reserve_bytes);
}

/* In steps: where the system counts what may be written to, a table for 8 TiB is too much. */
bool pages_reach_table(struct heap *heap, enum heap_table table, uint64_t bytes)
{
    uint64_t *committed = &heap->tables_committed[table];
    if (bytes <= *committed)
        return true;
    uint64_t goal = (bytes + TABLE_STEP_BYTES - 1) & ~(uint64_t)(TABLE_STEP_BYTES - 1);
    const struct seam *seam = heap->seam;
    if (!seam->pages_commit(seam->context, heap->tables[table] + *committed, goal - *committed))
        return false;
    *committed = goal;
    return true;
}

/* --- lists of free spans ---------------------------------------------------------------------- */

static void list_push(struct heap *heap, struct free_list *list, struct span *span)
{
    uint32_t row = row_of(heap, span);
#ifdef SNUG_MOVE_ALL
    /* Reused as late as can be, so that a stale pointer finds poisoned memory. */
    span->next = NO_SPAN;
    span->prev = list->last;
    if (list->last != NO_SPAN)
        heap->spans[list->last].next = row;
    else
        list->first = row;
    list->last = row;
#else
    span->next = list->first;
    span->prev = NO_SPAN;
    if (list->first != NO_SPAN)
        heap->spans[list->first].prev = row;
    else
        list->last = row;
    list->first = row;
#endif
    list->count++;
}

static struct span *list_remove(struct heap *heap, struct free_list *list, uint32_t row)
{
    struct span *span = &heap->spans[row];
    if (span->prev != NO_SPAN)
        heap->spans[span->prev].next = span->next;
    else
        list->first = span->next;
    if (span->next != NO_SPAN)
        heap->spans[span->next].prev = span->prev;
    else
        list->last = span->prev;
    list->count--;
    return span;
}

/* Row 0 stays unused so that no block has reference 0. */
static void cut_chunk(struct heap *heap, uint32_t chunk, unsigned order)
{
    heap->chunk_order[chunk] = (uint8_t)order;
    heap->chunk_tag[chunk] = UINT64_MAX;
    for (uint32_t unit = CHUNK_UNITS; unit > 0;) {
        unit -= 1u << order;
        uint32_t row = chunk * CHUNK_UNITS + unit;
        if (row == NO_SPAN)
            continue;
        struct span *span = &heap->spans[row];
        *span = (struct span){ .state = SPAN_FREE, .order = (uint8_t)order };
        list_push(heap, &heap->clean[order], span);
    }
}

static bool new_chunk(struct heap *heap, unsigned order)
{
    uint64_t chunks = (uint64_t)heap->chunks + 1;
    uint8_t *at = heap->base + ((uint64_t)heap->chunks << CHUNK_SHIFT);
    if ((uint64_t)(heap->run_base - at) < CHUNK_BYTES ||
        !pages_reach_table(heap, TABLE_SPANS, chunks * CHUNK_UNITS * sizeof(struct span)) ||
        !pages_reach_table(heap, TABLE_ORDERS, chunks) ||
        !pages_reach_table(heap, TABLE_TAGS, chunks * sizeof(uint64_t)) ||
        !heap->seam->pages_commit(heap->seam->context, at, CHUNK_BYTES))
        return false;
    poison(at, CHUNK_BYTES);
    cut_chunk(heap, heap->chunks++, order);
    return true;
}

/* Without memory from here on. */
static void uncache(struct heap *heap, struct span *span, uint64_t bytes)
{
    uint8_t *end = span_start(heap, span) + span->touched_bytes;
    heap->seam->pages_return(heap->seam->context, end - bytes, bytes);
    heap->returned_bytes += bytes;
    span->touched_bytes -= (uint32_t)bytes;
    heap->cached_bytes -= bytes;
    if (heap->cached_low > heap->cached_bytes)
        heap->cached_low = heap->cached_bytes;
    if (span->touched_bytes > 0)
        return;
    list_remove(heap, &heap->cached[span->order], row_of(heap, span));
    list_push(heap, &heap->clean[span->order], span);
}

static bool chunk_is_free(const struct heap *heap, uint32_t chunk)
{
    for (uint32_t row = chunk * CHUNK_UNITS; row < (chunk + 1) * CHUNK_UNITS; row++)
        if (heap->spans[row].state > SPAN_FREE)
            return false;
    return true;
}

/* pre: chunk_is_free */
static void clear_chunk(struct heap *heap, uint32_t chunk)
{
    for (uint32_t row = chunk * CHUNK_UNITS; row < (chunk + 1) * CHUNK_UNITS; row++) {
        struct span *span = &heap->spans[row];
        if (span->state == SPAN_FREE && span->touched_bytes > 0)
            uncache(heap, span, span->touched_bytes);
        if (span->state == SPAN_FREE)
            list_remove(heap, &heap->clean[span->order], row);
        *span = (struct span){ .state = SPAN_UNUSED };
    }
}

static uint64_t free_span_bytes(const struct heap *heap)
{
    uint64_t spans = 0;
    for (unsigned order = 0; order <= SPAN_ORDER_MAX; order++)
        spans += (uint64_t)(heap->clean[order].count + heap->cached[order].count) << order;
    return spans << SPAN_SHIFT;
}

/* Where no more address space is to be had: a chunk without blocks is cut anew. */
static bool recut_chunk(struct heap *heap, unsigned order)
{
    uint32_t chunk = free_span_bytes(heap) < CHUNK_BYTES ? heap->chunks : 0;
    while (chunk < heap->chunks &&
           (heap->chunk_order[chunk] == order || !chunk_is_free(heap, chunk)))
        chunk++;
    if (chunk == heap->chunks)
        return false;
    clear_chunk(heap, chunk);
    cut_chunk(heap, chunk, order);
    return true;
}

void pages_drop_chunks(struct heap *heap)
{
    while (heap->chunks > 0 && chunk_is_free(heap, heap->chunks - 1)) {
        clear_chunk(heap, --heap->chunks);
        heap->crowded = true;
    }
}

struct span *pages_take_span(struct heap *heap, unsigned order)
{
    struct free_list *cached = &heap->cached[order], *clean = &heap->clean[order];
    if (cached->count > 0) {
        struct span *span = list_remove(heap, cached, cached->first);
        heap->cached_bytes -= span->touched_bytes;
        if (heap->cached_bytes < heap->cached_low)
            heap->cached_low = heap->cached_bytes;
        return span;
    }
    /* Chunk 0 has no whole span of the largest order: row 0 is not used. */
    while (clean->count == 0 && new_chunk(heap, order))
        ;
    if (clean->count == 0)
        run_join_slots(heap);
    while (clean->count == 0 && (new_chunk(heap, order) || recut_chunk(heap, order)))
        ;
    return clean->count > 0 ? list_remove(heap, clean, clean->first) : NULL;
}

static struct span *cached_span(struct heap *heap)
{
    for (unsigned order = SPAN_ORDER_MAX + 1; order-- > 0;)
        if (heap->cached[order].count > 0)
            return &heap->spans[heap->cached[order].last];
    return NULL;
}

static bool return_cached(struct heap *heap, uint64_t most)
{
    struct span *span = cached_span(heap);
    if (span == NULL)
        return false;
    uncache(heap, span, span->touched_bytes < most ? span->touched_bytes : most);
    return true;
}

/* What is far over the reserve does not wait for a quiet moment, but goes in small pieces. */
void pages_give_span(struct heap *heap, struct span *span)
{
    span->state = SPAN_FREE;
    poison(span_start(heap, span), (size_t)HEAP_SPAN_BYTES << span->order);
    list_push(heap, &heap->cached[span->order], span);
    heap->cached_bytes += span->touched_bytes;
    if (heap->cached_bytes > cache_max(heap) * 2)
        (void)return_cached(heap, GIVE_STEP_BYTES);
}

/* --- giving pages back ------------------------------------------------------------------------ */

/* What the reserve never fell below since the last look was not needed: that much may go. */
static void look_at_cache(struct heap *heap)
{
    uint64_t now_ns = seam_now_ns(heap->seam);
    if (now_ns - heap->cached_looked_ns < CACHE_LOOK_NS)
        return;
    heap->cached_looked_ns = now_ns;
    heap->cached_target = heap->cached_bytes - heap->cached_low;
    heap->cached_low = heap->cached_bytes;
}

static bool cache_over(const struct heap *heap)
{
    return heap->cached_bytes > heap->cached_target || heap->cached_bytes > cache_max(heap);
}

static bool tidy(const struct heap *heap)
{
    return heap->returning == 0 && !cache_over(heap);
}

bool heap_tidy_step(struct heap *heap, uint64_t deadline_ns)
{
    look_at_cache(heap);
    bands_tidy(heap);
    while (!tidy(heap)) {
        if (heap->returning != 0)
            run_return_piece(heap, RETURN_STEP_BYTES);
        else if (!return_cached(heap, RETURN_STEP_BYTES))
            break;
        if (seam_now_ns(heap->seam) >= deadline_ns)
            return tidy(heap);
    }
    return true;
}

uint64_t heap_give_back(struct heap *heap, uint64_t bytes, uint64_t deadline_ns)
{
    uint64_t before = heap->returned_bytes;
    while (heap->returned_bytes - before < bytes) {
        uint64_t left = bytes - (heap->returned_bytes - before);
        uint64_t piece = left < GIVE_STEP_BYTES ? page_up(left) : GIVE_STEP_BYTES;
        if (heap->returning != 0)
            run_return_piece(heap, piece);
        else if (!return_cached(heap, piece))
            break;
        if (seam_now_ns(heap->seam) >= deadline_ns)
            break;
    }
    return heap->returned_bytes - before;
}

uint64_t heap_purge(struct heap *heap)
{
    uint64_t before = heap->returned_bytes;
    while (heap->returning != 0)
        run_return_piece(heap, UINT64_MAX);
    while (return_cached(heap, UINT64_MAX))
        ;
    heap->cached_low = 0;
    return heap->returned_bytes - before;
}
