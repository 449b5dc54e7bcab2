/* Memory from malloc: the total, the planned failure, the allocator's figures. */
#include "harness.h"

#include "base/memory.h"
#include "base/rng.h"

TEST(memory_held_follows_every_block)
{
    enum { BLOCKS = 200 };
    static uint8_t *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    struct rng rng;
    rng_init(&rng, test_seed());
    uint64_t before = memory_held();
    for (int i = 0; i < 5000; i++) {
        size_t which = rng_below(&rng, BLOCKS);
        size_t bytes = rng_below(&rng, 3000);
        switch (rng_below(&rng, 3)) {
        case 0:
            memory_give(blocks[which]);
            blocks[which] =
                rng_below(&rng, 2) == 0 ? memory_take(bytes) : memory_take_zeroed(bytes);
            break;
        case 1:
            blocks[which] = memory_resize(blocks[which], bytes);
            break;
        default:
            memory_give(blocks[which]);
            blocks[which] = NULL;
            bytes = 0;
            break;
        }
        sizes[which] = bytes;
    }
    uint64_t held = 0;
    for (int i = 0; i < BLOCKS; i++) {
        size_t usable = blocks[i] == NULL ? 0 : memory_usable(blocks[i]);
        CHECK(usable >= sizes[i]);
        held += usable;
    }
    CHECK_EQ(memory_held() - before, held);
    for (int i = 0; i < BLOCKS; i++)
        memory_give(blocks[i]);
    CHECK_EQ(memory_held(), before);
}

TEST(memory_take_zeroed_is_zero)
{
    uint8_t *block = memory_take_zeroed(1000);
    CHECK(block != NULL);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(block[i], 0);
    memory_give(block);
}

TEST(memory_of_no_bytes_is_a_block)
{
    void *block = memory_take(0);
    void *zeroed = memory_take_zeroed(0);
    CHECK(block != NULL && zeroed != NULL);
    memory_give(block);
    memory_give(zeroed);
    memory_give(NULL);
}

TEST(memory_fails_when_told_and_once)
{
    uint64_t before = memory_held();
    memory_fail_after(2);
    char *first = memory_take(10);
    char *second = memory_take_zeroed(10);
    CHECK(first != NULL && second != NULL);
    memset(first, 'x', 10);
    CHECK(memory_resize(first, 100) == NULL);
    CHECK_EQ(first[9], 'x');
    first = memory_resize(first, 100);
    CHECK(first != NULL && first[9] == 'x');
    memory_fail_after(0);
    memory_fail_after(UINT64_MAX);
    char *third = memory_take(10);
    CHECK(third != NULL);
    memory_give(first);
    memory_give(second);
    memory_give(third);
    CHECK_EQ(memory_held(), before);
}

static void count_text(void *context, const char *text)
{
    size_t *count = context;
    *count += strlen(text);
}

TEST(memory_figures_are_told)
{
    struct memory_figures figures;
    void *block = memory_take(100 * 1000);
    CHECK(block != NULL);
    memory_figures(&figures);
    /* The sanitizers' malloc has no figures at all, and its usable sizes are the sizes asked. */
    CHECK(figures.active >= figures.allocated || figures.active == 0);
    CHECK(memory_allocator_name()[0] != '\0');
    memory_purge();
    size_t count = 0;
    memory_malloc_stats(count_text, &count);
    memory_give(block);
}
