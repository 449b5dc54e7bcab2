#include "load/histogram.h"

#include <math.h>
#include <string.h>

enum { STEPS = 1 << HISTOGRAM_STEP_BITS };

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/* Values below STEPS have a bucket each; above, an octave is cut into STEPS equal parts. */
static unsigned bucket_of(uint64_t value)
{
    if (value < STEPS) {
        return (unsigned)value;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    return (shift + 1) * STEPS + ((unsigned)(value >> shift) & (STEPS - 1));
}

/* The greatest value of a bucket. */
static uint64_t top_of(unsigned bucket)
{
    if (bucket < STEPS) {
        return bucket;
    }
    unsigned shift = bucket / STEPS - 1;
    uint64_t first = (uint64_t)(STEPS + bucket % STEPS) << shift;
    return first + (((uint64_t)1 << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
    histogram->count++;
    histogram->counts[bucket_of(value_ns)]++;
    if (value_ns > histogram->max_ns) {
        histogram->max_ns = value_ns;
    }
}

uint64_t histogram_quantile(const struct histogram *histogram, double fraction)
{
    uint64_t wanted = (uint64_t)ceil(fraction * (double)histogram->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && wanted > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted) {
            uint64_t top = top_of(i);
            return top < histogram->max_ns ? top : histogram->max_ns;
        }
    }
    return 0;
}
