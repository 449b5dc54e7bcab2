/* Growing and shrinking by one bucket at a time. */
#include "struct/index_parts.h"

/* The load is steered by memory: a bucket is split as soon as the elements pay for the result at
 * SPLIT_EIGHTHS / 8 bytes each, so that an element costs the same in every phase of growth and
 * whatever is left of the budget buys short chains. The last bucket is merged when an element costs
 * more than MERGE_EIGHTHS / 8, with some bytes' grace: one element and its node coming and going
 * stay within the gap. Measured in struct/README.md. */
enum { SPLIT_EIGHTHS = 74, MERGE_EIGHTHS = 75, MERGE_GRACE_BYTES = 256 };

/* Splits or merges after one change: one suffices in steady state, the second catches up after
 * pages were refused for a while. */
enum { STEPS_MAX = 2 };

/* The chain of a bucket that is being poured elsewhere, node by node. */
struct pour {
    struct index *index;
    uint32_t rest;  /* nodes not yet read */
    uint32_t spare; /* nodes read, for reuse */
};

/* Takes the next node off and makes it a spare one; false at the end. */
static bool pour_next(struct pour *pour, struct index_node *copy)
{
    if (pour->rest == 0)
        return false;
    struct index_node *node = index_node_at(pour->index, pour->rest);
    *copy = *node;
    node->next = pour->spare;
    pour->spare = pour->rest;
    pour->rest = copy->next;
    return true;
}

static uint64_t hash_of(const struct index *index, uint64_t ref)
{
    return index->ops.hash(index->ops.context, ref);
}

/* Parts the ten slots of `old` by a bit of the hash. */
static void part_slots(const struct index *index, const struct index_bucket *old, unsigned bit,
                       struct index_bucket half[2])
{
    unsigned fill[2] = { 0, 0 };
    unsigned count = index_bucket_fill(old);
    for (unsigned i = 0; i < count; i++) {
        uint64_t ref = index_ref_load(old->ref[i]);
        unsigned side = hash_of(index, ref) >> bit & 1;
        index_bucket_set(&half[side], fill[side]++, old->fingerprint[i], ref);
    }
}

/* Nodes never run out here: after reading k nodes, at most 10 + 4k elements have been placed in two
 * buckets, and those need k nodes at most, which are the spare ones. */
static void split(struct index *index)
{
    uint32_t target[2] = { linear_split_source(index->bucket_count), index->bucket_count };
    unsigned bit = linear_split_bit(index->bucket_count);
    struct index_bucket old = index->buckets[target[0]];
    struct index_bucket half[2] = { { .next = { 0 } }, { .next = { 0 } } };
    part_slots(index, &old, bit, half);
    index->buckets[target[0]] = half[0];
    index->buckets[target[1]] = half[1];
    index->bucket_count++;

    struct pour pour = { index, index_next_load(&old), 0 };
    struct index_node node;
    while (pour_next(&pour, &node)) {
        for (unsigned i = 0; i < INDEX_NODE_SLOTS && node.fingerprint[i] != 0; i++) {
            uint64_t ref = index_ref_load(node.ref[i]);
            unsigned side = hash_of(index, ref) >> bit & 1;
            ENSURE(index_chain_add(index, target[side], node.fingerprint[i], ref, &pour.spare));
        }
    }
    index_chain_drop(index, pour.spare, target[0]);
}

static bool may_split(const struct index *index)
{
    return index_used_bytes(index) + INDEX_BUCKET_BYTES <= index->count * SPLIT_EIGHTHS / 8 &&
           index->bucket_count < LINEAR_COUNT_MAX;
}

static void prefetch_slots(const struct index *index, const uint8_t *refs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        index->ops.prefetch(index->ops.context, index_ref_load(refs + 5 * i));
}

/* Looks ahead while a bucket splits: the line of the fifth bucket from here, the first overflow
 * node of the third, the elements of the second, so that each has arrived when it is read. Splits
 * come close together at the end of a doubling, hence the distance. */
static void look_ahead(const struct index *index)
{
    uint32_t source = linear_split_source(index->bucket_count);
    prefetch(&index->buckets[source + 4]);
    if (source + 2 >= index->bucket_count)
        return;
    uint32_t link = index_next_load(&index->buckets[source + 2]);
    if (link != 0)
        prefetch(index_node_at(index, link));
    if (index->ops.prefetch == NULL)
        return;
    const struct index_bucket *bucket = &index->buckets[source + 1];
    prefetch_slots(index, bucket->ref[0], index_bucket_fill(bucket));
    link = index_next_load(bucket);
    if (link != 0) {
        const struct index_node *node = index_node_at(index, link);
        prefetch_slots(index, node->ref[0], index_node_fill(node));
        if (node->next != 0)
            prefetch(index_node_at(index, node->next));
    }
}

void index_grow(struct index *index)
{
    for (int i = 0; i < STEPS_MAX && may_split(index); i++) {
        if (!index_pages_buckets(index, (uint64_t)index->bucket_count + 1))
            return;
        split(index);
        index_pages_note(index);
        index_pages_trim(index);
        look_ahead(index);
    }
}

/* Two full buckets in one need three nodes more than before; those were asked for. */
static void merge(struct index *index)
{
    uint32_t number = index->bucket_count - 1;
    uint32_t target = linear_merge_target(index->bucket_count);
    struct index_bucket *source = &index->buckets[number];
    struct pour pour = { index, index_next_load(source), 0 };
    unsigned count = index_bucket_fill(source);
    for (unsigned i = 0; i < count; i++)
        ENSURE(index_chain_add(index, target, source->fingerprint[i],
                               index_ref_load(source->ref[i]), &pour.spare));
    struct index_node node;
    while (pour_next(&pour, &node)) {
        for (unsigned i = 0; i < INDEX_NODE_SLOTS && node.fingerprint[i] != 0; i++)
            ENSURE(index_chain_add(index, target, node.fingerprint[i], index_ref_load(node.ref[i]),
                                   &pour.spare));
    }
    index->bucket_count--;
    index_chain_drop(index, pour.spare, target);
}

/* The buckets that merge next but one, while there is time. */
static void look_behind(const struct index *index)
{
    if (index->bucket_count <= 4)
        return;
    uint32_t number = index->bucket_count - 3;
    prefetch(&index->buckets[number]);
    prefetch(&index->buckets[linear_merge_target(number + 1)]);
    uint32_t link = index_next_load(&index->buckets[number + 1]);
    if (link != 0)
        prefetch(index_node_at(index, link));
}

static bool may_merge(const struct index *index)
{
    return index->bucket_count > 1 &&
           index_used_bytes(index) > index->count * MERGE_EIGHTHS / 8 + MERGE_GRACE_BYTES;
}

void index_shrink(struct index *index)
{
    for (int i = 0; i < STEPS_MAX && may_merge(index); i++) {
        if (!index_pages_nodes(index, (uint64_t)index->node_count + 3))
            break;
        merge(index);
        index_pages_note(index);
        look_behind(index);
    }
    index_pages_trim(index);
}
