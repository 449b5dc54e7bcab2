/* BITOP: several bitmaps combined into one. */
#include "cmd/bitmap_bits.h"
#include "cmd/bitmap_command.h"
#include "cmd/string_edit.h"

/* Folded this many bytes at a time over all sources, so that the result stays in the cache. */
enum { FOLD_BYTES = 16 * 1024, SOURCES_AT = 3 };

struct bitop {
    enum bits_operation operation;
    uint32_t count; /* sources */
    struct string_reading *sources;
    size_t longest;
};

static bool read_operation(struct call *call, enum bits_operation *operation)
{
    if (call_is(call, 1, "and"))
        *operation = BITS_AND;
    else if (call_is(call, 1, "or"))
        *operation = BITS_OR;
    else if (call_is(call, 1, "xor"))
        *operation = BITS_XOR;
    else if (call_is(call, 1, "not"))
        *operation = BITS_NOT;
    else {
        call_syntax_error(call);
        return false;
    }
    if (*operation != BITS_NOT || call->argc == SOURCES_AT + 1)
        return true;
    reply_error(call->reply, "ERR BITOP NOT must be called with a single source key.");
    return false;
}

/* Reading may remove a key that has expired, after which no other entry's address is sure; so all
 * are read first and looked at again, when nothing can change any more. */
static bool read_sources(struct call *call, struct bitop *bitop)
{
    bitop->count = call->argc - SOURCES_AT;
    for (uint32_t at = SOURCES_AT; at < call->argc; at++) {
        struct key key = call_key(call, at - 2, at);
        if (!call_type_fits(call, call_read(call, &key), VALUE_STRING))
            return false;
    }
    bitop->sources = arena_take_many(call->arena, bitop->count, sizeof *bitop->sources);
    if (bitop->sources == NULL) {
        call_memory_error(call);
        return false;
    }
    for (uint32_t i = 0; i < bitop->count; i++) {
        struct key key = call_key(call, i + 1, i + SOURCES_AT);
        string_read(call, store_look(call->store, call->db, &key), &bitop->sources[i]);
        if (bitop->sources[i].content.count > bitop->longest)
            bitop->longest = bitop->sources[i].content.count;
    }
    return true;
}

/* Of a source that is shorter than the longest, zeros follow. */
static size_t part_of(struct bytes content, size_t from, size_t count)
{
    if (content.count <= from)
        return 0;
    return content.count - from < count ? content.count - from : count;
}

static void fold_part(const struct bitop *bitop, uint8_t *to, size_t from, size_t count)
{
    struct bytes first = bitop->sources[0].content;
    size_t part = part_of(first, from, count);
    if (part > 0)
        memcpy(to, first.at + from, part);
    memset(to + part, 0, count - part);
    if (bitop->operation == BITS_NOT)
        bits_fold(BITS_NOT, to, to, count);
    for (uint32_t i = 1; i < bitop->count; i++) {
        struct bytes next = bitop->sources[i].content;
        part = part_of(next, from, count);
        if (part > 0)
            bits_fold(bitop->operation, to, next.at + from, part);
        if (bitop->operation == BITS_AND)
            memset(to + part, 0, count - part);
    }
}

static void fold_all(const struct bitop *bitop, uint8_t *to)
{
    for (size_t from = 0; from < bitop->longest; from += FOLD_BYTES) {
        size_t left = bitop->longest - from;
        fold_part(bitop, to + from, from, left < FOLD_BYTES ? left : FOLD_BYTES);
    }
}

/* The result as a value; the destination may be a source, so it is made before anything changes. */
static bool make_result(struct call *call, const struct bitop *bitop,
                        struct string_scratch *scratch, struct value *value)
{
    uint8_t *at = NULL;
    if (bitop->longest > STRING_INLINE_MAX) {
        if (string_make_big(call->heap, bitop->longest, scratch, value, &at) != ERR_NONE)
            return false;
    } else {
        at = arena_take(call->arena, bitop->longest);
        if (at == NULL)
            return false;
        *value = (struct value){ VALUE_STRING, STRING_APPENDED, bytes_of(at, bitop->longest) };
    }
    fold_all(bitop, at);
    return true;
}

static bool store_result(struct call *call, const struct bitop *bitop, const struct key *key)
{
    struct string_scratch scratch;
    struct value value;
    if (!make_result(call, bitop, &scratch, &value))
        return false;
    struct entry *entry = store_look(call->store, call->db, key);
    if (store_put(call->store, call->db, key, entry, &value, STORE_NO_EXPIRY, EVENT_SET, &entry) ==
        ERR_NONE)
        return true;
    value_drop(call->space, &value);
    return false;
}

void cmd_bitop(struct call *call)
{
    struct bitop bitop = { .longest = 0 };
    if (!read_operation(call, &bitop.operation) || !read_sources(call, &bitop))
        return;
    struct key key = call_key(call, 0, 2);
    if (bitop.longest > 0) {
        if (!store_result(call, &bitop, &key)) {
            call_memory_error(call);
            return;
        }
    } else {
        struct entry *entry = store_look(call->store, call->db, &key);
        if (entry != NULL)
            store_remove(call->store, call->db, &key, entry, EVENT_DEL);
    }
    reply_i64(call->reply, (int64_t)bitop.longest);
}
