/* Members by chance. */
#include "types/set_inside.h"

const uint8_t *set_random(const struct space *space, const struct value *value,
                          struct packed_item *room)
{
    struct bytes body = value->body;
    if (value->encoding == SET_BIG) {
        struct table table = set_table(space, big_root(space, value));
        struct table_place place;
        ENSURE(table_random(&table, space->rng, &place));
        return place.at;
    }
    if (value->encoding == SET_INTEGERS) {
        uint32_t index = (uint32_t)rng_below(space->rng, integers_count(body));
        packed_prepare_i64(integers_at(body, index), room);
        return room->head;
    }
    const uint8_t *at = body.at;
    for (uint64_t left = rng_below(space->rng, members_count(body)); left > 0; left--)
        at = packed_next(at);
    return at;
}

/* --- many ------------------------------------------------------------------------------------- */

/* One walk over all: each is taken with the chance that makes every choice of `wanted` out of
 * `left` alike (Knuth's algorithm S). */
struct selection {
    struct rng *rng;
    uint64_t wanted, left;
    bool (*visit)(void *context, const uint8_t *element);
    void *context;
};

static bool select_some(void *context, const uint8_t *element)
{
    struct selection *selection = context;
    if (rng_below(selection->rng, selection->left--) >= selection->wanted)
        return true;
    selection->wanted--;
    return selection->visit(selection->context, element) && selection->wanted > 0;
}

/* What has been drawn: bucket and offset tell an element, as long as nothing changes. Open
 * addressing, half full at most; 0 is free. */
struct drawn {
    uint64_t *slots;
    uint64_t mask;
};

static bool draw_once(struct drawn *drawn, const struct table_place *place)
{
    uint64_t mark = 1 + ((uint64_t)place->bucket << 32 | (uint64_t)place->offset);
    uint64_t at = mark * UINT64_C(0x9e3779b97f4a7c15);
    for (at = (at ^ at >> 32) & drawn->mask;; at = (at + 1) & drawn->mask) {
        if (drawn->slots[at] == mark)
            return false;
        if (drawn->slots[at] == 0)
            break;
    }
    drawn->slots[at] = mark;
    return true;
}

static enum err sample_table(struct table *table, uint64_t count, struct arena *arena,
                             bool (*visit)(void *context, const uint8_t *element), void *context)
{
    struct drawn drawn = { .mask = 1 };
    while (drawn.mask < 2 * count)
        drawn.mask = 2 * drawn.mask + 1;
    drawn.slots = arena_take_many(arena, drawn.mask + 1, sizeof *drawn.slots);
    if (drawn.slots == NULL)
        return ERR_MEMORY;
    memset(drawn.slots, 0, (drawn.mask + 1) * sizeof *drawn.slots);
    while (count > 0) {
        struct table_place place;
        ENSURE(table_random(table, table->space->rng, &place));
        if (!draw_once(&drawn, &place))
            continue;
        count--;
        if (!visit(context, place.at))
            return ERR_NONE;
    }
    return ERR_NONE;
}

/* Drawing one by one pays where few of many are wanted. */
enum { DRAW_BELOW = 8 };

enum err set_sample(const struct space *space, const struct value *value, uint64_t count,
                    struct arena *arena, bool (*visit)(void *context, const uint8_t *element),
                    void *context)
{
    uint64_t all = set_count(space, value);
    DCHECK(count < all);
    if (value->encoding == SET_BIG && count < all / DRAW_BELOW) {
        struct table table = set_table(space, big_root(space, value));
        return sample_table(&table, count, arena, visit, context);
    }
    struct selection selection = { space->rng, count, all, visit, context };
    if (count > 0)
        set_each(space, value, select_some, &selection);
    return ERR_NONE;
}
