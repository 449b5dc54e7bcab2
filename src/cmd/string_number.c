/* Strings as numbers: INCR and its kin. */
#include "cmd/string_command.h"

#include "cmd/effects.h"
#include "cmd/string_edit.h"

/* The number keeps its key's expiry. A string that reads as an integer is never a big one, so the
 * body can be opened where it is. */
static bool store_number(struct call *call, const struct key *key, struct entry *entry,
                         int64_t number)
{
    struct string_scratch scratch;
    struct value value;
    string_make_int(number, &scratch, &value);
    if (entry == NULL)
        return store_put(call->store, call->db, key, NULL, &value, STORE_NO_EXPIRY, EVENT_INCRBY,
                         &entry) == ERR_NONE;
    uint8_t *at =
        store_edit(call->store, call->db, key, &entry, value.body.count, STRING_INT, EVENT_INCRBY);
    if (at == NULL)
        return false;
    memcpy(at, value.body.at, value.body.count);
    return true;
}

static bool read_number(struct call *call, const struct entry *entry, int64_t *number)
{
    struct value value = entry_value(entry);
    if (LIKELY(string_read_i64(call->heap, &value, number)))
        return true;
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return false;
}

static void increment(struct call *call, int64_t by)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    int64_t number = 0;
    if (!call_type_fits(call, entry, VALUE_STRING) ||
        (entry != NULL && !read_number(call, entry, &number)))
        return;
    if (!add_i64(number, by, &number))
        reply_error(call->reply, "ERR increment or decrement would overflow");
    else if (store_number(call, &key, entry, number))
        reply_i64(call->reply, number);
    else
        call_memory_error(call);
}

void cmd_incr(struct call *call)
{
    increment(call, 1);
}

void cmd_decr(struct call *call)
{
    increment(call, -1);
}

void cmd_incrby(struct call *call)
{
    int64_t by = 0;
    if (call_i64(call, 2, &by))
        increment(call, by);
}

void cmd_decrby(struct call *call)
{
    int64_t by = 0;
    if (!call_i64(call, 2, &by))
        return;
    if (by == INT64_MIN)
        reply_error(call->reply, "ERR decrement would overflow");
    else
        increment(call, -by);
}

static bool read_float(struct call *call, struct bytes text, long double *number)
{
    if (number_read_long_double(text, number))
        return true;
    reply_error(call->reply, "ERR value is not a valid float");
    return false;
}

static bool add_float(struct call *call, const struct entry *entry, long double *sum)
{
    struct string_reading old;
    long double by = 0;
    string_read(call, entry, &old);
    if ((entry != NULL && !read_float(call, old.content, sum)) ||
        !read_float(call, call->argv[2], &by))
        return false;
    *sum += by;
    if (!__builtin_isnan(*sum) && !__builtin_isinf(*sum))
        return true;
    reply_error(call->reply, "ERR increment would produce NaN or Infinity");
    return false;
}

/* The sum is stored as bytes even where it is whole: Redis does not make it an integer either. */
void cmd_incrbyfloat(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    long double sum = 0;
    if (!call_type_fits(call, entry, VALUE_STRING) || !add_float(call, entry, &sum))
        return;
    uint8_t text[NUMBER_LONG_DOUBLE_MAX];
    struct value value = { VALUE_STRING, STRING_RAW,
                           bytes_of(text, number_write_long_double(text, sum)) };
    int64_t expiry = entry == NULL ? STORE_NO_EXPIRY : STORE_KEEP_EXPIRY;
    if (store_put(call->store, call->db, &key, entry, &value, expiry, EVENT_INCRBYFLOAT, &entry) !=
        ERR_NONE) {
        call_memory_error(call);
        return;
    }
    reply_bulk(call->reply, value.body);
    /* Others may reckon with long doubles of another size. */
    struct bytes effect[] = { bytes_of_text("SET"), key.name, value.body,
                              bytes_of_text("KEEPTTL") };
    effects_instead(call, effect, 4);
}
