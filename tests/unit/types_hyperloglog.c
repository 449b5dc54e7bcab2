/* HyperLogLogs: the edit beside a plain array of registers, the bytes of both encodings, estimates,
 * and bytes from anybody. */
#include "base/rng.h"
#include "harness.h"
#include "types/hyperloglog.h"

#include <math.h>
#include <stdlib.h>

enum { SPARSE_MAX = 3000 };

static struct bytes bytes_in(const struct hll_edit *edit)
{
    return bytes_of(edit->at, edit->count);
}

static void check_ranks(const struct hll_edit *edit, const uint8_t *wanted)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    uint64_t count = 0;
    CHECK(hll_is(bytes_in(edit)));
    CHECK(hll_raise(ranks, bytes_in(edit)));
    CHECK(memcmp(ranks, wanted, sizeof ranks) == 0);
    CHECK(hll_count(bytes_in(edit), &count));
    CHECK_EQ(count, hll_count_ranks(wanted));
}

/* Random registers, or ascending ones as in a merge, until long after the sparse encoding ends. */
static void compare(struct rng *rng, uint64_t sparse_max, unsigned rank_max, bool ascending)
{
    uint8_t ranks[HLL_REGISTERS] = { 0 };
    uint8_t *at = malloc(HLL_BYTES_MAX);
    struct hll_edit edit;
    CHECK(at != NULL);
    hll_edit_open(&edit, at, HLL_BYTES_MAX, BYTES(""), sparse_max);
    unsigned index = 0;
    for (unsigned step = 0; step < 6000; step++) {
        index = ascending ? index + (unsigned)rng_below(rng, 5)
                          : (unsigned)rng_below(rng, HLL_REGISTERS) % (step % 3 == 0 ? 64 : ~0u);
        if (index >= HLL_REGISTERS)
            break;
        struct hll_mark mark = { (uint16_t)index, (uint8_t)(1 + rng_below(rng, rank_max)) };
        enum hll_change wanted = mark.rank > ranks[index] ? HLL_RAISED : HLL_SAME;
        CHECK_EQ(hll_edit_set(&edit, mark), wanted);
        if (wanted == HLL_RAISED)
            ranks[index] = mark.rank;
        if (step % 512 == 0)
            check_ranks(&edit, ranks);
    }
    CHECK(hll_encoding(bytes_in(&edit)) == HLL_DENSE || edit.count <= sparse_max);
    check_ranks(&edit, ranks);
    CHECK(hll_edit_make_dense(&edit));
    CHECK_EQ(edit.count, HLL_DENSE_BYTES);
    check_ranks(&edit, ranks);
    free(at);
}

TEST(hyperloglog_model)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned round = 0; round < 4; round++) {
        compare(&rng, SPARSE_MAX, 3, round % 2 != 0);
        compare(&rng, 40000, 3, round % 2 != 0);
        compare(&rng, 40000, 32, round % 2 != 0);
        compare(&rng, 20, HLL_RANK_MAX, round % 2 != 0);
    }
}

/* The same element gives the same register everywhere, so these are Redis's bytes (7.0.15: PFADD
 * key x y z, GET key). */
TEST(hyperloglog_bytes)
{
    uint8_t at[HLL_DENSE_BYTES];
    struct hll_edit edit;
    hll_edit_open(&edit, at, sizeof at, BYTES(""), SPARSE_MAX);
    CHECK_BYTES(bytes_in(&edit), bytes_of("HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
    static const char *const elements[] = { "x", "y", "z" };
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(hll_edit_set(&edit, hll_mark(bytes_of_text(elements[i]))), HLL_RAISED);
    CHECK_EQ(hll_edit_set(&edit, hll_mark(BYTES("x"))), HLL_SAME);
    CHECK_BYTES(bytes_in(&edit), bytes_of("HYLL\1\0\0\0\0\0\0\0\0\0\0\x80\x61\x84\x80\x58\xcd\x88"
                                          "\x45\xa0\x84\x08",
                                          26));
}

TEST(hyperloglog_header)
{
    uint8_t at[HLL_DENSE_BYTES];
    struct hll_edit edit;
    uint64_t count = 1;
    hll_edit_open(&edit, at, sizeof at, BYTES(""), SPARSE_MAX);
    CHECK(hll_cached(bytes_in(&edit), &count));
    CHECK_EQ(count, 0);
    hll_cache(at, 0x0102030405060708);
    CHECK_BYTES(bytes_of(at + 8, 8), BYTES("\x08\x07\x06\x05\x04\x03\x02\x01"));
    CHECK(hll_cached(bytes_in(&edit), &count));
    CHECK(count == 0x0102030405060708);
    hll_cache_stale(at);
    CHECK(!hll_cached(bytes_in(&edit), &count));
    CHECK(hll_edit_make_dense(&edit));
    CHECK(hll_is(bytes_of(at, HLL_DENSE_BYTES)));
    CHECK(!hll_is(bytes_of(at, HLL_DENSE_BYTES - 1)));
    CHECK(!hll_is(BYTES("HYLL")));
    at[4] = 2;
    CHECK(!hll_is(bytes_of(at, HLL_DENSE_BYTES)));
}

/* Within four standard errors of 0.81 %, from one element to a million. */
TEST(hyperloglog_estimates)
{
    uint8_t at[HLL_DENSE_BYTES];
    struct hll_edit edit;
    uint64_t begin = test_seed(), next_check = 1;
    hll_edit_open(&edit, at, sizeof at, BYTES(""), SPARSE_MAX);
    for (uint64_t element = 1; element <= 1000000; element++) {
        uint64_t name = begin + element, count = 0;
        if (hll_edit_set(&edit, hll_mark(bytes_of(&name, sizeof name))) == HLL_DAMAGED)
            CHECK(false);
        if (element < next_check)
            continue;
        CHECK(hll_count(bytes_in(&edit), &count));
        double away = fabs((double)count - (double)element);
        CHECKF(away <= 2 + 0.0325 * (double)element, "%llu elements, told %llu",
               (unsigned long long)element, (unsigned long long)count);
        next_check = next_check * 3;
    }
}

static void check_damaged(struct bytes runs)
{
    uint8_t at[HLL_DENSE_BYTES], ranks[HLL_REGISTERS] = { 0 };
    struct hll_edit edit;
    uint64_t count = 0;
    memcpy(at, "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80", HLL_HEADER_BYTES);
    memcpy(at + HLL_HEADER_BYTES, runs.at, runs.count);
    struct bytes content = bytes_of(at, HLL_HEADER_BYTES + runs.count);
    CHECK(hll_is(content));
    CHECK(!hll_count(content, &count));
    CHECK(!hll_raise(ranks, content));
    hll_edit_open(&edit, at, sizeof at, content, SPARSE_MAX);
    CHECK(!hll_edit_make_dense(&edit));
    CHECK_BYTES(bytes_of(at + HLL_HEADER_BYTES, runs.count), runs);
}

TEST(hyperloglog_damaged)
{
    check_damaged(BYTES(""));
    check_damaged(BYTES("\x7f"));             /* an opcode cut off */
    check_damaged(BYTES("\x7f\xfe"));         /* a register less */
    check_damaged(bytes_of("\x7f\xff\0", 3)); /* and one more */
    check_damaged(BYTES("\x7f\xff\x80"));
    check_damaged(BYTES("\x7f\xff\x7f\xff"));
    check_damaged(BYTES("\x7f\xfe\x81"));
}

/* Any bytes behind the header: nothing is read outside of them, whatever is done. */
TEST(hyperloglog_hostile)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned round = 0; round < 3000; round++) {
        size_t count = HLL_HEADER_BYTES + (size_t)rng_below(&rng, 400);
        size_t room = hll_edit_room(count, 8);
        uint8_t *at = malloc(room), *content = malloc(count), ranks[HLL_REGISTERS] = { 0 };
        struct hll_edit edit;
        uint64_t told = 0;
        CHECK(at != NULL && content != NULL);
        for (size_t i = 0; i < count; i++)
            content[i] = (uint8_t)rng_next(&rng);
        memcpy(content, "HYLL\1", 5);
        bool whole = hll_count(bytes_of(content, count), &told);
        CHECK_EQ(hll_raise(ranks, bytes_of(content, count)), whole);
        hll_edit_open(&edit, at, room, bytes_of(content, count), rng_below(&rng, 800));
        for (unsigned i = 0; i < 8; i++) {
            struct hll_mark mark = { (uint16_t)rng_below(&rng, HLL_REGISTERS),
                                     (uint8_t)(1 + rng_below(&rng, HLL_RANK_MAX)) };
            enum hll_change change = hll_edit_set(&edit, mark);
            CHECK(change == HLL_SAME || change == HLL_RAISED || change == HLL_DAMAGED);
            CHECK(hll_is(bytes_in(&edit)));
        }
        free(content);
        free(at);
    }
}
