/* Elements of one bucket: its own slots first, then its chain of overflow nodes. */
#include "struct/index_parts.h"

/* The place of the link to the node `link` on the chain of `home`, NULL when it is in the bucket
 * itself. Chains are short: a bucket that has one mostly has a single node. */
static struct index_node *find_before(const struct index *index, uint32_t home, uint32_t link)
{
    uint32_t at = index_next_load(&index->buckets[home]);
    if (at == link)
        return NULL;
    while (index_node_at(index, at)->next != link)
        at = index_node_at(index, at)->next;
    return index_node_at(index, at);
}

/* Frees a node that nothing links to: the last node moves into its place. */
static void drop_node(struct index *index, uint32_t link)
{
    uint32_t last_link = index->node_count;
    const struct index_node *last = index_node_at(index, last_link);
    if (link != last_link) {
        struct index_node *before = find_before(index, last->home, last_link);
        if (before != NULL)
            before->next = link;
        else
            index_next_store(&index->buckets[last->home], link);
        *index_node_at(index, link) = *last;
    }
    index->node_count--;
}

/* Unlinks and frees the first node of a chain. */
static void drop_first(struct index *index, struct index_bucket *bucket)
{
    uint32_t link = index_next_load(bucket);
    index_next_store(bucket, index_node_at(index, link)->next);
    drop_node(index, link);
}

/* A node from the list of spare ones, else a new one at the end; 0 when pages are refused. */
static uint32_t take_node(struct index *index, uint32_t *spare)
{
    uint32_t link = *spare;
    if (link != 0) {
        *spare = index_node_at(index, link)->next;
        return link;
    }
    if (!index_pages_nodes(index, (uint64_t)index->node_count + 1))
        return 0;
    index->node_count++;
    return index->node_count;
}

static bool add_node(struct index *index, uint32_t number, uint8_t fingerprint, uint64_t ref,
                     uint32_t *spare)
{
    uint32_t link = take_node(index, spare);
    if (link == 0)
        return false;
    struct index_bucket *bucket = &index->buckets[number];
    struct index_node *node = index_node_at(index, link);
    *node = (struct index_node){ .next = index_next_load(bucket), .home = number };
    index_node_set(node, 0, fingerprint, ref);
    index_next_store(bucket, link);
    return true;
}

bool index_chain_add(struct index *index, uint32_t number, uint8_t fingerprint, uint64_t ref,
                     uint32_t *spare)
{
    struct index_bucket *bucket = &index->buckets[number];
    unsigned slot = index_bucket_fill(bucket);
    if (LIKELY(slot < INDEX_SLOTS)) {
        index_bucket_set(bucket, slot, fingerprint, ref);
        return true;
    }
    uint32_t first = index_next_load(bucket);
    unsigned fill = first != 0 ? index_node_fill(index_node_at(index, first)) : INDEX_NODE_SLOTS;
    if (fill == INDEX_NODE_SLOTS)
        return add_node(index, number, fingerprint, ref, spare);
    index_node_set(index_node_at(index, first), fill, fingerprint, ref);
    return true;
}

uint64_t index_chain_last(const struct index *index, uint32_t number, uint8_t *fingerprint)
{
    const struct index_bucket *bucket = &index->buckets[number];
    uint32_t first = index_next_load(bucket);
    if (LIKELY(first == 0)) {
        unsigned slot = index_bucket_fill(bucket) - 1;
        *fingerprint = bucket->fingerprint[slot];
        return index_ref_load(bucket->ref[slot]);
    }
    const struct index_node *node = index_node_at(index, first);
    unsigned slot = index_node_fill(node) - 1;
    *fingerprint = node->fingerprint[slot];
    return index_ref_load(node->ref[slot]);
}

void index_chain_cut(struct index *index, uint32_t number)
{
    struct index_bucket *bucket = &index->buckets[number];
    uint32_t first = index_next_load(bucket);
    if (LIKELY(first == 0)) {
        bucket->fingerprint[index_bucket_fill(bucket) - 1] = 0;
        return;
    }
    struct index_node *node = index_node_at(index, first);
    unsigned slot = index_node_fill(node) - 1;
    node->fingerprint[slot] = 0;
    if (slot == 0)
        drop_first(index, bucket);
}

/* The list is hung before the chain of `home` and dropped from there, so that a node of the list
 * that happens to be the last one is found when it moves. */
void index_chain_drop(struct index *index, uint32_t spare, uint32_t home)
{
    struct index_bucket *bucket = &index->buckets[home];
    uint32_t count = 0;
    uint32_t end = 0;
    for (uint32_t at = spare; at != 0; at = index_node_at(index, at)->next) {
        index_node_at(index, at)->home = home;
        end = at;
        count++;
    }
    if (count == 0)
        return;
    index_node_at(index, end)->next = index_next_load(bucket);
    index_next_store(bucket, spare);
    while (count-- > 0)
        drop_first(index, bucket);
}
