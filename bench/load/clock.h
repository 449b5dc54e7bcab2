/* load/clock.h - nanoseconds of CLOCK_MONOTONIC, the clock of Python's time.monotonic().
 * Model:    a reading.
 * Owner:    none.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     about 25 ns, no system call. */
#ifndef LOAD_CLOCK_H
#define LOAD_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
