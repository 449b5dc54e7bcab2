/* DEBUG about keys and their places: OBJECT, SDSLEN, HTSTATS, POPULATE. */
#include "base/buffer.h"
#include "cmd/debug.h"
#include "cmd/persist.h"
#include "struct/index.h"
#include "types/string.h"

#include <stdio.h>

static const struct entry *look(struct call *call, uint32_t at)
{
    struct key key = store_key(call->store, call->argv[at]);
    const struct entry *entry =
        store_read(call->store, call->db, &key, STORE_NO_TOUCH | STORE_NO_COUNT);
    if (entry == NULL)
        call_no_key_error(call);
    return entry;
}

/* Bytes of a value in Redis's file format (RDB), without compression. Integers of up to 32 bits
 * have a form of their own; else it is a length and the content. */
static size_t integer_length(int64_t number, size_t digits)
{
    if (number >= INT8_MIN && number <= INT8_MAX)
        return 2;
    if (number >= INT16_MIN && number <= INT16_MAX)
        return 3;
    if (number >= INT32_MIN && number <= INT32_MAX)
        return 5;
    return 1 + digits;
}

/* Of a collection: what it holds, nearly what an RDB file would have of it. */
static size_t collection_length(struct call *call, const struct value *value)
{
    return value->body.count + (size_t)type_ops(value->type)->bytes(call->space, value);
}

static size_t serialized_length(const struct heap *heap, const struct value *value)
{
    enum { BITS_6 = 64, BITS_14 = 16384 };
    int64_t number;
    size_t count = string_count(heap, value);
    if (string_read_i64(heap, value, &number))
        return integer_length(number, count);
    if (count < BITS_6)
        return 1 + count;
    if (count < BITS_14)
        return 2 + count;
    return (count <= UINT32_MAX ? 5 : 9) + count;
}

void debug_object(struct call *call)
{
    if (call->argc == 4 && !call_is(call, 3, "fast")) {
        call_syntax_error(call);
        return;
    }
    const struct entry *entry = look(call, 2);
    if (entry == NULL)
        return;
    struct value value = entry_value(entry);
    char line[256];
    snprintf(line, sizeof line,
             "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%llu",
             (const void *)entry, type_ops(value.type)->encoding_name(call->space, &value),
             value.type == VALUE_STRING ? serialized_length(call->heap, &value)
                                        : collection_length(call, &value),
             entry_used(entry), (unsigned long long)store_idle_seconds(call->store, entry));
    reply_status(call->reply, line);
}

/* Key and value stand in one block; a big value in a second one. Neither keeps room to spare. */
void debug_sdslen(struct call *call)
{
    const struct entry *entry = look(call, 2);
    if (entry == NULL)
        return;
    struct value value = entry_value(entry);
    char line[256];
    if (value.type != VALUE_STRING || value.encoding == STRING_INT) {
        reply_error(call->reply, "ERR Not an sds encoded string.");
        return;
    }
    snprintf(line, sizeof line,
             "key_sds_len:%zu, key_sds_avail:0, key_zmalloc: %zu, val_sds_len:%zu, "
             "val_sds_avail:0, val_zmalloc: %llu",
             entry_key(entry).count, heap_block_bytes(call->heap, entry),
             string_count(call->heap, &value),
             (unsigned long long)type_ops(value.type)->bytes(call->space, &value));
    reply_status(call->reply, line);
}

/* --- HTSTATS ---------------------------------------------------------------------------------- */

static bool tell_index(struct buffer *text, const struct index_figures *figures, uint64_t count)
{
    const unsigned longest = sizeof figures->chain / sizeof *figures->chain - 1;
    bool told = buffer_printf(text,
                              "[Dictionary HT]\nLinear hash table stats:\n table size: %llu\n"
                              " number of elements: %llu\n buckets: %u\n overflow nodes: %u\n"
                              " bytes: %llu\n Chain length distribution, in overflow nodes:\n",
                              (unsigned long long)figures->slots, (unsigned long long)count,
                              figures->buckets, figures->nodes, (unsigned long long)figures->bytes);
    for (unsigned at = 0; told && at <= longest; at++)
        if (figures->chain[at] > 0)
            told = buffer_printf(text, "   %u%s: %u (%.02f%%)\n", at, at == longest ? "+" : "",
                                 figures->chain[at],
                                 100 * (double)figures->chain[at] / (double)figures->buckets);
    return told;
}

void debug_htstats(struct call *call)
{
    int64_t db;
    if (call->argc == 4 && !call_is(call, 3, "full")) {
        call_syntax_error(call);
        return;
    }
    if (!call_i64(call, 2, &db))
        return;
    if (db < 0 || db >= (int64_t)store_databases(call->store)) {
        reply_error(call->reply, "ERR Out of range database");
        return;
    }
    struct index_figures figures;
    struct buffer text = { 0 };
    store_index_figures(call->store, (unsigned)db, &figures);
    bool told = tell_index(&text, &figures, store_count(call->store, (unsigned)db)) &&
                buffer_printf(&text,
                              "[Expires HT]\nNo table of its own: an expiry stands in its key.\n"
                              " number of elements: %llu\n",
                              (unsigned long long)store_expires_count(call->store, (unsigned)db));
    if (told)
        reply_verbatim(call->reply, "txt", buffer_view(&text));
    else
        call_memory_error(call);
    buffer_release(&text);
}

/* --- POPULATE --------------------------------------------------------------------------------- */

struct population {
    struct bytes prefix;
    uint64_t value_bytes; /* 0: as long as the text is */
    struct buffer key, value;
};

/* "value:<number>", cut or filled up with zero bytes. */
static bool write_pair(struct population *population, uint64_t number)
{
    struct buffer *key = &population->key, *value = &population->value;
    key->count = value->count = 0;
    if (!buffer_append(key, population->prefix) ||
        !buffer_printf(key, ":%llu", (unsigned long long)number) ||
        !buffer_printf(value, "value:%llu", (unsigned long long)number))
        return false;
    size_t wanted = (size_t)population->value_bytes, had = value->count;
    if (wanted > had) {
        if (!buffer_reserve(value, wanted - had))
            return false;
        memset(value->at + had, 0, wanted - had);
    }
    value->count = wanted > 0 ? wanted : had;
    return true;
}

/* A key that is there stays as it is. */
static bool add_key(struct call *call, struct population *population, uint64_t number)
{
    struct string_scratch scratch;
    struct value value;
    struct entry *entry;
    if (!write_pair(population, number))
        return false;
    struct key key = store_key(call->store, buffer_view(&population->key));
    if (store_look(call->store, call->db, &key) != NULL)
        return true;
    if (string_make_raw(call->heap, buffer_view(&population->value), STRING_RAW, &scratch,
                        &value) != ERR_NONE)
        return false;
    if (store_put(call->store, call->db, &key, NULL, &value, STORE_NO_EXPIRY, EVENT_SET, &entry) ==
        ERR_NONE)
        return true;
    value_drop(call->space, &value);
    return false;
}

static bool read_amount(struct call *call, uint32_t at, uint64_t most, uint64_t *amount)
{
    if (number_read_u64(call->argv[at], amount) && *amount <= most)
        return true;
    reply_error(call->reply, "ERR value is out of range, must be positive");
    return false;
}

void debug_populate(struct call *call)
{
    struct population population = { .prefix = BYTES("key") };
    uint64_t count, number = 0;
    if (call->context->persistence != NULL && call->context->persistence->loading != NULL) {
        reply_error(call->reply, "LOADING Redis is loading the dataset in memory");
        return;
    }
    if (!read_amount(call, 2, INT64_MAX, &count))
        return;
    if (call->argc > 3)
        population.prefix = call->argv[3];
    if (call->argc > 4 && !read_amount(call, 4, PTRDIFF_MAX / 2, &population.value_bytes))
        return;
    while (number < count && add_key(call, &population, number))
        number++;
    if (number == count)
        reply_ok(call->reply);
    else
        reply_errorf(call->reply, "OOM out of memory after %llu keys", (unsigned long long)number);
    buffer_release(&population.key);
    buffer_release(&population.value);
}
