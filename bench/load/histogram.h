/* load/histogram.h - log-linear counts of nanoseconds, 128 steps an octave (under 1 % wide).
 * Model:    counts by bucket, and the exact greatest value.
 * Owner:    the caller.
 * Pointers: none.
 * Threads:  one.
 * Failure:  none.
 * Cost:     a few ns to add; a walk over 7,424 counts for a percentile. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEP_BITS = 7, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_STEP_BITS + 1) << 7 };

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value_ns);
/* The value that `fraction` of all are at or below; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double fraction);

#endif
