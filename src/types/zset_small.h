/* types/zset_small.h - sorted sets that are all in the key's entry.
 * Model:    body = count (2 bytes), then a run of pairs (zset_pairs.h).
 * Owner:    the edit.
 * Pointers: pairs are views of the edit's body, until the next change.
 * Threads:  the executing thread.
 * Failure:  ERR_LIMIT: that is for a big value; ERR_MEMORY. Nothing has changed.
 * Cost:     one shift of the body. */
#ifndef TYPES_ZSET_SMALL_H
#define TYPES_ZSET_SMALL_H

#include "types/zset_pairs.h"

enum { ZSET_SMALL_HEAD = 2, ZSET_SMALL_COUNT_MAX = 65535 };

/* Puts a member in, or (old not NULL, its pair) gives it another score. */
MUST_CHECK enum err zset_small_put(struct value_edit *edit, const struct pair *old,
                                   struct bytes member, double score);
/* Takes `count` pairs out, `bytes` from `from` on. */
MUST_CHECK enum err zset_small_cut(struct value_edit *edit, const uint8_t *from, size_t bytes,
                                   uint64_t count);
/* The value becomes big. */
MUST_CHECK enum err zset_small_grow_up(struct value_edit *edit);

MUST_CHECK enum err zset_small_fill(struct value_edit *edit, const struct zset_item *items,
                                    uint64_t count);
MUST_CHECK enum err zset_fill_big(struct value_edit *edit, const struct zset_item *items,
                                  uint64_t count);

#endif
