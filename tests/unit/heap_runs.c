/* Runs of pages, and how pages go back: nothing is copied that can be moved, no call returns much
 * at once, what counts as held is what the kernel says, and short address space is used well. */
#include "base/rng.h"
#include "harness.h"
#include "heap/heap.h"
#include "heap/inside.h"
#include "os/seam.h"

#include <string.h>
#include <sys/mman.h>

enum { BOUNDARIES_MAX = 20000, MIB = 1 << 20, GIVE_MAX = 256 * 1024 };

/* A seam that knows where mappings begin, as a kernel that moves one at a time sees them, and that
 * counts what is returned between two looks at the clock. */
struct watch {
    struct seam real, seam;
    struct heap *heap;
    struct rng rng;
    uint8_t *boundaries[BOUNDARIES_MAX];
    unsigned boundary_count;
    uint64_t moves, moved_bytes;
    uint64_t returned, returned_most; /* since the clock was read last, and at most so far */
    uint64_t reserved, reserve_most;  /* 0: no bound */
    uint64_t committed, commit_most;
};

static uint64_t watch_now(void *context)
{
    struct watch *watch = context;
    watch->returned = 0;
    return watch->real.now_ns(watch->real.context);
}

static void *watch_reserve(void *context, size_t bytes)
{
    struct watch *watch = context;
    if (watch->reserve_most != 0 && bytes > watch->reserve_most - watch->reserved)
        return NULL;
    watch->reserved += bytes;
    return watch->real.pages_reserve(watch->real.context, bytes);
}

static void watch_unreserve(void *context, void *at, size_t bytes)
{
    struct watch *watch = context;
    watch->reserved -= bytes;
    watch->real.pages_unreserve(watch->real.context, at, bytes);
}

static bool watch_commit(void *context, void *at, size_t bytes)
{
    struct watch *watch = context;
    if (watch->commit_most != 0 && bytes > watch->commit_most - watch->committed)
        return false;
    watch->committed += bytes;
    return watch->real.pages_commit(watch->real.context, at, bytes);
}

static void watch_return(void *context, void *at, size_t bytes)
{
    struct watch *watch = context;
    watch->returned += bytes;
    if (watch->returned > watch->returned_most)
        watch->returned_most = watch->returned;
    watch->real.pages_return(watch->real.context, at, bytes);
}

static void forget_boundaries(struct watch *watch, const uint8_t *from, const uint8_t *end)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < watch->boundary_count; i++)
        if (watch->boundaries[i] < from || watch->boundaries[i] > end)
            watch->boundaries[kept++] = watch->boundaries[i];
    watch->boundary_count = kept;
}

static bool watch_move(void *context, void *from, void *to, size_t bytes)
{
    struct watch *watch = context;
    uint8_t *source = from, *target = to;
    for (unsigned i = 0; i < watch->boundary_count; i++)
        CHECK(watch->boundaries[i] <= source || watch->boundaries[i] >= source + bytes);
    CHECK(watch->boundary_count + 2 <= BOUNDARIES_MAX);
    forget_boundaries(watch, target, target + bytes);
    watch->boundaries[watch->boundary_count++] = target;
    watch->boundaries[watch->boundary_count++] = target + bytes;
    watch->moves++;
    watch->moved_bytes += bytes;
    return watch->real.pages_move(watch->real.context, from, to, bytes);
}

static const char *const kind_names[] = { "one", "two" };

static void watch_init(struct watch *watch)
{
    memset(watch, 0, sizeof *watch);
    os_seam_init(&watch->real);
    watch->seam = watch->real;
    watch->seam.context = watch;
    watch->seam.now_ns = watch_now;
    watch->seam.pages_reserve = watch_reserve;
    watch->seam.pages_unreserve = watch_unreserve;
    watch->seam.pages_commit = watch_commit;
    watch->seam.pages_return = watch_return;
    watch->seam.pages_move = watch_move;
    rng_init(&watch->rng, test_seed());
}

static void watch_start(struct watch *watch, uint64_t reserve_bytes)
{
    watch_init(watch);
    watch->heap = heap_new(&watch->seam, &(struct heap_options){ kind_names, 2, reserve_bytes });
    CHECK(watch->heap != NULL);
}

static struct heap_figures figures_of(const struct watch *watch)
{
    struct heap_figures figures;
    heap_figures(watch->heap, &figures);
    return figures;
}

/* What the kernel holds for blocks. */
static uint64_t resident_in(uint8_t *at, uint64_t bytes)
{
    static unsigned char present[1 << 16];
    uint64_t pages = 0;
    while (bytes > 0) {
        uint64_t part = bytes < sizeof present * PAGE_BYTES ? bytes : sizeof present * PAGE_BYTES;
        CHECK_EQ(mincore(at, part, present), 0);
        for (uint64_t page = 0; page < part / PAGE_BYTES; page++)
            pages += present[page] & 1;
        at += part;
        bytes -= part;
    }
    return pages * PAGE_BYTES;
}

static uint64_t resident(const struct watch *watch)
{
    const struct heap *heap = watch->heap;
    return resident_in(heap->base, (uint64_t)heap->chunks << CHUNK_SHIFT) +
           resident_in(heap->run_base, (uint64_t)(heap->end - heap->run_base));
}

static uint64_t accounted(const struct watch *watch)
{
    struct heap_figures figures = figures_of(watch);
    return figures.active + figures.free_spans;
}

static void drop(struct watch *watch)
{
    CHECK(heap_valid(watch->heap));
    heap_drop(watch->heap);
    CHECK_EQ(watch->reserved, 0);
}

static uint8_t *grow(struct watch *watch, uint8_t *block, size_t from, size_t to, uint8_t fill)
{
    block = heap_resize(watch->heap, block, to, 0);
    CHECK(block != NULL);
    CHECK(block[0] == fill && block[from / 2] == fill && block[from - 1] == fill);
    memset(block + from, fill, to - from);
    CHECK(heap_valid(watch->heap));
    return block;
}

TEST(a_growing_run_is_moved_by_its_mappings_and_never_copied)
{
    static struct watch watch;
    watch_start(&watch, 0);
    size_t bytes = 300 * 1024;
    uint8_t *block = heap_take(watch.heap, bytes, 0);
    memset(block, 7, bytes);
    for (; bytes < 80 * MIB; bytes = bytes * 5 / 3) {
        uint64_t moves = watch.moves;
        uint8_t *grown = grow(&watch, block, bytes, bytes * 5 / 3, 7);
        CHECK(grown == block || watch.moves > moves);
        block = grown;
        /* Old and new together hold no more than the new one. */
        CHECK_EQ(accounted(&watch), run_pages(bytes * 5 / 3));
        CHECK_EQ(resident(&watch), accounted(&watch));
    }
    heap_give(watch.heap, block);
    heap_purge(watch.heap);
    CHECK_EQ(resident(&watch), 0);
    drop(&watch);
}

TEST(many_growing_runs_keep_their_bytes_and_their_mappings_few)
{
    static struct watch watch;
    enum { RUNS = 20, TURNS = 400 };
    static uint8_t *runs[RUNS];
    static size_t bytes[RUNS];
    watch_start(&watch, 0);
    memset(runs, 0, sizeof runs);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned at = (unsigned)rng_below(&watch.rng, RUNS);
        size_t wanted = HEAP_CELL_MAX + 1 + rng_below(&watch.rng, 6 * MIB);
        if (runs[at] != NULL && (wanted < bytes[at] || turn % 5 == 0)) {
            heap_give(watch.heap, runs[at]);
            runs[at] = NULL;
        } else if (runs[at] != NULL) {
            runs[at] = grow(&watch, runs[at], bytes[at], wanted, (uint8_t)(at + 1));
            bytes[at] = wanted;
        } else {
            runs[at] = heap_take(watch.heap, wanted, 0);
            memset(runs[at], (int)at + 1, wanted);
            bytes[at] = wanted;
        }
        heap_tidy_step(watch.heap, turn % 3 == 0 ? 0 : UINT64_MAX);
        CHECK(heap_valid(watch.heap));
    }
    CHECK(watch.moves > 0);
    CHECK(watch.boundary_count <= 2 * (watch.heap->run_cuts + RUNS));
    CHECK(watch.heap->run_cuts < 200);
    for (unsigned at = 0; at < RUNS; at++)
        if (runs[at] != NULL)
            heap_give(watch.heap, runs[at]);
    drop(&watch);
}

TEST(a_shrunk_run_gives_its_pages_back_in_steps)
{
    static struct watch watch;
    watch_start(&watch, 0);
    uint8_t *block = heap_take(watch.heap, 40 * MIB, 0);
    memset(block, 9, 40 * MIB);
    watch.returned = watch.returned_most = 0;
    block = heap_resize(watch.heap, block, 70 * 1024, 0);
    CHECK(block != NULL && block[70 * 1024 - 1] == 9);
    CHECK_EQ(watch.returned_most, 0);
    CHECK_EQ(figures_of(&watch).active, run_pages(70 * 1024));
    CHECK_EQ(accounted(&watch), 40 * MIB);
    for (int step = 0; step < 10; step++)
        CHECK(!heap_tidy_step(watch.heap, 0));
    /* Grown again before all has gone: what was not returned is still there. */
    block = grow(&watch, block, 70 * 1024, 35 * MIB, 9);
    CHECK(heap_tidy_step(watch.heap, UINT64_MAX));
    CHECK(block[35 * MIB - 1] == 9);
    CHECK_EQ(accounted(&watch), 35 * MIB);
    CHECK_EQ(resident(&watch), 35 * MIB);
    /* Given while it shrinks. */
    block = heap_resize(watch.heap, block, 5 * MIB, 0);
    heap_tidy_step(watch.heap, 0);
    heap_give(watch.heap, block);
    CHECK(heap_valid(watch.heap));
    CHECK(heap_tidy_step(watch.heap, UINT64_MAX));
    CHECK_EQ(resident(&watch), 0);
    CHECK_EQ(accounted(&watch), 0);
    CHECK(watch.returned_most <= MIB);
    drop(&watch);
}

TEST(no_call_gives_back_much_at_once)
{
    static struct watch watch;
    enum { CELLS = 700 };
    static uint8_t *cells[CELLS];
    watch_start(&watch, 0);
    for (unsigned i = 0; i < CELLS; i++) {
        cells[i] = heap_take(watch.heap, 50000 + i % 3 * 5000, 0);
        memset(cells[i], 1, 50000);
    }
    for (unsigned i = 0; i < CELLS; i++) {
        watch.returned = 0;
        heap_give(watch.heap, cells[i]);
    }
    CHECKF(watch.returned_most <= GIVE_MAX, "%ju at once", (uintmax_t)watch.returned_most);
    watch.returned_most = 0;
    while (!heap_tidy_step(watch.heap, 0))
        ;
    CHECKF(watch.returned_most <= MIB, "%ju at once", (uintmax_t)watch.returned_most);
    drop(&watch);
}

TEST(what_is_counted_is_what_the_kernel_holds)
{
    static struct watch watch;
    enum { BLOCKS = 3000, TURNS = 30000 };
    static uint8_t *blocks[BLOCKS];
    watch_start(&watch, 0);
    memset(blocks, 0, sizeof blocks);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned at = (unsigned)rng_below(&watch.rng, BLOCKS);
        if (blocks[at] != NULL) {
            heap_give(watch.heap, blocks[at]);
            blocks[at] = NULL;
        } else {
            unsigned bits = 3 + (unsigned)rng_below(&watch.rng, 15);
            size_t bytes = 1 + rng_below(&watch.rng, (uint64_t)1 << bits);
            blocks[at] = heap_take(watch.heap, bytes, turn % 2);
            CHECK(blocks[at] != NULL);
            memset(blocks[at], 1, bytes);
        }
        if (turn % 1000 == 0)
            heap_tidy_step(watch.heap, 0);
        if (turn % 5000 == 4999) {
            uint64_t counted = accounted(&watch), held = resident(&watch);
            /* A block's last pages may be untouched: it was asked for with fewer bytes. */
            CHECKF(held <= counted && counted - held <= counted / 32, "counted %ju, held %ju",
                   (uintmax_t)counted, (uintmax_t)held);
        }
    }
    for (unsigned at = 0; at < BLOCKS; at++)
        if (blocks[at] != NULL)
            heap_give(watch.heap, blocks[at]);
    heap_purge(watch.heap);
    CHECK_EQ(resident(&watch), 0);
    CHECK_EQ(accounted(&watch), 0);
    drop(&watch);
}

/* Fills the heap with blocks of one size, and empties it; returns how many there was room for. */
static unsigned fill_and_empty(struct watch *watch, size_t bytes)
{
    static void *blocks[40000];
    unsigned count = 0;
    while (count < 40000 && (blocks[count] = heap_take(watch->heap, bytes, 0)) != NULL)
        count++;
    CHECK(heap_valid(watch->heap));
    for (unsigned i = 0; i < count; i++)
        heap_give(watch->heap, blocks[i]);
    CHECK(heap_valid(watch->heap));
    return count;
}

TEST(a_small_reservation_serves_every_size_in_turn)
{
    static struct watch watch;
    const size_t sizes[] = { 1000,   70000, 3000,    60000, 2 * MIB, 5000, 9000,
                             150000, 20000, 5 * MIB, 900,   300000,  40000 };
    watch_start(&watch, 24 * MIB);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            uint64_t count = fill_and_empty(&watch, sizes[i]);
            uint64_t slot = sizes[i];
            while (sizes[i] > HEAP_CELL_MAX && (slot & (slot - 1)) != 0)
                slot += slot & -slot;
            if (sizes[i] > HEAP_CELL_MAX && slot < 128 * 1024)
                slot = 128 * 1024;
            CHECKF(count * slot >= 24 * MIB / 10 * 7, "%ju of %zu bytes", (uintmax_t)count,
                   sizes[i]);
        }
    drop(&watch);
}

TEST(short_address_space_is_shared_with_others)
{
    static struct watch watch;
    const uint64_t budgets[] = { 8192, 1024, 900, 300, 64 };
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        watch_init(&watch);
        watch.reserve_most = budgets[i] * MIB;
        watch.heap = heap_new(&watch.seam, &(struct heap_options){ kind_names, 2, 0 });
        CHECK(watch.heap != NULL);
        CHECKF(watch.reserved <= watch.reserve_most * 6 / 10, "%ju of %ju",
               (uintmax_t)watch.reserved, (uintmax_t)watch.reserve_most);
        CHECK(watch.reserved >= watch.reserve_most * 3 / 10);
        void *block = heap_take(watch.heap, 100, 0);
        CHECK(block != NULL);
        heap_give(watch.heap, block);
        drop(&watch);
    }
    watch_init(&watch);
    watch.reserve_most = 2 * MIB;
    CHECK(heap_new(&watch.seam, &(struct heap_options){ kind_names, 2, 0 }) == NULL);
    CHECK_EQ(watch.reserved, 0);
}

TEST(an_empty_heap_commits_next_to_nothing)
{
    static struct watch watch;
    watch_start(&watch, 0);
    CHECK_EQ(watch.committed, 0);
    watch.commit_most = 4 * MIB; /* strict accounting of what may be written to */
    uint8_t *cell = heap_take(watch.heap, 100, 0), *run = heap_take(watch.heap, 100000, 0);
    CHECK(cell != NULL && run != NULL);
    CHECK(heap_take(watch.heap, 8 * MIB, 0) == NULL);
    CHECK(heap_resize(watch.heap, run, 8 * MIB, 0) == NULL);
    CHECK(heap_resize(watch.heap, cell, 8 * MIB, 0) == NULL);
    CHECK(heap_valid(watch.heap));
    heap_give(watch.heap, cell);
    heap_give(watch.heap, run);
    drop(&watch);
}

/* Slots and chunks side by side until neither has room, then half of all given, then again. */
TEST(runs_and_cells_meet_in_the_middle)
{
    static struct watch watch;
    enum { BLOCKS = 4000, TURNS = 60000 };
    static uint8_t *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    uint64_t refused = 0;
    watch_start(&watch, 32 * MIB);
    memset(blocks, 0, sizeof blocks);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned at = (unsigned)rng_below(&watch.rng, BLOCKS);
        unsigned bits = 8 + (unsigned)rng_below(&watch.rng, turn / 15000 * 4 + 2);
        size_t bytes = 1 + rng_below(&watch.rng, (uint64_t)1 << bits);
        if (blocks[at] != NULL && turn % 4 != 0) {
            CHECK(blocks[at][0] == (uint8_t)at && blocks[at][sizes[at] - 1] == (uint8_t)at);
            heap_give(watch.heap, blocks[at]);
            blocks[at] = NULL;
            continue;
        }
        uint8_t *got = blocks[at] == NULL ? heap_take(watch.heap, bytes, 0)
                                          : heap_resize(watch.heap, blocks[at], bytes, 0);
        if (got == NULL) {
            refused++;
            continue;
        }
        CHECK(blocks[at] == NULL || got[0] == (uint8_t)at);
        got[0] = got[bytes - 1] = (uint8_t)at;
        blocks[at] = got;
        sizes[at] = bytes;
        if (turn % 500 == 0)
            CHECK(heap_valid(watch.heap));
    }
    CHECK(refused > 0);
    for (unsigned at = 0; at < BLOCKS; at++)
        if (blocks[at] != NULL)
            heap_give(watch.heap, blocks[at]);
    drop(&watch);
}
