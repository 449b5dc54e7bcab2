/* What is taken away gives its memory back all along, not when the last of it goes: the kernel is
 * asked when half of the blocks are gone. */
#include "cmd_world.h"
#include "harness.h"
#include "os/process.h"

#include <stdio.h>
#include <stdlib.h>

static const struct command *const groups[] = { string_commands, generic_commands, hash_commands,
                                                list_commands,   set_commands,     zset_commands,
                                                stream_commands, server_commands,  NULL };

enum { LINES = 200, ELEMENTS = 20, QUARTERS = 4 };

/* Elements are numbers that are spread at random, so that what is sorted grows everywhere. */
struct shape {
    const char *name, *add, *score, *value;
    unsigned requests; /* of ELEMENTS each */
};

static const struct shape shapes[] = {
    { "hash", "hset %u", "", " valuevaluevalue", 15000 },
    { "set", "sadd %u", "", "", 20000 },
    { "zset", "zadd %u", "score", "", 10000 },
    { "list", "rpush %u", "", "", 20000 },
    { "stream", "xadd %u *", "", " valuevaluevalue", 15000 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void add_line(struct world *world, const struct shape *shape, unsigned key, struct rng *rng)
{
    static struct buffer line;
    line.count = 0;
    CHECK(buffer_printf(&line, shape->add, key));
    for (unsigned i = 0; i < ELEMENTS; i++) {
        unsigned number = (unsigned)rng_below(rng, 1000000000);
        if (*shape->score != 0)
            CHECK(buffer_printf(&line, " %u", (unsigned)rng_below(rng, 1000000)));
        CHECK(buffer_printf(&line, " element:%010u%s", number, shape->value));
    }
    CHECK(buffer_append_byte(&line, 0));
    world_add(world, (const char *)line.at);
}

/* In so many keys, by turns. */
static void fill(struct world *world, const struct shape *shape, unsigned keys)
{
    struct rng rng;
    rng_init(&rng, 7);
    for (unsigned i = 0; i < shape->requests; i++) {
        add_line(world, shape, i % keys, &rng);
        if ((i + 1) % LINES == 0)
            CHECK_EQ(world_run(world), LINES);
    }
}

static uint64_t allocated(const struct world *world)
{
    struct heap_figures figures;
    heap_figures(store_heap(world->context.store), &figures);
    return figures.allocated;
}

/* Resident bytes when all of it was there, and when each quarter of the blocks had gone. */
static void free_by_quarters(const struct world *world, uint64_t *resident)
{
    struct store *store = world->context.store;
    uint64_t all = allocated(world);
    unsigned quarter = 1;
    bool done = false;
    while (!done) {
        done = store_free_step(store, 0);
        (void)heap_tidy_step(store_heap(store), UINT64_MAX);
        while (quarter < QUARTERS && allocated(world) <= all / QUARTERS * (QUARTERS - quarter))
            resident[quarter++] = process_resident_exact();
    }
    (void)heap_purge(store_heap(store));
    CHECK_EQ(quarter, QUARTERS);
    resident[QUARTERS] = process_resident_exact();
}

static void check_quarters(const char *name, unsigned keys, const uint64_t *resident)
{
    double all = (double)resident[0] - (double)resident[QUARTERS];
    double gone[QUARTERS];
    for (unsigned quarter = 1; quarter < QUARTERS; quarter++)
        gone[quarter] = ((double)resident[0] - (double)resident[quarter]) / all;
    if (getenv("SNUG_SHOW") != NULL)
        printf("%-6s in %3u keys: %5.1f MB, of them gone after quarters: %.2f %.2f %.2f\n", name,
               keys, all / 1e6, gone[1], gone[2], gone[3]);
    CHECKF(gone[2] >= 0.4, "%s in %u keys: %.2f gone at half of the way", name, keys, gone[2]);
}

static void with(const struct shape *shape, unsigned keys, const char *line)
{
    struct world *world = world_new(groups);
    uint64_t resident[QUARTERS + 1];
    fill(world, shape, keys);
    (void)heap_purge(store_heap(world->context.store));
    resident[0] = process_resident_exact();
    CHECK(world_ask(world, line).at[0] != '-');
    free_by_quarters(world, resident);
    check_quarters(shape->name, keys, resident);
    world_drop(world);
}

TEST(giving_back_pages_of_one_value)
{
    for (unsigned i = 0; i < SHAPES; i++)
        with(&shapes[i], 1, "unlink 0");
}

TEST(giving_back_pages_of_many_values)
{
    for (unsigned i = 0; i < SHAPES; i++)
        with(&shapes[i], 40, "flushall");
}
