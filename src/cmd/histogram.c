#include "cmd/histogram.h"

#include "base/memory.h"

enum { STEP_BITS = 7, LINEAR_BITS = STEP_BITS - 1 };

/* Octave 0 holds 0 to 127 in steps of 1; octave n holds 2^(n+6) to 2^(n+7)-1 in steps of 2^(n-1).
 */
struct place {
    unsigned octave, step;
};

static const uint64_t longest_ns = ((uint64_t)1 << (HISTOGRAM_OCTAVES + LINEAR_BITS)) - 1;

static struct place place_of(uint64_t ns)
{
    if (ns > longest_ns)
        ns = longest_ns;
    unsigned high = 63u - (unsigned)__builtin_clzll(ns | (HISTOGRAM_STEPS - 1));
    unsigned octave = high - LINEAR_BITS;
    unsigned shift = octave > 0 ? octave - 1 : 0;
    return (struct place){ octave, (unsigned)(ns >> shift) & (HISTOGRAM_STEPS - 1) };
}

static uint64_t ceiling_of(struct place place)
{
    if (place.octave == 0)
        return place.step;
    uint64_t first = ((uint64_t)HISTOGRAM_STEPS + place.step) << (place.octave - 1);
    return first + ((uint64_t)1 << (place.octave - 1)) - 1;
}

struct histogram *histogram_new(void)
{
    return memory_take_zeroed(sizeof(struct histogram));
}

void histogram_drop(struct histogram *histogram)
{
    if (histogram == NULL)
        return;
    for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++)
        memory_give(histogram->octaves[i]);
    memory_give(histogram);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    struct place place = place_of(ns);
    uint64_t **octave = &histogram->octaves[place.octave];
    if (UNLIKELY(*octave == NULL)) {
        *octave = memory_take_zeroed(HISTOGRAM_STEPS * sizeof **octave);
        if (*octave == NULL)
            return;
    }
    (*octave)[place.step]++;
    histogram->total++;
}

uint64_t histogram_ceiling_ns(uint64_t ns)
{
    return ceiling_of(place_of(ns));
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double percentile)
{
    uint64_t wanted = (uint64_t)(percentile / 100 * (double)histogram->total + 0.5);
    if (wanted == 0)
        wanted = 1;
    uint64_t seen = 0, last = 0;
    for (unsigned octave = 0; octave < HISTOGRAM_OCTAVES; octave++) {
        const uint64_t *counts = histogram->octaves[octave];
        for (unsigned step = 0; counts != NULL && step < HISTOGRAM_STEPS; step++) {
            if (counts[step] == 0)
                continue;
            seen += counts[step];
            last = ceiling_of((struct place){ octave, step });
            if (seen >= wanted)
                return last;
        }
    }
    return last;
}

/* Of a part of an octave; NULL: it has none. */
static uint64_t sum_of(const uint64_t *counts, unsigned from, unsigned end)
{
    uint64_t sum = 0;
    for (unsigned step = from; counts != NULL && step < end; step++)
        sum += counts[step];
    return sum;
}

void histogram_add_within(const struct histogram *histogram, const uint64_t *ns, unsigned count,
                          uint64_t *within)
{
    struct place next = { 0, 0 };
    uint64_t seen = 0;
    for (unsigned at = 0; at < count; at++) {
        struct place end = place_of(ns[at]);
        for (; next.octave < end.octave; next = (struct place){ next.octave + 1, 0 })
            seen += sum_of(histogram->octaves[next.octave], next.step, HISTOGRAM_STEPS);
        seen += sum_of(histogram->octaves[end.octave], next.step, end.step + 1);
        next.step = end.step + 1;
        within[at] += seen;
    }
}

uint64_t histogram_count_within(const struct histogram *histogram, uint64_t ns)
{
    struct place end = place_of(ns);
    uint64_t seen = 0;
    for (unsigned octave = 0; octave < end.octave; octave++)
        seen += sum_of(histogram->octaves[octave], 0, HISTOGRAM_STEPS);
    return seen + sum_of(histogram->octaves[end.octave], 0, end.step + 1);
}
