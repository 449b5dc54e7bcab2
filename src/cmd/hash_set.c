/* Hashes changed: fields set, counted up, removed. */
#include "cmd/effects.h"
#include "cmd/hash_command.h"

static void open_there(struct call *call, struct hash_change *change)
{
    struct value value = entry_value(change->entry);
    edit_open(&change->edit, call->space, call->arena, &value, (value.encoding & HASH_BIG) != 0);
}

/* Takes out the fields that the command names and that have expired: for others, who run what this
 * one tells, they are still there. An argument that is no field may name one all the same. */
static bool drop_expired(struct call *call, struct hash_change *change)
{
    bool removed = false;
    struct effect_words words;
    effect_start(&words, call, "HDEL");
    effect_text(&words, change->key.name);
    for (uint32_t at = 2; at < call->argc; at++) {
        struct hash hash;
        struct hash_place place;
        hash_view_edit(&hash, &change->edit, INT64_MIN);
        if (!hash_get(&hash, call->argv[at], &place) || place.pair.expiry >= change->now_ms)
            continue;
        if (hash_remove(&change->edit, &place) != ERR_NONE) {
            hash_fail(call, change);
            return false;
        }
        effect_text(&words, call->argv[at]);
        removed = true;
    }
    if (!removed)
        return true;
    effects_aside(call, true);
    bool done = hash_commit(call, change, EVENT_HEXPIRED);
    effects_aside(call, false);
    if (done)
        effect_tell_at_once(&words);
    return done;
}

static bool is_heard_expiring(const struct call *call, const struct entry *entry)
{
    return call_is_heard(call) && entry != NULL &&
           value_may_expire(entry_type(entry), entry_encoding(entry));
}

bool hash_open(struct call *call, struct hash_change *change, bool make)
{
    change->key = call->first;
    change->entry = store_look(call->store, call->db, &change->key);
    change->now_ms = store_now_ms(call->store);
    if (!call_type_fits(call, change->entry, VALUE_HASH))
        return false;
    if (UNLIKELY(is_heard_expiring(call, change->entry))) {
        open_there(call, change);
        if (!drop_expired(call, change))
            return false;
        change->entry = store_look(call->store, call->db, &change->key);
    }
    if (change->entry != NULL) {
        open_there(call, change);
        return true;
    }
    edit_new(&change->edit, call->space, call->arena, VALUE_HASH, HASH_SMALL);
    if (!make || hash_begin(&change->edit))
        return true;
    call_memory_error(call);
    return false;
}

/* A big hash stays where it is, and its entry tells whether fields of it may expire. That changes
 * when the rest is done; without memory for it the entry goes on to say so, in vain. */
static void unmark_expiring(struct call *call, struct hash_change *change)
{
    size_t bytes = change->edit.value.body.count;
    unsigned encoding = change->edit.value.encoding & ~(unsigned)HASH_EXPIRING;
    if (store_edit(call->store, call->db, &change->key, &change->entry, bytes, encoding,
                   EVENT_FORM) != NULL)
        store_written(call->store, change->entry);
}

bool hash_mark_expiring(struct call *call, struct hash_change *change)
{
    struct value_edit *edit = &change->edit;
    if (edit->root == NULL || edit->became_big || (edit->value.encoding & HASH_EXPIRING) != 0)
        return true;
    unsigned encoding = edit->value.encoding | HASH_EXPIRING;
    if (!hash_allow_expiries(call->space, edit->root) ||
        store_edit(call->store, call->db, &change->key, &change->entry, edit->value.body.count,
                   encoding, EVENT_FORM) == NULL) {
        hash_fail(call, change);
        return false;
    }
    edit->value = entry_value(change->entry);
    return true;
}

bool hash_commit(struct call *call, struct hash_change *change, enum event event)
{
    struct hash hash;
    struct value_edit *edit = &change->edit;
    struct value value = edit->value;
    hash_view_edit(&hash, edit, change->now_ms);
    bool empty = hash_count(&hash) == 0;
    hash_settle(edit);
    bool unmarks =
        edit->root != NULL && !edit->became_big && edit->value.encoding != value.encoding;
    if (unmarks)
        edit->value = value;
    if (call_commit(call, call->db, &change->key, change->entry, edit, event, empty) != ERR_NONE)
        return false;
    if (unmarks && !empty)
        unmark_expiring(call, change);
    return true;
}

void hash_fail(struct call *call, struct hash_change *change)
{
    const struct value_edit *edit = &change->edit;
    bool changed = edit->root != NULL && !edit->became_big && edit->changed;
    edit_abandon(&change->edit);
    if (changed) {
        store_written(call->store, change->entry);
        store_note(call->store, call->db, &change->key, EVENT_NONE);
    }
    call_memory_error(call);
}

bool hash_put(struct call *call, struct hash_change *change, struct bytes field, struct bytes value,
              int64_t expiry, enum hash_outcome *outcome)
{
    if (LIKELY(hash_set(&change->edit, change->now_ms, field, value, expiry, outcome) == ERR_NONE))
        return true;
    hash_fail(call, change);
    return false;
}

bool hash_seek(const struct hash_change *change, struct bytes field, struct hash_place *place)
{
    struct hash hash;
    if (change->entry == NULL)
        return false;
    hash_view_edit(&hash, &change->edit, change->now_ms);
    return hash_get(&hash, field, place);
}

/* The name by the sizes that the request brings, which Redis looks at before it sets anything. */
static bool expect(struct call *call, struct hash_change *change, uint32_t at, size_t count)
{
    if (hash_expect(&change->edit, call->argv + at, count))
        return true;
    call_memory_error(call);
    return false;
}

/* --- HSET, HMSET, HSETNX ---------------------------------------------------------------------- */

/* Sets pairs from argv[2] on; false: an error is written. */
static bool set_pairs(struct call *call, int64_t *added)
{
    struct hash_change change;
    *added = 0;
    if (call->argc % 2 != 0) {
        call_arity_error(call);
        return false;
    }
    if (!hash_open(call, &change, true) || !expect(call, &change, 2, call->argc - 2))
        return false;
    for (uint32_t at = 2; at < call->argc; at += 2) {
        enum hash_outcome outcome;
        if (!hash_put(call, &change, call->argv[at], call->argv[at + 1], HASH_NO_EXPIRY, &outcome))
            return false;
        *added += outcome == HASH_ADDED;
    }
    return hash_commit(call, &change, EVENT_HSET);
}

void cmd_hset(struct call *call)
{
    int64_t added;
    if (set_pairs(call, &added))
        reply_i64(call->reply, added);
}

void cmd_hmset(struct call *call)
{
    int64_t added;
    if (set_pairs(call, &added))
        reply_ok(call->reply);
}

void cmd_hsetnx(struct call *call)
{
    struct hash_change change;
    struct hash_place place;
    enum hash_outcome outcome;
    if (!hash_open(call, &change, true))
        return;
    if (hash_seek(&change, call->argv[2], &place)) {
        reply_i64(call->reply, 0);
        return;
    }
    if (expect(call, &change, 2, 2) &&
        hash_put(call, &change, call->argv[2], call->argv[3], HASH_NO_EXPIRY, &outcome) &&
        hash_commit(call, &change, EVENT_HSET))
        reply_i64(call->reply, 1);
}

/* --- HINCRBY, HINCRBYFLOAT -------------------------------------------------------------------- */

static bool read_number(struct call *call, const struct hash_place *place, int64_t *number)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (number_read_i64(packed_view(call->space, place->pair.value, digits), number))
        return true;
    reply_error(call->reply, "ERR hash value is not an integer");
    return false;
}

void cmd_hincrby(struct call *call)
{
    struct hash_change change;
    struct hash_place place;
    enum hash_outcome outcome;
    int64_t by = 0, number = 0;
    uint8_t digits[NUMBER_I64_MAX];
    if (!call_i64(call, 3, &by) || !hash_open(call, &change, true))
        return;
    if (hash_seek(&change, call->argv[2], &place) && !read_number(call, &place, &number))
        return;
    if (!add_i64(number, by, &number)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    struct bytes text = bytes_of(digits, number_write_i64(digits, number));
    if (hash_put(call, &change, call->argv[2], text, HASH_KEEP_EXPIRY, &outcome) &&
        hash_commit(call, &change, EVENT_HINCRBY))
        reply_i64(call->reply, number);
}

static bool read_step(struct call *call, long double *by)
{
    if (!number_read_long_double(call->argv[3], by))
        reply_error(call->reply, "ERR value is not a valid float");
    else if (__builtin_isnan(*by) || __builtin_isinf(*by))
        reply_error(call->reply, "ERR value is NaN or Infinity");
    else
        return true;
    return false;
}

static bool read_float(struct call *call, const struct hash_place *place, long double *number)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (number_read_long_double(packed_view(call->space, place->pair.value, digits), number))
        return true;
    reply_error(call->reply, "ERR hash value is not a float");
    return false;
}

/* Others may reckon with long doubles of another size. */
static void tell_sum(struct call *call, struct bytes sum, bool expires)
{
    struct bytes plain[] = { bytes_of_text("HSET"), call->argv[1], call->argv[2], sum };
    struct bytes expiring[] = { bytes_of_text("HSETEX"),
                                call->argv[1],
                                bytes_of_text("KEEPTTL"),
                                bytes_of_text("FIELDS"),
                                bytes_of_text("1"),
                                call->argv[2],
                                sum };
    if (expires)
        effects_instead(call, expiring, 7);
    else
        effects_instead(call, plain, 4);
}

void cmd_hincrbyfloat(struct call *call)
{
    struct hash_change change;
    struct hash_place place;
    enum hash_outcome outcome;
    long double by = 0, sum = 0;
    if (!read_step(call, &by) || !hash_open(call, &change, true))
        return;
    bool there = hash_seek(&change, call->argv[2], &place);
    if (there && !read_float(call, &place, &sum))
        return;
    bool expires = there && place.pair.expiry != HASH_NO_EXPIRY;
    sum += by;
    if (__builtin_isnan(sum) || __builtin_isinf(sum)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    uint8_t digits[NUMBER_LONG_DOUBLE_MAX];
    struct bytes text = bytes_of(digits, number_write_long_double(digits, sum));
    if (hash_put(call, &change, call->argv[2], text, HASH_KEEP_EXPIRY, &outcome) &&
        hash_commit(call, &change, EVENT_HINCRBYFLOAT)) {
        reply_bulk(call->reply, text);
        tell_sum(call, text, expires);
    }
}

/* --- HDEL ------------------------------------------------------------------------------------- */

void cmd_hdel(struct call *call)
{
    struct hash_change change;
    int64_t removed = 0;
    if (!hash_open(call, &change, false))
        return;
    for (uint32_t at = 2; at < call->argc; at++) {
        struct hash_place place;
        if (!hash_seek(&change, call->argv[at], &place))
            continue;
        if (hash_remove(&change.edit, &place) != ERR_NONE) {
            hash_fail(call, &change);
            return;
        }
        removed++;
    }
    if (removed == 0 || hash_commit(call, &change, EVENT_HDEL))
        reply_i64(call->reply, removed);
}
