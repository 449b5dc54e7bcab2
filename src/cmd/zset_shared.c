/* What the commands on sorted sets share. */
#include "base/number.h"
#include "cmd/zset_command.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* --- keys ------------------------------------------------------------------------------------- */

bool zset_read(struct call *call, uint32_t at, const struct entry **entry, struct zset *zset)
{
    struct key key = at == 1 ? call_key(call, 0, 1) : store_key(call->store, call->argv[at]);
    *entry = call_read(call, &key);
    *zset = (struct zset){ .space = call->space };
    if (*entry == NULL)
        return true;
    if (!call_type_fits(call, *entry, VALUE_ZSET))
        return false;
    struct value value = entry_value(*entry);
    *zset = zset_view(call->space, &value);
    return true;
}

bool zset_open(struct call *call, const struct key *key, struct entry **entry,
               struct value_edit *edit)
{
    *entry = store_look(call->store, call->db, key);
    if (!call_type_fits(call, *entry, VALUE_ZSET))
        return false;
    if (*entry == NULL) {
        edit_new(edit, call->space, call->arena, VALUE_ZSET, ZSET_LISTPACK);
        return true;
    }
    struct value value = entry_value(*entry);
    edit_open(edit, call->space, call->arena, &value, value.encoding == ZSET_BIG);
    return true;
}

void zset_failed(struct call *call, const struct key *key, struct entry *entry,
                 struct value_edit *edit, enum event event)
{
    bool in_place = edit->root != NULL && !edit->became_big;
    call_memory_error(call);
    edit_abandon(edit);
    if (in_place && edit->changed && entry != NULL)
        store_note(call->store, call->db, key, event);
}

/* --- numbers and bounds ----------------------------------------------------------------------- */

bool zset_read_score(struct call *call, uint32_t at, const char *error, double *score)
{
    if (LIKELY(number_read_double(call->argv[at], score)))
        return true;
    reply_error(call->reply, error);
    return false;
}

bool zset_read_positive(struct call *call, uint32_t at, int64_t *number)
{
    int64_t read;
    if (number_read_i64(call->argv[at], &read) && read >= 0) {
        *number = read;
        return true;
    }
    reply_error(call->reply, "ERR value is out of range, must be positive");
    return false;
}

/* Redis reads bounds by strtod as it is: up to a zero byte, spaces in front, nothing at all is 0,
 * and what is too large is infinite. */
static bool read_score_bound(struct bytes text, struct zset_bound *bound, bool *open)
{
    char copy[NUMBER_LONG_DOUBLE_MAX], *end;
    *open = text.count > 0 && text.at[0] == '(';
    if (*open)
        text = bytes_of(text.at + 1, text.count - 1);
    if (text.count >= sizeof copy)
        return false;
    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    *bound = (struct zset_bound){ .kind = ZSET_BY_SCORE, .score = strtod(copy, &end) };
    return *end == '\0' && !isnan(bound->score);
}

static bool read_member_bound(struct bytes text, struct zset_bound *bound, bool *open)
{
    *bound = (struct zset_bound){ .kind = ZSET_BY_MEMBER };
    if (text.count == 0)
        return false;
    uint8_t first = text.at[0];
    *open = first == '(';
    if (first == '-' || first == '+')
        bound->kind = first == '-' ? ZSET_FROM_START : ZSET_FROM_END;
    else
        bound->member = bytes_of(text.at + 1, text.count - 1);
    return bound->kind != ZSET_BY_MEMBER ? text.count == 1 : first == '(' || first == '[';
}

bool zset_read_bounds(struct call *call, uint32_t min_at, uint32_t max_at, bool by_score,
                      struct zset_bound *min, struct zset_bound *max)
{
    bool (*read)(struct bytes, struct zset_bound *, bool *) =
        by_score ? read_score_bound : read_member_bound;
    bool min_open = false, max_open = false;
    if (!read(call->argv[min_at], min, &min_open) || !read(call->argv[max_at], max, &max_open)) {
        reply_error(call->reply, by_score ? "ERR min or max is not a float"
                                          : "ERR min or max not valid string range item");
        return false;
    }
    min->behind = min_open;
    max->behind = !max_open;
    return true;
}

uint64_t zset_between(const struct zset *zset, const struct zset_bound *min,
                      const struct zset_bound *max, uint64_t *rank)
{
    *rank = zset_before(zset, min);
    uint64_t end = zset_before(zset, max);
    return end > *rank ? end - *rank : 0;
}

/* --- gathering -------------------------------------------------------------------------------- */

bool zset_keep(struct arena *arena, bool passing, struct bytes *member)
{
    if (!passing)
        return true;
    uint8_t *copy = arena_take(arena, member->count + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, member->at, member->count);
    member->at = copy;
    return true;
}

static bool make_room(struct zset_gathering *gathering)
{
    enum { FIRST_ROOM = 16 };
    if (gathering->count < gathering->capacity)
        return true;
    uint64_t capacity = gathering->capacity == 0 ? FIRST_ROOM : gathering->capacity * 2;
    struct zset_item *items = arena_take_many(gathering->arena, capacity, sizeof *items);
    if (items == NULL)
        return false;
    if (gathering->count > 0)
        memcpy(items, gathering->items, gathering->count * sizeof *items);
    gathering->items = items;
    gathering->capacity = capacity;
    return true;
}

bool zset_gather(void *context, const struct zset_item *item, bool passing)
{
    struct zset_gathering *gathering = context;
    struct bytes member = item->member;
    if (!make_room(gathering) ||
        !zset_keep(gathering->arena, passing || gathering->whole, &member)) {
        gathering->failed = true;
        return false;
    }
    gathering->items[gathering->count++] = (struct zset_item){ item->score, member };
    return true;
}

/* --- results ---------------------------------------------------------------------------------- */

static bool put_result(struct call *call, const struct key *key, struct entry *entry,
                       struct zset_item *items, uint64_t count, enum event event)
{
    struct value_edit edit;
    edit_new(&edit, call->space, call->arena, VALUE_ZSET, ZSET_LISTPACK);
    if (zset_fill(&edit, items, count, ZSET_LISTPACK) != ERR_NONE)
        return false;
    if (store_put(call->store, call->db, key, entry, &edit.value, STORE_NO_EXPIRY, event, &entry) ==
        ERR_NONE)
        return true;
    edit_abandon(&edit);
    return false;
}

void zset_store(struct call *call, const struct key *key, struct zset_item *items, uint64_t count,
                enum event event)
{
    struct entry *entry = store_look(call->store, call->db, key);
    if (count > 0 && !put_result(call, key, entry, items, count, event)) {
        call_memory_error(call);
        return;
    }
    if (count == 0 && entry != NULL)
        store_remove(call->store, call->db, key, entry, EVENT_DEL);
    reply_i64(call->reply, (int64_t)count);
}

void zset_reply_begin(struct call *call, uint64_t count, bool scores)
{
    reply_array(call->reply, scores && call->reply->resp == 2 ? count * 2 : count);
}

void zset_reply_item(struct call *call, const struct zset_item *item, bool scores)
{
    if (scores && call->reply->resp > 2)
        reply_array(call->reply, 2);
    reply_bulk(call->reply, item->member);
    if (scores)
        reply_double(call->reply, item->score);
}

bool zset_read_key_count(struct call *call, uint32_t count_at, uint32_t *keys)
{
    int64_t count;
    if (!number_read_i64(call->argv[count_at], &count) || count < 1) {
        reply_error(call->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    if (count > (int64_t)call->argc - count_at - 1) {
        call_syntax_error(call);
        return false;
    }
    *keys = (uint32_t)count;
    return true;
}
