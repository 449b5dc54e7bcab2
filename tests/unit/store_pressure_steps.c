/* How long a step under maxmemory may take, and how much room it makes, in a simulated world where
 * the clock goes on with each reading: so bounds are exact, whatever the machine does. */
#include "harness.h"
#include "os/seam.h"
#include "store/pressure.h"
#include "types/string.h"

#include <stdio.h>

enum {
    US = 1000,
    READING_NS = 4 * US, /* about what a key's going takes, with the reading behind it */
    KEYS = 40000,
    VALUE_BYTES = 200,
    MB = 1024 * 1024,
};

struct world {
    struct seam seam;
    uint64_t now_ns;
    uint64_t most_ns; /* that the last step took */
    unsigned keys;
    struct store *store;
    struct defrag defrag;
    struct pressure pressure;
};

static uint64_t read_clock(void *context)
{
    struct world *world = context;
    return world->now_ns += READING_NS;
}

static uint64_t nothing(void *context)
{
    (void)context;
    return 0;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void put(struct world *world, unsigned count)
{
    static char content[VALUE_BYTES];
    struct string_scratch scratch;
    struct value value;
    char name[32];
    for (unsigned last = world->keys + count; world->keys < last; world->keys++) {
        int bytes = snprintf(name, sizeof name, "key:%u", world->keys);
        struct key key = store_key(world->store, bytes_of(name, (size_t)bytes));
        CHECK_EQ(
            string_make(store_heap(world->store), bytes_of(content, VALUE_BYTES), &scratch, &value),
            ERR_NONE);
        CHECK_EQ(store_put(world->store, 0, &key, NULL, &value, STORE_NO_EXPIRY, EVENT_SET, NULL),
                 ERR_NONE);
    }
}

static void configure(struct world *world, uint64_t limit, unsigned tenacity, enum evict_by by)
{
    const struct pressure_options options = { .limit = limit,
                                              .tenacity = tenacity,
                                              .rule = { by, false, 5 } };
    pressure_configure(&world->pressure, &options);
}

static void world_init(struct world *world)
{
    static const struct pressure_world outside = { nothing, nothing, never, NULL };
    const struct move_limits limits = { .enabled = true };
    *world = (struct world){ .now_ns = 1000 * 1000 * US };
    os_seam_init(&world->seam);
    world->seam.context = world;
    world->seam.now_ns = world->seam.cpu_ns = read_clock;
    const struct store_options options = {
        .seam = &world->seam, .seed = { 3, 4 }, .databases = 1, .rng_seed = 5
    };
    world->store = store_new(&options);
    CHECK(world->store != NULL);
    put(world, KEYS);
    defrag_init(&world->defrag, world->store, &world->seam);
    defrag_configure(&world->defrag, &limits, 100);
    pressure_init(&world->pressure, &world->defrag, &world->seam, &outside);
}

static void world_release(struct world *world)
{
    CHECK(store_valid(world->store));
    store_drop(world->store);
}

static bool ease(struct world *world, uint64_t ahead)
{
    uint64_t began = world->now_ns;
    bool eased = pressure_ease(&world->pressure, ahead);
    world->most_ns = world->now_ns - began;
    return eased;
}

/* Of what is too much half goes in steps of so long, and never much longer. */
static void check_steps(unsigned tenacity, uint64_t step_us)
{
    struct world world;
    world_init(&world);
    configure(&world, pressure_held(&world.pressure) / 2, tenacity, EVICT_LRU);
    unsigned steps = 0;
    do {
        CHECK(ease(&world, 0));
        CHECKF(world.most_ns <= step_us * US + 100 * US, "%llu ns at tenacity %u",
               (unsigned long long)world.most_ns, tenacity);
    } while (world.pressure.running && steps++ < 100000);
    CHECK(!world.pressure.running && !world.pressure.failed);
    CHECKF(steps > 10, "%u steps at tenacity %u", steps, tenacity);
    CHECK(pressure_held(&world.pressure) <= world.pressure.limit);
    world_release(&world);
}

TEST(pressure_steps_are_as_long_as_tenacity_says)
{
    check_steps(0, 0);
    check_steps(1, 50);
    check_steps(10, 500);
    check_steps(20, 2022);
}

/* Whoever writes much waits longer, in proportion; nobody does behind it. */
TEST(pressure_steps_are_longer_by_what_was_written)
{
    enum { MORE = 5 * MB / VALUE_BYTES };
    struct world world;
    world_init(&world);
    configure(&world, pressure_held(&world.pressure), 10, EVICT_LRU);
    for (unsigned steps = 0; !ease(&world, 0) || world.pressure.running; steps++)
        CHECK(steps < 100000);
    put(&world, MORE);
    CHECK(ease(&world, 0));
    CHECKF(world.most_ns > 8000 * US && world.most_ns < 15000 * US, "%llu ns",
           (unsigned long long)world.most_ns);
    CHECK(world.pressure.running);
    for (unsigned steps = 0; world.pressure.running; steps++) {
        CHECK(steps < 100000 && ease(&world, 0));
        CHECK(world.most_ns <= 600 * US);
    }
    world_release(&world);
}

/* Room is made before it is needed, and no key goes for what never fits. */
TEST(pressure_makes_room_ahead)
{
    struct world world;
    world_init(&world);
    uint64_t limit = pressure_held(&world.pressure);
    configure(&world, limit, 100, EVICT_LRU);
    CHECK(ease(&world, 0));
    uint64_t keys = store_count(world.store, 0);
    CHECK(ease(&world, 2 * MB));
    CHECK(store_count(world.store, 0) < keys - 2 * MB / (VALUE_BYTES + 40));
    CHECK(pressure_held(&world.pressure) + 2 * MB <= limit);
    keys = store_count(world.store, 0);
    CHECK(!ease(&world, limit) && world.pressure.failed);
    CHECK_EQ(store_count(world.store, 0), keys);
    CHECK(ease(&world, 0));
    configure(&world, pressure_held(&world.pressure) + MB, 10, EVICT_NOTHING);
    CHECK(ease(&world, MB / 2));
    CHECK(!ease(&world, 2 * MB));
    CHECK(ease(&world, 0));
    world_release(&world);
}
