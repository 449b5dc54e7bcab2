/* The store beside a naive model of keys: every door, every walk, with moves and expiries between,
 * and the whole store verified as it goes. */
#include "base/rng.h"
#include "harness.h"
#include "os/seam.h"
#include "store/defrag.h"
#include "store/relocate.h"
#include "store/store.h"
#include "types/string.h"

#include <stdio.h>
#include <string.h>

enum { NAMES = 600, STEPS = 30000, DATABASES = 3, START_MS = 1000000 };

struct model_key {
    bool here;
    int64_t expiry;
    size_t bytes;
    uint8_t fill;
};

struct world {
    struct seam seam;
    struct store *store;
    struct rng rng;
    int64_t now_ms;
    struct model_key keys[DATABASES][NAMES];
    uint64_t events;
};

static int64_t wall_us(void *context)
{
    return ((struct world *)context)->now_ms * 1000;
}

static void changed(void *context, unsigned db, struct bytes key, enum event event)
{
    struct world *world = context;
    world->events++;
    CHECK(db < DATABASES && key.count > 0 && event < EVENTS);
    CHECK(key.at[0] == 'k' && key.at[key.count - 1] != 0); /* whoever is told may look at it */
}

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    os_seam_init(&world->seam);
    world->now_ms = START_MS;
    rng_init(&world->rng, test_seed());
    struct store_options options = {
        .seam = &world->seam, .seed = { 1, 2 }, .databases = DATABASES, .rng_seed = test_seed()
    };
    world->store = store_new(&options);
    CHECK(world->store != NULL);
    store_set_now_ms(world->store, world->now_ms);
    store_add_hooks(world->store, &(struct store_hooks){ .changed = changed, .context = world });
    (void)wall_us;
}

/* Names of many lengths, some wide. */
static struct bytes name_of(unsigned number, uint8_t *at)
{
    size_t count = (size_t)sprintf((char *)at, "key:%u", number); /* at is 512 bytes */
    size_t longer = number % 7 == 0 ? 300 : number % 31;
    memset(at + count, 'x', longer);
    return bytes_of(at, count + longer);
}

static size_t random_bytes(struct rng *rng)
{
    uint64_t kind = rng_below(rng, 20);
    if (kind == 0)
        return STRING_INLINE_MAX + 1 + rng_below(rng, 100000);
    if (kind < 3)
        return rng_below(rng, STRING_INLINE_MAX);
    return rng_below(rng, 400);
}

static void put(struct world *world, unsigned db, unsigned number)
{
    static uint8_t content[STRING_INLINE_MAX + 100001];
    uint8_t at[512];
    struct key key = store_key(world->store, name_of(number, at));
    struct model_key *model = &world->keys[db][number];
    struct entry *entry = store_look(world->store, db, &key);
    CHECK_EQ(entry != NULL, model->here);
    struct string_scratch scratch;
    struct value value;
    model->bytes = random_bytes(&world->rng);
    model->fill = (uint8_t)rng_next(&world->rng) | 128;
    memset(content, model->fill, model->bytes);
    CHECK_EQ(
        string_make(store_heap(world->store), bytes_of(content, model->bytes), &scratch, &value),
        ERR_NONE);
    int64_t expiry = STORE_NO_EXPIRY;
    if (rng_below(&world->rng, 3) == 0)
        expiry = world->now_ms + (int64_t)rng_below(&world->rng, 5000);
    if (rng_below(&world->rng, 4) == 0)
        expiry = STORE_KEEP_EXPIRY;
    if (expiry != STORE_KEEP_EXPIRY)
        model->expiry = expiry;
    else if (!model->here)
        model->expiry = STORE_NO_EXPIRY;
    CHECK_EQ(store_put(world->store, db, &key, entry, &value, expiry, EVENT_SET, &entry), ERR_NONE);
    model->here = true;
}

static void check_key(struct world *world, unsigned db, unsigned number)
{
    uint8_t at[512];
    struct key key = store_key(world->store, name_of(number, at));
    const struct model_key *model = &world->keys[db][number];
    struct entry *entry = store_read(world->store, db, &key, STORE_TOUCH);
    CHECK_EQ(entry != NULL, model->here);
    if (entry == NULL)
        return;
    struct value value = entry_value(entry);
    struct string_scratch scratch;
    struct bytes view = string_view(store_heap(world->store), &value, &scratch);
    CHECK_EQ(view.count, model->bytes);
    for (size_t i = 0; i < view.count; i++)
        CHECK(view.at[i] == model->fill);
    CHECK_EQ(entry_expiry(entry), model->expiry);
}

static void set_expiry(struct world *world, unsigned db, unsigned number)
{
    uint8_t at[512];
    struct key key = store_key(world->store, name_of(number, at));
    struct model_key *model = &world->keys[db][number];
    struct entry *entry = store_look(world->store, db, &key);
    CHECK_EQ(entry != NULL, model->here);
    if (entry == NULL)
        return;
    model->expiry = rng_below(&world->rng, 3) == 0
                        ? STORE_NO_EXPIRY
                        : world->now_ms + (int64_t)rng_below(&world->rng, 5000);
    CHECK_EQ(store_set_expiry(world->store, db, &key, &entry, model->expiry, EVENT_EXPIRE),
             ERR_NONE);
}

static void remove_key(struct world *world, unsigned db, unsigned number)
{
    uint8_t at[512];
    struct key key = store_key(world->store, name_of(number, at));
    struct entry *entry = store_look(world->store, db, &key);
    CHECK_EQ(entry != NULL, world->keys[db][number].here);
    if (entry != NULL)
        store_remove(world->store, db, &key, entry, EVENT_DEL);
    world->keys[db][number].here = false;
}

static void rename_key(struct world *world, unsigned db, unsigned number)
{
    uint8_t at[512], to_at[512];
    unsigned to_db = (unsigned)rng_below(&world->rng, DATABASES);
    unsigned to_number = (unsigned)rng_below(&world->rng, NAMES);
    struct key key = store_key(world->store, name_of(number, at));
    struct key to = store_key(world->store, name_of(to_number, to_at));
    struct entry *entry = store_look(world->store, db, &key);
    if (entry == NULL || (to_db == db && to_number == number))
        return;
    CHECK_EQ(
        store_rename(world->store, db, &key, entry, to_db, &to, EVENT_RENAME_FROM, EVENT_RENAME_TO),
        ERR_NONE);
    world->keys[to_db][to_number] = world->keys[db][number];
    world->keys[db][number].here = false;
}

static void edit_key(struct world *world, unsigned db, unsigned number)
{
    uint8_t at[512];
    struct key key = store_key(world->store, name_of(number, at));
    struct model_key *model = &world->keys[db][number];
    struct entry *entry = store_look(world->store, db, &key);
    if (entry == NULL || entry_encoding(entry) != STRING_RAW)
        return;
    size_t bytes = rng_below(&world->rng, 700);
    uint8_t *body =
        store_edit(world->store, db, &key, &entry, bytes, STRING_APPENDED, EVENT_APPEND);
    CHECK(body != NULL);
    for (size_t i = 0; i < bytes && i < model->bytes; i++)
        CHECK(body[i] == model->fill);
    memset(body, model->fill, bytes);
    model->bytes = bytes;
}

/* Whatever is due is gone in the model too. */
static void pass_time(struct world *world)
{
    world->now_ms += (int64_t)rng_below(&world->rng, 800);
    store_set_now_ms(world->store, world->now_ms);
    for (unsigned db = 0; db < DATABASES; db++)
        for (unsigned number = 0; number < NAMES; number++) {
            struct model_key *model = &world->keys[db][number];
            if (model->here && model->expiry != STORE_NO_EXPIRY && model->expiry < world->now_ms)
                model->here = false;
        }
    if (rng_below(&world->rng, 2) == 0)
        while (!store_expire_step(world->store, 0))
            ;
}

static void flush_or_swap(struct world *world)
{
    unsigned one = (unsigned)rng_below(&world->rng, DATABASES);
    unsigned other = (unsigned)rng_below(&world->rng, DATABASES);
    if (rng_below(&world->rng, 2) == 0) {
        static struct model_key keys[NAMES];
        store_swap(world->store, one, other);
        memcpy(keys, world->keys[one], sizeof keys);
        memcpy(world->keys[one], world->keys[other], sizeof keys);
        memcpy(world->keys[other], keys, sizeof keys);
    } else {
        store_flush(world->store, one, rng_below(&world->rng, 2) == 0);
        for (unsigned number = 0; number < NAMES; number++)
            world->keys[one][number].here = false;
    }
}

static void move_some(struct world *world)
{
    struct heap_mover mover = store_mover(world->store);
    if (rng_below(&world->rng, 2) == 0)
        heap_move_all(store_heap(world->store), &mover, 500);
    else
        heap_move_step(store_heap(world->store), &mover, 0);
    struct store_figures figures;
    store_figures(world->store, &figures);
    CHECK_EQ(figures.key_misses, 0);
}

static void check_everything(struct world *world)
{
    CHECK(store_valid(world->store));
    for (unsigned db = 0; db < DATABASES; db++) {
        uint64_t here = 0;
        for (unsigned number = 0; number < NAMES; number++) {
            check_key(world, db, number);
            here += world->keys[db][number].here;
        }
        CHECK(store_count(world->store, db) >= here);
    }
}

static void step(struct world *world)
{
    unsigned db = (unsigned)rng_below(&world->rng, DATABASES);
    unsigned number = (unsigned)rng_below(&world->rng, NAMES);
    uint64_t what = rng_below(&world->rng, 100);
    if (what < 40)
        put(world, db, number);
    else if (what < 60)
        check_key(world, db, number);
    else if (what < 70)
        set_expiry(world, db, number);
    else if (what < 82)
        remove_key(world, db, number);
    else if (what < 88)
        rename_key(world, db, number);
    else if (what < 93)
        edit_key(world, db, number);
    else if (what < 96)
        move_some(world);
    else if (what < 98)
        store_free_step(world->store, 0);
    else if (what < 99)
        pass_time(world);
    else if (rng_below(&world->rng, 10) == 0)
        flush_or_swap(world);
}

TEST(store_agrees_with_a_model)
{
    static struct world world;
    world_init(&world);
    for (int i = 0; i < STEPS; i++) {
        step(&world);
        if (i % 499 == 0)
            CHECK(store_valid(world.store));
    }
    check_everything(&world);
    CHECK(world.events > 0);
    store_flush(world.store, STORE_ALL_DATABASES, true);
    while (!store_free_step(world.store, 0))
        ;
    struct heap_figures figures;
    heap_figures(store_heap(world.store), &figures);
    CHECK_EQ(figures.blocks, 0);
    CHECK(store_valid(world.store));
    store_drop(world.store);
}

static bool count_entry(void *context, const struct entry *entry)
{
    (void)entry;
    ++*(uint64_t *)context;
    return true;
}

TEST(active_expiry_removes_all_that_is_due_and_nothing_else)
{
    static struct world world;
    world_init(&world);
    for (unsigned number = 0; number < 50000; number++) {
        uint8_t at[32];
        struct key key =
            store_key(world.store, bytes_of(at, (size_t)sprintf((char *)at, "k%u", number)));
        struct value value = { VALUE_STRING, STRING_RAW, BYTES("value") };
        int64_t expiry = number % 3 == 0 ? STORE_NO_EXPIRY : world.now_ms + number % 1000;
        CHECK_EQ(store_put(world.store, 0, &key, NULL, &value, expiry, EVENT_SET, NULL), ERR_NONE);
    }
    world.now_ms += 500;
    store_set_now_ms(world.store, world.now_ms);
    while (!store_expire_step(world.store, 0))
        ;
    uint64_t left = 0, wanted = 0;
    store_each(world.store, 0, count_entry, &left);
    for (unsigned number = 0; number < 50000; number++)
        wanted += number % 3 == 0 || START_MS + number % 1000 >= world.now_ms;
    CHECK_EQ(left, wanted);
    CHECK_EQ(store_count(world.store, 0), wanted);
    CHECK(store_valid(world.store));
    store_drop(world.store);
}

TEST(a_random_key_may_expire_under_the_asker)
{
    static struct world world;
    world_init(&world);
    struct key key = store_key(world.store, BYTES("key"));
    struct value value = { VALUE_STRING, STRING_RAW, BYTES("value") };
    CHECK_EQ(store_put(world.store, 0, &key, NULL, &value, world.now_ms, EVENT_SET, NULL),
             ERR_NONE);
    store_set_now_ms(world.store, world.now_ms + 1);
    CHECK(store_random(world.store, 0) == NULL);
    CHECK_EQ(store_count(world.store, 0), 0);
    CHECK_EQ(world.events, 2);
    store_drop(world.store);
}
