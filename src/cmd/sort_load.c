/* The items of a list, a set or a sorted set, for SORT. */
#include "cmd/sort_command.h"
#include "types/list.h"
#include "types/set.h"
#include "types/zset.h"

struct bytes sort_keep(struct sort *sort, struct bytes text)
{
    uint8_t *own = arena_take(sort->call->arena, text.count);
    if (own == NULL) {
        sort->no_memory = true;
        return bytes_of("", 0);
    }
    if (text.count > 0)
        memcpy(own, text.at, text.count);
    return bytes_of(own, text.count);
}

/* A string is viewed where it is; digits are kept. */
static bool load_element(struct sort *sort, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes text = packed_view(sort->call->space, element, digits);
    sort->items[sort->count++].text = packed_is_integer(element) ? sort_keep(sort, text) : text;
    return !sort->no_memory;
}

static bool load_set_element(void *context, const uint8_t *element)
{
    return load_element(context, element);
}

static bool load_zset_item(void *context, const struct zset_item *item, bool passing)
{
    struct sort *sort = context;
    sort->items[sort->count++].text = passing ? sort_keep(sort, item->member) : item->member;
    return !sort->no_memory;
}

/* What LIMIT leaves of so many. */
static void limit_items(struct sort *sort, uint64_t count)
{
    uint64_t skip = sort->skip < 0 ? 0 : (uint64_t)sort->skip;
    sort->from = skip < count ? skip : count;
    uint64_t left = count - sort->from;
    bool all = sort->most < 0 || (uint64_t)sort->most > left;
    sort->to = sort->from + (all ? left : (uint64_t)sort->most);
}

static bool make_room(struct sort *sort, uint64_t items)
{
    sort->items = arena_take_many(sort->call->arena, items, sizeof *sort->items);
    return sort->items != NULL;
}

static void load_list(struct sort *sort, const struct list *list, uint64_t rank, uint64_t count)
{
    struct list_cursor cursor;
    bool more = count > 0;
    if (more)
        list_seek(list, rank, &cursor);
    while (more && load_element(sort, cursor.at) && sort->count < count)
        more = sort->no_order && sort->descending ? list_backward(&cursor) : list_forward(&cursor);
}

static uint64_t count_of(struct sort *sort, const struct value *value)
{
    struct list list;
    if (value->type == VALUE_SET)
        return set_count(sort->call->space, value);
    if (value->type == VALUE_ZSET)
        return zset_view(sort->call->space, value).count;
    list_open(sort->call->space, value, &list);
    return list.count;
}

/* Of what has an order of its own, and is not to get another, only the range is loaded. */
static void load_value(struct sort *sort, const struct value *value)
{
    struct space *space = sort->call->space;
    uint64_t all = count_of(sort, value), rank = 0, count = all;
    bool reverse = sort->no_order && sort->descending;
    limit_items(sort, all);
    if (value->type != VALUE_SET && sort->no_order) {
        count = sort->to - sort->from;
        rank = reverse && count > 0 ? all - 1 - sort->from : sort->from;
        sort->from = 0;
        sort->to = count;
    }
    if (!make_room(sort, count)) {
        sort->no_memory = true;
        return;
    }
    if (value->type == VALUE_SET) {
        set_each(space, value, load_set_element, sort);
    } else if (value->type == VALUE_ZSET) {
        const struct zset zset = zset_view(space, value);
        if (count > 0)
            zset_walk(&zset, rank, count, reverse, &(struct zset_visitor){ load_zset_item, sort });
    } else {
        struct list list;
        list_open(space, value, &list);
        load_list(sort, &list, rank, count);
    }
}

bool sort_load(struct sort *sort)
{
    struct call *call = sort->call;
    const struct entry *entry = call_read(call, &call->first);
    if (entry == NULL)
        return true;
    struct value value = entry_value(entry);
    if (value.type != VALUE_LIST && value.type != VALUE_SET && value.type != VALUE_ZSET) {
        call_wrong_type_error(call);
        return false;
    }
    /* A set has no order of its own, and what is stored must not depend on its inside. */
    if (sort->no_order && value.type == VALUE_SET && sort->store_at != 0) {
        sort->no_order = false;
        sort->alpha = true;
        sort->by = (struct bytes){ NULL, 0 };
    }
    load_value(sort, &value);
    if (sort->no_memory)
        call_memory_error(call);
    return !sort->no_memory;
}
