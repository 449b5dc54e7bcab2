#include "base/ticks.h"

#include "base/seam.h"

#if !defined(__x86_64__)
#include <time.h>

/* Without a constant counter the monotonic clock itself ticks, one tick a nanosecond. */
uint64_t ticks_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
#endif

enum { MEASURE_NS = 1000 * 1000, MEASURE_READS_MAX = 1000 * 1000 };

/* A simulated clock may stand still, so the reads are counted, and a clock that did not move is
 * taken for one tick a nanosecond. */
void ticks_rate_init(struct ticks_rate *rate, const struct seam *seam)
{
    uint64_t begin_ns = seam_now_ns(seam);
    uint64_t begin_ticks = ticks_now();
    uint64_t ns = 0;
    for (int reads = 0; reads < MEASURE_READS_MAX && ns < MEASURE_NS; reads++)
        ns = seam_now_ns(seam) - begin_ns;
    uint64_t ticks = ticks_now() - begin_ticks;
    rate->ns_per_2_32_ticks = UINT64_C(1) << 32;
    if (ns > 0 && ticks > 0)
        rate->ns_per_2_32_ticks = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
}
