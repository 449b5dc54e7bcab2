/* Values that stand in one packed string. */
#include "base/number.h"
#include "persist/rdb_items.h"
#include "persist/rdb_take.h"

#include <math.h>

enum { TUPLE_MAX = 3 };

struct packed_row {
    uint8_t form;  /* enum rdb_items_form */
    uint8_t kind;  /* enum part_kind */
    uint8_t tuple; /* items of an element */
};

static const struct packed_row ROWS[] = {
    [RDB_HASH_ZIPMAP] = { RDB_ITEMS_ZIPMAP, PART_FIELD, 2 },
    [RDB_LIST_ZIPLIST] = { RDB_ITEMS_ZIPLIST, PART_ITEM, 1 },
    [RDB_SET_INTSET] = { RDB_ITEMS_INTSET, PART_MEMBER, 1 },
    [RDB_ZSET_ZIPLIST] = { RDB_ITEMS_ZIPLIST, PART_SCORED, 2 },
    [RDB_HASH_ZIPLIST] = { RDB_ITEMS_ZIPLIST, PART_FIELD, 2 },
    [RDB_LIST_QUICKLIST] = { RDB_ITEMS_ZIPLIST, PART_ITEM, 1 },
    [RDB_HASH_LISTPACK] = { RDB_ITEMS_LISTPACK, PART_FIELD, 2 },
    [RDB_ZSET_LISTPACK] = { RDB_ITEMS_LISTPACK, PART_SCORED, 2 },
    [RDB_LIST_QUICKLIST_2] = { RDB_ITEMS_LISTPACK, PART_ITEM, 1 },
    [RDB_SET_LISTPACK] = { RDB_ITEMS_LISTPACK, PART_MEMBER, 1 },
    [RDB_HASH_LISTPACK_EX_PRE_GA] = { RDB_ITEMS_LISTPACK, PART_FIELD, 3 },
    [RDB_HASH_LISTPACK_EX] = { RDB_ITEMS_LISTPACK, PART_FIELD, 3 },
};

static bool read_score(const struct rdb_item *item, double *score)
{
    if (item->integer) {
        *score = (double)item->value;
        return true;
    }
    return number_read_double(item->text, score) && !isnan(*score);
}

/* 0 is none. */
static bool read_expiry(const struct rdb_item *item, int64_t *expiry)
{
    if (!item->integer || item->value < 0 || (uint64_t)item->value >= RDB_FIELD_EXPIRY_END)
        return false;
    *expiry = item->value == 0 ? VALUE_NEVER : item->value;
    return true;
}

static bool tell_tuple(struct rdb_reader *reader, const struct packed_row *row,
                       const struct rdb_item *tuple)
{
    struct part part = { .kind = row->kind, .text = tuple[0].text, .expiry = VALUE_NEVER };
    if (row->kind == PART_SCORED && !read_score(&tuple[1], &part.score))
        return rdb_fail(reader, "a score that is no number");
    if (row->kind == PART_FIELD)
        part.value = tuple[1].text;
    if (row->tuple == 3 && !read_expiry(&tuple[2], &part.expiry))
        return rdb_fail(reader, "a field's expiry out of range");
    return rdb_tell(reader, &part);
}

bool rdb_tell_items(struct rdb_reader *reader, struct bytes packed, unsigned type)
{
    const struct packed_row *row = &ROWS[type];
    struct rdb_item tuple[TUPLE_MAX];
    struct rdb_items items;
    enum rdb_items_result result = RDB_ITEMS_BAD;
    if (!rdb_items_open(&items, row->form, packed))
        return rdb_fail(reader, "a packed string with an impossible head");
    if (items.announced != UINT64_MAX && !reader->told && row->kind != PART_ITEM)
        reader->facts.summary.count = items.announced / row->tuple;
    while ((result = rdb_items_next(&items, &tuple[0])) == RDB_ITEMS_ONE) {
        for (unsigned i = 1; i < row->tuple; i++) {
            if (rdb_items_next(&items, &tuple[i]) != RDB_ITEMS_ONE)
                return rdb_fail(reader, "a packed string with half an element");
        }
        if (!tell_tuple(reader, row, tuple))
            return false;
    }
    return result == RDB_ITEMS_END ||
           rdb_fail(reader, "a packed string that does not hold together");
}

bool rdb_take_packed(struct rdb_reader *reader, unsigned type)
{
    uint64_t first_expiry;
    /* What each field says is enough. */
    if (type == RDB_HASH_LISTPACK_EX && !rdb_take_u64(reader, &first_expiry))
        return false;
    return rdb_take_string(reader, &reader->node) &&
           rdb_tell_items(reader, buffer_view(&reader->node), type);
}
