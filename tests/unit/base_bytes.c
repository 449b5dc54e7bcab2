/* Views, buffers, the arena, random numbers and ticks. */
#include "harness.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/ticks.h"
#include "os/seam.h"

TEST(bytes_compare_orders_as_memcmp_and_prefix_first)
{
    CHECK(bytes_compare(BYTES("abc"), BYTES("abd")) < 0);
    CHECK(bytes_compare(BYTES("b"), BYTES("abc")) > 0);
    CHECK(bytes_compare(BYTES("ab"), BYTES("abc")) < 0);
    CHECK(bytes_compare(BYTES("abc"), BYTES("ab")) > 0);
    CHECK(bytes_compare(BYTES(""), BYTES("")) == 0);
    CHECK(bytes_compare(bytes_of(NULL, 0), BYTES("a")) < 0);
    CHECK(bytes_compare(BYTES("\xff"), BYTES("a")) > 0);
    CHECK(bytes_compare(BYTES("a\0b"), BYTES("a\0c")) < 0);
}

TEST(bytes_equal_nocase_folds_ascii_alone)
{
    CHECK(bytes_equal_nocase(BYTES("GeT"), BYTES("gEt")));
    CHECK(!bytes_equal_nocase(BYTES("get"), BYTES("gets")));
    CHECK(!bytes_equal_nocase(BYTES("@"), BYTES("`")));
    CHECK(!bytes_equal_nocase(BYTES("["), BYTES("{")));
    CHECK(!bytes_equal_nocase(BYTES("\xc4"), BYTES("\xe4")));
    CHECK(bytes_is(BYTES("KEEPTTL"), "keepttl"));
    CHECK(bytes_equal(bytes_of(NULL, 0), BYTES("")));
}

TEST(buffer_holds_what_was_appended)
{
    enum { ROUNDS = 2000, BYTES_MAX = 20 * ROUNDS };
    static uint8_t model[BYTES_MAX];
    size_t count = 0;
    struct rng rng;
    rng_init(&rng, test_seed());
    struct buffer buffer = { 0 };
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t piece[20];
        size_t bytes = rng_below(&rng, sizeof(piece));
        for (size_t at = 0; at < bytes; at++)
            piece[at] = (uint8_t)rng_next(&rng);
        if (bytes == 1)
            CHECK(buffer_append_byte(&buffer, piece[0]));
        else
            CHECK(buffer_append(&buffer, bytes_of(piece, bytes)));
        memcpy(model + count, piece, bytes);
        count += bytes;
        size_t gone = rng_below(&rng, 4) == 0 ? rng_below(&rng, count + 1) : 0;
        buffer_consume(&buffer, gone);
        memmove(model, model + gone, count - gone);
        count -= gone;
        CHECK_BYTES(buffer_view(&buffer), bytes_of(model, count));
    }
    buffer_release(&buffer);
    CHECK(buffer.at == NULL && buffer.count == 0 && buffer.capacity == 0);
}

TEST(buffer_printf_grows_to_fit)
{
    struct buffer buffer = { 0 };
    CHECK(buffer_printf(&buffer, "%s:%d", "a", 7));
    CHECK_TEXT(buffer_view(&buffer), "a:7");
    CHECK(buffer_printf(&buffer, "%0500d", 1));
    CHECK_EQ(buffer.count, 503);
    CHECK_EQ(buffer.at[502], '1');
    CHECK(buffer_append_text(&buffer, "end"));
    CHECK_BYTES(bytes_of(buffer.at + 503, 3), BYTES("end"));
    buffer_release(&buffer);
}

TEST(buffer_printf_fills_up_to_the_last_byte)
{
    struct buffer buffer = { 0 };
    CHECK(buffer_reserve(&buffer, 100));
    size_t capacity = buffer.capacity;
    while (buffer.count < capacity - 4)
        CHECK(buffer_append_byte(&buffer, 'x'));
    CHECK(buffer_printf(&buffer, "%s", "abcd"));
    CHECK_BYTES(bytes_of(buffer.at + capacity - 4, 4), BYTES("abcd"));
    buffer_release(&buffer);
}

TEST(buffer_keeps_its_content_when_memory_fails)
{
    struct buffer buffer = { 0 };
    CHECK(buffer_append(&buffer, BYTES("stays")));
    memory_fail_after(0);
    CHECK(!buffer_reserve(&buffer, 1000 * 1000));
    CHECK_TEXT(buffer_view(&buffer), "stays");
    memory_fail_after(0);
    CHECK(!buffer_printf(&buffer, "%01000d", 1));
    CHECK_TEXT(buffer_view(&buffer), "stays");
    CHECK(!buffer_reserve(&buffer, SIZE_MAX));
    CHECK_TEXT(buffer_view(&buffer), "stays");
    buffer_release(&buffer);
}

TEST(arena_gives_separate_aligned_room)
{
    enum { TAKES = 500 };
    static uint8_t *taken[TAKES];
    static size_t bytes[TAKES];
    struct rng rng;
    rng_init(&rng, test_seed());
    struct arena arena;
    arena_init(&arena);
    uint64_t held = memory_held();
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < TAKES; i++) {
            bytes[i] = rng_below(&rng, rng_below(&rng, 20) == 0 ? 50000 : 200);
            taken[i] = arena_take(&arena, bytes[i]);
            CHECK(taken[i] != NULL && ((uintptr_t)taken[i] & 7) == 0);
            memset(taken[i], i & 255, bytes[i]);
        }
        for (int i = 0; i < TAKES; i++) {
            for (size_t at = 0; at < bytes[i]; at++)
                CHECK_EQ(taken[i][at], i & 255);
        }
        arena_reset(&arena);
        CHECK(arena.held <= 64 * 1024);
    }
    arena_release(&arena);
    CHECK_EQ(memory_held(), held);
}

TEST(arena_refuses_overflow_and_survives_no_memory)
{
    struct arena arena;
    arena_init(&arena);
    CHECK(arena_take_many(&arena, SIZE_MAX / 2, 3) == NULL);
    CHECK(arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(arena_take(&arena, SIZE_MAX - 10) == NULL);
    memory_fail_after(0);
    CHECK(arena_take(&arena, 1) == NULL);
    void *first = arena_take_many(&arena, 3, 5);
    void *empty = arena_take(&arena, 0);
    CHECK(first != NULL && empty != NULL && arena.used == 16);
    CHECK(arena_take(&arena, 1000 * 1000) != NULL);
    arena_reset(&arena);
    CHECK(arena_take(&arena, 1) == first);
    arena_release(&arena);
    CHECK(arena_take(&arena, 100 * 1000) != NULL);
    arena_reset(&arena);
    CHECK_EQ(arena.held, 0); /* too big to keep */
    arena_release(&arena);
}

/* The first outputs for these words of state, as every implementation gives them. */
TEST(rng_is_xoshiro256_starstar)
{
    struct rng rng = { { 1, 2, 3, 4 } };
    static const uint64_t wanted[] = { 11520, 0, 1509978240, 1215971899390074240 };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        CHECK_EQ(rng_next(&rng), wanted[i]);
}

TEST(rng_below_is_uniform)
{
    enum { BOUND = 10, DRAWS = 100000 };
    uint32_t counts[BOUND] = { 0 };
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = rng_below(&rng, BOUND);
        CHECK(drawn < BOUND);
        counts[drawn]++;
    }
    /* Ten standard deviations: a fair generator fails this less often than hardware does. */
    for (int i = 0; i < BOUND; i++)
        CHECKF(counts[i] > 9050 && counts[i] < 10950, "%d was drawn %u times", i, counts[i]);
    CHECK_EQ(rng_below(&rng, 1), 0);
    CHECK(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

/* Of a bound that is three quarters of 2^64, every third number is drawn twice as often by a
 * generator that does not draw again. */
TEST(rng_below_is_fair_for_great_bounds)
{
    enum { DRAWS = 10000 };
    struct rng rng;
    rng_init(&rng, test_seed());
    int thirds = 0;
    for (int i = 0; i < DRAWS; i++)
        thirds += rng_below(&rng, UINT64_C(3) << 62) % 3 == 0;
    CHECKF(thirds > 2800 && thirds < 3800, "%d of %d", thirds, DRAWS);
}

TEST(ticks_measure_time)
{
    struct seam seam;
    os_seam_init(&seam);
    struct ticks_rate rate;
    ticks_rate_init(&rate, &seam);
    uint64_t begin_ns = seam_now_ns(&seam);
    uint64_t begin = ticks_now();
    while (seam_now_ns(&seam) - begin_ns < 5 * 1000 * 1000)
        continue;
    uint64_t ticked = ticks_ns(&rate, ticks_now() - begin);
    uint64_t passed = seam_now_ns(&seam) - begin_ns;
    CHECKF(ticked > passed / 10 * 9 && ticked < passed / 10 * 11, "%llu ns ticked, %llu passed",
           (unsigned long long)ticked, (unsigned long long)passed);
}

static uint64_t standing_clock(void *context)
{
    (void)context;
    return 42;
}

TEST(ticks_end_their_measuring_on_a_clock_that_stands_still)
{
    struct seam seam = { .now_ns = standing_clock };
    struct ticks_rate rate;
    ticks_rate_init(&rate, &seam);
    CHECK_EQ(ticks_ns(&rate, 1000), 1000);
}
