/* types/set_inside.h - what the files of the set type share.
 * Model:    see set.h; here are the integers of SET_INTEGERS and the table of SET_BIG.
 * Owner:    as set.h.
 * Pointers: as set.h.
 * Threads:  as set.h.
 * Failure:  as set.h.
 * Cost:     as set.h. */
#ifndef TYPES_SET_INSIDE_H
#define TYPES_SET_INSIDE_H

#include "struct/table.h"
#include "types/big.h"
#include "types/set.h"

/* --- integers: width, then the numbers -------------------------------------------------------- */

static inline unsigned integers_width(struct bytes body)
{
    return body.count == 0 ? 0 : body.at[0];
}
static inline uint32_t integers_count(struct bytes body)
{
    return body.count == 0 ? 0 : (uint32_t)((body.count - 1) / body.at[0]);
}
static inline int64_t integers_at(struct bytes body, uint32_t index)
{
    unsigned width = body.at[0];
    const uint8_t *at = body.at + 1 + (size_t)index * width;
    if (width == 4) {
        int32_t number;
        memcpy(&number, at, sizeof number);
        return number;
    }
    if (width == 2) {
        int16_t number;
        memcpy(&number, at, sizeof number);
        return number;
    }
    int64_t number;
    memcpy(&number, at, sizeof number);
    return number;
}
/* Where the number is, or where it belongs; true when it is there. */
bool integers_find(struct bytes body, int64_t number, uint32_t *index);
unsigned integers_width_of(int64_t number);
void integers_write(uint8_t *at, unsigned width, int64_t number);
/* Ascending, of one width. */
bool integers_valid(struct bytes body);

MUST_CHECK enum err integers_add(struct value_edit *edit, int64_t number, bool *added);
MUST_CHECK enum err integers_remove(struct value_edit *edit, int64_t number, bool *removed);

/* --- packed members, and buckets of them ------------------------------------------------------ */

/* The member among `used` bytes of elements; NULL: not there. */
const uint8_t *members_find(const struct space *space, const uint8_t *at, size_t used,
                            const struct packed_item *item);
uint32_t members_count(struct bytes body);

/* --- the table -------------------------------------------------------------------------------- */

extern const struct table_ops set_table_ops;
extern const struct big_ops set_big_ops;

/* What only reads takes a constant space; a table has one that is not. */
static inline struct table set_table(const struct space *space, struct root *root)
{
    return (struct table){ .space = (struct space *)(uintptr_t)space,
                           .root = root,
                           .set = 0,
                           .ops = &set_table_ops,
                           .count = &root->count };
}

/* Whose hash is the same as that of the element that the item becomes. */
static inline uint64_t set_item_hash(const struct space *space, const struct packed_item *item)
{
    if (packed_is_integer(item->head))
        return hash_bytes(&space->seed, bytes_of(item->head, item->head_bytes));
    return hash_bytes(&space->seed, item->tail);
}

#endif
