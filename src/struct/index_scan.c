/* Walking the index: SCAN's cursor, a random element, figures, and the check of everything. */
#include "struct/index_parts.h"

static void visit_refs(const uint8_t *refs, unsigned count,
                       void (*visit)(void *context, uint64_t ref), void *context)
{
    for (unsigned i = 0; i < count; i++)
        visit(context, index_ref_load(refs + 5 * i));
}

/* Calls `visit` for all elements of a bucket. */
static void visit_bucket(const struct index *index, uint32_t number,
                         void (*visit)(void *context, uint64_t ref), void *context)
{
    const struct index_bucket *bucket = &index->buckets[number];
    visit_refs(bucket->ref[0], index_bucket_fill(bucket), visit, context);
    uint32_t link = index_next_load(bucket);
    while (link != 0) {
        const struct index_node *node = index_node_at(index, link);
        visit_refs(node->ref[0], index_node_fill(node), visit, context);
        link = node->next;
    }
}

/* What is looked at by `visit` is asked for in advance, a bucket at a time. */
uint64_t index_scan(const struct index *index, uint64_t cursor,
                    void (*visit)(void *context, uint64_t ref), void *context)
{
    if (index->buckets == NULL)
        return 0;
    uint32_t bucket = linear_bucket(cursor, index->bucket_count);
    uint64_t next = linear_cursor_next(cursor, linear_depth(bucket, index->bucket_count));
    index_prefetch(index, next);
    if (index->ops.prefetch != NULL)
        visit_bucket(index, bucket, index->ops.prefetch, index->ops.context);
    visit_bucket(index, bucket, visit, context);
    return next;
}

/* The reference in a slot of all slots there are, buckets' first; 0 when it is free. */
static uint64_t ref_in_slot(const struct index *index, uint64_t slot)
{
    uint64_t in_buckets = (uint64_t)index->bucket_count * INDEX_SLOTS;
    if (slot < in_buckets) {
        const struct index_bucket *bucket = &index->buckets[slot / INDEX_SLOTS];
        slot %= INDEX_SLOTS;
        return bucket->fingerprint[slot] != 0 ? index_ref_load(bucket->ref[slot]) : 0;
    }
    slot -= in_buckets;
    const struct index_node *node = &index->nodes[slot / INDEX_NODE_SLOTS];
    slot %= INDEX_NODE_SLOTS;
    return node->fingerprint[slot] != 0 ? index_ref_load(node->ref[slot]) : 0;
}

struct sample {
    uint64_t *refs;
    uint64_t count, most;
};

static void add_to_sample(void *context, uint64_t ref)
{
    struct sample *sample = context;
    if (sample->count < sample->most)
        sample->refs[sample->count++] = ref;
}

uint64_t index_sample(const struct index *index, struct rng *rng, uint64_t *refs, uint64_t most)
{
    struct sample sample = { refs, 0, most };
    if (index->count > 0)
        visit_bucket(index, (uint32_t)rng_below(rng, index->bucket_count), add_to_sample, &sample);
    return sample.count;
}

/* Since nodes are dense, all slots can be drawn from alike, and a free one is drawn again. Three in
 * four are taken, in the sparsest small table about one in forty; the tries end, at the latest, by
 * taking the next one that follows. */
uint64_t index_random(const struct index *index, struct rng *rng)
{
    enum { TRIES_MAX = 256 };
    if (index->count == 0)
        return 0;
    uint64_t slots = (uint64_t)index->bucket_count * INDEX_SLOTS +
                     (uint64_t)index->node_count * INDEX_NODE_SLOTS;
    uint64_t slot = 0;
    for (int i = 0; i < TRIES_MAX; i++) {
        slot = rng_below(rng, slots);
        uint64_t ref = ref_in_slot(index, slot);
        if (LIKELY(ref != 0))
            return ref;
    }
    uint64_t ref = 0;
    while (ref == 0) {
        slot = slot + 1 < slots ? slot + 1 : 0;
        ref = ref_in_slot(index, slot);
    }
    return ref;
}

void index_figures(const struct index *index, struct index_figures *figures)
{
    *figures = (struct index_figures){ .bytes = index_bytes(index) };
    if (index->buckets == NULL)
        return;
    figures->buckets = index->bucket_count;
    figures->nodes = index->node_count;
    figures->slots = (uint64_t)index->bucket_count * INDEX_SLOTS +
                     (uint64_t)index->node_count * INDEX_NODE_SLOTS;
    for (uint32_t i = 0; i < index->bucket_count; i++) {
        unsigned length = 0;
        uint32_t link = index_next_load(&index->buckets[i]);
        for (; link != 0 && length < 5; length++)
            link = index_node_at(index, link)->next;
        figures->chain[length]++;
    }
}
