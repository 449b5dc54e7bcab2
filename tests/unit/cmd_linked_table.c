/* The table of things that carry their link, against an array that is searched. */
#include "base/memory.h"
#include "base/rng.h"
#include "cmd/linked_table.h"
#include "harness.h"

enum { THINGS = 5000, STEPS = 60000 };

struct thing {
    struct table_link link;
    bool in;
};

struct world {
    struct linked_table table;
    struct thing things[THINGS];
    uint32_t count;
};

/* Few hashes, so that many share one; or all different in their low bits; or only in high ones. */
static uint64_t hash_of(uint32_t at, unsigned kind)
{
    const uint64_t hashes[] = { at % 7, at, (uint64_t)at << 40, at * UINT64_C(0x9e3779b97f4a7c15) };
    return hashes[kind];
}

static bool is_found(const struct world *world, const struct thing *thing, uint64_t hash)
{
    const struct table_link *link = linked_table_first(&world->table, hash);
    while (link != NULL && link != &thing->link)
        link = linked_table_next(link);
    return link != NULL;
}

static void check_whole(const struct world *world, unsigned kind)
{
    uint32_t walked = 0;
    CHECK_EQ(world->table.count, world->count);
    for (uint32_t i = 0; i < THINGS; i++)
        CHECK_EQ(is_found(world, &world->things[i], hash_of(i, kind)), world->things[i].in);
    for (uint32_t i = 0; i < world->table.buckets; i++)
        for (struct table_link *at = linked_table_chain(&world->table, i); at != NULL;
             at = at->next)
            walked++;
    CHECK_EQ(walked, world->count);
    CHECK_EQ(linked_table_any(&world->table, walked) != NULL, walked > 0);
}

static void flip(struct world *world, uint32_t at, unsigned kind)
{
    struct thing *thing = &world->things[at];
    if (thing->in) {
        linked_table_remove(&world->table, &thing->link);
        world->count--;
    } else {
        CHECK(linked_table_add(&world->table, &thing->link, hash_of(at, kind)));
        world->count++;
    }
    thing->in = !thing->in;
}

/* In tides: first more come than go, then more go than come. */
static void run(unsigned kind)
{
    struct world *world = memory_take_zeroed(sizeof *world);
    struct rng rng;
    CHECK(world != NULL);
    rng_init(&rng, test_seed() + kind);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t at = (uint32_t)rng_below(&rng, THINGS);
        bool rising = step / (STEPS / 4) % 2 == 0;
        if (world->things[at].in != rising || rng_below(&rng, 10) == 0)
            flip(world, at, kind);
        if (step % (STEPS / 8) == 0)
            check_whole(world, kind);
    }
    for (uint32_t i = 0; i < THINGS; i++)
        if (world->things[i].in)
            flip(world, i, kind);
    check_whole(world, kind);
    CHECK_EQ(world->table.bytes, 0);
    memory_give(world);
}

TEST(linked_table_few_hashes)
{
    run(0);
}

TEST(linked_table_low_bits)
{
    run(1);
}

TEST(linked_table_high_bits)
{
    run(2);
}

TEST(linked_table_spread)
{
    run(3);
}

/* Without memory the chains get longer, and nothing is lost. */
TEST(linked_table_without_memory)
{
    struct world *world = memory_take_zeroed(sizeof *world);
    CHECK(world != NULL);
    memory_fail_always(true);
    memory_fail_after(0);
    CHECK(!linked_table_add(&world->table, &world->things[0].link, 0));
    memory_fail_always(false);
    memory_fail_after(UINT64_MAX);
    flip(world, 0, 3);
    memory_fail_always(true);
    memory_fail_after(0);
    for (uint32_t i = 1; i < THINGS; i++)
        flip(world, i, 3);
    memory_fail_always(false);
    memory_fail_after(UINT64_MAX);
    check_whole(world, 3);
    linked_table_release(&world->table);
    memory_give(world);
}
