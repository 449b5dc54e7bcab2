/* The addressing of linear hashing, checked by counting. */
#include "base/rng.h"
#include "harness.h"
#include "struct/linear.h"

enum { COUNT_MAX = 300 };

static uint64_t low_bits(uint64_t hash, unsigned depth)
{
    return hash & ~(~UINT64_C(0) << depth);
}

TEST(linear_bucket_is_the_leaf_of_the_hash)
{
    for (uint32_t count = 1; count <= COUNT_MAX; count++) {
        for (uint64_t hash = 0; hash < UINT64_C(4) * COUNT_MAX; hash++) {
            uint32_t bucket = linear_bucket(hash, count);
            CHECK(bucket < count);
            CHECK_EQ(low_bits(hash, linear_depth(bucket, count)), bucket);
        }
    }
}

TEST(linear_split_moves_by_one_bit)
{
    for (uint32_t count = 1; count <= COUNT_MAX; count++) {
        uint32_t source = linear_split_source(count);
        CHECK_EQ(linear_merge_target(count + 1), source);
        for (uint64_t hash = 0; hash < UINT64_C(4) * COUNT_MAX; hash++) {
            uint32_t before = linear_bucket(hash, count);
            uint32_t after = linear_bucket(hash, count + 1);
            bool moves = before == source && (hash >> linear_split_bit(count) & 1) != 0;
            CHECK_EQ(after, moves ? count : before);
        }
    }
}

TEST(linear_cursor_meets_each_leaf_once)
{
    for (uint32_t count = 1; count <= COUNT_MAX; count++) {
        uint8_t met[COUNT_MAX] = { 0 };
        uint32_t steps = 0;
        uint64_t cursor = 0;
        do {
            uint32_t bucket = linear_bucket(cursor, count);
            met[bucket]++;
            cursor = linear_cursor_next(cursor, linear_depth(bucket, count));
            CHECK(++steps <= count);
        } while (cursor != 0);
        for (uint32_t i = 0; i < count; i++)
            CHECK_EQ(met[i], 1);
    }
}

TEST(linear_cursor_of_any_number_ends)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int round = 0; round < 2000; round++) {
        uint32_t count = 1 + (uint32_t)rng_below(&rng, COUNT_MAX);
        uint64_t cursor = rng_next(&rng);
        uint32_t steps = 0;
        do {
            uint64_t next =
                linear_cursor_next(cursor, linear_depth(linear_bucket(cursor, count), count));
            CHECK(next == 0 || linear_reverse(next) > linear_reverse(cursor));
            CHECK(++steps <= count);
            cursor = next;
        } while (cursor != 0);
    }
}

TEST(linear_largest_count)
{
    CHECK_EQ(linear_bucket(UINT64_MAX, LINEAR_COUNT_MAX), LINEAR_COUNT_MAX - 1);
    CHECK_EQ(linear_depth(LINEAR_COUNT_MAX - 1, LINEAR_COUNT_MAX), 31);
    CHECK_EQ(linear_merge_target(LINEAR_COUNT_MAX), LINEAR_COUNT_MAX / 2 - 1);
}
