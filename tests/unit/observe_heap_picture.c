/* The picture of the heap beside the heap itself, through growth, holes, healing and the end. */
#include "base/memory.h"
#include "base/rng.h"
#include "harness.h"
#include "observe/heap_picture.h"
#include "os/seam.h"

enum { BLOCKS = 30000 };

static const char *const kind_names[] = { "one", "two", "three" };

struct world {
    struct seam seam;
    struct heap *heap;
    struct heap_picture *picture;
    void *blocks[BLOCKS];
};

static void begin(struct world *world)
{
    struct heap_options options = { .kind_names = kind_names, .kinds = 3 };
    os_seam_init(&world->seam);
    world->heap = heap_new(&world->seam, &options);
    world->picture = heap_picture_new(&world->seam);
    CHECK(world->heap != NULL && world->picture != NULL);
}

static void end(struct world *world)
{
    heap_picture_drop(world->picture);
    heap_drop(world->heap);
}

/* Steps of no time at all: each looks at some hundred rows. */
static unsigned sweep(struct world *world)
{
    unsigned steps = 1;
    while (!heap_picture_step(world->picture, world->heap, 0))
        CHECK(++steps < 100000);
    return steps;
}

static uint32_t word_at(const struct world *world, uint32_t row)
{
    uint32_t words[PICTURE_BLOCK_ROWS];
    heap_picture_copy(world->picture, row / PICTURE_BLOCK_ROWS, words);
    return words[row % PICTURE_BLOCK_ROWS];
}

static void check_words(const struct world *world)
{
    uint32_t rows = heap_picture_rows(world->picture);
    CHECK_EQ(rows, heap_span_rows(world->heap));
    for (uint32_t row = 0; row < rows; row++) {
        struct heap_span_figures span;
        uint32_t word = word_at(world, row);
        if (!heap_span_at(world->heap, row, &span)) {
            CHECK_EQ(word, 0);
            continue;
        }
        CHECK_EQ(word, picture_word(&span));
        CHECK((word & 255) == 0 || span.live > 0);
        CHECK(((word & 255) == 255) == (span.live > 0 && span.live == span.capacity));
    }
}

static void check_lanes(const struct world *world)
{
    static struct heap_lane_figures map[3 * 352];
    heap_map(world->heap, map);
    for (unsigned kind = 0; kind < 3; kind++)
        for (unsigned class = 0; class < heap_classes(world->heap); class ++) {
            struct heap_lane_figures lane, *whole = &map[kind * heap_classes(world->heap) + class];
            CHECK(heap_picture_lane(world->picture, world->heap, kind, class, &lane) ==
                  (whole->spans > 0));
            CHECK(memcmp(&lane, whole, sizeof lane) == 0);
        }
}

TEST(picture_shows_every_span_as_it_is)
{
    static struct world world;
    struct rng rng;
    begin(&world);
    rng_init(&rng, test_seed());
    for (unsigned at = 0; at < BLOCKS; at++)
        world.blocks[at] =
            heap_take(world.heap, 1 + rng_below(&rng, at % 50 == 0 ? 60000 : 2000), at % 3);
    CHECK(sweep(&world) > 1);
    check_words(&world);
    check_lanes(&world);
    for (unsigned at = 0; at < BLOCKS; at++)
        if (rng_below(&rng, 8) > 0) {
            heap_give(world.heap, world.blocks[at]);
            world.blocks[at] = NULL;
        }
    sweep(&world);
    check_words(&world);
    check_lanes(&world);
    end(&world);
}

TEST(picture_tells_what_changed_since)
{
    static struct world world;
    begin(&world);
    for (unsigned at = 0; at < BLOCKS; at++)
        world.blocks[at] = heap_take(world.heap, 8000, 0);
    sweep(&world);
    uint32_t rows = heap_picture_rows(world.picture);
    uint32_t blocks = (rows + PICTURE_BLOCK_ROWS - 1) / PICTURE_BLOCK_ROWS;
    CHECK(blocks > 2);
    uint32_t seen = heap_picture_sweep(world.picture);
    CHECK(!heap_picture_changed(world.picture, 0, seen));
    CHECK(heap_picture_changed(world.picture, 0, seen - 1));
    for (unsigned at = 0; at < 100; at++)
        heap_give(world.heap, world.blocks[at]); /* those at the bottom */
    sweep(&world);
    CHECK(heap_picture_changed(world.picture, 0, seen));
    CHECK(!heap_picture_changed(world.picture, blocks - 1, seen));
    check_words(&world);
    end(&world);
}

TEST(picture_without_memory_shows_nothing_and_later_all)
{
    static struct world world;
    begin(&world);
    for (unsigned at = 0; at < 1000; at++)
        world.blocks[at] = heap_take(world.heap, 1000, 1);
    memory_fail_after(0);
    memory_fail_always(true);
    sweep(&world);
    memory_fail_always(false);
    memory_fail_after(UINT64_MAX);
    CHECK_EQ(word_at(&world, 1), 0);
    sweep(&world);
    check_words(&world);
    end(&world);
}

TEST(picture_words_are_honest_at_their_ends)
{
    struct heap_span_figures span = { .state = HEAP_SPAN_LISTED, .capacity = 8191, .live = 1 };
    CHECK_EQ(picture_word(&span) & 255, 1);
    span.live = 8190;
    CHECK_EQ(picture_word(&span) & 255, 254);
    span.live = 8191;
    CHECK_EQ(picture_word(&span) & 255, 255);
    span.live = 0;
    CHECK_EQ(picture_word(&span) & 255, 0);
    CHECK_EQ(picture_state_of(picture_word(&span)), PICTURE_PARTLY);
    span = (struct heap_span_figures){ .state = HEAP_SPAN_FREE, .order = 5 };
    CHECK_EQ(picture_state_of(picture_word(&span)), PICTURE_FREE);
    span.held_bytes = 4096;
    CHECK_EQ(picture_state_of(picture_word(&span)), PICTURE_CACHED);
    CHECK_EQ(picture_word(&span) >> 26, 1);
    CHECK_EQ(picture_word(&span) >> 20 & 7, 5);
}
