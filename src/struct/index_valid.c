/* The invariants of struct/index_parts.h, checked one by one over the whole index. */
#include "struct/index_parts.h"

static bool element_valid(const struct index *index, uint32_t bucket, uint8_t fingerprint,
                          uint64_t ref)
{
    if (ref == 0)
        return false;
    uint64_t hash = index->ops.hash(index->ops.context, ref);
    return fingerprint == index_fingerprint(hash) &&
           linear_bucket(hash, index->bucket_count) == bucket;
}

/* The taken slots are the first ones, and each holds what belongs here. */
static bool slots_valid(const struct index *index, uint32_t bucket, const uint8_t *fingerprints,
                        const uint8_t *refs, unsigned slots, unsigned fill)
{
    for (unsigned i = 0; i < fill; i++) {
        if (!element_valid(index, bucket, fingerprints[i], index_ref_load(refs + 5 * i)))
            return false;
    }
    for (unsigned i = fill; i < slots; i++) {
        if (fingerprints[i] != 0)
            return false;
    }
    return true;
}

/* Counts elements and nodes of a chain; `nodes` bounds the walk should links form a circle. */
static bool chain_valid(const struct index *index, uint32_t number, uint64_t *elements,
                        uint64_t *nodes)
{
    uint32_t link = index_next_load(&index->buckets[number]);
    for (bool first = true; link != 0; first = false) {
        if (link > index->node_count || ++*nodes > index->node_count)
            return false;
        const struct index_node *node = index_node_at(index, link);
        unsigned fill = index_node_fill(node);
        if (node->home != number || fill == 0 || (!first && fill < INDEX_NODE_SLOTS))
            return false;
        if (!slots_valid(index, number, node->fingerprint, node->ref[0], INDEX_NODE_SLOTS, fill))
            return false;
        *elements += fill;
        link = node->next;
    }
    return true;
}

static bool bucket_valid(const struct index *index, uint32_t number, uint64_t *elements,
                         uint64_t *nodes)
{
    const struct index_bucket *bucket = &index->buckets[number];
    unsigned fill = index_bucket_fill(bucket);
    if (fill < INDEX_SLOTS && index_next_load(bucket) != 0)
        return false;
    *elements += fill;
    return slots_valid(index, number, bucket->fingerprint, bucket->ref[0], INDEX_SLOTS, fill) &&
           chain_valid(index, number, elements, nodes);
}

static bool pages_valid(uint64_t used, uint64_t touched, uint64_t committed, uint64_t reserved)
{
    return used <= touched && touched <= committed && committed <= reserved &&
           touched % INDEX_PAGE_BYTES == 0;
}

bool index_valid(const struct index *index)
{
    if (index->buckets == NULL)
        return index->count == 0 && index->node_count == 0 && index->bucket_count == 1 &&
               index_bytes(index) == 0;
    uint64_t buckets = (uint64_t)index->bucket_count * INDEX_BUCKET_BYTES;
    uint64_t nodes = (uint64_t)index->node_count * INDEX_NODE_BYTES;
    if (!pages_valid(buckets, index->buckets_touched, index->buckets_committed,
                     index->buckets_reserved) ||
        !pages_valid(nodes, index->nodes_touched, index->nodes_committed, index->nodes_reserved))
        return false;
    uint64_t elements = 0;
    uint64_t linked = 0;
    for (uint32_t i = 0; i < index->bucket_count; i++) {
        if (!bucket_valid(index, i, &elements, &linked))
            return false;
    }
    return elements == index->count && linked == index->node_count;
}
