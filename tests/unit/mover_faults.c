/* The mover where things go wrong: blocks that nobody can repoint, pages that are refused, commands
 * that change the heap between two steps. It must end, lose nothing, and gain by what it moves. */
#include "base/fault.h"
#include "base/rng.h"
#include "harness.h"
#include "heap/heap.h"
#include "heap/inside.h"
#include "heap/mover.h"
#include "os/seam.h"

#include <errno.h>
#include <string.h>

enum { BLOCKS = 6000, ENOUGH_STEPS = 20000 };

/* A block carries its number, so that its owner is found at once. */
struct owner {
    struct seam real;
    struct fault_seam fault;
    struct heap *heap;
    struct rng rng;
    uint32_t *blocks[BLOCKS];
    bool stuck[BLOCKS]; /* cannot be repointed */
    uint64_t asked;
};

static const char *const kind_names[] = { "one", "two" };

static void owner_init(struct owner *owner)
{
    memset(owner, 0, sizeof *owner);
    os_seam_init(&owner->real);
    fault_seam_init(&owner->fault, &owner->real);
    rng_init(&owner->rng, test_seed());
    owner->heap = heap_new(&owner->fault.seam, &(struct heap_options){ kind_names, 2, 0 });
    CHECK(owner->heap != NULL);
}

static void take(struct owner *owner, uint32_t number, size_t bytes)
{
    owner->blocks[number] = heap_take(owner->heap, bytes, 1);
    CHECK(owner->blocks[number] != NULL);
    *owner->blocks[number] = number;
}

static void give(struct owner *owner, uint32_t number)
{
    if (owner->blocks[number] != NULL)
        heap_give(owner->heap, owner->blocks[number]);
    owner->blocks[number] = NULL;
    owner->stuck[number] = false;
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct owner *owner = context;
    CHECK_EQ(kind, 1);
    for (size_t at = 0; at < count; at++) {
        uint32_t number = *(uint32_t *)moves[at].to;
        CHECK(number < BLOCKS && (void *)owner->blocks[number] == moves[at].from);
        owner->asked++;
        if (owner->stuck[number])
            continue;
        owner->blocks[number] = moves[at].to;
        moves[at].done = true;
    }
}

static void check(const struct owner *owner)
{
    CHECK(heap_valid(owner->heap));
    for (uint32_t number = 0; number < BLOCKS; number++)
        CHECK(owner->blocks[number] == NULL || *owner->blocks[number] == number);
}

/* Steps until nothing is left to move; a heap of this size needs far fewer than are allowed. */
static void move_until_idle(struct owner *owner)
{
    struct heap_mover mover = { repoint, owner };
    unsigned steps = 0;
    while (heap_move_step(owner->heap, &mover, 0) != HEAP_MOVE_IDLE)
        CHECK(++steps < ENOUGH_STEPS);
    check(owner);
}

static void drop(struct owner *owner)
{
    for (uint32_t number = 0; number < BLOCKS; number++)
        give(owner, number);
    CHECK(heap_valid(owner->heap));
    heap_drop(owner->heap);
}

/* All blocks of `bytes`, of which about one in `one_in` stays. */
static void fill_sparsely(struct owner *owner, size_t bytes, unsigned one_in)
{
    for (uint32_t number = 0; number < BLOCKS; number++)
        take(owner, number, bytes);
    for (uint32_t number = 0; number < BLOCKS; number++)
        if (rng_below(&owner->rng, one_in) != 0)
            give(owner, number);
}

TEST(moving_ends_when_the_first_blocks_of_each_victim_are_stuck)
{
    static struct owner owner;
    owner_init(&owner);
    fill_sparsely(&owner, 100, 2); /* some thirty live cells to each word of a map */
    for (uint32_t number = 0; number < BLOCKS; number++)
        owner.stuck[number] = owner.blocks[number] != NULL;
    move_until_idle(&owner);
    CHECK(owner.asked <= BLOCKS); /* nobody is asked twice */
    drop(&owner);
}

TEST(room_in_pinned_spans_is_no_room)
{
    static struct owner owner;
    owner_init(&owner);
    fill_sparsely(&owner, 1000, 4);
    for (uint32_t number = 0; number < BLOCKS; number++)
        owner.stuck[number] = owner.blocks[number] != NULL && rng_below(&owner.rng, 50) == 0;
    move_until_idle(&owner);
    struct heap_figures before, after;
    heap_figures(owner.heap, &before);
    CHECK_EQ(heap_reclaimable(owner.heap), 0);
    move_until_idle(&owner);
    heap_figures(owner.heap, &after);
    CHECK_EQ(after.moved_blocks, before.moved_blocks);
    drop(&owner);
}

TEST(moving_ends_beside_a_single_pinned_span)
{
    static struct owner owner;
    owner_init(&owner);
    const uint32_t cells = 60; /* of 1,040 bytes to a span of 64 KiB, or a few more */
    for (uint32_t number = 0; number < 6 * cells; number++)
        take(&owner, number, 1040);
    for (uint32_t number = 0; number < 6 * cells; number++) {
        owner.stuck[number] = number % 20 == 3;
        if (number % 20 > 5)
            give(&owner, number);
    }
    move_until_idle(&owner);
    CHECK(owner.asked < BLOCKS);
    drop(&owner);
}

TEST(a_stuck_block_leaves_its_neighbours_free_to_move)
{
    static struct owner owner;
    owner_init(&owner);
    fill_sparsely(&owner, 100, 8);
    uint64_t stuck = 0;
    for (uint32_t number = 0; number < BLOCKS && stuck == 0; number++)
        if (owner.blocks[number] != NULL) {
            owner.stuck[number] = true;
            stuck++;
        }
    move_until_idle(&owner);
    struct heap_figures figures;
    heap_figures(owner.heap, &figures);
    CHECK(figures.missed_blocks <= 1);
    CHECK(figures.active < figures.allocated + 3 * HEAP_SPAN_BYTES);
    drop(&owner);
}

TEST(refused_pages_stop_a_move_and_lose_nothing)
{
    static struct owner owner;
    owner_init(&owner);
    fill_sparsely(&owner, 300, 3);
    struct heap_mover mover = { repoint, &owner };
    for (uint64_t after = 0; after < 20; after++) {
        struct fault_plan plan = { FAULT_PAGES, after, ENOMEM, true, false };
        fault_seam_plan(&owner.fault, &plan);
        heap_move_step(owner.heap, &mover, 0);
        heap_move_all(owner.heap, &mover, 500);
        check(&owner);
    }
    fault_seam_plan(&owner.fault, &(struct fault_plan){ 0 });
    move_until_idle(&owner);
    CHECK_EQ(heap_reclaimable(owner.heap), 0);
    drop(&owner);
}

TEST(commands_between_steps_do_not_disturb_a_half_drained_victim)
{
    static struct owner owner;
    owner_init(&owner);
    fill_sparsely(&owner, 200, 3);
    struct heap_mover mover = { repoint, &owner };
    for (int turn = 0; turn < 3000; turn++) {
        heap_move_step(owner.heap, &mover, 0);
        for (int change = 0; change < 3; change++) {
            uint32_t number = (uint32_t)rng_below(&owner.rng, BLOCKS);
            if (owner.blocks[number] != NULL)
                give(&owner, number);
            else
                take(&owner, number, 200);
        }
        if (turn % 97 == 0)
            heap_move_end(owner.heap);
        if (turn % 50 == 0)
            check(&owner);
    }
    move_until_idle(&owner);
    drop(&owner);
}
