/* ZADD, ZINCRBY, ZREM: members put in and taken out one by one. */
#include "cmd/zset_command.h"

#define NOT_A_FLOAT "ERR value is not a valid float"

struct adding {
    unsigned conditions;
    bool count_changed; /* CH */
    uint32_t first;     /* argv index of the first score */
    uint32_t pairs;
};

static bool read_conditions(struct call *call, struct adding *adding)
{
    static const struct {
        const char *word;
        unsigned condition;
    } words[] = { { "nx", ZSET_NEW_ONLY }, { "xx", ZSET_KNOWN_ONLY }, { "gt", ZSET_GREATER },
                  { "lt", ZSET_LESS },     { "incr", ZSET_ADD_UP },   { "ch", 0 } };
    enum { WORDS = sizeof words / sizeof words[0] };
    for (adding->first = 2; adding->first < call->argc; adding->first++) {
        unsigned i = 0;
        while (i < WORDS && !call_is(call, adding->first, words[i].word))
            i++;
        if (i == WORDS)
            break;
        adding->conditions |= words[i].condition;
        adding->count_changed |= words[i].condition == 0;
    }
    uint32_t left = call->argc - adding->first;
    adding->pairs = left / 2;
    return left > 0 && left % 2 == 0;
}

static bool conditions_agree(struct call *call, const struct adding *adding)
{
    unsigned set = adding->conditions;
    bool new_only = (set & ZSET_NEW_ONLY) != 0;
    bool greater = (set & ZSET_GREATER) != 0, less = (set & ZSET_LESS) != 0;
    const char *error = NULL;
    if (new_only && (set & ZSET_KNOWN_ONLY) != 0)
        error = "ERR XX and NX options at the same time are not compatible";
    else if ((greater && new_only) || (less && new_only) || (greater && less))
        error = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if ((set & ZSET_ADD_UP) != 0 && adding->pairs > 1)
        error = "ERR INCR option supports a single increment-element pair";
    if (error != NULL)
        reply_error(call->reply, error);
    return error == NULL;
}

/* All scores before anything changes. */
static bool read_scores(struct call *call, const struct adding *adding, double *scores)
{
    for (uint32_t i = 0; i < adding->pairs; i++)
        if (!zset_read_score(call, adding->first + 2 * i, NOT_A_FLOAT, &scores[i]))
            return false;
    return true;
}

struct added {
    uint32_t added, changed;
    struct zset_result last;
};

static enum err add_all(struct call *call, const struct adding *adding, const double *scores,
                        struct value_edit *edit, struct added *added)
{
    enum err err = ERR_NONE;
    for (uint32_t i = 0; i < adding->pairs && err == ERR_NONE; i++) {
        struct bytes member = call->argv[adding->first + 2 * i + 1];
        err = zset_add(edit, member, scores[i], adding->conditions, &added->last);
        if (err == ERR_NONE) {
            added->added += added->last.outcome == ZSET_ADDED;
            added->changed += added->last.outcome == ZSET_CHANGED;
        }
    }
    return err;
}

static void reply_added(struct call *call, const struct adding *adding, const struct added *added)
{
    if ((adding->conditions & ZSET_ADD_UP) == 0)
        reply_i64(call->reply, added->added + (adding->count_changed ? added->changed : 0));
    else if (added->last.outcome == ZSET_NAN)
        reply_error(call->reply, "ERR resulting score is not a number (NaN)");
    else if (added->last.outcome == ZSET_REFUSED)
        reply_nil(call->reply);
    else
        reply_double(call->reply, added->last.score);
}

static void add(struct call *call, const struct adding *adding, const double *scores)
{
    enum event event = (adding->conditions & ZSET_ADD_UP) != 0 ? EVENT_ZINCR : EVENT_ZADD;
    struct key key = call_key(call, 0, 1);
    struct entry *entry;
    struct value_edit edit;
    struct added added = { .last = { .outcome = ZSET_REFUSED } };
    if (!zset_open(call, &key, &entry, &edit))
        return;
    if (entry != NULL || (adding->conditions & ZSET_KNOWN_ONLY) == 0) {
        zset_expect(&edit, adding->pairs, call->argv[adding->first + 1].count);
        if (add_all(call, adding, scores, &edit, &added) != ERR_NONE) {
            zset_failed(call, &key, entry, &edit, event);
            return;
        }
    }
    bool changes = added.added + added.changed > 0;
    if (changes && call_commit(call, call->db, &key, entry, &edit, event, false) != ERR_NONE)
        return;
    reply_added(call, adding, &added);
}

static void read_and_add(struct call *call, const struct adding *adding)
{
    double one, *scores = &one;
    if (adding->pairs > 1)
        scores = arena_take_many(call->arena, adding->pairs, sizeof *scores);
    if (scores == NULL)
        call_memory_error(call);
    else if (read_scores(call, adding, scores))
        add(call, adding, scores);
}

void cmd_zadd(struct call *call)
{
    struct adding adding = { 0 };
    if (!read_conditions(call, &adding))
        call_syntax_error(call);
    else if (conditions_agree(call, &adding))
        read_and_add(call, &adding);
}

void cmd_zincrby(struct call *call)
{
    read_and_add(call, &(struct adding){ .conditions = ZSET_ADD_UP, .first = 2, .pairs = 1 });
}

void cmd_zrem(struct call *call)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry;
    struct value_edit edit;
    uint32_t count = 0;
    if (!zset_open(call, &key, &entry, &edit))
        return;
    for (uint32_t at = 2; at < call->argc && entry != NULL; at++) {
        bool removed;
        if (zset_remove(&edit, call->argv[at], &removed) != ERR_NONE) {
            zset_failed(call, &key, entry, &edit, EVENT_ZREM);
            return;
        }
        count += removed;
    }
    bool empty = zset_edited(&edit).count == 0;
    if (count == 0 ||
        call_commit(call, call->db, &key, entry, &edit, EVENT_ZREM, empty) == ERR_NONE)
        reply_i64(call->reply, count);
}
