/* struct/table.h - linear hashing with packed buckets: big hashes and sets, members of sorted sets.
 * Model:    a set of nodes (struct/nodes.h) where node n is bucket n (struct/linear.h): its payload
 *           is a run of elements, in no order. What an element is the owner says: how many bytes it
 *           takes and how it hashes. Empty buckets have no block. Buckets split and merge one at a
 *           time, steered by bytes: the mean payload stays near TABLE_BUCKET_BYTES, or near the
 *           mean element where that is larger.
 * Owner:    the root.
 * Pointers: a place dies with the next insert, resize or remove; table_settle may move any bucket.
 * Threads:  the heap's.
 * Failure:  NULL: no memory, nothing has changed. A split that cannot have memory is put off.
 * Cost:     a lookup reads the directory's slot and one bucket; a change copies one bucket at most,
 *           and once in so many inserts one is split: its elements are hashed. */
#ifndef STRUCT_TABLE_H
#define STRUCT_TABLE_H

#include "base/prefetch.h"
#include "struct/linear.h"
#include "struct/nodes.h"

enum { TABLE_BUCKET_BYTES = 224 };

struct table_ops {
    size_t (*bytes)(const uint8_t *element); /* never 0 */
    uint64_t (*hash)(const struct space *space, const uint8_t *element);
};

/* A table as a call works on it; nothing of it is stored. The root's set `set` must have one
 * number at least (table_begin). `count` counts the table's elements and is kept by it. */
struct table {
    struct space *space;
    struct root *root;
    unsigned set;
    const struct table_ops *ops;
    uint64_t *count;
};

/* Where an element stands, or where one would be put. */
struct table_place {
    uint32_t bucket;
    size_t offset; /* in the bucket's payload */
    uint8_t *at;   /* the element; NULL: none yet */
};

/* The first bucket of a new table. */
MUST_CHECK bool table_begin(const struct table *table);

/* Bucket of a hash: its payload, `*used` bytes; NULL when empty. place->bucket is set, offset is
 * the end. To look for an element: walk the payload. */
static inline const uint8_t *table_bucket(const struct table *table, uint64_t hash,
                                          struct table_place *place, size_t *used)
{
    const struct nodes *nodes = &table->root->nodes[table->set];
    place->bucket = linear_bucket(hash, nodes->count);
    place->at = NULL;
    const struct node *node = node_of(table->space, nodes, place->bucket);
    *used = node == NULL ? 0 : node->used;
    place->offset = *used;
    return node == NULL ? NULL : node->at;
}

/* An element was found at `offset` of that payload. */
static inline void table_stand(struct table_place *place, const uint8_t *payload, size_t offset)
{
    place->offset = offset;
    place->at = (uint8_t *)(uintptr_t)(payload + offset);
}

/* Asks for the first lines of a bucket; NULL is allowed. */
static inline void table_prefetch_node(const struct node *node)
{
    enum { LINE_BYTES = 64 };
    uintptr_t at = (uintptr_t)node; /* no address is computed from NULL */
    for (unsigned i = 0; i < TABLE_BUCKET_BYTES; i += LINE_BYTES)
        prefetch((const void *)(at + i));
}

/* A gap of `bytes` for a new element at the end of place->bucket; the caller fills it, then calls
 * table_settle. NULL: no memory. */
MUST_CHECK uint8_t *table_add(const struct table *table, struct table_place *place, size_t bytes);
/* The element at `place`, made `bytes` long: to be overwritten whole by the caller. */
MUST_CHECK uint8_t *table_resize(const struct table *table, struct table_place *place,
                                 size_t bytes);
/* Takes the element away. Call table_settle after. */
void table_remove(const struct table *table, struct table_place *place);
/* Splits or merges as the load asks, two buckets at most, and moves some others out of sparse spans
 * when it does. Every element must be whole. */
void table_settle(const struct table *table);

/* SCAN's walk: visits every element of the bucket at the cursor, and returns the next cursor, 0 at
 * the end. What is there from the first call to the last is visited at least once. */
uint64_t table_scan(const struct table *table, uint64_t cursor,
                    void (*visit)(void *context, const uint8_t *element), void *context);
/* Every element, in the order of buckets; visit says false to end it. */
void table_each(const struct table *table, bool (*visit)(void *context, const uint8_t *element),
                void *context);
/* An element at random, each with about the same chance; false when empty. */
MUST_CHECK bool table_random(const struct table *table, struct rng *rng, struct table_place *place);

bool table_valid(const struct table *table);

#endif
