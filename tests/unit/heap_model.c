/* The heap beside a naive model: takes, gives, resizes and moves at random, every block's bytes
 * checked, the whole heap verified as it goes. */
#include "base/rng.h"
#include "harness.h"
#include "heap/heap.h"
#include "heap/inside.h"
#include "heap/mover.h"
#include "os/seam.h"

#include <string.h>

enum { BLOCKS = 4000, STEPS = 60000, KINDS = 3 };

struct model_block {
    uint8_t *at;
    size_t bytes;
    unsigned kind;
    uint8_t fill;
};

struct model {
    struct heap *heap;
    struct rng rng;
    struct seam seam;
    struct model_block blocks[BLOCKS];
    bool refuse_moves;
};

static const char *const names[KINDS] = { "a", "b", "c" };

static void model_init(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof *model);
    os_seam_init(&model->seam);
    rng_init(&model->rng, seed);
    model->heap = heap_new(&model->seam, &(struct heap_options){ names, KINDS, 0 });
    CHECK(model->heap != NULL);
}

static size_t random_bytes(struct rng *rng)
{
    switch (rng_below(rng, 8)) {
    case 0:
        return 1 + rng_below(rng, HEAP_CELL_MAX);
    case 1:
        return 1 + rng_below(rng, 4096);
    case 2:
        return rng_below(rng, 16) == 0 ? HEAP_CELL_MAX + 1 + rng_below(rng, 300000) : 100;
    default:
        return 1 + rng_below(rng, 300);
    }
}

static void fill_block(struct model *model, struct model_block *block)
{
    block->fill = (uint8_t)rng_next(&model->rng);
    memset(block->at, block->fill, block->bytes);
}

static bool filled(const struct model_block *block, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        if (block->at[at] != block->fill)
            return false;
    return true;
}

static void take_one(struct model *model, struct model_block *block)
{
    block->bytes = random_bytes(&model->rng);
    block->kind = (unsigned)rng_below(&model->rng, KINDS);
    block->at = heap_take(model->heap, block->bytes, block->kind);
    CHECK(block->at != NULL);
    CHECK(((uintptr_t)block->at & 7) == 0);
    CHECK(heap_block_bytes(model->heap, block->at) >= block->bytes);
    CHECK_EQ(heap_block_kind(model->heap, block->at), block->kind);
    CHECK(heap_at(heap_base(model->heap), heap_ref(heap_base(model->heap), block->at)) ==
          block->at);
    fill_block(model, block);
}

static void resize_one(struct model *model, struct model_block *block)
{
    size_t bytes = random_bytes(&model->rng);
    size_t common = bytes < block->bytes ? bytes : block->bytes;
    block->at = heap_resize(model->heap, block->at, bytes, block->kind);
    CHECK(block->at != NULL);
    CHECK(filled(block, common));
    block->bytes = bytes;
    fill_block(model, block);
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct model *model = context;
    for (size_t at = 0; at < count; at++)
        for (size_t i = 0; i < BLOCKS && !model->refuse_moves; i++)
            if (model->blocks[i].at == moves[at].from) {
                CHECK_EQ(model->blocks[i].kind, kind);
                model->blocks[i].at = moves[at].to;
                moves[at].done = true;
            }
}

static void step(struct model *model)
{
    struct model_block *block = &model->blocks[rng_below(&model->rng, BLOCKS)];
    if (block->at == NULL) {
        take_one(model, block);
    } else if (rng_below(&model->rng, 3) == 0) {
        resize_one(model, block);
    } else {
        CHECK(filled(block, block->bytes));
        heap_give(model->heap, block->at);
        block->at = NULL;
    }
}

static void move_until_idle(struct model *model)
{
    struct heap_mover mover = { repoint, model };
    while (heap_move_step(model->heap, &mover, 0) != HEAP_MOVE_IDLE)
        ;
}

static void check_all(struct model *model)
{
    uint64_t blocks = 0;
    CHECK(heap_valid(model->heap));
    for (size_t i = 0; i < BLOCKS; i++)
        if (model->blocks[i].at != NULL) {
            blocks++;
            CHECK(filled(&model->blocks[i], model->blocks[i].bytes));
        }
    struct heap_figures figures;
    heap_figures(model->heap, &figures);
    CHECK_EQ(figures.blocks, blocks);
}

static void give_all(struct model *model)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (model->blocks[i].at != NULL)
            heap_give(model->heap, model->blocks[i].at);
    struct heap_figures figures;
    heap_figures(model->heap, &figures);
    CHECK(heap_valid(model->heap));
    CHECK_EQ(figures.blocks, 0);
    CHECK_EQ(figures.allocated, 0);
    CHECK_EQ(figures.active, 0);
    heap_purge(model->heap);
    heap_figures(model->heap, &figures);
    CHECK_EQ(figures.free_spans, 0);
    heap_drop(model->heap);
}

TEST(heap_agrees_with_a_model)
{
    static struct model model;
    model_init(&model, test_seed());
    for (int i = 0; i < STEPS; i++) {
        step(&model);
        if (i % 997 == 0)
            CHECK(heap_valid(model.heap));
        if (i % 5003 == 0)
            heap_tidy_step(model.heap, seam_now_ns(&model.seam) + 1000000);
    }
    check_all(&model);
    give_all(&model);
}

TEST(moving_keeps_every_block_and_ends)
{
    static struct model model;
    model_init(&model, test_seed());
    struct heap_mover mover = { repoint, &model };
    for (int i = 0; i < STEPS / 2; i++) {
        step(&model);
        if (i % 50 == 0)
            heap_move_step(model.heap, &mover, 0);
        if (i % 1999 == 0)
            CHECK(heap_valid(model.heap));
    }
    move_until_idle(&model);
    CHECK_EQ(heap_reclaimable(model.heap), 0);
    check_all(&model);
    give_all(&model);
}

TEST(every_block_moves_when_told)
{
    static struct model model;
    model_init(&model, test_seed());
    struct heap_mover mover = { repoint, &model };
    for (int i = 0; i < 300; i++)
        take_one(&model, &model.blocks[i]);
    struct heap_figures before, after;
    heap_figures(model.heap, &before);
    heap_move_all(model.heap, &mover, UINT64_MAX);
    heap_figures(model.heap, &after);
    CHECK(after.moved_blocks - before.moved_blocks >= before.blocks - before.runs);
    check_all(&model);
    give_all(&model);
}

TEST(a_block_that_cannot_move_is_missed_and_stays)
{
    static struct model model;
    model_init(&model, test_seed());
    for (int i = 0; i < BLOCKS; i++) {
        model.blocks[i] = (struct model_block){ .bytes = 200, .kind = 0 };
        model.blocks[i].at = heap_take(model.heap, 200, 0);
        fill_block(&model, &model.blocks[i]);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (i % 4 != 0) {
            heap_give(model.heap, model.blocks[i].at);
            model.blocks[i].at = NULL;
        }
    model.refuse_moves = true;
    move_until_idle(&model); /* ends, though nothing can be moved */
    struct heap_figures figures;
    heap_figures(model.heap, &figures);
    CHECK(figures.missed_blocks > 0);
    CHECK_EQ(figures.moved_blocks, 0);
    check_all(&model);
    give_all(&model);
}

TEST(sparse_spans_are_given_back)
{
    static struct model model;
    model_init(&model, test_seed());
    enum { MANY = 100000 };
    static uint8_t *many[MANY];
    for (int i = 0; i < MANY; i++)
        many[i] = heap_take(model.heap, 176, 1);
    struct heap_figures full, healed;
    heap_figures(model.heap, &full);
    uint64_t live = 0;
    for (int i = 0; i < MANY; i++)
        if (rng_below(&model.rng, 4) != 0)
            heap_give(model.heap, many[i]);
        else if (live < BLOCKS)
            model.blocks[live++] = (struct model_block){ many[i], 1, 1, 0 };
        else
            heap_give(model.heap, many[i]);
    for (uint64_t i = 0; i < live; i++)
        fill_block(&model, &model.blocks[i]);
    move_until_idle(&model);
    heap_figures(model.heap, &healed);
    CHECK(healed.active < healed.allocated + healed.allocated / 20 + 2 * HEAP_SPAN_BYTES);
    CHECK(healed.active < full.active / 10);
    /* What was moved is no more than what was live. */
    CHECK(healed.moved_blocks <= live);
    check_all(&model);
    give_all(&model);
}

TEST(size_classes_waste_little)
{
    struct size_classes classes;
    size_classes_init(&classes);
    for (size_t bytes = 1; bytes <= HEAP_CELL_MAX; bytes++) {
        unsigned at = size_class_of(&classes, bytes);
        const struct size_class *class = &classes.of[at];
        CHECK(class->cell_bytes >= bytes);
        CHECK(at == 0 || classes.of[at - 1].cell_bytes < bytes);
        CHECK(class->cell_bytes % 8 == 0);
        /* With rounding and the span's tail: at most 5 % from 2 KiB on. */
        double span = (double)((size_t)HEAP_SPAN_BYTES << class->order);
        double used = (double)class->capacity * (double)bytes;
        if (bytes >= 2048)
            CHECKF(used / span >= 0.95, "bytes=%zu used=%f", bytes, used / span);
    }
}

TEST(tags_follow_the_blocks)
{
    static struct model model;
    model_init(&model, test_seed());
    uint8_t *early = heap_take(model.heap, 64, 2);
    uint8_t *late = heap_take(model.heap, 64, 2);
    heap_tag_lower(model.heap, late, 500);
    CHECK_EQ(heap_tag(model.heap, early), 500);
    heap_tag_lower(model.heap, early, 100);
    heap_tag_lower(model.heap, early, 300);
    CHECK_EQ(heap_tag(model.heap, late), 100);
    heap_give(model.heap, early);
    heap_give(model.heap, late);
    heap_drop(model.heap);
}
