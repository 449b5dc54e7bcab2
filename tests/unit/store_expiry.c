/* Active expiry: every key that is due goes, whatever its size and wherever it was moved, in steps
 * that are short. */
#include "base/rng.h"
#include "harness.h"
#include "heap/mover.h"
#include "os/seam.h"
#include "store/relocate.h"
#include "store/store.h"
#include "types/string.h"

#include <stdio.h>
#include <string.h>

enum { START_MS = 1000000, KEYS = 4000, LONG_KEY_MAX = 200000, AT_ONCE_MAX = 128 };

struct world {
    struct seam seam;
    struct store *store;
    struct rng rng;
    uint64_t told; /* of expired keys */
    int64_t expiry[KEYS];
};

static void changed(void *context, unsigned db, struct bytes key, enum event event)
{
    struct world *world = context;
    CHECK(db == 0 && key.count > 0 && key.at[0] == 'k');
    world->told += event == EVENT_EXPIRED;
}

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    os_seam_init(&world->seam);
    rng_init(&world->rng, test_seed());
    struct store_options options = { .seam = &world->seam, .seed = { 3, 4 }, .databases = 1 };
    world->store = store_new(&options);
    CHECK(world->store != NULL);
    store_set_now_ms(world->store, START_MS);
    store_add_hooks(world->store, &(struct store_hooks){ .changed = changed, .context = world });
}

/* Some names are longer than a cell of the heap. */
static struct key key_of(const struct world *world, unsigned number)
{
    static char name[LONG_KEY_MAX + 32];
    size_t count = (size_t)snprintf(name, sizeof name, "k%u:", number);
    size_t longer = number % 10 == 3 ? 65000 + number % 7 * 19000 : number % 50;
    memset(name + count, 'x', longer);
    return store_key(world->store, bytes_of(name, count + longer));
}

static void put(struct world *world, unsigned number, int64_t expiry)
{
    struct key key = key_of(world, number);
    struct value value = { VALUE_STRING, STRING_RAW, BYTES("value") };
    struct entry *entry = store_look(world->store, 0, &key);
    CHECK_EQ(store_put(world->store, 0, &key, entry, &value, expiry, EVENT_SET, NULL), ERR_NONE);
    world->expiry[number] = expiry;
}

static uint64_t count_due(const struct world *world, int64_t now_ms)
{
    uint64_t due = 0;
    for (unsigned number = 0; number < KEYS; number++)
        due += world->expiry[number] != STORE_NO_EXPIRY && world->expiry[number] < now_ms;
    return due;
}

/* A round to its end; each step is short, by the number of keys that go. */
static void sweep(struct world *world)
{
    bool done = false;
    for (unsigned steps = 0; !done; steps++) {
        uint64_t before = world->told;
        done = store_expire_step(world->store, 0);
        CHECK(world->told - before <= AT_ONCE_MAX && steps < 100000);
    }
    CHECK(store_valid(world->store));
}

TEST(keys_longer_than_a_cell_expire_without_being_asked_for)
{
    static struct world world;
    world_init(&world);
    for (unsigned number = 0; number < KEYS; number++)
        put(&world, number, number % 20 == 3 ? START_MS + 10 : STORE_NO_EXPIRY);
    uint64_t due = count_due(&world, START_MS + 11);
    CHECK(due > 0);
    store_set_now_ms(world.store, START_MS + 10);
    sweep(&world);
    CHECK_EQ(world.told, 0);
    store_set_now_ms(world.store, START_MS + 11);
    sweep(&world);
    CHECK_EQ(world.told, due);
    CHECK_EQ(store_count(world.store, 0), KEYS - due);
    CHECK_EQ(store_expires_count(world.store, 0), 0);
    store_drop(world.store);
}

TEST(active_expiry_keeps_up_with_changes_and_moves)
{
    static struct world world;
    world_init(&world);
    struct heap_mover mover = store_mover(world.store);
    int64_t now_ms = START_MS;
    for (unsigned number = 0; number < KEYS; number++)
        put(&world, number, now_ms + (int64_t)rng_below(&world.rng, 4000));
    for (int turn = 0; turn < 60; turn++) {
        for (int change = 0; change < 40; change++) {
            unsigned number = (unsigned)rng_below(&world.rng, KEYS);
            put(&world, number, now_ms + (int64_t)rng_below(&world.rng, 3000));
            if (change % 8 == 0) /* in the middle of a round */
                (void)store_expire_step(world.store, 0);
        }
        if (turn % 3 == 0)
            heap_move_all(store_heap(world.store), &mover, 3000);
        now_ms += 100;
        store_set_now_ms(world.store, now_ms);
        sweep(&world);
        sweep(&world); /* whatever changed behind the first round's cursor */
        uint64_t left = KEYS - count_due(&world, now_ms);
        CHECK_EQ(store_count(world.store, 0), left);
    }
    CHECK(world.told > 0);
    store_drop(world.store);
}

TEST(a_span_full_of_due_keys_goes_in_short_steps)
{
    static struct world world;
    world_init(&world);
    enum { MANY = 50000 };
    for (unsigned number = 0; number < MANY; number++) {
        char name[32];
        size_t count = (size_t)snprintf(name, sizeof name, "k%u", number);
        struct key key = store_key(world.store, bytes_of(name, count));
        struct value value = { VALUE_STRING, STRING_RAW, BYTES("v") };
        int64_t expiry = START_MS + (number % 10 == 0 ? 1000 : 1);
        CHECK_EQ(store_put(world.store, 0, &key, NULL, &value, expiry, EVENT_SET, NULL), ERR_NONE);
    }
    store_set_now_ms(world.store, START_MS + 2);
    sweep(&world);
    CHECK_EQ(world.told, MANY / 10 * 9);
    store_set_now_ms(world.store, START_MS + 1001);
    sweep(&world);
    CHECK_EQ(world.told, MANY);
    store_drop(world.store);
}

/* Keys of two lifetimes, written in turn: when the first have gone, so have their spans, although
 * nothing was moved, and keys whose expiry was put off are among those that stay. */
TEST(keys_that_expire_together_leave_whole_spans)
{
    static struct world world;
    world_init(&world);
    enum { MANY = 60000 };
    static const uint8_t body[400];
    struct heap_figures heap;
    uint64_t put_off = 0;
    for (unsigned number = 0; number < MANY; number++) {
        char name[32];
        size_t count = (size_t)snprintf(name, sizeof name, "k%u", number);
        struct key key = store_key(world.store, bytes_of(name, count));
        struct value value = { VALUE_STRING, STRING_RAW, bytes_of(body, sizeof body) };
        int64_t expiry = START_MS + (number % 2 == 0 ? 3000 : 30000);
        struct entry *entry;
        CHECK_EQ(store_put(world.store, 0, &key, NULL, &value, expiry, EVENT_SET, &entry),
                 ERR_NONE);
        if (number % 10 != 0 || number < MANY / 2)
            continue;
        CHECK_EQ(store_set_expiry(world.store, 0, &key, &entry, START_MS + 30000, EVENT_EXPIRE),
                 ERR_NONE);
        put_off++;
    }
    heap_figures(store_heap(world.store), &heap);
    uint64_t full = heap.active;
    store_set_now_ms(world.store, START_MS + 3001);
    sweep(&world);
    CHECK_EQ(world.told, MANY / 2 - put_off);
    heap_figures(store_heap(world.store), &heap);
    CHECK(heap.active < full * 66 / 100);
    CHECK_EQ(heap.moved_blocks, 0);
    store_set_now_ms(world.store, START_MS + 30001);
    sweep(&world);
    CHECK_EQ(store_count(world.store, 0), 0);
    store_drop(world.store);
}
