/* types/zset_leaf.h - the records of members: which leaf has them. Shared by zset_*.c.
 * Model:    a record is 8 bytes in a bucket of the table: 32 bits of the member's hash, the leaf.
 * Owner:    the table.
 * Pointers: a record's address dies with the table's next change.
 * Threads:  the heap's.
 * Failure:  as said.
 * Cost:     finding one walks its bucket, some tens of records. */
#ifndef TYPES_ZSET_LEAF_H
#define TYPES_ZSET_LEAF_H

#include "types/zset_big.h"

static inline struct zset_record record_at(const uint8_t *at)
{
    struct zset_record record;
    memcpy(&record, at, sizeof record);
    return record;
}
static inline void record_write(uint8_t *at, struct zset_record record)
{
    memcpy(at, &record, sizeof record);
}

/* Takes the record of a member away. pre: it is there, and says `leaf`. */
void zset_record_remove(const struct zset_big *big, const uint8_t *member, uint32_t leaf);
/* ERR_EXISTS: the member has a record already, beside this pair of `leaf`. */
MUST_CHECK enum err zset_record_add(const struct zset_big *big, const struct node *leaf,
                                    const struct pair *pair);

#endif
