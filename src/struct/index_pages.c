/* The pages of the index. Buckets and nodes have a reservation each, so that their addresses do not
 * change but where address space is short: there it is small, and widened as needed. Memory is
 * committed at the front in steps, touched by use, and given back from the end. */
#include "struct/index_parts.h"

#include <string.h>

/* Two thousand million buckets: some 17 thousand million elements. Where the system does not give
 * that much address space, others need what there is too: the index starts with the least. */
#define BUCKETS_RESERVE_MAX ((uint64_t)LINEAR_COUNT_MAX * INDEX_BUCKET_BYTES)
#define NODES_RESERVE_MAX ((uint64_t)LINEAR_COUNT_MAX * INDEX_NODE_BYTES)
#define RESERVE_MIN (UINT64_C(1) << 20)

#define COMMIT_STEP_MAX (UINT64_C(1) << 20)
#define RETURN_STEP_MAX (UINT64_C(1) << 16)
#define LARGE_PAGE_BYTES (UINT64_C(1) << 21)

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + INDEX_PAGE_BYTES - 1) & ~(uint64_t)(INDEX_PAGE_BYTES - 1);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static void *reserve(const struct seam *seam, uint64_t most, uint64_t *bytes)
{
    void *at = seam->pages_reserve(seam->context, (size_t)most);
    *bytes = at != NULL ? most : RESERVE_MIN;
    if (at == NULL)
        at = seam->pages_reserve(seam->context, RESERVE_MIN);
    if (at == NULL)
        *bytes = 0;
    return at;
}

/* Twice the address space, at another place; NULL when there is none, and nothing has changed.
 * Pages are moved by 2 MiB, which never cross the end of a mapping. */
static void *widen(const struct index *index, void *base, uint64_t committed, uint64_t *reserved,
                   uint64_t most)
{
    const struct seam *seam = index->seam;
    uint64_t bytes = *reserved * 2;
    uint8_t *from = base;
    uint8_t *to = bytes <= most ? seam->pages_reserve(seam->context, (size_t)bytes) : NULL;
    if (to == NULL)
        return NULL;
    if (!seam->pages_commit(seam->context, to, (size_t)committed)) {
        seam->pages_unreserve(seam->context, to, (size_t)bytes);
        return NULL;
    }
    for (uint64_t at = 0; at < committed; at += LARGE_PAGE_BYTES) {
        size_t part = (size_t)at_most(committed - at, LARGE_PAGE_BYTES);
        if (!seam->pages_move(seam->context, from + at, to + at, part))
            memcpy(to + at, from + at, part);
    }
    seam->pages_unreserve(seam->context, base, (size_t)*reserved);
    *reserved = bytes;
    return to;
}

/* Makes at least `need` bytes usable; more at a time as it grows, so that calls stay rare. */
static bool commit(const struct index *index, void *base, uint64_t need, uint64_t reserved,
                   uint64_t *committed)
{
    if (LIKELY(need <= *committed))
        return true;
    if (need > reserved)
        return false;
    uint64_t step = at_most(round_up(*committed / 64 + 1), COMMIT_STEP_MAX);
    uint64_t goal = round_up(need);
    if (goal < *committed + step)
        goal = at_most(*committed + step, reserved);
    uint8_t *from = (uint8_t *)base + *committed;
    const struct seam *seam = index->seam;
    if (!seam->pages_commit(seam->context, from, (size_t)(goal - *committed)))
        return false;
    *committed = goal;
    return true;
}

bool index_pages_start(struct index *index)
{
    const struct seam *seam = index->seam;
    if (index->buckets_reserved == 0)
        index->buckets = reserve(seam, BUCKETS_RESERVE_MAX, &index->buckets_reserved);
    if (index->buckets == NULL)
        return false;
    index->nodes = reserve(seam, NODES_RESERVE_MAX, &index->nodes_reserved);
    if (index->nodes != NULL && index_pages_buckets(index, 1)) {
        index_pages_note(index);
        return true;
    }
    index_release(index);
    return false;
}

bool index_pages_buckets(struct index *index, uint64_t buckets)
{
    uint64_t need = buckets * INDEX_BUCKET_BYTES;
    if (UNLIKELY(need > index->buckets_reserved)) {
        void *wider = widen(index, index->buckets, index->buckets_committed,
                            &index->buckets_reserved, BUCKETS_RESERVE_MAX);
        if (wider == NULL)
            return false;
        index->buckets = wider;
    }
    return commit(index, index->buckets, need, index->buckets_reserved, &index->buckets_committed);
}

bool index_pages_nodes(struct index *index, uint64_t nodes)
{
    uint64_t need = nodes * INDEX_NODE_BYTES;
    if (UNLIKELY(need > index->nodes_reserved)) {
        void *wider = widen(index, index->nodes, index->nodes_committed, &index->nodes_reserved,
                            NODES_RESERVE_MAX);
        if (wider == NULL)
            return false;
        index->nodes = wider;
    }
    return commit(index, index->nodes, need, index->nodes_reserved, &index->nodes_committed);
}

/* Whole 2 MiB of buckets go on large pages: a lookup at random then rarely misses the address
 * cache. Buckets are given back from the end only, so that such a page soon goes whole. */
static void merge_pages(struct index *index)
{
    const struct seam *seam = index->seam;
    uint8_t *at = (uint8_t *)index->buckets + index->buckets_merged;
    index->buckets_merged += LARGE_PAGE_BYTES;
    if (seam->pages_merge != NULL)
        seam->pages_merge(seam->context, at, LARGE_PAGE_BYTES);
}

void index_pages_note(struct index *index)
{
    uint64_t buckets = (uint64_t)index->bucket_count * INDEX_BUCKET_BYTES;
    uint64_t nodes = (uint64_t)index->node_count * INDEX_NODE_BYTES;
    if (UNLIKELY(buckets > index->buckets_touched))
        index->buckets_touched = round_up(buckets);
    if (UNLIKELY(index->buckets_touched >= index->buckets_merged + LARGE_PAGE_BYTES))
        merge_pages(index);
    if (UNLIKELY(nodes > index->nodes_touched))
        index->nodes_touched = round_up(nodes);
}

/* Gives [used, touched) back once there is an eighth of what is used, or 64 KiB, of it. A page is
 * kept besides, lest a node that comes and goes costs a call each time; not when all is empty. */
static void trim(const struct index *index, void *base, uint64_t used, uint64_t *touched)
{
    bool empty = index->count == 0;
    uint64_t keep = round_up(used) + (empty ? 0 : INDEX_PAGE_BYTES);
    uint64_t step = at_most(round_up(used / 8 + 1), RETURN_STEP_MAX);
    if (LIKELY(*touched < keep + (empty ? 1 : step)))
        return;
    const struct seam *seam = index->seam;
    seam->pages_return(seam->context, (uint8_t *)base + keep, (size_t)(*touched - keep));
    *touched = keep;
}

void index_pages_trim(struct index *index)
{
    trim(index, index->buckets, (uint64_t)index->bucket_count * INDEX_BUCKET_BYTES,
         &index->buckets_touched);
    if (UNLIKELY(index->buckets_touched < index->buckets_merged))
        index->buckets_merged = index->buckets_touched & ~(LARGE_PAGE_BYTES - 1);
    trim(index, index->nodes, (uint64_t)index->node_count * INDEX_NODE_BYTES,
         &index->nodes_touched);
}

uint64_t index_bytes(const struct index *index)
{
    return index->buckets_touched + index->nodes_touched;
}
