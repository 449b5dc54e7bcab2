/* cmd/linked_table.h - things found by a hash, which carry the link themselves.
 * Model:    linear hashing (struct/linear.h) over chains: a bucket is split for each thing that
 *           comes beyond what there is room for, and merged as they go, so that no growth is ever
 *           paid at once. Buckets stand in segments of 1024 that stay where they are.
 * Owner:    the caller owns what is linked; the table owns its buckets. All zero is an empty one.
 * Pointers: links never move. A walk must not change the table.
 * Threads:  the executing thread.
 * Failure:  add: false when there is not even a first bucket, nothing has changed; without memory
 *           to grow the chains get longer.
 * Cost:     O(1); 8 to 16 bytes a thing beside its link. */
#ifndef CMD_LINKED_TABLE_H
#define CMD_LINKED_TABLE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct table_link {
    struct table_link *next; /* in its chain */
    uint64_t hash;
};

struct linked_table {
    struct table_link ***segments;
    uint32_t segment_room; /* in `segments` */
    uint32_t first_room;   /* buckets that the first segment has room for */
    uint32_t buckets;      /* 0: none yet */
    uint32_t count;
    uint64_t bytes; /* of memory for all of this */
};

/* Nothing is linked any more. */
void linked_table_release(struct linked_table *table);

MUST_CHECK bool linked_table_add(struct linked_table *table, struct table_link *link,
                                 uint64_t hash);
/* pre: it is linked. */
void linked_table_remove(struct linked_table *table, struct table_link *link);

/* Those with this hash, one after another; NULL at the end. Which is meant the caller compares. */
struct table_link *linked_table_first(const struct linked_table *table, uint64_t hash);
struct table_link *linked_table_next(const struct table_link *link);

/* The first of a bucket that is not empty, looked for from where `draw` points on; NULL: none. */
struct table_link *linked_table_any(const struct linked_table *table, uint64_t draw);
/* All of them: those of bucket `at`, or NULL; for `at` from 0 to below `buckets`. */
struct table_link *linked_table_chain(const struct linked_table *table, uint32_t at);

#endif
