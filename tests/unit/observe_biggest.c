/* The biggest keys are told as they are now, also while a snapshot reads them as they were. */
#include "cmd_world.h"
#include "harness.h"
#include "observe/biggest.h"
#include "struct/past.h"

#include <stdio.h>

static const struct command *const groups[] = { string_commands, generic_commands,
                                                hash_commands,   list_commands,
                                                set_commands,    zset_commands,
                                                stream_commands, NULL };

enum { ELEMENTS = 800 };

/* Of the only key. */
static uint64_t elements_told(const struct world *world)
{
    struct biggest biggest = { .db = 0 };
    struct biggest_list list;
    while (!biggest_step(&biggest, world->context.store, &world->seam, UINT64_MAX))
        continue;
    biggest_found(&biggest, &list);
    CHECK_EQ(list.count, 1);
    return list.keys[0].elements;
}

static void fill(struct world *world, const char *add)
{
    char line[2200];
    for (int i = 0; i < ELEMENTS; i++) {
        snprintf(line, sizeof line, add, i, 1000, i);
        world_ask(world, line);
    }
}

/* How a key of each type is filled, and emptied but for one element, so that nodes go that its root
 * led to when the snapshot began. */
static const struct {
    const char *add, *more, *cut;
} shapes[] = {
    { "xadd k * f %d-%0*d", "xadd k * f v", "xtrim k maxlen 1" },
    { "rpush k %d-%0*d", "rpush k v", "ltrim k 0 0" },
    { "zadd k 1 %d-%0*d", "zadd k 2 v", "zremrangebyrank k 1 -1" },
};

TEST(the_biggest_keys_are_told_while_a_snapshot_has_run_out_of_memory)
{
    for (size_t at = 0; at < sizeof shapes / sizeof shapes[0]; at++) {
        struct world *world = world_new(groups);
        struct space *space = store_space(world->context.store);
        fill(world, shapes[at].add);
        CHECK_EQ(elements_told(world), ELEMENTS);
        struct past *past = past_open(space, UINT64_MAX);
        CHECK(past != NULL);
        world_ask(world, shapes[at].more);
        CHECK_EQ(elements_told(world), ELEMENTS + 1);
        past_spoil(past);
        world_ask(world, shapes[at].cut);
        CHECK_EQ(elements_told(world), 1);
        CHECK(space->past == past);
        past_close(space);
        while (!past_free_step(space))
            continue;
        world_drop(world);
    }
}
