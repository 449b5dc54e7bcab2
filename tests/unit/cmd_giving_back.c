/* Whatever takes a big value away gives its blocks back in steps, some dozens at a time, however
 * many elements it has and however long they are. Counted in blocks of the heap and in bytes given
 * back to the system: it does not matter how fast they go. */
#include "cmd_world.h"
#include "harness.h"

static const struct command *const groups[] = {
    string_commands, generic_commands, hash_commands,   list_commands, set_commands,
    zset_commands,   stream_commands,  server_commands, sort_commands, NULL
};

/* What one step may give: so many nodes, and the strings outside of the last of them. */
enum { REQUESTS = 200, STEP_BLOCKS_MAX = 64, STEPS_LEAST = 2, LEAF_RUNS_MAX = 700 };
#define STEP_RETURNED_MAX ((uint64_t)1 << 20)

/* How a big value of a type is filled: an element is a number of so many digits. */
struct shape {
    const char *name, *add, *before, *after;
    int digits;
    unsigned elements, requests; /* in a request; requests in all */
};

static const struct shape shapes[] = {
    { "hash", "hset big", "", " v", 24, 25, 800 },
    { "set", "sadd big", "", "", 24, 50, 400 },
    { "zset", "zadd big", "1 ", "", 24, 25, 800 },
    { "list", "rpush big", "", "", 400, 10, 800 },
    { "stream", "xadd big * f", "", "", 2000, 1, 800 },
    { "hash of long values", "hset big", "f", " v", 40000, 1, 200 },
    { "list of long values", "rpush big", "", "", 40000, 1, 1600 },
    { "stream of long values", "xadd big * f", "", "", 40000, 1, 200 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Elements of half a megabyte, and nodes full of what just has no run. */
static const struct shape huge_shapes[] = {
    { "hash of huge values", "hset big", "f", " v", 400000, 1, 200 },
    { "set of huge members", "sadd big", "", "", 400000, 1, 200 },
    { "zset of huge members", "zadd big", "1 ", "", 400000, 1, 200 },
    { "list of huge values", "rpush big", "", "", 70000, 1, 1600 },
    { "stream of huge values", "xadd big * f", "", "", 400000, 1, 200 },
    { "hash of large values", "hset big", "f", " v", 4000, 10, 400 },
    { "zset of large members", "zadd big", "1 ", "", 4000, 10, 400 },
    { "list of large values", "rpush big", "", "", 4000, 10, 400 },
};
enum { HUGE_SHAPES = sizeof huge_shapes / sizeof huge_shapes[0] };

struct trial {
    struct world *world;
    const struct shape *shape;
    const char *line;
};

static struct heap *heap_of(const struct trial *trial)
{
    return store_heap(trial->world->context.store);
}

static uint64_t blocks_now(const struct trial *trial)
{
    struct heap_figures figures;
    heap_figures(heap_of(trial), &figures);
    return figures.blocks;
}

static uint64_t returned_now(const struct trial *trial)
{
    struct heap_figures figures;
    heap_figures(heap_of(trial), &figures);
    return figures.returned_bytes;
}

static uint64_t pending(const struct trial *trial)
{
    struct store_figures figures;
    store_figures(trial->world->context.store, &figures);
    return figures.lazyfree_pending;
}

static void fill(const struct trial *trial)
{
    const struct shape *shape = trial->shape;
    struct buffer line = { 0 };
    unsigned number = 0;
    for (unsigned i = 0; i < shape->requests; i++) {
        line.count = 0;
        CHECK(buffer_append_text(&line, shape->add));
        for (unsigned j = 0; j < shape->elements; j++)
            CHECK(buffer_printf(&line, " %s%0*u%s", shape->before, shape->digits, number++,
                                shape->after));
        CHECK(buffer_append_byte(&line, 0));
        world_add(trial->world, (const char *)line.at);
        if ((i + 1) % REQUESTS != 0)
            continue;
        CHECK_EQ(world_run(trial->world), REQUESTS);
        CHECKF(trial->world->replies.at[0] != '-', "%s", shape->name);
    }
    buffer_release(&line);
}

/* What went from `before` is bounded, whatever the value holds. */
static void check_few(const struct trial *trial, uint64_t before)
{
    uint64_t after = blocks_now(trial);
    CHECKF(before <= after + STEP_BLOCKS_MAX + (trial->shape->digits > 32768 ? LEAF_RUNS_MAX : 0),
           "%s: %s: %u blocks at once", trial->shape->name, trial->line,
           (unsigned)(before - after));
}

static void ask(struct trial *trial, const char *line)
{
    uint64_t before = blocks_now(trial);
    trial->line = line;
    struct bytes reply = world_ask(trial->world, line);
    CHECKF(reply.count > 0 && reply.at[0] != '-', "%s: %s: %.*s", trial->shape->name, line,
           (int)reply.count, (const char *)reply.at);
    check_few(trial, before);
}

/* Step after step, each told to end at once; all of it goes in the end. */
static void give_back(struct trial *trial, uint64_t blocks_least)
{
    unsigned steps = 0;
    CHECKF(pending(trial) > 0, "%s: %s: nothing waits", trial->shape->name, trial->line);
    for (bool done = false; !done; steps++) {
        uint64_t before = blocks_now(trial), returned = returned_now(trial);
        done = store_free_step(trial->world->context.store, 0);
        check_few(trial, before);
        returned = returned_now(trial) - returned;
        CHECKF(returned <= STEP_RETURNED_MAX, "%s: %s: %u bytes at once", trial->shape->name,
               trial->line, (unsigned)returned);
    }
    CHECKF(steps >= STEPS_LEAST, "%s: %s: %u steps", trial->shape->name, trial->line, steps);
    CHECK_EQ(pending(trial), 0);
    ask(trial, "flushall sync");
    CHECKF(blocks_now(trial) <= blocks_least, "%s: %u blocks stay", trial->shape->name,
           (unsigned)blocks_now(trial));
    CHECK(heap_valid(heap_of(trial)));
}

/* A value of that shape, with smaller keys beside it, is taken away by the line, or by lines. */
static void with(const struct shape *shape, const char *first, const char *line)
{
    struct trial trial = { .world = world_new(groups), .shape = shape };
    uint64_t blocks = blocks_now(&trial);
    ask(&trial, "set text 1");
    ask(&trial, "sadd few a b c");
    ask(&trial, "zadd ranked 1 a 2 b");
    fill(&trial);
    if (first != NULL)
        ask(&trial, first);
    trial.world->wall_ms += 1000;
    ask(&trial, line);
    give_back(&trial, blocks);
    world_drop(trial.world);
}

static void with_each(const char *first, const char *line)
{
    for (size_t i = 0; i < SHAPES; i++)
        with(&shapes[i], first, line);
}

TEST(giving_back_what_is_deleted)
{
    with_each(NULL, "del few big text");
    with_each(NULL, "unlink big");
}

TEST(giving_back_what_is_overwritten)
{
    with_each(NULL, "set big 1");
    with_each(NULL, "rename text big");
    with_each(NULL, "copy text big replace");
    with_each(NULL, "sunionstore big few");
    with_each(NULL, "zunionstore big 1 ranked");
}

TEST(giving_back_what_an_empty_result_replaces)
{
    with_each(NULL, "sinterstore big few none");
    with_each(NULL, "zinterstore big 2 ranked none");
    with_each(NULL, "zrangestore big ranked 5 6");
    with_each(NULL, "sort none store big");
}

TEST(giving_back_what_expires)
{
    with_each("pexpire big 999", "exists big");
    with_each(NULL, "pexpire big -1");
}

TEST(giving_back_what_is_flushed)
{
    with_each(NULL, "flushdb");
    with_each(NULL, "flushall");
    with_each(NULL, "flushdb async");
}

TEST(giving_back_all_elements_at_once)
{
    with(&shapes[2], NULL, "zremrangebyrank big 0 -1");
    with(&shapes[2], NULL, "zremrangebyscore big -inf +inf");
    with(&shapes[2], NULL, "zremrangebylex big - +");
    with(&shapes[3], NULL, "ltrim big 1 0");
    with(&shapes[6], NULL, "ltrim big 1 0");
}

TEST(giving_back_what_has_huge_elements)
{
    for (size_t i = 0; i < HUGE_SHAPES; i++) {
        with(&huge_shapes[i], NULL, "unlink big");
        with(&huge_shapes[i], NULL, "flushall");
    }
}
