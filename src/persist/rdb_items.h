/* persist/rdb_items.h - the items of Redis's packed strings, one after the other.
 * Model:    a walk over a ziplist, a listpack, an intset, or a zipmap (whose fields and values come
 *           by turns). Every length is checked against what is left, lengths to walk back against
 *           those to walk on, and at the end the counts of the head against what was there.
 * Owner:    the caller owns walk, item and bytes.
 * Pointers: an item's text is in the bytes, or, of an integer, in the item.
 * Threads:  any.
 * Failure:  RDB_ITEMS_BAD; the walk is over.
 * Cost:     a few nanoseconds an item; no memory. */
#ifndef PERSIST_RDB_ITEMS_H
#define PERSIST_RDB_ITEMS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/number.h"

enum rdb_items_form { RDB_ITEMS_ZIPLIST, RDB_ITEMS_LISTPACK, RDB_ITEMS_INTSET, RDB_ITEMS_ZIPMAP };
enum rdb_items_result { RDB_ITEMS_ONE, RDB_ITEMS_END, RDB_ITEMS_BAD };

struct rdb_item {
    struct bytes text;
    bool integer; /* it is stored as one */
    int64_t value;
    uint8_t digits[NUMBER_I64_MAX];
};

struct rdb_items {
    enum rdb_items_result (*next)(struct rdb_items *items, struct rdb_item *item);
    struct bytes bytes;
    size_t at;
    size_t before;  /* of a ziplist: bytes of the item before */
    size_t tail;    /* of a ziplist: where the last item is said to be */
    unsigned width; /* of an intset */
    uint64_t told;
    uint64_t announced; /* UINT64_MAX: the head does not say */
};

/* False: the head cannot be. */
MUST_CHECK bool rdb_items_open(struct rdb_items *items, enum rdb_items_form form,
                               struct bytes bytes);

MUST_CHECK static inline enum rdb_items_result rdb_items_next(struct rdb_items *items,
                                                              struct rdb_item *item)
{
    return items->next(items, item);
}

#endif
