/* cmd/histogram.h - how often what duration came, to two significant digits.
 * Model:    nanoseconds up to about one second, in octaves of 128 steps (an error under 1 %); an
 *           octave's counters exist once it has been hit. What is longer counts as the longest.
 * Owner:    whoever holds the pointer; one for each command that has run.
 * Pointers: stable until histogram_drop.
 * Threads:  the executing thread.
 * Failure:  without memory for an octave its values are not counted.
 * Cost:     about 2 ns to add; 1 KB an octave, five octaves being usual. */
#ifndef CMD_HISTOGRAM_H
#define CMD_HISTOGRAM_H

#include "base/err.h"

#include <stdint.h>

enum { HISTOGRAM_OCTAVES = 24, HISTOGRAM_STEPS = 128 };

struct histogram {
    uint64_t total;
    uint64_t *octaves[HISTOGRAM_OCTAVES]; /* HISTOGRAM_STEPS counters each, or NULL */
};

MUST_CHECK struct histogram *histogram_new(void);
void histogram_drop(struct histogram *histogram); /* NULL is allowed */

void histogram_add(struct histogram *histogram, uint64_t ns);

/* The longest duration that counts as the given one. */
uint64_t histogram_ceiling_ns(uint64_t ns);

/* The duration that `percentile` percent (0 to 100) of the values do not pass; 0 when empty. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double percentile);

/* How many values are at most `ns`. */
uint64_t histogram_count_within(const struct histogram *histogram, uint64_t ns);
/* The same for many durations at once, the shortest first, in one walk over the counters: adds to
 * within[at] how many values are at most ns[at]. */
void histogram_add_within(const struct histogram *histogram, const uint64_t *ns, unsigned count,
                          uint64_t *within);

#endif
