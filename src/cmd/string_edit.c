#include "cmd/string_edit.h"

#include "conf/config.h"

void string_read(struct call *call, const struct entry *entry, struct string_reading *reading)
{
    reading->entry = entry;
    reading->content = bytes_of("", 0);
    if (entry == NULL)
        return;
    struct value value = entry_value(entry);
    reading->content = string_view(call->heap, &value, &reading->scratch);
}

size_t string_length(struct call *call, const struct entry *entry)
{
    if (entry == NULL)
        return 0;
    struct value value = entry_value(entry);
    return string_count(call->heap, &value);
}

void string_reply_slow(struct call *call, const struct entry *entry)
{
    struct string_reading reading;
    string_read(call, entry, &reading);
    reply_bulk(call->reply, reading.content);
}

/* Puts a value that was made for this; what the store does not take is given back. */
static struct entry *put(struct call *call, const struct key *key, struct entry *entry,
                         const struct value *value, int64_t expiry, enum event event)
{
    struct entry *now = NULL;
    if (LIKELY(store_put(call->store, call->db, key, entry, value, expiry, event, &now) ==
               ERR_NONE))
        return now;
    value_drop(call->space, value);
    return NULL;
}

bool string_store(struct call *call, const struct key *key, struct entry *entry,
                  struct bytes content, int64_t expiry, enum event event)
{
    struct string_scratch scratch;
    struct value value;
    if (LIKELY(string_make(call->heap, content, &scratch, &value) == ERR_NONE) &&
        LIKELY(put(call, key, entry, &value, expiry, event) != NULL))
        return true;
    call_memory_error(call);
    return false;
}

bool string_fits(struct call *call, uint64_t count, uint64_t more)
{
    uint64_t sum = 0;
    if (!__builtin_add_overflow(count, more, &sum) &&
        sum <= call->context->config->proto_max_bulk_len)
        return true;
    reply_error(call->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

/* A key that is not there yet, or whose bytes outgrow the entry. */
static uint8_t *open_big_anew(struct call *call, const struct key *key, struct entry *entry,
                              size_t count, enum event event)
{
    struct string_reading old;
    struct string_scratch scratch;
    struct value value;
    uint8_t *at = NULL;
    string_read(call, entry, &old);
    if (string_make_big(call->heap, count, &scratch, &value, &at) != ERR_NONE)
        return NULL;
    memcpy(at, old.content.at, old.content.count);
    int64_t expiry = entry == NULL ? STORE_NO_EXPIRY : STORE_KEEP_EXPIRY;
    return put(call, key, entry, &value, expiry, event) != NULL ? at : NULL;
}

static uint8_t *open_absent(struct call *call, const struct key *key, size_t count,
                            enum event event)
{
    uint8_t *zeros = arena_take(call->arena, count);
    if (zeros == NULL)
        return NULL;
    memset(zeros, 0, count);
    struct value value = { VALUE_STRING, STRING_APPENDED, bytes_of(zeros, count) };
    struct entry *entry = put(call, key, NULL, &value, STORE_NO_EXPIRY, event);
    if (entry == NULL)
        return NULL;
    return store_edit(call->store, call->db, key, &entry, count, STRING_APPENDED, EVENT_NONE);
}

/* Bytes in the entry that stay there; an integer becomes its digits. */
static uint8_t *open_inline(struct call *call, const struct key *key, struct entry *entry,
                            size_t count, enum event event)
{
    struct string_reading old;
    string_read(call, entry, &old);
    size_t old_count = old.content.count;
    bool digits = old.content.at == old.scratch.at;
    uint8_t *at = store_edit(call->store, call->db, key, &entry, count, STRING_APPENDED, event);
    if (at == NULL)
        return NULL;
    if (digits)
        memcpy(at, old.scratch.at, old_count);
    memset(at + old_count, 0, count - old_count);
    return at;
}

static uint8_t *open_big(struct call *call, const struct key *key, struct entry *entry,
                         size_t old_count, size_t count, enum event event)
{
    size_t body_bytes = entry_body(entry).count;
    uint8_t *body = store_edit(call->store, call->db, key, &entry, body_bytes, STRING_BIG, event);
    if (body == NULL)
        return NULL;
    return count > old_count ? string_big_resize(call->heap, body, count)
                             : string_big_at(call->heap, body);
}

bool string_open(struct call *call, const struct key *key, struct entry *entry, size_t count,
                 enum event event, struct string_open *open)
{
    size_t old_count = string_length(call, entry);
    open->count = count < old_count ? old_count : count;
    if (entry != NULL && entry_encoding(entry) == STRING_BIG)
        open->at = open_big(call, key, entry, old_count, open->count, event);
    else if (open->count > STRING_INLINE_MAX)
        open->at = open_big_anew(call, key, entry, open->count, event);
    else if (entry == NULL)
        open->at = open_absent(call, key, open->count, event);
    else
        open->at = open_inline(call, key, entry, open->count, event);
    if (LIKELY(open->at != NULL))
        return true;
    call_memory_error(call);
    return false;
}

bool string_unpack(struct call *call, const struct key *key, struct entry *entry)
{
    struct value value = entry_value(entry);
    if (value.encoding == STRING_BIG || value.encoding == STRING_APPENDED ||
        strcmp(string_ops.encoding_name(call->space, &value), "raw") == 0)
        return true;
    struct string_open open;
    return string_open(call, key, entry, 0, EVENT_FORM, &open);
}
