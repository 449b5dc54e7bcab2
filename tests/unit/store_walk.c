/* The walk beside a model: what was there when it began is told part by part, while commands change
 * everything, databases swap, the index grows and shrinks, and blocks move. */
#include "base/memory.h"
#include "cmd/table.h"
#include "cmd_world.h"
#include "harness.h"
#include "store/relocate.h"
#include "store/walk.h"
#include "struct/past.h"
#include "types/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATABASES = 4, NAMES = 90, KEYS_MAX = 16000, NAME_MAX_BYTES = 24, READERS_MAX = 4000 };
enum { LIMIT = 1 << 30, LONG_BYTES = 70000 };

/* A key as it was. */
struct was {
    unsigned db;
    char name[NAME_MAX_BYTES];
    unsigned type, encoding;
    int64_t expiry;
    uint64_t digest;
    bool seen, read;
};

/* A value that is being read. */
struct reader {
    struct teller *teller;
    struct value value;
    uint8_t body[16];
    struct was *was;
    uint64_t digest;
};

struct bench {
    struct world *world;
    struct store *store;
    struct rng rng;
    struct buffer line;
    unsigned db; /* selected */
    unsigned fillers, filler_names;
    struct was *keys;
    size_t key_count;
    struct reader *readers;
    size_t reader_count;
    uint64_t early;
    bool later; /* nothing is read within its visit that need not */
    const char *abandoned;
};

static uint64_t chance(struct bench *bench, uint64_t below)
{
    return rng_below(&bench->rng, below);
}

/* --- digests ---------------------------------------------------------------------------------- */

static void mix(uint64_t *digest, const void *at, size_t count)
{
    const uint8_t *bytes = at;
    for (size_t i = 0; i < count; i++)
        *digest = (*digest ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void mix_bytes(uint64_t *digest, struct bytes bytes)
{
    mix(digest, &bytes.count, sizeof bytes.count);
    mix(digest, bytes.at, bytes.count);
}

static void mix_part(void *context, const struct part *part)
{
    uint64_t *digest = context;
    uint64_t numbers[] = { part->kind,
                           (uint64_t)part->expiry,
                           part->id.ms,
                           part->id.seq,
                           part->first.ms,
                           part->first.seq,
                           part->max_deleted.ms,
                           part->max_deleted.seq,
                           part->count,
                           part->added,
                           part->nodes,
                           part->groups,
                           part->pending,
                           part->consumers,
                           (uint64_t)part->read,
                           (uint64_t)part->time_ms,
                           (uint64_t)part->seen_ms,
                           (uint64_t)part->active_ms };
    mix(digest, numbers, sizeof numbers);
    mix(digest, &part->score, sizeof part->score);
    mix_bytes(digest, part->text);
    mix_bytes(digest, part->value);
    for (uint64_t i = 0; i < part->count && part->kind == PART_ENTRY; i++)
        mix_bytes(digest, part->strings[i]);
}

/* --- what there was --------------------------------------------------------------------------- */

static int compare_keys(const void *one, const void *other)
{
    const struct was *a = one, *b = other;
    if (a->db != b->db)
        return a->db < b->db ? -1 : 1;
    return strcmp(a->name, b->name);
}

static struct was was_of(unsigned db, const struct entry *entry)
{
    struct bytes name = entry_key(entry);
    struct was was = { .db = db,
                       .type = entry_type(entry),
                       .encoding = entry_encoding(entry),
                       .expiry = entry_expiry(entry) };
    CHECK(name.count < NAME_MAX_BYTES);
    memcpy(was.name, name.at, name.count);
    return was;
}

static bool note_key(void *context, const struct entry *entry)
{
    struct bench *bench = context;
    CHECK(bench->key_count < KEYS_MAX);
    struct was *was = &bench->keys[bench->key_count++];
    struct value value = entry_value(entry);
    *was = was_of(bench->db, entry);
    struct teller *teller = teller_new(store_space(bench->store), &value);
    while (!teller_step(teller, mix_part, &was->digest))
        continue;
    teller_drop(teller);
    return true;
}

static void note_keys(struct bench *bench)
{
    unsigned db = bench->db;
    bench->key_count = 0;
    for (bench->db = 0; bench->db < DATABASES; bench->db++)
        store_each(bench->store, bench->db, note_key, bench);
    bench->db = db;
    qsort(bench->keys, bench->key_count, sizeof *bench->keys, compare_keys);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_some(struct bench *bench, size_t index)
{
    struct reader *reader = &bench->readers[index];
    if (!teller_step(reader->teller, mix_part, &reader->digest))
        return;
    CHECK(!teller_is_spoiled(reader->teller));
    teller_drop(reader->teller);
    store_walk_done(bench->store, &reader->value);
    CHECKF(reader->digest == reader->was->digest, "%u %s of type %u was told otherwise",
           reader->was->db, reader->was->name, reader->was->type);
    reader->was->read = true;
    *reader = bench->readers[--bench->reader_count];
    if (index < bench->reader_count)
        reader->value.body.at = reader->body;
}

static void drop_readers(struct bench *bench)
{
    while (bench->reader_count > 0)
        teller_drop(bench->readers[--bench->reader_count].teller);
}

static void count_ref(void *context, uint64_t ref)
{
    (void)ref;
    ++*(uint64_t *)context;
}

static void visit(void *context, unsigned db, const struct entry *entry, bool early)
{
    struct bench *bench = context;
    struct was now = was_of(db, entry);
    struct was *was =
        bsearch(&now, bench->keys, bench->key_count, sizeof *bench->keys, compare_keys);
    CHECKF(was != NULL, "%u %s was not there", db, now.name);
    CHECKF(!was->seen, "%u %s came twice", db, now.name);
    CHECKF(was->type == now.type && was->encoding == now.encoding && was->expiry == now.expiry,
           "%u %s has changed", db, now.name);
    was->seen = true;
    bench->early += early;
    CHECK(bench->reader_count < READERS_MAX);
    struct reader *reader = &bench->readers[bench->reader_count++];
    struct value value = entry_value(entry);
    uint64_t refs = 0;
    *reader = (struct reader){ .value = value, .was = was };
    if (value.body.count <= sizeof reader->body) {
        memcpy(reader->body, value.body.at, value.body.count);
        reader->value.body.at = reader->body;
    }
    reader->teller = teller_new(store_space(bench->store), &reader->value);
    CHECK(reader->teller != NULL);
    type_ops(value.type)->each_ref(store_space(bench->store), &value, count_ref, &refs);
    bool at_once = refs == 0 || (!bench->later && chance(bench, 8) == 0);
    size_t readers = bench->reader_count;
    while (at_once && bench->reader_count == readers)
        read_some(bench, readers - 1);
}

static void abandoned(void *context, const char *reason)
{
    struct bench *bench = context;
    bench->abandoned = reason;
    drop_readers(bench);
}

static enum err begin(struct bench *bench, uint64_t limit)
{
    struct store_walk_options options = { visit, abandoned, bench, limit };
    bench->abandoned = NULL;
    note_keys(bench);
    enum err err = store_walk_begin(bench->store, &options);
    for (unsigned db = 0; db < DATABASES && err == ERR_NONE; db++) {
        uint64_t keys, expires;
        store_walk_counts(bench->store, db, &keys, &expires);
        CHECK_EQ(keys, store_count(bench->store, db));
        CHECK_EQ(expires, store_expires_count(bench->store, db));
    }
    return err;
}

/* --- changes ---------------------------------------------------------------------------------- */

static void ask(struct bench *bench)
{
    (void)world_ask(bench->world, (const char *)bench->line.at);
    bench->line.count = 0;
}

static void say(struct bench *bench, const char *text)
{
    CHECK(buffer_append_text(&bench->line, text));
}

static void ask_text(struct bench *bench, const char *text)
{
    say(bench, text);
    CHECK(buffer_append_byte(&bench->line, 0));
    ask(bench);
}

static void say_number(struct bench *bench, uint64_t number)
{
    CHECK(buffer_printf(&bench->line, "%llu", (unsigned long long)number));
}

/* Some short, some integers, some that fill nodes, a few that get runs of their own. */
static void say_text(struct bench *bench, uint64_t names)
{
    uint64_t kind = chance(bench, 200);
    say_number(bench, chance(bench, names));
    size_t more = kind < 80 ? 0 : kind < 199 ? 1 + chance(bench, 300) : 33000;
    CHECK(buffer_reserve(&bench->line, more));
    memset(bench->line.at + bench->line.count, 'a' + (int)chance(bench, 26), more);
    bench->line.count += more;
}

/* In a form, K is a key that the type of the form mostly has, A any key, S a text of a few, T of
 * many, N a small number, M one of up to some thousand, * forty times T with what stands before it
 * up to the space. */
static void say_form(struct bench *bench, const char *form, unsigned type)
{
    char text[2] = { 0 };
    for (; *form != 0; form++) {
        text[0] = *form;
        switch (*form) {
        case 'K':
            CHECK(buffer_printf(&bench->line, "k%u", type + 6 * (unsigned)chance(bench, 15)));
            break;
        case 'A':
            CHECK(buffer_printf(&bench->line, "k%u", (unsigned)chance(bench, NAMES)));
            break;
        case 'S':
            say_text(bench, 40);
            break;
        case 'T':
            say_text(bench, 100000);
            break;
        case 'N':
            say_number(bench, 1 + chance(bench, 8));
            break;
        case 'M':
            say_number(bench, chance(bench, 4000));
            break;
        case 'D':
            say_number(bench, chance(bench, DATABASES));
            break;
        case '#': /* pairs, or scores with members */
            for (int i = 0; i < 20; i++) {
                say(bench, " ");
                say_number(bench, chance(bench, 100000));
                say(bench, " ");
                say_text(bench, 100000);
            }
            break;
        case '+':
            for (int i = 0; i < 40; i++) {
                say(bench, " ");
                say_text(bench, 100000);
            }
            break;
        default:
            say(bench, text);
        }
    }
    CHECK(buffer_append_byte(&bench->line, 0));
}

struct form {
    const char *text; /* capitals of commands are small letters: see say_form */
    unsigned type;
};

enum { OF_STRING = 0, OF_HASH, OF_LIST, OF_SET, OF_ZSET, OF_STREAM };
static const struct form growing[] = {
    { "set K T", OF_STRING },
    { "setrange K 70000 T", OF_STRING },
    { "hset K#", OF_HASH },
    { "hset K#", OF_HASH },
    { "rpush K+", OF_LIST },
    { "rpush K+", OF_LIST },
    { "sadd K+", OF_SET },
    { "sadd K+", OF_SET },
    { "zadd K#", OF_ZSET },
    { "zadd K#", OF_ZSET },
    { "xadd K *#", OF_STREAM },
    { "xadd K *#", OF_STREAM },
    { "xgroup create K gN 0 mkstream", OF_STREAM },
    { "xreadgroup group gN cN count 30 streams K >", OF_STREAM },
};
static const struct form forms[] = {
    { "set K T", OF_STRING },
    { "set K M px M", OF_STRING },
    { "setrange K 70000 T", OF_STRING },
    { "append K T", OF_STRING },
    { "setbit K 600000 1", OF_STRING },
    { "setrange K 10 zz", OF_STRING },
    { "incrby K N", OF_STRING },
    { "bitfield K set u8 M 7", OF_STRING },
    { "bitop not K K", OF_STRING },
    { "getdel K", OF_STRING },
    { "pfadd K+", OF_STRING },
    { "hset K#", OF_HASH },
    { "hset K S T", OF_HASH },
    { "hincrby K S N", OF_HASH },
    { "hdel K S S S S", OF_HASH },
    { "hpexpire K M fields 2 S S", OF_HASH },
    { "hpersist K fields 1 S", OF_HASH },
    { "rpush K+", OF_LIST },
    { "lpush K T", OF_LIST },
    { "lpop K M", OF_LIST },
    { "lset K 0 T", OF_LIST },
    { "ltrim K N -N", OF_LIST },
    { "linsert K before S T", OF_LIST },
    { "lmove K K left right", OF_LIST },
    { "sadd K+", OF_SET },
    { "spop K M", OF_SET },
    { "srem K S S S S S", OF_SET },
    { "smove K K S", OF_SET },
    { "sunionstore K K K", OF_SET },
    { "zadd K#", OF_ZSET },
    { "zincrby K N S", OF_ZSET },
    { "zremrangebyrank K 0 M", OF_ZSET },
    { "zpopmin K N", OF_ZSET },
    { "zunionstore K 2 K K", OF_ZSET },
    { "xadd K *#", OF_STREAM },
    { "xadd K maxlen N * a T", OF_STREAM },
    { "xtrim K maxlen M", OF_STREAM },
    { "xgroup create K gN 0 mkstream", OF_STREAM },
    { "xgroup destroy K gN", OF_STREAM },
    { "xgroup delconsumer K gN cN", OF_STREAM },
    { "xgroup createconsumer K gN cN", OF_STREAM },
    { "xgroup setid K gN 0", OF_STREAM },
    { "xreadgroup group gN cN count 30 streams K >", OF_STREAM },
    { "xautoclaim K gN cN 0 0 count 20", OF_STREAM },
    { "xsetid K 9999999999999-1", OF_STREAM },
    { "sort K by nosort store A", OF_SET },
    { "sort K alpha store A", OF_LIST },
    { "del A", 0 },
    { "unlink A A", 0 },
    { "rename A A", 0 },
    { "rename A A", 0 },
    { "copy A A db D replace", 0 },
    { "copy A A replace", 0 },
    { "move A D", 0 },
    { "pexpire A M", 0 },
    { "pexpire A 100000", 0 },
    { "persist A", 0 },
};

static void select_any(struct bench *bench)
{
    bench->db = (unsigned)chance(bench, DATABASES);
    say(bench, "select ");
    say_number(bench, bench->db);
    ask_text(bench, "");
}

static void ask_form(struct bench *bench, const struct form *form)
{
    say_form(bench, form->text, form->type);
    ask(bench);
}

/* Many keys at once, so that the index splits and merges. */
static void fill(struct bench *bench)
{
    for (unsigned lines = (unsigned)chance(bench, 60); lines > 0; lines--) {
        say(bench, "mset");
        for (int i = 0; i < 25; i++)
            CHECK(buffer_printf(&bench->line, " x%u y", bench->filler_names++ % 2500));
        ask_text(bench, "");
    }
}

static void empty(struct bench *bench)
{
    unsigned from = (unsigned)chance(bench, 2500);
    for (unsigned lines = (unsigned)chance(bench, 40); lines > 0; lines--) {
        say(bench, "unlink");
        for (int i = 0; i < 60; i++)
            CHECK(buffer_printf(&bench->line, " x%u", from++ % 2500));
        ask_text(bench, "");
    }
}

static void move_blocks(struct bench *bench)
{
    struct heap_mover mover = store_mover(bench->store);
    if (chance(bench, 4) == 0)
        heap_move_all(store_heap(bench->store), &mover, 100000);
    else
        heap_move_step(store_heap(bench->store), &mover, 0);
}

static void pass_time(struct bench *bench)
{
    bench->world->wall_ms += (int64_t)chance(bench, 300);
    store_set_now_ms(bench->store, bench->world->wall_ms);
    for (uint64_t steps = chance(bench, 10); steps > 0; steps--)
        (void)store_expire_step(bench->store, 0);
}

static void change_databases(struct bench *bench)
{
    uint64_t what = chance(bench, 6);
    if (what < 3) {
        say_form(bench, "swapdb D D", 0);
        ask(bench);
    } else {
        ask_text(bench, what == 3 ? "flushdb sync" : "flushdb async");
    }
}

static void change(struct bench *bench)
{
    uint64_t what = chance(bench, 1000);
    if (what < 880)
        ask_form(bench, &forms[chance(bench, sizeof forms / sizeof *forms)]);
    else if (what < 930)
        select_any(bench);
    else if (what < 940)
        fill(bench);
    else if (what < 955)
        empty(bench);
    else if (what < 970)
        pass_time(bench);
    else if (what < 985)
        move_blocks(bench);
    else if (what < 988)
        (void)store_free_step(bench->store, 0);
    else
        change_databases(bench);
}

static void grow(struct bench *bench, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        if (chance(bench, 12) == 0)
            select_any(bench);
        ask_form(bench, &growing[chance(bench, sizeof growing / sizeof *growing)]);
    }
    fill(bench);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){ .world = world_new(cmd_groups) };
    bench->store = bench->world->context.store;
    rng_init(&bench->rng, test_seed());
    bench->keys = memory_take_zeroed(KEYS_MAX * sizeof *bench->keys);
    bench->readers = memory_take_zeroed(READERS_MAX * sizeof *bench->readers);
    CHECK(bench->keys != NULL && bench->readers != NULL);
}

/* Whatever was kept for walks has come back. */
static void bench_release(struct bench *bench)
{
    struct heap_figures figures;
    CHECK(!store_walk_is_open(bench->store) && bench->reader_count == 0);
    CHECK_EQ(store_walk_bytes(bench->store), 0);
    store_flush(bench->store, STORE_ALL_DATABASES, true);
    CHECK(store_free_step(bench->store, UINT64_MAX));
    heap_figures(store_heap(bench->store), &figures);
    CHECK_EQ(figures.blocks, 0);
    CHECK(store_valid(bench->store));
    world_drop(bench->world);
    buffer_release(&bench->line);
    memory_give(bench->keys);
    memory_give(bench->readers);
}

/* One step of everything; true when all has been visited. */
static bool walk_on(struct bench *bench)
{
    uint64_t changes = chance(bench, 12);
    for (uint64_t i = 0; i < changes; i++)
        change(bench);
    CHECK(store_walk_goes_on(bench->store));
    for (uint64_t i = chance(bench, 6); i > 0 && bench->reader_count > 0; i--)
        read_some(bench, chance(bench, bench->reader_count));
    return store_walk_step(bench->store, UINT64_MAX, 1 + chance(bench, 40));
}

static void end_whole(struct bench *bench)
{
    while (!walk_on(bench))
        continue;
    while (bench->reader_count > 0) {
        if (chance(bench, 10) == 0)
            change(bench);
        read_some(bench, chance(bench, bench->reader_count));
    }
    for (size_t i = 0; i < bench->key_count; i++)
        CHECKF(bench->keys[i].seen && bench->keys[i].read, "%u %s did not come", bench->keys[i].db,
               bench->keys[i].name);
    CHECK(store_valid(bench->store));
    store_walk_end(bench->store);
    CHECK(store_valid(bench->store));
    CHECK(bench->abandoned == NULL);
}

TEST(walk_tells_what_was_there_when_it_began)
{
    struct bench bench;
    bench_init(&bench);
    for (int round = 0; round < 4; round++) {
        grow(&bench, 350);
        CHECK_EQ(begin(&bench, LIMIT), ERR_NONE);
        for (int i = 0; i < 20; i++) {
            (void)walk_on(&bench);
            if (i % 5 == 0)
                CHECK(store_valid(bench.store));
        }
        end_whole(&bench);
    }
    CHECK(bench.early > 0);
    bench_release(&bench);
}

TEST(walk_ends_early_and_begins_again)
{
    struct bench bench;
    unsigned refused = 0;
    bench_init(&bench);
    for (int round = 0; round < 40; round++) {
        grow(&bench, 20);
        enum err err = begin(&bench, LIMIT);
        if (err != ERR_NONE) {
            CHECK_EQ(err, ERR_LIMIT);
            refused++;
            while (!store_walk_tidy(bench.store, 0))
                change(&bench);
            CHECK_EQ(begin(&bench, LIMIT), ERR_NONE);
        }
        for (uint64_t i = chance(&bench, 12); i > 0; i--)
            (void)walk_on(&bench);
        if (round % 10 == 9) {
            end_whole(&bench);
            continue;
        }
        drop_readers(&bench);
        store_walk_end(bench.store);
        CHECK(store_valid(bench.store));
        if (chance(&bench, 3) == 0)
            (void)store_walk_tidy(bench.store, 0);
    }
    CHECK(refused > 0);
    bench_release(&bench);
}

TEST(walk_is_abandoned_by_flushall)
{
    struct bench bench;
    bench_init(&bench);
    grow(&bench, 100);
    CHECK_EQ(begin(&bench, LIMIT), ERR_NONE);
    CHECK(!store_walk_step(bench.store, UINT64_MAX, 10));
    ask_text(&bench, "flushall async");
    CHECK(bench.abandoned != NULL && !store_walk_is_open(bench.store));
    CHECK(!store_walk_goes_on(bench.store));
    CHECK(store_walk_step(bench.store, UINT64_MAX, 10));
    bench_release(&bench);
}

/* A limit that changes pass: clients notice nothing. One value may pass it, with the second the
 * walk is over. */
TEST(walk_is_abandoned_when_it_would_keep_too_much)
{
    static const char *const lines[][2] = {
        { "setrange big:1 1 x", "setrange big:2 1 x" },
        { "del big:1", "setrange big:2 1 x" },
        { "del set:1", "unlink set:2" },
        { "spop set:1 60", "spop set:2 60" },
        { "del set:1", "del big:1" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct bench bench;
        bench_init(&bench);
        bench.later = true;
        ask_text(&bench, "setrange big:1 200000 x");
        ask_text(&bench, "setrange big:2 200000 x");
        for (int times = 0; times < 40; times++) {
            say_form(&bench, times % 2 == 0 ? "sadd set:1+" : "sadd set:2+", 0);
            ask(&bench);
        }
        CHECK_EQ(begin(&bench, 1000), ERR_NONE);
        ask_text(&bench, lines[i][0]);
        CHECK(bench.world->replies.at[0] == ':' || bench.world->replies.at[0] == '*');
        CHECK(store_walk_goes_on(bench.store) && bench.abandoned == NULL);
        CHECK(store_walk_large_bytes(bench.store) > 1000);
        ask_text(&bench, lines[i][1]);
        CHECK(bench.world->replies.at[0] == ':' || bench.world->replies.at[0] == '*');
        CHECK(!store_walk_goes_on(bench.store));
        CHECK(bench.abandoned != NULL);
        CHECK(store_valid(bench.store));
        bench_release(&bench);
    }
}

/* A long string that was visited and not read: changed, renamed, replaced, removed. */
TEST(walk_keeps_runs_of_long_strings)
{
    struct bench bench;
    bench_init(&bench);
    for (int round = 0; round < 20; round++) {
        ask_text(&bench, "setrange a 100000 x");
        ask_text(&bench, "setrange b 200000 y");
        ask_text(&bench, "setrange c 300000 z");
        CHECK_EQ(begin(&bench, LIMIT), ERR_NONE);
        bool all = chance(&bench, 2) == 0 && store_walk_step(bench.store, UINT64_MAX, 100);
        ask_text(&bench, "setrange a 50 changed");
        ask_text(&bench, "append b more");
        ask_text(&bench, "append a more");
        ask_text(&bench, "rename c d");
        ask_text(&bench, chance(&bench, 2) == 0 ? "set b small" : "copy d b replace");
        ask_text(&bench, chance(&bench, 2) == 0 ? "del d" : "setbit d 77 1");
        CHECK(store_valid(bench.store));
        CHECK(all || store_walk_step(bench.store, UINT64_MAX, 100));
        while (bench.reader_count > 0)
            read_some(&bench, chance(&bench, bench.reader_count));
        end_whole(&bench);
        ask_text(&bench, "flushall");
    }
    bench_release(&bench);
}
