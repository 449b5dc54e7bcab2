/* What the process holds now: the kernel's figure at a sample, and every block from there on. */
#include "base/memory.h"
#include "harness.h"
#include "observe/memory_now.h"
#include "os/process.h"
#include "os/seam.h"
#include "types/string.h"

#include <stdio.h>
#include <string.h>

enum { KEYS = 20000, VALUE_BYTES = 400, BLOCK_BYTES = 8 << 20 };
#define MB ((int64_t)1 << 20)

struct world {
    struct seam seam;
    struct store *store;
    struct observer *observer;
};

static void begin(struct world *world)
{
    os_seam_init(&world->seam);
    struct store_options options = { .seam = &world->seam, .databases = 2, .rng_seed = 1 };
    world->store = store_new(&options);
    CHECK(world->store != NULL);
    world->observer = observer_new(&world->seam, world->store, NULL, NULL, NULL);
    CHECK(world->observer != NULL);
}

static void end(struct world *world)
{
    observer_drop(world->observer);
    store_drop(world->store);
}

static struct key key_of(const struct world *world, unsigned number, char *name)
{
    int count = snprintf(name, 32, "key:%u", number);
    return store_key(world->store, bytes_of(name, (size_t)count));
}

static void put(struct world *world, unsigned number)
{
    static const char content[VALUE_BYTES];
    char name[32];
    struct string_scratch scratch;
    struct value value;
    struct key key = key_of(world, number, name);
    CHECK_EQ(
        string_make(store_heap(world->store), bytes_of(content, sizeof content), &scratch, &value),
        ERR_NONE);
    CHECK_EQ(store_put(world->store, 0, &key, NULL, &value, STORE_NO_EXPIRY, EVENT_SET, NULL),
             ERR_NONE);
}

static void remove_key(struct world *world, unsigned number)
{
    char name[32];
    struct key key = key_of(world, number, name);
    store_remove(world->store, 0, &key, store_look(world->store, 0, &key), EVENT_DEL);
}

static int64_t held(const struct world *world)
{
    struct memory_now now;
    memory_now(world->observer, &now);
    return (int64_t)now.held;
}

TEST(what_is_held_is_what_the_kernel_counts)
{
    struct world world;
    begin(&world);
    int64_t apart = held(&world) - (int64_t)process_resident();
    CHECK(apart < MB && apart > -MB);
    for (unsigned number = 0; number < KEYS; number++)
        put(&world, number);
    memory_now_sample(world.observer);
    apart = held(&world) - (int64_t)process_resident();
    CHECK(apart < MB && apart > -MB);
    end(&world);
}

TEST(what_is_held_follows_every_block_between_two_samples)
{
    struct world world;
    struct heap_figures before, after;
    begin(&world);
    int64_t first = held(&world), index = (int64_t)store_all_index_bytes(world.store);
    int64_t malloced = (int64_t)memory_held();
    heap_figures(store_heap(world.store), &before);
    for (unsigned number = 0; number < KEYS; number++)
        put(&world, number);
    void *block = memory_take(BLOCK_BYTES);
    CHECK(block != NULL);
    heap_figures(store_heap(world.store), &after);
    CHECK_EQ(held(&world) - first, (int64_t)(after.committed - before.committed) +
                                       ((int64_t)store_all_index_bytes(world.store) - index) +
                                       ((int64_t)memory_held() - malloced));
    CHECK(held(&world) - first > (int64_t)KEYS * VALUE_BYTES + BLOCK_BYTES);
    memory_give(block);
    end(&world);
}

TEST(holes_and_spare_pages_are_told_apart)
{
    struct world world;
    struct memory_now now;
    begin(&world);
    for (unsigned number = 0; number < KEYS; number++)
        put(&world, number);
    memory_now(world.observer, &now);
    CHECK(now.holes < (uint64_t)MB);
    for (unsigned number = 0; number < KEYS; number += 2)
        remove_key(&world, number);
    memory_now(world.observer, &now);
    CHECK(now.holes > (uint64_t)KEYS * VALUE_BYTES / 2);
    uint64_t before = now.held;
    for (unsigned number = 1; number < KEYS; number += 2)
        remove_key(&world, number);
    memory_now(world.observer, &now);
    CHECK(now.holes < (uint64_t)MB);
    CHECK(now.spare > 0);
    CHECK(before - now.held > (uint64_t)KEYS * VALUE_BYTES / 2); /* what is not spare has gone */
    end(&world);
}

TEST(what_evicting_must_not_chase_is_not_counted)
{
    CHECK_EQ(memory_now_counted(&(struct memory_now){ .held = 10, .not_counted = 3 }), 7);
    CHECK_EQ(memory_now_counted(&(struct memory_now){ .held = 3, .not_counted = 10 }), 0);
    struct world world;
    struct memory_now now;
    begin(&world);
    world.observer->not_counted_bytes = MB;
    memory_now(world.observer, &now);
    CHECK_EQ(now.not_counted, MB);
    end(&world);
}
