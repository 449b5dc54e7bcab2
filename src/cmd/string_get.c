/* Commands that read strings. */
#include "cmd/string_command.h"

#include "cmd/effects.h"
#include "cmd/string_edit.h"
#include "cmd/string_options.h"

/* The string of the only key; NULL when absent (nil is replied) or of another type (an error). */
static struct entry *read_or_reply(struct call *call, const struct key *key)
{
    struct entry *entry = call_read(call, key);
    if (entry == NULL) {
        reply_nil(call->reply);
        return NULL;
    }
    return call_type_fits(call, entry, VALUE_STRING) ? entry : NULL;
}

void cmd_get(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = read_or_reply(call, &key);
    if (LIKELY(entry != NULL))
        string_reply(call, entry);
}

void cmd_getdel(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = read_or_reply(call, &key);
    if (entry == NULL)
        return;
    string_reply(call, entry);
    store_remove(call->store, call->db, &key, entry, EVENT_DEL);
    effect_of_key(call, "DEL", key.name);
}

/* Replies last, so that an expiry that finds no memory can still be an error. */
static void get_and_expire(struct call *call, const struct key *key, struct entry *entry,
                           int64_t expiry, enum event event)
{
    if (store_set_expiry(call->store, call->db, key, &entry, expiry, event) != ERR_NONE) {
        call_memory_error(call);
        return;
    }
    string_reply(call, entry);
    if (expiry == STORE_NO_EXPIRY)
        effect_of_key(call, "PERSIST", key->name);
    else
        effect_of_key_number(call, "PEXPIREAT", key->name, expiry);
}

/* The time is looked at after the key: of an absent key a wrong one does not matter. */
void cmd_getex(struct call *call)
{
    struct string_options options;
    int64_t expiry = 0;
    if (!string_options_read(call, 2, WITHIN_GETEX, &options))
        return;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = read_or_reply(call, &key);
    if (entry == NULL || !string_options_expiry(call, &options, &expiry))
        return;
    bool times = options.time_at != 0;
    if (times && expiry <= store_now_ms(call->store)) {
        string_reply(call, entry);
        store_remove(call->store, call->db, &key, entry, EVENT_DEL);
        effect_of_key(call, "DEL", key.name);
    } else if (times) {
        get_and_expire(call, &key, entry, expiry, EVENT_EXPIRE);
    } else if ((options.flags & WITH_PERSIST) != 0 && entry_expires(entry)) {
        get_and_expire(call, &key, entry, STORE_NO_EXPIRY, EVENT_PERSIST);
    } else {
        string_reply(call, entry);
    }
}

static void reply_string_or_nil(struct call *call, const struct entry *entry)
{
    if (entry == NULL || entry_type(entry) != VALUE_STRING)
        reply_nil(call->reply);
    else
        string_reply(call, entry);
}

/* Keys that nobody has prefetched yet are looked up in groups, their cache misses side by side:
 * first all buckets, then all entries. */
enum { MGET_GROUP = 16 };

static void mget_group(struct call *call, uint32_t at, uint32_t count)
{
    struct key keys[MGET_GROUP];
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = call_key(call, at - 1 + i, at + i);
        store_prefetch_bucket(call->store, call->db, &keys[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        store_prefetch_entry(call->store, call->db, &keys[i]);
    for (uint32_t i = 0; i < count; i++)
        reply_string_or_nil(call, call_read(call, &keys[i]));
}

void cmd_mget(struct call *call)
{
    reply_array(call->reply, call->argc - 1);
    uint32_t at = 1;
    for (; at < call->argc && at <= call->key_count; at++)
        reply_string_or_nil(call, call_read(call, &call->keys[at - 1]));
    while (at < call->argc) {
        uint32_t left = call->argc - at;
        uint32_t count = left < MGET_GROUP ? left : MGET_GROUP;
        mget_group(call, at, count);
        at += count;
    }
}

void cmd_strlen(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (call_type_fits(call, entry, VALUE_STRING))
        reply_i64(call->reply, (int64_t)string_length(call, entry));
}

/* From `start` to `end`, both counted from the back when negative, as Redis cuts them: an end
 * before the front is the first byte, but not when both are negative and crossed. */
static struct bytes cut(struct bytes content, int64_t start, int64_t end)
{
    int64_t count = (int64_t)content.count;
    if (count == 0 || (start < 0 && end < 0 && start > end))
        return bytes_of("", 0);
    if (start < 0)
        start = start + count < 0 ? 0 : start + count;
    if (end < 0)
        end = end + count < 0 ? 0 : end + count;
    if (end >= count)
        end = count - 1;
    if (start > end)
        return bytes_of("", 0);
    return bytes_of(content.at + start, (size_t)(end - start + 1));
}

void cmd_getrange(struct call *call)
{
    int64_t start = 0, end = 0;
    if (!call_i64(call, 2, &start) || !call_i64(call, 3, &end))
        return;
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    struct string_reading reading;
    string_read(call, entry, &reading);
    reply_bulk(call->reply, cut(reading.content, start, end));
}
