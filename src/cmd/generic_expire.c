#include "cmd/effects.h"
#include "cmd/generic.h"

enum expire_condition {
    ONLY_NEW = 1,     /* NX: no expiry so far */
    ONLY_THERE = 2,   /* XX: an expiry there */
    ONLY_LATER = 4,   /* GT */
    ONLY_EARLIER = 8, /* LT */
};

static bool read_conditions(struct call *call, unsigned *conditions)
{
    static const struct {
        const char *word;
        unsigned condition;
    } words[] = {
        { "nx", ONLY_NEW }, { "xx", ONLY_THERE }, { "gt", ONLY_LATER }, { "lt", ONLY_EARLIER }
    };
    *conditions = 0;
    for (uint32_t at = 3; at < call->argc; at++) {
        size_t i = 0;
        while (i < 4 && !call_is(call, at, words[i].word))
            i++;
        if (i == 4) {
            reply_errorf(call->reply, "ERR Unsupported option %.*s",
                         (int)(call->argv[at].count < 128 ? call->argv[at].count : 128),
                         call->argv[at].count > 0 ? (const char *)call->argv[at].at : "");
            return false;
        }
        *conditions |= words[i].condition;
    }
    return true;
}

static bool conditions_agree(struct call *call, unsigned conditions)
{
    const char *error = NULL;
    if ((conditions & ONLY_NEW) != 0 && conditions != ONLY_NEW)
        error = "ERR NX and XX, GT or LT options at the same time are not compatible";
    else if ((conditions & ONLY_LATER) != 0 && (conditions & ONLY_EARLIER) != 0)
        error = "ERR GT and LT options at the same time are not compatible";
    if (error != NULL)
        reply_error(call->reply, error);
    return error == NULL;
}

/* A key without expiry counts as one that lives for ever. */
static bool conditions_met(unsigned conditions, const struct entry *entry, int64_t expiry)
{
    bool expires = entry_expires(entry);
    if ((conditions & ONLY_NEW) != 0 && expires)
        return false;
    if ((conditions & ONLY_THERE) != 0 && !expires)
        return false;
    if ((conditions & ONLY_LATER) != 0 && (!expires || expiry <= entry_expiry(entry)))
        return false;
    return (conditions & ONLY_EARLIER) == 0 || !expires || expiry < entry_expiry(entry);
}

static void expire(struct call *call, unsigned form)
{
    unsigned conditions = 0;
    int64_t expiry = 0;
    if (!read_conditions(call, &conditions) || !conditions_agree(call, conditions) ||
        !call_expiry(call, 2, form, &expiry))
        return;
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (entry == NULL || !conditions_met(conditions, entry, expiry)) {
        reply_i64(call->reply, 0);
        return;
    }
    if (expiry <= store_now_ms(call->store)) {
        store_remove(call->store, call->db, &call->first, entry, EVENT_DEL);
        effect_of_key(call, "DEL", call->first.name);
    } else if (store_set_expiry(call->store, call->db, &call->first, &entry, expiry,
                                EVENT_EXPIRE) != ERR_NONE) {
        call_memory_error(call);
        return;
    } else {
        effect_of_key_number(call, "PEXPIREAT", call->first.name, expiry);
    }
    reply_i64(call->reply, 1);
}

void generic_expire(struct call *call)
{
    expire(call, EXPIRY_SECONDS);
}

void generic_pexpire(struct call *call)
{
    expire(call, EXPIRY_MS);
}

void generic_expireat(struct call *call)
{
    expire(call, EXPIRY_SECONDS | EXPIRY_ABSOLUTE);
}

void generic_pexpireat(struct call *call)
{
    expire(call, EXPIRY_MS | EXPIRY_ABSOLUTE);
}

/* The expiry in one of the four forms; -2: no key, -1: no expiry. Seconds are rounded. */
static void tell_expiry(struct call *call, unsigned form)
{
    const struct entry *entry = store_read(call->store, call->db, &call->first, STORE_NO_TOUCH);
    if (entry == NULL || !entry_expires(entry)) {
        reply_i64(call->reply, entry == NULL ? -2 : -1);
        return;
    }
    int64_t ms = entry_expiry(entry);
    if ((form & EXPIRY_ABSOLUTE) == 0) {
        ms -= store_now_ms(call->store);
        if (ms < 0)
            ms = 0;
    }
    reply_i64(call->reply, (form & EXPIRY_MS) != 0 ? ms : (ms + 500) / 1000);
}

void generic_ttl(struct call *call)
{
    tell_expiry(call, EXPIRY_SECONDS);
}

void generic_pttl(struct call *call)
{
    tell_expiry(call, EXPIRY_MS);
}

void generic_expiretime(struct call *call)
{
    tell_expiry(call, EXPIRY_SECONDS | EXPIRY_ABSOLUTE);
}

void generic_pexpiretime(struct call *call)
{
    tell_expiry(call, EXPIRY_MS | EXPIRY_ABSOLUTE);
}

void generic_persist(struct call *call)
{
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (entry == NULL || !entry_expires(entry))
        reply_i64(call->reply, 0);
    else if (store_set_expiry(call->store, call->db, &call->first, &entry, STORE_NO_EXPIRY,
                              EVENT_PERSIST) == ERR_NONE)
        reply_i64(call->reply, 1);
    else
        call_memory_error(call);
}
