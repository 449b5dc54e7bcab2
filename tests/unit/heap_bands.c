/* Blocks with tags: what goes together stands together, at a bounded price, whatever else happens
 * to the spans. */
#include "base/rng.h"
#include "harness.h"
#include "heap/heap.h"
#include "heap/mover.h"
#include "observe/heap_picture.h"
#include "os/seam.h"

#include <string.h>

enum { BLOCKS = 60000, BYTES = 96, START_MS = 1000000, KINDS = 2 };

struct tagged {
    uint8_t *at; /* NULL: given */
    uint64_t tag;
    size_t bytes;
};

struct world {
    struct seam seam;
    struct heap *heap;
    struct rng rng;
    uint64_t present;
    struct tagged blocks[BLOCKS];
};

static void world_init(struct world *world)
{
    static const char *const names[KINDS] = { "plain", "expiring" };
    memset(world, 0, sizeof *world);
    os_seam_init(&world->seam);
    rng_init(&world->rng, test_seed());
    world->heap = heap_new(&world->seam, &(struct heap_options){ names, KINDS, 0 });
    CHECK(world->heap != NULL);
    world->present = START_MS;
    heap_set_present(world->heap, START_MS);
}

static void take(struct world *world, struct tagged *block, size_t bytes, uint64_t tag)
{
    *block = (struct tagged){ heap_take_near(world->heap, bytes, 1, tag), tag, bytes };
    CHECK(block->at != NULL);
    heap_tag_lower(world->heap, block->at, tag);
    heap_tag_raise(world->heap, block->at, tag);
    uint32_t number = (uint32_t)(block - world->blocks);
    memcpy(block->at, &number, sizeof number);
}

static void give(struct world *world, struct tagged *block)
{
    heap_give(world->heap, block->at);
    block->at = NULL;
}

static struct heap_figures figures(const struct world *world)
{
    struct heap_figures figures;
    heap_figures(world->heap, &figures);
    return figures;
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct world *world = context;
    CHECK_EQ(kind, 1);
    for (size_t i = 0; i < count; i++) {
        uint32_t number;
        memcpy(&number, moves[i].to, sizeof number);
        CHECK(number < BLOCKS && world->blocks[number].at == moves[i].from);
        world->blocks[number].at = moves[i].to;
        moves[i].done = true;
    }
}

static bool tags_hold(const struct world *world)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        const struct tagged *block = &world->blocks[i];
        if (block->at != NULL && (heap_tag(world->heap, block->at) > block->tag ||
                                  heap_tag_most(world->heap, block->at) < block->tag))
            return false;
    }
    return true;
}

TEST(bands_what_goes_together_leaves_whole_spans)
{
    static struct world world;
    world_init(&world);
    /* Four lifetimes in turn: without bands every span would hold all of them. */
    static const uint64_t ahead[] = { 20000, 40000, 80000, 160000 };
    for (unsigned i = 0; i < BLOCKS; i++)
        take(&world, &world.blocks[i], BYTES * 5, START_MS + ahead[i % 4]);
    uint64_t full = figures(&world).active;
    for (unsigned gone = 0; gone < 3; gone++) {
        heap_set_present(world.heap, START_MS + ahead[gone] + 1);
        for (unsigned i = gone; i < BLOCKS; i += 4)
            give(&world, &world.blocks[i]);
        struct heap_figures now = figures(&world);
        CHECK(now.active <= full * (3 - gone) / 4 + full / 8);
        CHECK_EQ(now.moved_blocks, 0);
        CHECK(heap_valid(world.heap));
    }
    heap_drop(world.heap);
}

TEST(bands_few_blocks_of_many_sizes_cost_no_more_than_without)
{
    static struct world world;
    uint64_t active[2];
    for (unsigned tagged = 0; tagged < 2; tagged++) {
        world_init(&world);
        for (unsigned i = 0; i < 2000; i++) {
            uint64_t tag = START_MS + rng_below(&world.rng, 3600 * 1000);
            take(&world, &world.blocks[i], 16 + i % 400 * 8, tagged ? tag : UINT64_MAX);
        }
        active[tagged] = figures(&world).active;
        heap_drop(world.heap);
    }
    CHECK_EQ(active[1], active[0]);
}

/* Many bands and few blocks: the lane's holes are bounded all the same. */
TEST(bands_leave_a_bounded_share_of_holes)
{
    static struct world world;
    world_init(&world);
    for (unsigned i = 0; i < BLOCKS; i++) {
        take(&world, &world.blocks[i], BYTES, START_MS + rng_below(&world.rng, 600 * 1000));
        if (i < BLOCKS / 10 || i % 1000 != 0)
            continue;
        struct heap_figures now = figures(&world);
        CHECK(now.active - now.allocated <= now.active / 8);
    }
    /* Each band's span holds pages as far as it is filled. */
    struct heap_figures end = figures(&world);
    CHECKF(end.active - end.allocated <= end.active / 24, "%u of %u bytes are holes",
           (unsigned)(end.active - end.allocated), (unsigned)end.active);
    CHECK(heap_valid(world.heap) && tags_hold(&world));
    heap_drop(world.heap);
}

TEST(bands_a_block_that_is_to_live_longer_is_misplaced)
{
    static struct world world;
    world_init(&world);
    for (unsigned i = 0; i < BLOCKS; i++)
        take(&world, &world.blocks[i], BYTES, START_MS + (i % 2 == 0 ? 5000 : 50000));
    const struct tagged *early = &world.blocks[BLOCKS / 2];
    CHECK(heap_is_misplaced(world.heap, early->at, START_MS + 50000));
    CHECK(!heap_is_misplaced(world.heap, early->at, START_MS + 5000));
    CHECK(!heap_is_misplaced(world.heap, early->at, START_MS + 10));
    CHECK(!heap_is_misplaced(world.heap, early[1].at, START_MS + 5000));
    void *run = heap_take_near(world.heap, HEAP_CELL_MAX + 1, 1, START_MS + 5);
    CHECK(run != NULL && !heap_is_misplaced(world.heap, run, START_MS + 50000));
    heap_drop(world.heap);
}

/* A span with holes is shown so, whatever the mover thinks of it. */
static void check_spans(const struct heap *heap)
{
    unsigned partly = 0;
    for (uint32_t row = 0; row < heap_span_rows(heap); row++) {
        struct heap_span_figures span;
        if (!heap_span_at(heap, row, &span) || span.live == 0 || span.live == span.capacity)
            continue;
        CHECK(span.state == HEAP_SPAN_LISTED || span.state == HEAP_SPAN_CURRENT);
        partly += picture_state_of(picture_word(&span)) == PICTURE_PARTLY;
    }
    CHECK(partly >= 4);
}

/* What dies soon by itself is not moved, even where whole spans could be had. */
TEST(bands_what_dies_soon_is_not_moved)
{
    static struct world world;
    world_init(&world);
    for (unsigned i = 0; i < BLOCKS; i++)
        take(&world, &world.blocks[i], BYTES, START_MS + 2000 + i / 2);
    heap_set_present(world.heap, START_MS + 4000);
    /* An early part of each span there dies. */
    for (unsigned i = 0; i < BLOCKS / 8; i++)
        if (rng_below(&world.rng, 2) == 0)
            give(&world, &world.blocks[i]);
    const struct heap_mover mover = { repoint, &world };
    CHECK_EQ(heap_move_step(world.heap, &mover, UINT64_MAX), HEAP_MOVE_IDLE);
    uint64_t holes = figures(&world).active - figures(&world).allocated;
    CHECK(holes >= 4 * HEAP_SPAN_BYTES);
    CHECK_EQ(figures(&world).moved_blocks, 0);
    check_spans(world.heap);
    heap_drop(world.heap);
}

static void expire(struct world *world)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        if (world->blocks[i].at != NULL && world->blocks[i].tag < world->present)
            give(world, &world->blocks[i]);
}

static void change_one(struct world *world)
{
    struct tagged *block = &world->blocks[rng_below(&world->rng, BLOCKS)];
    uint64_t most = rng_below(&world->rng, 8) == 0 ? 400000 : 6000;
    uint64_t tag = world->present + rng_below(&world->rng, most);
    if (block->at == NULL) {
        take(world, block, rng_below(&world->rng, 4) == 0 ? BYTES * 3 : BYTES, tag);
    } else if (rng_below(&world->rng, 3) == 0) {
        give(world, block);
    } else if (heap_is_misplaced(world->heap, block->at, tag)) {
        give(world, block);
        take(world, block, BYTES, tag);
    } else {
        block->tag = tag;
        heap_tag_lower(world->heap, block->at, tag);
        heap_tag_raise(world->heap, block->at, tag);
    }
}

TEST(bands_hold_through_changes_moves_and_time)
{
    static struct world world;
    world_init(&world);
    const struct heap_mover mover = { repoint, &world };
    for (unsigned turn = 0; turn < 60; turn++) {
        for (unsigned change = 0; change < 6000; change++)
            change_one(&world);
        CHECK(heap_valid(world.heap));
        if (turn % 7 == 0)
            heap_move_all(world.heap, &mover, BLOCKS / 2);
        if (turn % 3 == 0)
            (void)heap_move_step(world.heap, &mover, 0);
        (void)heap_tidy_step(world.heap, UINT64_MAX);
        CHECK(heap_valid(world.heap) && tags_hold(&world));
        world.present += rng_below(&world.rng, 1500);
        heap_set_present(world.heap, world.present);
        expire(&world);
    }
    /* Long after the last change, what few blocks are left is gathered. */
    for (unsigned second = 0; second < 3; second++) {
        world.present += 1100;
        heap_set_present(world.heap, world.present);
        for (unsigned piece = 0; piece < 100; piece++)
            (void)heap_tidy_step(world.heap, UINT64_MAX);
    }
    while (heap_move_step(world.heap, &mover, UINT64_MAX) != HEAP_MOVE_IDLE)
        continue;
    CHECK(heap_reclaimable(world.heap) == 0);
    CHECK(heap_valid(world.heap) && tags_hold(&world));
    for (unsigned i = 0; i < BLOCKS; i++)
        if (world.blocks[i].at != NULL)
            give(&world, &world.blocks[i]);
    CHECK_EQ(figures(&world).active, 0);
    CHECK(heap_valid(world.heap));
    heap_drop(world.heap);
}
