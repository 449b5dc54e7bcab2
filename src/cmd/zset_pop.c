/* The lowest and the highest taken out: ZPOPMIN and its like, and those that wait for them. */
#include "base/number.h"
#include "cmd/blocking.h"
#include "cmd/effects.h"
#include "cmd/zset_command.h"

enum pop_form {
    POP_FLAT,  /* member, score, member, score */
    POP_PAIRS, /* [member, score], ... */
    POP_KEYED, /* key, member, score */
    POP_MANY,  /* key, [[member, score], ...] */
};

struct pop {
    bool highest;
    enum pop_form form;
    uint64_t count;
    const struct bytes *keys;
    uint32_t key_count;
};

static void reply_popped(struct call *call, const struct pop *pop, struct bytes key,
                         const struct zset_gathering *popped)
{
    bool pairs = pop->form == POP_PAIRS || pop->form == POP_MANY;
    if (pop->form == POP_MANY) {
        reply_array(call->reply, 2);
        reply_bulk(call->reply, key);
    }
    if (pop->form == POP_KEYED) {
        reply_array(call->reply, 3);
        reply_bulk(call->reply, key);
    } else {
        reply_array(call->reply, pairs ? popped->count : popped->count * 2);
    }
    for (uint64_t i = 0; i < popped->count; i++) {
        if (pairs)
            reply_array(call->reply, 2);
        reply_bulk(call->reply, popped->items[i].member);
        reply_double(call->reply, popped->items[i].score);
    }
}

static void tell_popped(struct call *call, const struct pop *pop, struct bytes key, uint64_t count)
{
    if (pop->form == POP_KEYED || pop->form == POP_MANY)
        effect_of_key_number(call, pop->highest ? "ZPOPMAX" : "ZPOPMIN", key, (int64_t)count);
}

/* What is taken out is copied first, and told last. */
static void pop_from(struct call *call, const struct pop *pop, const struct key *key,
                     struct entry *entry, struct value_edit *edit)
{
    enum event event = pop->highest ? EVENT_ZPOPMAX : EVENT_ZPOPMIN;
    struct zset_gathering popped = { .arena = call->arena, .whole = true };
    struct zset zset = zset_edited(edit);
    uint64_t count = pop->count < zset.count ? pop->count : zset.count;
    zset_walk(&zset, pop->highest ? zset.count - 1 : 0, count, pop->highest,
              &(struct zset_visitor){ zset_gather, &popped });
    if (popped.failed) {
        call_memory_error(call);
        return;
    }
    if (zset_remove_ranks(edit, pop->highest ? zset.count - count : 0, count) != ERR_NONE)
        zset_failed(call, key, entry, edit, event);
    else if (call_commit(call, call->db, key, entry, edit, event, count == zset.count) ==
             ERR_NONE) {
        reply_popped(call, pop, key->name, &popped);
        tell_popped(call, pop, key->name, count);
    }
}

/* Pops from the first key that is there. False: none is, nothing is replied. */
static bool pop_first(struct call *call, const struct pop *pop)
{
    for (uint32_t i = 0; i < pop->key_count; i++) {
        struct key key = store_key(call->store, pop->keys[i]);
        struct entry *entry;
        struct value_edit edit;
        if (!zset_open(call, &key, &entry, &edit))
            return true;
        if (entry == NULL)
            continue;
        if (pop->count == 0)
            reply_array(call->reply, 0);
        else
            pop_from(call, pop, &key, entry, &edit);
        return true;
    }
    return false;
}

static void pop_one_key(struct call *call, bool highest)
{
    struct pop pop = { .highest = highest, .count = 1, .keys = call->argv + 1, .key_count = 1 };
    int64_t count;
    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3) {
        if (!zset_read_positive(call, 2, &count))
            return;
        pop.count = (uint64_t)count;
        pop.form = call->reply->resp > 2 ? POP_PAIRS : POP_FLAT;
    }
    if (!pop_first(call, &pop))
        reply_array(call->reply, 0);
}

void cmd_zpopmin(struct call *call)
{
    pop_one_key(call, false);
}

void cmd_zpopmax(struct call *call)
{
    pop_one_key(call, true);
}

/* --- ZMPOP, and those that wait --------------------------------------------------------------- */

static bool read_pop_count(struct call *call, uint32_t at, struct pop *pop)
{
    int64_t count = 0;
    for (; at < call->argc; at += 2) {
        if (count > 0 || at + 1 == call->argc || !call_is(call, at, "count")) {
            call_syntax_error(call);
            return false;
        }
        if (!number_read_i64(call->argv[at + 1], &count) || count < 1) {
            reply_error(call->reply, "ERR count should be greater than 0");
            return false;
        }
        pop->count = (uint64_t)count;
    }
    return true;
}

/* numkeys key [key ...] MIN|MAX [COUNT count] */
static bool read_many(struct call *call, uint32_t count_at, struct pop *pop)
{
    uint32_t keys;
    *pop = (struct pop){ .form = POP_MANY, .count = 1, .keys = call->argv + count_at + 1 };
    if (!zset_read_key_count(call, count_at, &keys))
        return false;
    uint32_t at = count_at + 1 + keys;
    pop->key_count = keys;
    pop->highest = call_is(call, at, "max");
    if (!pop->highest && !call_is(call, at, "min")) {
        call_syntax_error(call);
        return false;
    }
    return read_pop_count(call, at + 1, pop);
}

void cmd_zmpop(struct call *call)
{
    struct pop pop;
    if (read_many(call, 1, &pop) && !pop_first(call, &pop))
        reply_nil_array(call->reply);
}

static void pop_or_wait(struct call *call, const struct pop *pop, int64_t timeout_ms)
{
    if (pop_first(call, pop))
        return;
    if (!call_may_wait(call)) {
        reply_nil_array(call->reply);
        return;
    }
    call_wait(call, &(struct wait){ .type = VALUE_ZSET,
                                    .keys = pop->keys,
                                    .key_count = pop->key_count,
                                    .timeout_ms = timeout_ms,
                                    .timed_out = reply_nil_array });
}

static void pop_keyed(struct call *call, bool highest)
{
    struct pop pop = { .highest = highest,
                       .form = POP_KEYED,
                       .count = 1,
                       .keys = call->argv + 1,
                       .key_count = call->argc - 2 };
    int64_t timeout_ms;
    if (call_timeout(call, call->argc - 1, &timeout_ms))
        pop_or_wait(call, &pop, timeout_ms);
}

void cmd_bzpopmin(struct call *call)
{
    pop_keyed(call, false);
}

void cmd_bzpopmax(struct call *call)
{
    pop_keyed(call, true);
}

void cmd_bzmpop(struct call *call)
{
    struct pop pop;
    int64_t timeout_ms;
    if (read_many(call, 2, &pop) && call_timeout(call, 1, &timeout_ms))
        pop_or_wait(call, &pop, timeout_ms);
}
