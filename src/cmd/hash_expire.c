/* When fields of a hash expire: HEXPIRE and HTTL in their forms, and HPERSIST. */
#include "cmd/effects.h"
#include "cmd/hash_command.h"

/* What is answered for a field. */
enum field_outcome {
    FIELD_ABSENT = -2,
    FIELD_LASTING = -1, /* it has no expiry */
    FIELD_REFUSED = 0,  /* by the condition */
    FIELD_CHANGED = 1,
    FIELD_REMOVED = 2, /* the time is over */
};

static const char not_positive[] = "ERR Number of fields must be a positive integer";

/* --- arguments -------------------------------------------------------------------------------- */

bool hash_fields_read(struct call *call, uint32_t at, const char *number_error,
                      struct hash_fields *fields)
{
    int64_t count = 0;
    if (!call_is(call, at, "fields"))
        reply_error(call->reply,
                    "ERR Mandatory argument FIELDS is missing or not at the right position");
    else if (at + 1 >= call->argc)
        call_arity_error(call);
    else if (!number_read_i64(call->argv[at + 1], &count) || count < 1)
        reply_error(call->reply, number_error);
    else if (count != (int64_t)call->argc - at - 2)
        reply_error(call->reply,
                    "ERR The `numfields` parameter must match the number of arguments");
    else {
        *fields = (struct hash_fields){ at + 2, (uint32_t)count };
        return true;
    }
    return false;
}

bool hash_time_read(struct call *call, uint32_t at, unsigned form, int64_t *expiry)
{
    int64_t time = 0;
    if (!call_i64(call, at, &time))
        return false;
    if (time < 0) {
        reply_error(call->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool fits = (form & EXPIRY_MS) != 0 || mul_i64(time, 1000, &time);
    if ((form & EXPIRY_ABSOLUTE) == 0)
        fits = fits && add_i64(time, store_now_ms(call->store), &time);
    if (fits && time <= HASH_EXPIRY_MAX) {
        *expiry = time;
        return true;
    }
    reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->name);
    return false;
}

/* --- what others are told --------------------------------------------------------------------- */

void hash_tell_expiry(struct call *call, int64_t expiry, const struct bytes *fields, uint32_t count)
{
    struct effect_words words;
    if (!call_is_heard(call) || count == 0)
        return;
    effect_start(&words, call, expiry == HASH_NO_EXPIRY ? "HPERSIST" : "HPEXPIREAT");
    effect_text(&words, call->first.name);
    if (expiry != HASH_NO_EXPIRY)
        effect_number(&words, expiry);
    effect_word(&words, "FIELDS");
    effect_number(&words, count);
    for (uint32_t i = 0; i < count; i++)
        effect_text(&words, fields[i]);
    effect_tell(&words);
}

void hash_tell_removed(struct call *call, const struct bytes *fields, uint32_t count)
{
    struct effect_words words;
    if (!call_is_heard(call) || count == 0)
        return;
    effect_start(&words, call, "HDEL");
    effect_text(&words, call->first.name);
    for (uint32_t i = 0; i < count; i++)
        effect_text(&words, fields[i]);
    effect_tell(&words);
}

/* --- HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT ------------------------------------------------- */

enum expire_condition { ALWAYS = 0, IF_LASTING, IF_EXPIRING, IF_LATER, IF_EARLIER };

struct expire_call {
    struct hash_change change;
    struct hash_fields fields;
    enum expire_condition condition;
    int64_t expiry;
    int8_t *outcomes; /* of the fields */
    bool changed, removed;
};

static enum expire_condition read_condition(const struct call *call, uint32_t at)
{
    static const char *const words[] = { NULL, "nx", "xx", "gt", "lt" };
    for (unsigned i = IF_LASTING; i <= IF_EARLIER; i++)
        if (call_is(call, at, words[i]))
            return (enum expire_condition)i;
    return ALWAYS;
}

/* A field without an expiry lasts for ever: later than any time. */
static bool condition_met(enum expire_condition condition, int64_t before, int64_t expiry)
{
    switch (condition) {
    case ALWAYS:
        return true;
    case IF_LASTING:
        return before == HASH_NO_EXPIRY;
    case IF_EXPIRING:
        return before != HASH_NO_EXPIRY;
    case IF_LATER:
        return before < expiry;
    case IF_EARLIER:
        return before > expiry;
    }
    return false;
}

bool hash_put_expiry(struct call *call, struct hash_change *change, const struct hash_place *place,
                     int64_t expiry)
{
    if (expiry != HASH_NO_EXPIRY && !hash_mark_expiring(call, change))
        return false;
    if (hash_set_expiry(&change->edit, place, expiry) == ERR_NONE)
        return true;
    hash_fail(call, change);
    return false;
}

/* False: the error reply is written. */
static bool expire_field(struct call *call, struct expire_call *expire, struct bytes field,
                         int8_t *outcome)
{
    struct hash_change *change = &expire->change;
    struct hash_place place;
    *outcome = FIELD_ABSENT;
    if (!hash_seek(change, field, &place))
        return true;
    *outcome = FIELD_REFUSED;
    if (!condition_met(expire->condition, place.pair.expiry, expire->expiry))
        return true;
    expire->changed = true;
    if (expire->expiry > change->now_ms) {
        *outcome = FIELD_CHANGED;
        return hash_put_expiry(call, change, &place, expire->expiry);
    }
    *outcome = FIELD_REMOVED;
    expire->removed = true;
    if (hash_remove(&change->edit, &place) == ERR_NONE)
        return true;
    hash_fail(call, change);
    return false;
}

static void reply_outcomes(struct call *call, const int8_t *outcomes, uint32_t count)
{
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++)
        reply_i64(call->reply, outcomes[i]);
}

static bool read_expire(struct call *call, unsigned form, struct expire_call *expire)
{
    *expire = (struct expire_call){ .condition = read_condition(call, 3) };
    if (!hash_open(call, &expire->change, false) ||
        !hash_time_read(call, 2, form, &expire->expiry) ||
        !hash_fields_read(call, expire->condition == ALWAYS ? 3 : 4,
                          "ERR Parameter `numFields` should be greater than 0", &expire->fields))
        return false;
    expire->outcomes = arena_take(call->arena, expire->fields.count);
    if (expire->outcomes == NULL)
        call_memory_error(call);
    return expire->outcomes != NULL;
}

/* All fields that met the condition have gone, or have the same time. */
static void tell_expired(struct call *call, const struct expire_call *expire)
{
    uint32_t met = 0;
    if (!call_is_heard(call))
        return;
    struct bytes *fields = arena_take_many(call->arena, expire->fields.count, sizeof *fields);
    if (fields == NULL) {
        effects_lose(call);
        return;
    }
    for (uint32_t i = 0; i < expire->fields.count; i++)
        if (expire->outcomes[i] > FIELD_REFUSED)
            fields[met++] = call->argv[expire->fields.first + i];
    if (expire->removed)
        hash_tell_removed(call, fields, met);
    else
        hash_tell_expiry(call, expire->expiry, fields, met);
}

static void expire_fields(struct call *call, unsigned form)
{
    struct expire_call expire;
    if (!read_expire(call, form, &expire))
        return;
    for (uint32_t i = 0; i < expire.fields.count; i++)
        if (!expire_field(call, &expire, call->argv[expire.fields.first + i], &expire.outcomes[i]))
            return;
    if (expire.changed &&
        !hash_commit(call, &expire.change, expire.removed ? EVENT_HDEL : EVENT_HEXPIRE))
        return;
    reply_outcomes(call, expire.outcomes, expire.fields.count);
    tell_expired(call, &expire);
}

void cmd_hexpire(struct call *call)
{
    expire_fields(call, EXPIRY_SECONDS);
}

void cmd_hpexpire(struct call *call)
{
    expire_fields(call, EXPIRY_MS);
}

void cmd_hexpireat(struct call *call)
{
    expire_fields(call, EXPIRY_SECONDS | EXPIRY_ABSOLUTE);
}

void cmd_hpexpireat(struct call *call)
{
    expire_fields(call, EXPIRY_MS | EXPIRY_ABSOLUTE);
}

/* --- HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME --------------------------------------------------- */

/* Seconds are rounded up: a field that is there has some time left. */
static int64_t time_in_form(int64_t expiry, int64_t now_ms, unsigned form)
{
    if ((form & EXPIRY_ABSOLUTE) == 0)
        expiry -= now_ms;
    return (form & EXPIRY_MS) != 0 ? expiry : (expiry + 999) / 1000;
}

static void tell_times(struct call *call, unsigned form)
{
    struct hash hash;
    struct hash_fields fields;
    bool there;
    if (!hash_read(call, &hash, &there) || !hash_fields_read(call, 2, not_positive, &fields))
        return;
    reply_array(call->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        struct hash_place place;
        if (!there || !hash_get(&hash, call->argv[fields.first + i], &place))
            reply_i64(call->reply, FIELD_ABSENT);
        else if (place.pair.expiry == HASH_NO_EXPIRY)
            reply_i64(call->reply, FIELD_LASTING);
        else
            reply_i64(call->reply, time_in_form(place.pair.expiry, hash.now_ms, form));
    }
}

void cmd_httl(struct call *call)
{
    tell_times(call, EXPIRY_SECONDS);
}

void cmd_hpttl(struct call *call)
{
    tell_times(call, EXPIRY_MS);
}

void cmd_hexpiretime(struct call *call)
{
    tell_times(call, EXPIRY_SECONDS | EXPIRY_ABSOLUTE);
}

void cmd_hpexpiretime(struct call *call)
{
    tell_times(call, EXPIRY_MS | EXPIRY_ABSOLUTE);
}

/* --- HPERSIST --------------------------------------------------------------------------------- */

static bool persist_field(struct call *call, struct hash_change *change, struct bytes field,
                          int8_t *outcome)
{
    struct hash_place place;
    *outcome = FIELD_ABSENT;
    if (!hash_seek(change, field, &place))
        return true;
    *outcome = FIELD_LASTING;
    if (place.pair.expiry == HASH_NO_EXPIRY)
        return true;
    *outcome = FIELD_CHANGED;
    return hash_put_expiry(call, change, &place, HASH_NO_EXPIRY);
}

void cmd_hpersist(struct call *call)
{
    struct hash_change change;
    struct hash_fields fields;
    bool changed = false;
    if (!hash_open(call, &change, false) || !hash_fields_read(call, 2, not_positive, &fields))
        return;
    int8_t *outcomes = arena_take(call->arena, fields.count);
    if (outcomes == NULL) {
        call_memory_error(call);
        return;
    }
    for (uint32_t i = 0; i < fields.count; i++) {
        if (!persist_field(call, &change, call->argv[fields.first + i], &outcomes[i]))
            return;
        changed = changed || outcomes[i] == FIELD_CHANGED;
    }
    if (!changed || hash_commit(call, &change, EVENT_HPERSIST))
        reply_outcomes(call, outcomes, fields.count);
}
