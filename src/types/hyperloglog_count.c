/* HyperLogLogs: how many elements the registers stand for. The estimator is that of Otmar Ertl,
 * "New cardinality estimation algorithms for HyperLogLog sketches", algorithms 4 to 6: it needs no
 * table of corrections, and only how many registers have each rank. */
#include "types/hyperloglog.h"

#include <math.h>

/* 1 / (2 ln 2). */
static const double alpha = 0.721347520444481703680;

/* Registers that are still zero: x + sum of x^(2^k) * 2^(k-1), which ends at the double's limit. */
static double sigma(double x)
{
    if (x == 1)
        return (double)INFINITY;
    double sum = x, before = 0, factor = 1;
    do {
        x *= x;
        before = sum;
        sum += x * factor;
        factor += factor;
    } while (sum != before);
    return sum;
}

/* Registers at the greatest rank: a third of 1 - x - sum of (1 - x^(2^-k))^2 * 2^-k. */
static double tau(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double sum = 1 - x, before = 0, factor = 1;
    do {
        double rest = 0;
        x = sqrt(x);
        before = sum;
        factor *= 0.5;
        rest = 1 - x;
        sum -= rest * rest * factor;
    } while (sum != before);
    return sum / 3;
}

static uint64_t estimate(const uint32_t having[HLL_RANKS])
{
    const double registers = HLL_REGISTERS;
    double sum = registers * tau((registers - having[HLL_RANK_MAX]) / registers);
    for (unsigned rank = HLL_RANK_MAX - 1; rank >= 1; rank--)
        sum = (sum + having[rank]) * 0.5;
    sum += registers * sigma(having[0] / registers);
    double count = alpha * registers * registers / sum;
    /* Ranks that no hash gives may say anything, even infinity. What the conversion makes of that
     * on x86-64, where Redis's answers come from; C leaves it open. */
    return count < 9223372036854775808.0 ? (uint64_t)llround(count) : UINT64_C(1) << 63;
}

static void dense_ranks(const uint8_t *at, uint32_t *having)
{
    const uint8_t *byte = at + HLL_HEADER_BYTES;
    for (unsigned index = 0; index < HLL_REGISTERS; index += 4, byte += 3) {
        uint32_t four = (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16;
        having[four & 63]++;
        having[four >> 6 & 63]++;
        having[four >> 12 & 63]++;
        having[four >> 18]++;
    }
}

static bool sparse_ranks(struct bytes content, uint32_t *having)
{
    struct hll_run run;
    unsigned first = 0;
    for (size_t offset = HLL_HEADER_BYTES; offset < content.count; offset += run.bytes) {
        if (!hll_run_at(content, offset, &run) || run.count > HLL_REGISTERS - first)
            return false;
        having[run.rank] += run.count;
        first += run.count;
    }
    return first == HLL_REGISTERS;
}

bool hll_count(struct bytes content, uint64_t *count)
{
    uint32_t having[HLL_RANKS] = { 0 };
    if (hll_encoding(content) == HLL_DENSE)
        dense_ranks(content.at, having);
    else if (!sparse_ranks(content, having))
        return false;
    *count = estimate(having);
    return true;
}

uint64_t hll_count_ranks(const uint8_t ranks[HLL_REGISTERS])
{
    uint32_t having[HLL_RANKS] = { 0 };
    for (unsigned index = 0; index < HLL_REGISTERS; index++)
        having[ranks[index] & (HLL_RANKS - 1)]++;
    return estimate(having);
}
