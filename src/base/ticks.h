/* base/ticks.h - a clock cheap enough to read around every command.
 * Model:    the processor's time-stamp counter where it is constant (x86-64), else the monotonic
 *           clock; ticks_ns turns a difference into nanoseconds by a rate measured at start.
 * Owner:    the caller keeps the struct.
 * Pointers: none.
 * Threads:  reading from any.
 * Failure:  none.
 * Cost:     about 10 ns. */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
static inline uint64_t ticks_now(void)
{
    return __rdtsc();
}
#else
uint64_t ticks_now(void);
#endif

struct ticks_rate {
    uint64_t ns_per_2_32_ticks; /* nanoseconds in 2^32 ticks */
};

struct seam;
/* Measures for about a millisecond. */
void ticks_rate_init(struct ticks_rate *rate, const struct seam *seam);

static inline uint64_t ticks_ns(const struct ticks_rate *rate, uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * rate->ns_per_2_32_ticks) >> 32);
}

#endif
