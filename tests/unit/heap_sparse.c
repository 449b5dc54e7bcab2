/* Owners that take another block where heap_is_sparse says so: holes close without the mover. */
#include "base/rng.h"
#include "harness.h"
#include "heap/heap.h"
#include "os/seam.h"

enum { BLOCKS = 6000, BLOCK_BYTES = 200, ROUNDS_MAX = 4 };

struct lot {
    struct seam seam;
    struct heap *heap;
    struct rng rng;
    void *blocks[BLOCKS]; /* NULL: given */
};

static void lot_init(struct lot *lot)
{
    static const char *const names[] = { "a" };
    *lot = (struct lot){ .heap = NULL };
    os_seam_init(&lot->seam);
    rng_init(&lot->rng, test_seed());
    lot->heap = heap_new(&lot->seam, &(struct heap_options){ names, 1, 0 });
    CHECK(lot->heap != NULL);
    for (int i = 0; i < BLOCKS; i++) {
        lot->blocks[i] = heap_take(lot->heap, BLOCK_BYTES, 0);
        CHECK(lot->blocks[i] != NULL);
    }
}

static void give(struct lot *lot, int i)
{
    heap_give(lot->heap, lot->blocks[i]);
    lot->blocks[i] = NULL;
}

/* Returns how many took another block. */
static int tidy_all(struct lot *lot)
{
    int moved = 0;
    for (int i = 0; i < BLOCKS; i++) {
        if (lot->blocks[i] == NULL || !heap_is_sparse(lot->heap, lot->blocks[i]))
            continue;
        void *other = heap_take(lot->heap, BLOCK_BYTES, 0);
        CHECK(other != NULL);
        give(lot, i);
        lot->blocks[i] = other;
        moved++;
    }
    return moved;
}

TEST(heap_sparse_only_where_a_span_can_be_spared)
{
    struct lot lot;
    lot_init(&lot);
    CHECK_EQ(tidy_all(&lot), 0);
    give(&lot, 7);
    CHECK_EQ(tidy_all(&lot), 0);
    void *run = heap_take(lot.heap, HEAP_CELL_MAX + 1, 0);
    CHECK(run != NULL && !heap_is_sparse(lot.heap, run));
    heap_give(lot.heap, run);
    heap_drop(lot.heap);
}

TEST(heap_sparse_blocks_close_holes)
{
    struct lot lot;
    lot_init(&lot);
    int left = BLOCKS;
    for (int i = 0; i < BLOCKS; i++) {
        if (rng_below(&lot.rng, 4) != 0) {
            give(&lot, i);
            left--;
        }
    }
    CHECK(heap_reclaimable(lot.heap) >= 4 * HEAP_SPAN_BYTES);
    int rounds = 0, moved = 0;
    for (int more = 1; more > 0 && rounds < ROUNDS_MAX; rounds++)
        moved += more = tidy_all(&lot);
    CHECK(rounds < ROUNDS_MAX);
    CHECK(moved > 0 && moved < left);
    CHECK(heap_reclaimable(lot.heap) <= HEAP_SPAN_BYTES);
    CHECK(heap_valid(lot.heap));
    heap_drop(lot.heap);
}
