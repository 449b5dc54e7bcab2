/* Fields of a hash set or read, and their expiry changed, in one step: HSETEX, HGETEX, HGETDEL. */
#include "cmd/effects.h"
#include "cmd/hash_command.h"

static const struct {
    const char *word;
    unsigned form;
} time_words[] = {
    { "ex", EXPIRY_SECONDS },
    { "px", EXPIRY_MS },
    { "exat", EXPIRY_SECONDS | EXPIRY_ABSOLUTE },
    { "pxat", EXPIRY_MS | EXPIRY_ABSOLUTE },
};

static bool is_time_word(const struct call *call, uint32_t at, unsigned *form)
{
    for (size_t i = 0; i < sizeof time_words / sizeof time_words[0]; i++) {
        if (!call_is(call, at, time_words[i].word))
            continue;
        *form = time_words[i].form;
        return true;
    }
    return false;
}

/* --- HSETEX ----------------------------------------------------------------------------------- */

enum set_condition { SET_ALWAYS = 0, SET_IF_ALL, SET_IF_NONE };

struct setex {
    enum set_condition condition;
    int64_t expiry; /* or HASH_NO_EXPIRY, HASH_KEEP_EXPIRY */
    bool has_time;  /* EX, PX, EXAT or PXAT */
    uint32_t first; /* in argv */
    uint32_t count; /* of the pairs */
};

/* The pairs, to the end of the arguments. */
static bool read_pairs(struct call *call, uint32_t at, struct setex *setex)
{
    int64_t count = 0;
    uint32_t left = call->argc - at - 1;
    if (left < 3) {
        call_arity_error(call);
        return false;
    }
    if (!number_read_i64(call->argv[at + 1], &count) || count < 1 || count > INT32_MAX) {
        reply_error(call->reply, "ERR invalid number of fields");
        return false;
    }
    if (count * 2 != (int64_t)left - 1) {
        call_arity_error(call);
        return false;
    }
    setex->first = at + 2;
    setex->count = (uint32_t)count;
    return true;
}

static bool refuse(struct call *call, const char *error)
{
    reply_error(call->reply, error);
    return false;
}

/* An option about the expiry; *at is moved to its last word. */
static bool read_expiry(struct call *call, uint32_t *at, unsigned form, struct setex *setex)
{
    if (setex->expiry != HASH_NO_EXPIRY)
        return refuse(call, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be "
                            "specified");
    if (call_is(call, *at, "keepttl")) {
        setex->expiry = HASH_KEEP_EXPIRY;
        return true;
    }
    if (++*at >= call->argc)
        return refuse(call, "ERR missing expire time");
    setex->has_time = true;
    return hash_time_read(call, *at, form, &setex->expiry);
}

static bool read_setex(struct call *call, struct setex *setex)
{
    *setex = (struct setex){ .expiry = HASH_NO_EXPIRY };
    for (uint32_t at = 2; at < call->argc; at++) {
        unsigned form = 0;
        bool all = call_is(call, at, "fxx");
        if (call_is(call, at, "fields"))
            return read_pairs(call, at, setex);
        if (all || call_is(call, at, "fnx")) {
            if (setex->condition != SET_ALWAYS)
                return refuse(call, "ERR Only one of FXX or FNX arguments can be specified");
            setex->condition = all ? SET_IF_ALL : SET_IF_NONE;
        } else if (call_is(call, at, "keepttl") || is_time_word(call, at, &form)) {
            if (!read_expiry(call, &at, form, setex))
                return false;
        } else {
            struct bytes word = call->argv[at];
            reply_errorf(call->reply, "ERR unknown argument: %.*s",
                         (int)(word.count < 128 ? word.count : 128),
                         word.count > 0 ? (const char *)word.at : "");
            return false;
        }
    }
    call_arity_error(call); /* no FIELDS */
    return false;
}

static bool condition_met(const struct call *call, const struct hash_change *change,
                          const struct setex *setex)
{
    struct hash_place place;
    bool wanted = setex->condition == SET_IF_ALL;
    if (setex->condition == SET_ALWAYS)
        return true;
    for (uint32_t i = 0; i < setex->count; i++)
        if (hash_seek(change, call->argv[setex->first + 2 * i], &place) != wanted)
            return false;
    return true;
}

static bool set_pairs(struct call *call, struct hash_change *change, const struct setex *setex)
{
    if (setex->has_time && !hash_mark_expiring(call, change))
        return false;
    if (!hash_expect(&change->edit, call->argv + setex->first, 2 * (size_t)setex->count)) {
        hash_fail(call, change);
        return false;
    }
    for (uint32_t i = 0; i < setex->count; i++) {
        enum hash_outcome outcome;
        const struct bytes *pair = call->argv + setex->first + 2 * i;
        if (!hash_put(call, change, pair[0], pair[1], setex->expiry, &outcome))
            return false;
    }
    return true;
}

static void tell(struct call *call, enum event event)
{
    store_notify(call->store, call->db, call->first.name, event);
}

/* With the time that it came to; a condition was met. */
static void tell_setex(struct call *call, const struct setex *setex)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    effect_start(&words, call, "HSETEX");
    effect_text(&words, call->first.name);
    effect_word(&words, "PXAT");
    effect_number(&words, setex->expiry);
    effect_word(&words, "FIELDS");
    effect_number(&words, setex->count);
    for (uint32_t i = 0; i < 2 * setex->count; i++)
        effect_text(&words, call->argv[setex->first + i]);
    effect_tell(&words);
}

static void tell_in_vain(struct call *call, const struct setex *setex)
{
    if (!call_is_heard(call))
        return;
    struct bytes *fields = arena_take_many(call->arena, setex->count, sizeof *fields);
    for (uint32_t i = 0; fields != NULL && i < setex->count; i++)
        fields[i] = call->argv[setex->first + 2 * i];
    if (fields != NULL)
        hash_tell_removed(call, fields, setex->count);
    else
        effects_lose(call);
}

/* The time is over: what is set goes at once, and what was there with it. */
static void set_in_vain(struct call *call, struct hash_change *change, const struct setex *setex)
{
    struct hash_place place;
    bool removed = false;
    for (uint32_t i = 0; i < setex->count; i++) {
        if (!hash_seek(change, call->argv[setex->first + 2 * i], &place))
            continue;
        removed = true;
        if (hash_remove(&change->edit, &place) != ERR_NONE) {
            hash_fail(call, change);
            return;
        }
    }
    tell(call, EVENT_HSET);
    if (!removed)
        tell(call, EVENT_HDEL);
    if (removed && !hash_commit(call, change, EVENT_HDEL))
        return;
    reply_i64(call->reply, 1);
    if (removed)
        tell_in_vain(call, setex);
}

void cmd_hsetex(struct call *call)
{
    struct setex setex;
    struct hash_change change;
    if (!read_setex(call, &setex) || !hash_open(call, &change, true))
        return;
    if (!condition_met(call, &change, &setex)) {
        reply_i64(call->reply, 0);
        return;
    }
    if (setex.has_time && setex.expiry <= change.now_ms) {
        set_in_vain(call, &change, &setex);
        return;
    }
    if (!set_pairs(call, &change, &setex) || !hash_commit(call, &change, EVENT_HSET))
        return;
    if (setex.has_time) {
        tell(call, EVENT_HEXPIRE);
        tell_setex(call, &setex);
    }
    reply_i64(call->reply, 1);
}

/* --- values on their way out ------------------------------------------------------------------ */

static void reply_value(struct call *call, const struct hash *hash, struct bytes field)
{
    struct hash_place place;
    if (hash_get(hash, field, &place))
        hash_reply_text(call, place.pair.value);
    else
        reply_nil(call->reply);
}

static void reply_nils(struct call *call, uint32_t count)
{
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++)
        reply_nil(call->reply);
}

/* Removing fields of a big hash cannot fail: each is answered before it goes. */
static void take_from_big(struct call *call, struct hash_change *change,
                          const struct hash_fields *fields)
{
    bool removed = false;
    reply_array(call->reply, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        struct hash_place place;
        if (!hash_seek(change, call->argv[fields->first + i], &place)) {
            reply_nil(call->reply);
            continue;
        }
        hash_reply_text(call, place.pair.value);
        ENSURE(hash_remove(&change->edit, &place) == ERR_NONE);
        removed = true;
    }
    ENSURE(!removed || hash_commit(call, change, EVENT_HDEL));
    if (removed)
        hash_tell_removed(call, call->argv + fields->first, fields->count);
}

/* Of a small one, values are answered when all is done, from a copy of what it was. */
static void take_from_small(struct call *call, struct hash_change *change,
                            const struct hash_fields *fields)
{
    struct hash before;
    struct hash_place place;
    bool removed = false;
    hash_view_edit(&before, &change->edit, change->now_ms);
    uint8_t *body = arena_take(call->arena, before.body.count);
    bool *found = arena_take(call->arena, fields->count);
    if (body == NULL || found == NULL || edit_body(&change->edit) == NULL) {
        call_memory_error(call);
        return;
    }
    memcpy(body, before.body.at, before.body.count);
    before.body.at = body;
    for (uint32_t i = 0; i < fields->count; i++) {
        found[i] = hash_seek(change, call->argv[fields->first + i], &place);
        if (found[i])
            ENSURE(hash_remove(&change->edit, &place) == ERR_NONE); /* the body is its own */
        removed = removed || found[i];
    }
    if (removed && !hash_commit(call, change, EVENT_HDEL))
        return;
    if (removed)
        hash_tell_removed(call, call->argv + fields->first, fields->count);
    reply_array(call->reply, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        if (found[i])
            reply_value(call, &before, call->argv[fields->first + i]);
        else
            reply_nil(call->reply);
    }
}

static void take_fields(struct call *call, struct hash_change *change,
                        const struct hash_fields *fields)
{
    if (change->entry == NULL)
        reply_nils(call, fields->count);
    else if (change->edit.root != NULL)
        take_from_big(call, change, fields);
    else
        take_from_small(call, change, fields);
}

void cmd_hgetdel(struct call *call)
{
    struct hash_change change;
    struct hash_fields fields;
    if (hash_open(call, &change, false) &&
        hash_fields_read(call, 2, "ERR Number of fields must be a positive integer", &fields))
        take_fields(call, &change, &fields);
}

/* --- HGETEX ----------------------------------------------------------------------------------- */

enum getex { GETEX_ONLY = 0, GETEX_PERSIST, GETEX_EXPIRE };

struct getex_call {
    struct hash_change change;
    struct hash_fields fields;
    enum getex what;
    int64_t expiry; /* that the fields get, or HASH_NO_EXPIRY */
};

static bool read_getex(struct call *call, struct getex_call *getex)
{
    unsigned form = 0;
    uint32_t at = 2;
    *getex = (struct getex_call){ .expiry = HASH_NO_EXPIRY };
    if (!hash_open(call, &getex->change, false))
        return false;
    if (call_is(call, at, "persist")) {
        getex->what = GETEX_PERSIST;
        at += 1;
    } else if (is_time_word(call, at, &form)) {
        getex->what = GETEX_EXPIRE;
        if (!hash_time_read(call, at + 1, form, &getex->expiry))
            return false;
        at += 2;
    }
    return hash_fields_read(call, at, "ERR Number of fields must be a positive integer",
                            &getex->fields);
}

/* Gives the fields their expiry; false with the error reply. */
static bool change_expiries(struct call *call, struct getex_call *getex, bool *changed)
{
    for (uint32_t i = 0; i < getex->fields.count; i++) {
        struct hash_place place;
        if (!hash_seek(&getex->change, call->argv[getex->fields.first + i], &place))
            continue;
        if (getex->what == GETEX_PERSIST && place.pair.expiry == HASH_NO_EXPIRY)
            continue;
        if (!hash_put_expiry(call, &getex->change, &place, getex->expiry))
            return false;
        *changed = true;
    }
    return true;
}

void cmd_hgetex(struct call *call)
{
    struct getex_call getex;
    struct hash hash;
    bool changed = false;
    if (!read_getex(call, &getex))
        return;
    struct hash_change *change = &getex.change;
    if (change->entry == NULL) {
        reply_nils(call, getex.fields.count);
        return;
    }
    if (getex.what == GETEX_EXPIRE && getex.expiry <= change->now_ms) {
        take_fields(call, change, &getex.fields);
        return;
    }
    if (getex.what != GETEX_ONLY && !change_expiries(call, &getex, &changed))
        return;
    if (changed &&
        !hash_commit(call, change, getex.what == GETEX_PERSIST ? EVENT_HPERSIST : EVENT_HEXPIRE))
        return;
    if (changed)
        hash_tell_expiry(call, getex.expiry, call->argv + getex.fields.first, getex.fields.count);
    hash_view_edit(&hash, &change->edit, change->now_ms);
    reply_array(call->reply, getex.fields.count);
    for (uint32_t i = 0; i < getex.fields.count; i++)
        reply_value(call, &hash, call->argv[getex.fields.first + i]);
}
