/* The histogram beside every value kept. */
#include "base/memory.h"
#include "base/rng.h"
#include "cmd/histogram.h"
#include "harness.h"

#include <stdlib.h>

enum { VALUES = 20000 };

static int by_size(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static bool near(uint64_t found, uint64_t exact)
{
    return found >= exact && found - exact <= exact / 100 + 1;
}

/* Neighbours may fall in one step, and the first and last are beyond what came. */
static void check_many_at_once(const struct histogram *histogram, const uint64_t *values)
{
    enum { MANY = 50 };
    uint64_t ns[MANY] = { 0 }, within[MANY] = { 0 };
    for (size_t at = 1; at + 1 < MANY; at++)
        ns[at] = values[(at - 1) * (VALUES / MANY)];
    ns[MANY - 1] = UINT64_MAX;
    for (unsigned times = 1; times <= 2; times++) {
        histogram_add_within(histogram, ns, MANY, within);
        for (size_t at = 0; at < MANY; at++)
            CHECK_EQ(within[at], times * histogram_count_within(histogram, ns[at]));
    }
}

TEST(histogram_keeps_two_digits)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    struct histogram *histogram = histogram_new();
    uint64_t *values = memory_take(VALUES * sizeof *values);
    CHECK(histogram != NULL && values != NULL);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = rng_next(&rng) >> (35 + rng_below(&rng, 29));
        histogram_add(histogram, values[i]);
    }
    qsort(values, VALUES, sizeof *values, by_size);
    CHECK_EQ(histogram->total, VALUES);
    static const double percentiles[] = { 0, 1, 50, 90, 99, 99.9, 100 };
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        size_t at = (size_t)(percentiles[i] / 100 * VALUES + 0.5);
        uint64_t exact = values[at > 0 ? at - 1 : 0];
        uint64_t found = histogram_percentile_ns(histogram, percentiles[i]);
        CHECKF(near(found, exact), "%f: %llu beside %llu", percentiles[i],
               (unsigned long long)found, (unsigned long long)exact);
    }
    for (size_t i = 0; i < VALUES; i += 97) {
        uint64_t limit = histogram_ceiling_ns(values[i]), within = 0;
        for (; within < VALUES && values[within] <= limit; within++)
            ;
        CHECK_EQ(histogram_count_within(histogram, values[i]), within);
    }
    check_many_at_once(histogram, values);
    memory_give(values);
    histogram_drop(histogram);
}

TEST(histogram_bounds)
{
    struct histogram *histogram = histogram_new();
    CHECK_EQ(histogram_percentile_ns(histogram, 99), 0);
    histogram_add(histogram, 0);
    CHECK_EQ(histogram_percentile_ns(histogram, 100), 0);
    histogram_add(histogram, UINT64_MAX);
    CHECK_EQ(histogram_percentile_ns(histogram, 100), (1 << 30) - 1);
    CHECK_EQ(histogram_count_within(histogram, 5), 1);
    CHECK_EQ(histogram_ceiling_ns(127), 127);
    CHECK_EQ(histogram_ceiling_ns(128), 128);
    CHECK_EQ(histogram_ceiling_ns(256), 257);
    histogram_drop(histogram);
}
