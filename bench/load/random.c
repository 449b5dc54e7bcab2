#include "load/random.h"

#include <math.h>
#include <stdlib.h>

enum { ZIPF_DRAWS = 1 << 20 };

/* The integral of x^-s from 1 to x, whose inverse turns a uniform number into a rank. Sampling the
 * continuous curve instead of the exact sum is off by a few percent for the first ranks only. */
static double zipf_integral(double x, double s)
{
    return fabs(s - 1.0) < 1e-9 ? log(x) : (pow(x, 1.0 - s) - 1.0) / (1.0 - s);
}

static double zipf_inverse(double y, double s)
{
    return fabs(s - 1.0) < 1e-9 ? exp(y) : pow(1.0 + y * (1.0 - s), 1.0 / (1.0 - s));
}

static bool fill_zipf_table(struct picker *picker, double s)
{
    picker->table = malloc(ZIPF_DRAWS * sizeof *picker->table);
    if (picker->table == NULL) {
        return false;
    }
    double total = zipf_integral((double)picker->range + 1.0, s);
    for (unsigned i = 0; i < ZIPF_DRAWS; i++) {
        double uniform = (double)(random_next(&picker->random) >> 11) * 0x1p-53;
        uint64_t rank = (uint64_t)zipf_inverse(uniform * total, s) - 1;
        /* Ranks are scattered over the keys, so that hot keys are not neighbours. */
        picker->table[i] = (uint32_t)(mix64(rank) % picker->range);
    }
    return true;
}

bool picker_init(struct picker *picker, enum order order, uint64_t range, uint64_t seed,
                 double zipf_exponent)
{
    *picker = (struct picker){ .order = order, .range = range, .random = { mix64(seed) } };
    return order != ORDER_ZIPF || fill_zipf_table(picker, zipf_exponent);
}

void picker_release(struct picker *picker)
{
    free(picker->table);
    picker->table = NULL;
}

uint64_t picker_next_zipf(struct picker *picker)
{
    picker->cursor = (picker->cursor + 1) % ZIPF_DRAWS;
    return picker->table[picker->cursor];
}
