/* observe/slices.h - how long the slices of defragmentation took, for the metrics.
 * Model:    a count for each ceiling; what is longer than the last counts in `count` alone.
 * Owner:    the observer.
 * Pointers: none.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     a few ns a slice. */
#ifndef OBSERVE_SLICES_H
#define OBSERVE_SLICES_H

#include <stdint.h>

enum { SLICE_CEILINGS = 10 };

struct slice_histogram {
    uint64_t counts[SLICE_CEILINGS]; /* longer than the ceiling before, at most this one */
    uint64_t count, total_ns;
};

static inline uint32_t slice_ceiling_us(unsigned at)
{
    static const uint32_t ceilings[SLICE_CEILINGS] = { 25,  50,   100,  200,  300,
                                                       500, 1000, 2000, 5000, 20000 };
    return ceilings[at];
}

static inline void slice_add(struct slice_histogram *histogram, uint64_t ns)
{
    unsigned at = 0;
    while (at < SLICE_CEILINGS && ns > (uint64_t)slice_ceiling_us(at) * 1000)
        at++;
    if (at < SLICE_CEILINGS)
        histogram->counts[at]++;
    histogram->count++;
    histogram->total_ns += ns;
}

#endif
