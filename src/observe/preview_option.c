/* Values made anew beside the store, in a heap of their own. A snapshot under way is not disturbed:
 * values are read as they are now. */
#include "observe/preview.h"
#include "struct/kinds.h"
#include "struct/past.h"
#include "types/parts.h"
#include "types/string.h"

#include <stdio.h>
#include <string.h>

enum {
    FEW_KEYS = 1000,       /* all are looked at */
    SAMPLES = 1000,        /* of the type */
    DRAWS_MAX = 20000,     /* keys of whatever type */
    BIG_BYTES = 64 * 1024, /* is not made anew: one value must not take the whole time */
    TIME_NS = 5 * 1000 * 1000,
    DENSE_BYTES = 16 + 12288, /* a HyperLogLog, Redis's format */
};
#define ASIDE_BYTES ((uint64_t)256 << 20) /* of address space */

struct aside {
    struct space *store;
    struct space space;
    struct type_limits limits, now, then;
    struct heap *heap;
    struct preview_option sum;
    uint64_t deadline_ns;
    const struct seam *seam;
    bool failed, late;
};

bool preview_type(struct bytes option, unsigned *type)
{
    static const struct {
        const char *begin;
        unsigned type;
    } rows[] = {
        { "hash-max-", VALUE_HASH },      { "list-max-", VALUE_LIST },
        { "set-max-", VALUE_SET },        { "zset-max-", VALUE_ZSET },
        { "hll-sparse-", VALUE_STRING },  { "stream-node-", VALUE_STREAM },
        { "list-compress-", VALUE_LIST },
    };
    for (unsigned at = 0; at < sizeof rows / sizeof *rows; at++) {
        size_t count = strlen(rows[at].begin);
        if (option.count > count && memcmp(option.at, rows[at].begin, count) == 0) {
            *type = rows[at].type;
            return true;
        }
    }
    return false;
}

/* --- one value made anew ---------------------------------------------------------------------- */

struct remaking {
    struct maker *maker;
    enum err err;
};

/* Nodes of streams are laid out anew, as if all entries had been added just now. */
static void take_part(void *context, const struct part *part)
{
    struct remaking *remaking = context;
    if (remaking->err != ERR_NONE || part->kind == PART_NODE)
        return;
    remaking->err = maker_take(remaking->maker, part);
}

struct remade {
    uint64_t bytes;
    char name[16];
};

static uint64_t bytes_with_entry(const struct aside *aside, const struct entry *entry,
                                 size_t body_bytes)
{
    size_t bytes = entry_bytes(entry_key(entry).count, body_bytes, entry_expires(entry));
    return heap_round_up(aside->heap, bytes);
}

/* Keys that have expired go between two values, and a snapshot under way must see them go: its past
 * is hidden for no longer than one value is read. */
static bool tell_all(struct aside *aside, const struct value *value, struct remaking *remaking)
{
    struct past *past = past_hide(aside->store);
    struct teller *teller = teller_new(aside->store, value);
    while (teller != NULL && !teller_step(teller, take_part, remaking))
        continue;
    teller_drop(teller);
    past_show(aside->store, past);
    return teller != NULL && remaking->err == ERR_NONE;
}

static bool remake(struct aside *aside, const struct entry *entry, const struct type_limits *limits,
                   struct remade *remade)
{
    struct value value = entry_value(entry), made;
    struct buffer body = { 0 };
    struct remaking remaking = { .maker = maker_new(&aside->space, value.type, 0) };
    aside->limits = *limits;
    if (remaking.maker == NULL)
        return false;
    bool told = tell_all(aside, &value, &remaking);
    bool done = maker_finish(remaking.maker, &made, &body) == ERR_NONE && told;
    maker_drop(remaking.maker);
    if (done) {
        const struct type_ops *ops = type_ops(made.type);
        remade->bytes =
            ops->bytes(&aside->space, &made) + bytes_with_entry(aside, entry, made.body.count);
        const char *name = ops->encoding_name(&aside->space, &made);
        snprintf(remade->name, sizeof remade->name, "%s", name);
        value_drop(&aside->space, &made);
    }
    buffer_release(&body);
    return done;
}

/* A sparse HyperLogLog that is longer than the option allows becomes a dense one. */
static uint64_t hyperloglog_then(const struct aside *aside, const struct entry *entry,
                                 uint64_t bytes_now)
{
    struct string_scratch scratch;
    struct value value = entry_value(entry);
    struct bytes text = string_view(aside->store->heap, &value, &scratch);
    bool sparse = text.count > 16 && memcmp(text.at, "HYLL", 4) == 0 && text.at[4] == 1;
    if (!sparse || text.count <= aside->then.hll_sparse_bytes)
        return bytes_now;
    return bytes_with_entry(aside, entry, DENSE_BYTES);
}

static void compare(struct aside *aside, const struct entry *entry)
{
    struct preview_option *sum = &aside->sum;
    struct remade now = { 0 }, then = { 0 };
    if (!remake(aside, entry, &aside->now, &now) || !remake(aside, entry, &aside->then, &then)) {
        aside->failed = true;
        return;
    }
    if (sum->type == VALUE_STRING)
        then.bytes = hyperloglog_then(aside, entry, now.bytes);
    sum->bytes_now += now.bytes;
    sum->bytes_then += then.bytes;
    sum->renamed += strcmp(now.name, then.name) != 0;
}

/* By the thread's own time, which others on the machine do not shorten. */
static bool is_late(struct aside *aside)
{
    aside->late = aside->seam->cpu_ns(aside->seam->context) >= aside->deadline_ns;
    return aside->late;
}

static bool look_at(void *context, const struct entry *entry)
{
    struct aside *aside = context;
    struct preview_option *sum = &aside->sum;
    struct value value = entry_value(entry);
    sum->looked_at++;
    if (value.type != sum->type)
        return true;
    sum->keys++;
    if (type_ops(value.type)->bytes(aside->store, &value) > BIG_BYTES)
        sum->too_big++;
    else
        compare(aside, entry);
    return !aside->failed && !is_late(aside);
}

/* --- which values ----------------------------------------------------------------------------- */

static uint64_t keys_in_all(const struct store *store)
{
    uint64_t keys = 0;
    for (unsigned db = 0; db < store_databases(store); db++)
        keys += store_count(store, db);
    return keys;
}

/* A database by its share of the keys. */
static unsigned draw_database(const struct store *store, uint64_t number)
{
    unsigned db = 0;
    while (db + 1 < store_databases(store) && number >= store_count(store, db))
        number -= store_count(store, db++);
    return db;
}

static void draw(struct store *store, struct aside *aside, uint64_t keys)
{
    const struct preview_option *sum = &aside->sum;
    for (unsigned at = 0; at < DRAWS_MAX && sum->keys < SAMPLES; at++) {
        unsigned db = draw_database(store, rng_below(aside->store->rng, keys));
        const struct entry *entry = store_random(store, db);
        if ((entry != NULL && !look_at(aside, entry)) || (at % 16 == 0 && is_late(aside)))
            return;
    }
}

static void look_at_some(struct store *store, struct aside *aside)
{
    uint64_t keys = keys_in_all(store);
    if (keys > FEW_KEYS) {
        draw(store, aside, keys);
        return;
    }
    for (unsigned db = 0; db < store_databases(store); db++)
        if (store_count(store, db) > 0 && !aside->late && !aside->failed)
            store_each(store, db, look_at, aside);
    aside->sum.whole = aside->sum.looked_at == keys && aside->sum.too_big == 0;
}

/* From what was seen to what there is: bytes by what the type takes, names by its share. */
static void extend(struct store *store, struct preview_option *sum)
{
    struct store_held held;
    store_held(store, &held);
    int64_t change = (int64_t)sum->bytes_then - (int64_t)sum->bytes_now;
    sum->change = change;
    sum->renamed_in_all = sum->renamed;
    if (sum->whole || sum->bytes_now == 0)
        return;
    sum->change =
        (int64_t)((double)change / (double)sum->bytes_now * (double)held.by_type[sum->type]);
    sum->renamed_in_all =
        (uint64_t)((double)sum->renamed / (double)sum->looked_at * (double)keys_in_all(store) +
                   0.5);
}

bool preview_option(struct observer *observer, unsigned type, const struct type_limits *then,
                    struct preview_option *preview)
{
    static const char *const kinds[BLOCK_KINDS] = { "keys", "expiring-keys", "values", "nodes" };
    struct store *store = observer->store;
    struct aside aside = { .store = store_space(store), .seam = observer->seam, .then = *then };
    aside.heap =
        heap_new(observer->seam, &(struct heap_options){ kinds, BLOCK_KINDS, ASIDE_BYTES });
    if (aside.heap == NULL)
        return false;
    aside.now = *aside.store->limits;
    aside.sum.type = type;
    aside.deadline_ns = observer->seam->cpu_ns(observer->seam->context) + TIME_NS;
    space_init(&aside.space, aside.heap, &aside.store->seed, aside.store->rng, &aside.limits);
    look_at_some(store, &aside);
    space_release(&aside.space);
    heap_drop(aside.heap);
    extend(store, &aside.sum);
    *preview = aside.sum;
    return !aside.failed;
}
