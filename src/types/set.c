/* Sets as they are read. */
#include "types/set.h"

#include "types/set_inside.h"

/* --- elements --------------------------------------------------------------------------------- */

static const uint8_t *find_any(const struct space *space, const uint8_t *at, const uint8_t *end,
                               const struct packed_item *item)
{
    for (; at < end; at = packed_next(at)) {
        if (packed_is(space, at, item))
            return at;
    }
    return NULL;
}

/* Strings of 8 to 127 bytes: members of one length mostly differ at their end. */
static const uint8_t *find_string(const uint8_t *at, const uint8_t *end,
                                  const struct packed_item *item)
{
    uint64_t wanted, last;
    uint8_t head = item->head[0];
    memcpy(&wanted, item->tail.at + head - sizeof wanted, sizeof wanted);
    for (; at < end; at = packed_next(at)) {
        if (at[0] != head)
            continue;
        memcpy(&last, at + 1 + head - sizeof last, sizeof last);
        if (last == wanted && memcmp(at + 1, item->tail.at, head) == 0)
            return at;
    }
    return NULL;
}

const uint8_t *members_find(const struct space *space, const uint8_t *at, size_t used,
                            const struct packed_item *item)
{
    uint8_t head = item->head[0];
    if (LIKELY(head >= sizeof(uint64_t) && head < 0x80))
        return find_string(at, at + used, item);
    return find_any(space, at, at + used, item);
}

uint32_t members_count(struct bytes body)
{
    uint32_t count = 0;
    for (const uint8_t *at = body.at; at < body.at + body.count; at = packed_next(at))
        count++;
    return count;
}

void set_item(const struct space *space, const uint8_t *element, struct packed_item *item)
{
    uint8_t first = element[0];
    item->tail = bytes_of("", 0);
    if (packed_is_integer(element)) {
        item->head_bytes = (uint8_t)packed_bytes(element);
        memcpy(item->head, element, item->head_bytes);
        return;
    }
    item->tail = packed_view(space, element, NULL);
    item->head_bytes = first == PACKED_RUN ? 1 : first < 0x80 ? 1 : first < 0xc0 ? 2 : 3;
    memcpy(item->head, element, item->head_bytes);
}

static uint64_t element_hash(const struct space *space, const uint8_t *element)
{
    if (packed_is_integer(element))
        return hash_bytes(&space->seed, bytes_of(element, packed_bytes(element)));
    return hash_bytes(&space->seed, packed_view(space, element, NULL));
}

const struct table_ops set_table_ops = { packed_bytes, element_hash };

static void walk_node(const struct space *space, unsigned set, const struct node *node,
                      void (*visit)(void *context, const uint8_t *element), void *context)
{
    (void)space;
    (void)set;
    for (const uint8_t *at = node->at; at < node->at + node->used; at = packed_next(at))
        visit(context, at);
}

const struct big_ops set_big_ops = { walk_node };

/* --- looking ---------------------------------------------------------------------------------- */

enum set_name set_name(const struct space *space, const struct value *value)
{
    if (value->encoding != SET_BIG)
        return (enum set_name)value->encoding;
    return (enum set_name)big_root(space, value)->flags;
}

uint64_t set_count(const struct space *space, const struct value *value)
{
    if (value->encoding == SET_INTEGERS)
        return integers_count(value->body);
    if (value->encoding == SET_BIG)
        return big_root(space, value)->count;
    return members_count(value->body);
}

static bool big_has(const struct space *space, const struct value *value,
                    const struct packed_item *item)
{
    struct table table = set_table(space, big_root(space, value));
    struct table_place place;
    size_t used;
    const uint8_t *at = table_bucket(&table, set_item_hash(space, item), &place, &used);
    return at != NULL && members_find(space, at, used, item) != NULL;
}

bool set_has(const struct space *space, const struct value *value, const struct packed_item *item)
{
    uint32_t index;
    if (value->encoding == SET_BIG)
        return big_has(space, value, item);
    if (value->encoding != SET_INTEGERS)
        return members_find(space, value->body.at, value->body.count, item) != NULL;
    return packed_is_integer(item->head) &&
           integers_find(value->body, packed_integer(item->head), &index);
}

/* --- walks ------------------------------------------------------------------------------------ */

void set_each(const struct space *space, const struct value *value,
              bool (*visit)(void *context, const uint8_t *element), void *context)
{
    struct bytes body = value->body;
    if (value->encoding == SET_BIG) {
        struct table table = set_table(space, big_root(space, value));
        table_each(&table, visit, context);
    } else if (value->encoding == SET_INTEGERS) {
        struct packed_item item;
        for (uint32_t i = 0; i < integers_count(body); i++) {
            packed_prepare_i64(integers_at(body, i), &item);
            if (!visit(context, item.head))
                return;
        }
    } else {
        for (const uint8_t *at = body.at; at < body.at + body.count; at = packed_next(at)) {
            if (!visit(context, at))
                return;
        }
    }
}

struct scan_visit {
    void (*visit)(void *context, const uint8_t *element);
    void *context;
};

static bool visit_on(void *context, const uint8_t *element)
{
    const struct scan_visit *scan = context;
    scan->visit(scan->context, element);
    return true;
}

uint64_t set_scan(const struct space *space, const struct value *value, uint64_t cursor,
                  void (*visit)(void *context, const uint8_t *element), void *context)
{
    if (value->encoding == SET_BIG) {
        struct table table = set_table(space, big_root(space, value));
        return table_scan(&table, cursor, visit, context);
    }
    struct scan_visit scan = { visit, context };
    set_each(space, value, visit_on, &scan);
    return 0;
}
