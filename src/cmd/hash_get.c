/* Hashes read: one field, some, or all. */
#include "cmd/hash_command.h"

bool hash_read(struct call *call, struct hash *hash, bool *there)
{
    const struct entry *entry = call_read(call, &call->first);
    if (!call_type_fits(call, entry, VALUE_HASH))
        return false;
    *there = entry != NULL;
    if (entry != NULL) {
        struct value value = entry_value(entry);
        hash_view(hash, call->space, &value, store_now_ms(call->store));
    }
    return true;
}

void hash_reply_text(struct call *call, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    reply_bulk(call->reply, packed_view(call->space, at, digits));
}

void cmd_hget(struct call *call)
{
    struct hash hash;
    struct hash_place place;
    bool there;
    if (!hash_read(call, &hash, &there))
        return;
    if (there && hash_get(&hash, call->argv[2], &place))
        hash_reply_text(call, place.pair.value);
    else
        reply_nil(call->reply);
}

void cmd_hmget(struct call *call)
{
    struct hash hash;
    struct hash_place place;
    bool there;
    if (!hash_read(call, &hash, &there))
        return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        if (there && hash_get(&hash, call->argv[at], &place))
            hash_reply_text(call, place.pair.value);
        else
            reply_nil(call->reply);
    }
}

void cmd_hexists(struct call *call)
{
    struct hash hash;
    struct hash_place place;
    bool there;
    if (hash_read(call, &hash, &there))
        reply_i64(call->reply, there && hash_get(&hash, call->argv[2], &place));
}

void cmd_hstrlen(struct call *call)
{
    struct hash hash;
    struct hash_place place;
    bool there;
    if (!hash_read(call, &hash, &there))
        return;
    bool found = there && hash_get(&hash, call->argv[2], &place);
    reply_i64(call->reply, found ? (int64_t)packed_text_bytes(call->space, place.pair.value) : 0);
}

/* Fields that have expired and are not removed yet count, as in Redis. */
void cmd_hlen(struct call *call)
{
    struct hash hash;
    bool there;
    if (hash_read(call, &hash, &there))
        reply_i64(call->reply, there ? (int64_t)hash_count(&hash) : 0);
}

/* --- all of it -------------------------------------------------------------------------------- */

enum telling { TELL_FIELDS = 1, TELL_VALUES = 2 };

struct tell_walk {
    struct call *call;
    unsigned telling;
    uint64_t told;
};

static bool tell_pair(void *context, const struct hash_pair *pair)
{
    struct tell_walk *walk = context;
    if (walk->telling & TELL_FIELDS)
        hash_reply_text(walk->call, pair->field);
    if (walk->telling & TELL_VALUES)
        hash_reply_text(walk->call, pair->value);
    walk->told++;
    return !walk->call->reply->failed;
}

static struct reply_mark begin_reply(struct call *call, unsigned telling)
{
    if (telling == (TELL_FIELDS | TELL_VALUES))
        return reply_map_later(call->reply);
    return reply_array_later(call->reply);
}

static void tell_all(struct call *call, unsigned telling)
{
    struct tell_walk walk = { call, telling, 0 };
    struct hash hash;
    bool there;
    if (!hash_read(call, &hash, &there))
        return;
    struct reply_mark mark = begin_reply(call, telling);
    if (there)
        hash_each(&hash, tell_pair, &walk);
    reply_count(call->reply, mark, walk.told);
}

void cmd_hgetall(struct call *call)
{
    tell_all(call, TELL_FIELDS | TELL_VALUES);
}

void cmd_hkeys(struct call *call)
{
    tell_all(call, TELL_FIELDS);
}

void cmd_hvals(struct call *call)
{
    tell_all(call, TELL_VALUES);
}
