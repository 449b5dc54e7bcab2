/* types/zset_big.h - big sorted sets: a tree of leaves in order, a table from members to leaves.
 * Model:    the true score and member are in the leaf alone (a run of pairs, zset_pairs.h). For
 *           each member the table has a record: 32 bits of its hash, and the number of its leaf.
 *           The table's buckets go by those 32 bits. Whenever pairs come to stand in another leaf
 *           their records are told.
 *           Invariants: as many records as pairs; a leaf has a pair at least.
 * Owner:    the root.
 * Pointers: struct zset_big dies with the root; a spot with the next change.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY: nothing has changed.
 * Cost:     as struct/leaves.h. */
#ifndef TYPES_ZSET_BIG_H
#define TYPES_ZSET_BIG_H

#include "struct/leaves.h"
#include "struct/table.h"
#include "types/big.h"
#include "types/zset_pairs.h"

enum {
#ifdef SNUG_MOVE_ALL
    ZSET_LEAF_BYTES = 96, /* many leaves of few pairs */
#else
    ZSET_LEAF_BYTES = 768,
#endif
    ZSET_LEAVES = 0, /* sets of nodes */
    ZSET_RECORDS = 1,
    ZSET_NAMED_SKIPLIST = 1, /* in the root's flags */
};

struct zset_record {
    uint32_t hash, leaf;
};

struct zset_big {
    struct table table;
    struct tree tree; /* its context is the table */
};
void zset_big_open(struct zset_big *big, struct space *space, struct root *root);
/* An empty one. NULL: no memory. */
MUST_CHECK struct root *zset_big_new(struct space *space);

uint32_t zset_hash(const struct space *space, struct bytes member);
static inline struct bytes zset_leaf(const struct node *leaf)
{
    return bytes_of(leaf->at, leaf->used);
}

/* Where a member is. */
struct zset_spot {
    struct node *leaf;
    struct pair pair;
    uint64_t index;            /* in the leaf */
    struct table_place record; /* of a member that is not there: its bucket */
};
MUST_CHECK bool zset_big_find(const struct zset_big *big, const struct packed_item *member,
                              uint32_t hash, struct zset_spot *spot);

/* For struct type_ops: what zset_big_find will read of a member with this hash. */
bool zset_big_prefetch(const struct space *space, const struct value *value, uint64_t hash,
                       unsigned stage);

/* A pair that is not there; `spot` as it was not found. */
MUST_CHECK enum err zset_big_insert(const struct zset_big *big, struct zset_spot *spot,
                                    uint32_t hash, struct bytes member, double score);
MUST_CHECK enum err zset_big_change(const struct zset_big *big, struct zset_spot *spot,
                                    struct bytes member, double score);
void zset_big_remove(const struct zset_big *big, struct zset_spot *spot);
void zset_big_remove_ranks(const struct zset_big *big, uint64_t rank, uint64_t count);

uint64_t zset_big_before(const struct zset_big *big, const struct pair_key *key, bool behind);
void zset_big_walk(const struct zset_big *big, uint64_t rank, uint64_t count, bool reverse,
                   const struct zset_visitor *visitor);
uint64_t zset_big_scan(const struct zset_big *big, uint64_t cursor,
                       const struct zset_visitor *visitor);
bool zset_big_valid(const struct zset_big *big);

/* Building from pairs that come in order: each is written to the room that is given. */
struct zset_builder {
    struct zset_big big;
    struct node *last; /* leaf */
    struct node *wide; /* a leaf for one pair, which is not recorded yet */
    uint32_t used, count;
    uint8_t part[ZSET_LEAF_BYTES]; /* the next leaf */
};
void zset_build_begin(struct zset_builder *builder, struct space *space, struct root *root);
/* NULL: *err is ERR_MEMORY, or ERR_EXISTS where a member has come twice. */
MUST_CHECK uint8_t *zset_build_room(struct zset_builder *builder, size_t bytes, enum err *err);
/* The same errors. */
MUST_CHECK enum err zset_build_end(struct zset_builder *builder);
/* After an error: gives the root back with all that has been written. */
void zset_build_drop(struct zset_builder *builder);

extern const struct big_ops zset_big_ops;

#endif
