/* struct/index_parts.h - the inside of the index, for its own files: slots, chains, pages.
 * Model:    A bucket's elements stand in its first slots; only a full bucket has overflow nodes.
 *           Of a chain only the first node may have free slots, and none is empty. So an element
 *           is added at the front in O(1) however long the chain, and a hole is filled from there.
 *           Nodes 0 .. node_count - 1 are all in use: dropping one moves the last into its place.
 * Owner:    index*.c.
 * Pointers: buckets and nodes have fixed addresses; what they hold moves with every change.
 * Threads:  one.
 * Failure:  only pages can fail: whoever adds elements asks for them first.
 * Cost:     as said. */
#ifndef STRUCT_INDEX_PARTS_H
#define STRUCT_INDEX_PARTS_H

#include "struct/index.h"

enum { INDEX_PAGE_BYTES = 4096, INDEX_BUCKET_BYTES = 64, INDEX_NODE_BYTES = 32 };

/* How many slots are taken: they are the first ones. */
static inline unsigned index_bucket_fill(const struct index_bucket *bucket)
{
    return (unsigned)__builtin_ctz(index_bucket_matches(bucket, 0) | UINT32_C(1) << INDEX_SLOTS);
}

static inline unsigned index_node_fill(const struct index_node *node)
{
    return (unsigned)__builtin_ctz(index_node_matches(node, 0) | UINT32_C(1) << INDEX_NODE_SLOTS);
}

static inline void index_bucket_set(struct index_bucket *bucket, unsigned slot, uint8_t fingerprint,
                                    uint64_t ref)
{
    bucket->fingerprint[slot] = fingerprint;
    index_ref_store(bucket->ref[slot], ref);
}

static inline void index_node_set(struct index_node *node, unsigned slot, uint8_t fingerprint,
                                  uint64_t ref)
{
    node->fingerprint[slot] = fingerprint;
    index_ref_store(node->ref[slot], ref);
}

/* Number of a node plus one, as links hold it; 0: none. */
static inline struct index_node *index_node_at(const struct index *index, uint32_t link)
{
    return &index->nodes[link - 1];
}

/* What buckets and nodes in use take; the figure that splits and merges go by. */
static inline uint64_t index_used_bytes(const struct index *index)
{
    return (uint64_t)index->bucket_count * INDEX_BUCKET_BYTES +
           (uint64_t)index->node_count * INDEX_NODE_BYTES;
}

/* index_pages.c */

/* Reserves and commits for the first element. */
MUST_CHECK bool index_pages_start(struct index *index);
/* True when this many buckets, or nodes, may be written. */
MUST_CHECK bool index_pages_buckets(struct index *index, uint64_t buckets);
MUST_CHECK bool index_pages_nodes(struct index *index, uint64_t nodes);
/* Notes that the count of buckets or nodes has grown: their pages are touched. */
void index_pages_note(struct index *index);
/* Gives pages past the end back when there are enough of them. */
void index_pages_trim(struct index *index);

/* index_chain.c */

/* Adds an element to a bucket. A node is taken from the list `spare` (a link; may be empty), else
 * from the end; false when that one's page is refused. */
MUST_CHECK bool index_chain_add(struct index *index, uint32_t bucket, uint8_t fingerprint,
                                uint64_t ref, uint32_t *spare);
/* The element that stands last in the bucket's order of filling. pre: there is one. */
uint64_t index_chain_last(const struct index *index, uint32_t bucket, uint8_t *fingerprint);
/* Removes it; a node that becomes empty is dropped, and another node may move for that. */
void index_chain_cut(struct index *index, uint32_t bucket);
/* Drops the nodes of a list, which nothing links to any more. `home` is any bucket. */
void index_chain_drop(struct index *index, uint32_t spare, uint32_t home);

/* index_split.c */

/* Splits or merges as the load asks; called after each insert or remove. */
void index_grow(struct index *index);
void index_shrink(struct index *index);

#endif
