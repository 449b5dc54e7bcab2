/* Elements written and read back: each class of length, each width of integer, runs and scores; and
 * bytes from outside that only look like elements. */
#include "base/number.h"
#include "harness.h"
#include "struct/packed.h"
#include "struct_world.h"

#include <math.h>
#include <stdlib.h>

enum { TEXT_MAX = 200 * 1024 };

struct bench {
    struct struct_world world;
    struct root *root; /* counts runs */
    uint8_t *text, *packed;
};

static void bench_init(struct bench *bench)
{
    struct_world_init(&bench->world);
    bench->root = root_new(&bench->world.space, 0, 0, 0);
    bench->text = malloc(TEXT_MAX);
    bench->packed = malloc(TEXT_MAX);
    CHECK(bench->root != NULL && bench->text != NULL && bench->packed != NULL);
}

static void bench_release(struct bench *bench)
{
    CHECK_EQ(bench->root->outside, 0);
    CHECK_EQ(bench->root->outside_bytes, 0);
    root_drop(&bench->world.space, bench->root);
    struct_world_release(&bench->world);
    free(bench->text);
    free(bench->packed);
}

/* Writes an element into a block of its own size, where a sanitizer sees every byte past it. */
static uint8_t *write_element(const struct packed_item *item)
{
    uint8_t *at = malloc(packed_item_bytes(item));
    CHECK(at != NULL);
    CHECK(packed_write(at, item) == at + packed_item_bytes(item));
    return at;
}

/* Text in, the same out; its element is `bytes` long; found by itself and not by its neighbour. */
static void check_text(struct bench *bench, struct bytes text, size_t bytes)
{
    struct space *space = &bench->world.space;
    struct packed_item item, sought;
    uint8_t digits[NUMBER_I64_MAX];
    CHECK_EQ(packed_prepare(space, bench->root, text, &item), ERR_NONE);
    packed_sought(text, &sought);
    CHECK_EQ(packed_item_bytes(&item), bytes);
    uint8_t *at = write_element(&item);
    CHECK_EQ(packed_bytes(at), bytes);
    CHECK(packed_next(at) == at + bytes);
    CHECK_BYTES(packed_view(space, at, digits), text);
    CHECK_EQ(packed_text_bytes(space, at), text.count);
    CHECK(packed_is(space, at, &sought) && packed_is(space, at, &item));
    CHECK_EQ(packed_hash(space, at), hash_bytes(&space->seed, text));
    CHECK_EQ(packed_run(at) != 0, text.count > PACKED_INSIDE_MAX);
    CHECK_EQ(packed_check(at, bytes, false), packed_run(at) == 0);
    for (size_t left = 0; left < bytes && left < 40; left++)
        CHECK(!packed_check(at, left, true));
    CHECK(!packed_check(at, bytes - 1, true));
    packed_empty(space, bench->root, at);
    free(at);
}

static void check_length(struct bench *bench, size_t count, size_t head)
{
    memset(bench->text, 'x', count);
    bool run = count > PACKED_INSIDE_MAX;
    check_text(bench, bytes_of(bench->text, count), run ? 14 : head + count);
    for (size_t i = 0; i < count; i++)
        bench->text[i] = (uint8_t)rng_next(&bench->world.rng) | 0x80;
    check_text(bench, bytes_of(bench->text, count), run ? 14 : head + count);
}

TEST(packed_strings_of_every_class_of_length)
{
    struct bench bench;
    bench_init(&bench);
    for (size_t count = 0; count <= 300; count++)
        check_length(&bench, count, count < 128 ? 1 : 2);
    for (size_t count = 16300; count <= 16500; count++)
        check_length(&bench, count, count < 16384 ? 2 : 3);
    for (size_t count = PACKED_INSIDE_MAX - 5; count < PACKED_INSIDE_MAX + 5; count++)
        check_length(&bench, count, 3);
    for (size_t count = HEAP_CELL_MAX - 3; count < HEAP_CELL_MAX + 3; count++)
        check_length(&bench, count, 0);
    check_length(&bench, TEXT_MAX, 0);
    struct packed_item item;
    packed_sought(bytes_of(NULL, 0), &item);
    CHECK_EQ(packed_item_bytes(&item), 1);
    bench_release(&bench);
}

static size_t width_of(int64_t number)
{
    size_t width = 1;
    while (width < 8 &&
           (number < -(INT64_C(1) << (8 * width - 1)) || number >= INT64_C(1) << (8 * width - 1)))
        width++;
    return width;
}

static void check_integer(struct bench *bench, int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes text = bytes_of(digits, number_write_i64(digits, number));
    check_text(bench, text, 1 + width_of(number));
    struct packed_item item;
    packed_prepare_i64(number, &item);
    uint8_t *at = write_element(&item);
    CHECK(packed_is_integer(at));
    CHECK_EQ(packed_integer(at), number);
    CHECK(packed_score(at) == (double)number);
    free(at);
}

TEST(packed_integers_of_every_width)
{
    struct bench bench;
    bench_init(&bench);
    for (int64_t number = -300; number <= 300; number++)
        check_integer(&bench, number);
    for (unsigned bits = 7; bits < 63; bits++) {
        int64_t edge = INT64_C(1) << bits;
        for (int64_t more = -2; more <= 2; more++) {
            check_integer(&bench, edge + more);
            check_integer(&bench, -edge + more);
        }
    }
    check_integer(&bench, INT64_MAX);
    check_integer(&bench, INT64_MIN);
    for (int i = 0; i < 2000; i++)
        check_integer(&bench,
                      (int64_t)rng_next(&bench.world.rng) >> rng_below(&bench.world.rng, 64));
    bench_release(&bench);
}

/* What is no number as we write numbers is a string. */
TEST(packed_almost_integers_are_strings)
{
    static const char *const texts[] = {
        "",
        "-",
        "+1",
        "01",
        "-0",
        "00",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "1e3",
        "1a",
        "a1",
        "--",
        "-a",
        "-",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "123456789012345678901",
        "1\n",
    };
    struct bench bench;
    bench_init(&bench);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_text(&bench, bytes_of_text(texts[i]), 1 + strlen(texts[i]));
    check_text(&bench, BYTES("1\0"), 3);
    bench_release(&bench);
}

/* --- runs ------------------------------------------------------------------------------------- */

TEST(packed_runs_are_counted_and_compared)
{
    struct bench bench;
    bench_init(&bench);
    struct space *space = &bench.world.space;
    struct packed_item one, other, sought;
    memset(bench.text, 'r', TEXT_MAX);
    CHECK_EQ(packed_prepare(space, bench.root, bytes_of(bench.text, TEXT_MAX), &one), ERR_NONE);
    CHECK_EQ(packed_prepare(space, bench.root, bytes_of(bench.text, TEXT_MAX - 1), &other),
             ERR_NONE);
    CHECK_EQ(bench.root->outside, 2);
    CHECK(bench.root->outside_bytes >= 2 * TEXT_MAX - 1);
    uint8_t *at = write_element(&one);
    packed_sought(bytes_of(bench.text, TEXT_MAX), &sought);
    CHECK(packed_is(space, at, &sought) && packed_is(space, at, &one));
    CHECK(!packed_is(space, at, &other));
    bench.text[TEXT_MAX - 1]++;
    CHECK(!packed_is(space, at, &sought));
    CHECK(packed_is(space, at, &one));
    packed_sought(BYTES("x"), &sought);
    CHECK(!packed_is(space, at, &sought));
    packed_item_empty(space, bench.root, &sought);
    packed_item_empty(space, bench.root, &other);
    CHECK_EQ(bench.root->outside, 1);
    packed_empty(space, bench.root, at);
    free(at);
    bench_release(&bench);
}

/* Runs stand above all cells, and cannot be mistaken for what the mover moves. */
TEST(packed_short_runs_are_runs_all_the_same)
{
    struct bench bench;
    bench_init(&bench);
    struct packed_item item;
    struct bytes text = bytes_of(bench.text, PACKED_INSIDE_MAX + 1);
    memset(bench.text, 's', text.count);
    CHECK_EQ(packed_prepare(&bench.world.space, bench.root, text, &item), ERR_NONE);
    struct heap_figures figures;
    heap_figures(bench.world.heap, &figures);
    CHECK_EQ(figures.runs, 1);
    struct_world_refuse(&bench.world, true);
    struct packed_item refused;
    memset(bench.text, 's', TEXT_MAX);
    CHECK_EQ(
        packed_prepare(&bench.world.space, bench.root, bytes_of(bench.text, TEXT_MAX), &refused),
        ERR_MEMORY);
    struct_world_refuse(&bench.world, false);
    CHECK_EQ(bench.root->outside, 1);
    packed_item_empty(&bench.world.space, bench.root, &item);
    bench_release(&bench);
}

/* --- scores ----------------------------------------------------------------------------------- */

static void check_score(double score, size_t bytes)
{
    struct packed_item item;
    packed_prepare_score(score, &item);
    CHECK_EQ(packed_item_bytes(&item), bytes);
    uint8_t *at = write_element(&item);
    double back = packed_score(at);
    CHECK(memcmp(&back, &score, sizeof score) == 0);
    CHECK_EQ(packed_bytes(at), bytes);
    CHECK(packed_check(at, bytes, true));
    CHECK_EQ(packed_check(at, bytes, false), packed_is_integer(at));
    CHECK(!packed_check(at, bytes - 1, true));
    free(at);
}

TEST(packed_scores_keep_every_bit)
{
    const double two_53 = 9007199254740992.0;
    check_score(0.0, 2);
    check_score(-0.0, 9);
    check_score(1, 2);
    check_score(-128, 2);
    check_score(128, 3);
    check_score(0.5, 9);
    check_score(INFINITY, 9);
    check_score(-INFINITY, 9);
    check_score(two_53 - 1, 8);
    check_score(-(two_53 - 1), 8);
    check_score(two_53, 9);
    check_score(-two_53, 9);
    check_score(two_53 + 2, 9);
    check_score(-(two_53 + 2), 9);
    check_score(1e300, 9);
    check_score(-1e300, 9);
    check_score(5e-324, 9);
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 5000; i++) {
        double score;
        uint64_t bits = rng_next(&rng);
        memcpy(&score, &bits, sizeof score);
        if (isnan(score))
            continue;
        struct packed_item item;
        packed_prepare_score(score, &item);
        check_score(score, packed_item_bytes(&item));
        score = (double)((int64_t)rng_next(&rng) >> (11 + rng_below(&rng, 53)));
        check_score(score, 1 + width_of((int64_t)score));
    }
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Short strings, integers, long strings and runs, few enough of each to meet again. */
static struct bytes random_text(struct bench *bench)
{
    struct rng *rng = &bench->world.rng;
    size_t count = rng_below(rng, 20);
    uint64_t kind = rng_below(rng, 12);
    if (kind == 0)
        count = 120 + rng_below(rng, 20);
    if (kind == 1)
        count = 16380 + rng_below(rng, 8);
    if (kind == 2)
        count = PACKED_INSIDE_MAX - 1 + rng_below(rng, 4);
    memset(bench->text, kind < 8 ? 'f' : '1', count);
    if (count > 0)
        bench->text[rng_below(rng, count)] = (uint8_t)('0' + rng_below(rng, 3));
    return bytes_of(bench->text, count);
}

enum { FOUND_ELEMENTS = 12 };

/* The place by comparing whole texts. */
static const uint8_t *naive_find(const struct bench *bench, const uint8_t *end, struct bytes text)
{
    uint8_t digits[NUMBER_I64_MAX];
    for (const uint8_t *at = bench->packed; at < end; at = packed_next(at))
        if (bytes_equal(packed_view(&bench->world.space, at, digits), text))
            return at;
    return NULL;
}

static const uint8_t *find(const struct space *space, const uint8_t *at, const uint8_t *end,
                           const struct packed_item *item)
{
    for (; at < end; at = packed_next(at))
        if (packed_is(space, at, item))
            return at;
    return NULL;
}

static void find_among_random(struct bench *bench)
{
    struct space *space = &bench->world.space;
    struct packed_item item;
    uint8_t *end = bench->packed;
    for (int i = 0; i < FOUND_ELEMENTS; i++) {
        struct bytes text = random_text(bench);
        if (end + text.count + PACKED_HEAD_MAX > bench->packed + TEXT_MAX)
            text.count = 2;
        CHECK_EQ(packed_prepare(space, bench->root, text, &item), ERR_NONE);
        end = packed_write(end, &item);
    }
    for (int i = 0; i < 40; i++) {
        struct bytes text = random_text(bench);
        packed_sought(text, &item);
        CHECK(find(space, bench->packed, end, &item) == naive_find(bench, end, text));
    }
    for (const uint8_t *at = bench->packed; at < end; at = packed_next(at))
        packed_empty(space, bench->root, at);
}

TEST(packed_is_as_comparing_texts)
{
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < 200; i++)
        find_among_random(&bench);
    bench_release(&bench);
}

/* --- bytes from outside ----------------------------------------------------------------------- */

static bool check_copy(const uint8_t *bytes, size_t count, bool scores)
{
    uint8_t *at = malloc(count + 1);
    CHECK(at != NULL);
    memcpy(at, bytes, count);
    uint8_t *exact = realloc(at, count > 0 ? count : 1);
    CHECK(exact != NULL);
    bool valid = packed_check(exact, count, scores);
    free(exact);
    return valid;
}

#define REFUSED(...)                                                                               \
    CHECK(!check_copy((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }),  \
                      true))
#define TAKEN(...)                                                                                 \
    CHECK(check_copy((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }),   \
                     true))

TEST(packed_check_knows_one_form)
{
    TAKEN(0);
    TAKEN(1, 'a');
    TAKEN(1, 'a', 'b'); /* more may follow */
    TAKEN(0xe1, 0x80);
    TAKEN(0xe2, 0x80, 0x00);
    TAKEN(0xf1, 0, 0, 0, 0, 0, 0, 0, 0x80); /* -0 */
    CHECK(!check_copy((const uint8_t[]){ 1 }, 0, true));
    REFUSED(2, 'a');
    REFUSED(1, '7');           /* an integer */
    REFUSED(2, '-', '7');      /* an integer */
    REFUSED(0x80);             /* half a length */
    REFUSED(0x80, 1, 'a');     /* a short string */
    REFUSED(0x80, 200);        /* too little */
    REFUSED(0xc0, 0);          /* half a length */
    REFUSED(0xc0, 0, 1, 'a');  /* a short string */
    REFUSED(0xdf, 0xff, 0xff); /* too long */
    REFUSED(0xe0);             /* no width */
    REFUSED(0xe9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    REFUSED(0xe2, 0x7f, 0x00); /* narrower */
    REFUSED(0xe2, 0x80, 0xff); /* narrower */
    REFUSED(0xe2, 0x80);
    REFUSED(0xf0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0); /* a run */
    REFUSED(0xf1, 0, 0, 0, 0, 0, 0, 0);
    REFUSED(0xf1, 0, 0, 0, 0, 0, 0, 0, 0);       /* an integer */
    REFUSED(0xf1, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f); /* no number */
    REFUSED(0xf1, 1, 0, 0, 0, 0, 0, 0xf0, 0x7f); /* no number */
    REFUSED(0xf2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    REFUSED(0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/* What belongs into a run is no element of the sequence. */
TEST(packed_check_refuses_what_is_too_long)
{
    static uint8_t image[3 + PACKED_INSIDE_MAX + 1];
    memset(image, 'x', sizeof image);
    memcpy(image, (const uint8_t[]){ 0xc0, PACKED_INSIDE_MAX >> 8, 0 }, 3);
    CHECK(packed_check(image, sizeof image, false));
    image[2] = 1;
    CHECK(!packed_check(image, sizeof image, false));
}

/* What is taken is what we would have written. */
TEST(packed_check_of_random_bytes)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    uint8_t noise[300], digits[NUMBER_I64_MAX];
    for (int i = 0; i < 30000; i++) {
        size_t count = rng_below(&rng, sizeof noise);
        for (size_t k = 0; k < count; k++)
            noise[k] = (uint8_t)rng_next(&rng);
        if (count > 0 && i % 2 == 0)
            noise[0] = (uint8_t)(0x80 + rng_below(&rng, 0x80));
        if (!check_copy(noise, count, false))
            continue;
        struct packed_item item;
        packed_sought(packed_view(NULL, noise, digits), &item);
        CHECK(packed_bytes(noise) <= count);
        CHECK_EQ(packed_item_bytes(&item), packed_bytes(noise));
        CHECK(packed_is(NULL, noise, &item));
    }
}
