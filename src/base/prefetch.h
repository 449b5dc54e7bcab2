/* base/prefetch.h - asking the processor for memory that will be read soon.
 * Model:    a hint; never faults, whatever the address.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     one instruction. */
#ifndef BASE_PREFETCH_H
#define BASE_PREFETCH_H

/* GCC takes a function that only prefetches for one without effect, and drops the calls of it; the
 * empty volatile statement keeps them. (Seen with GCC 12 at -O2: a batch of lookups ran at 6 M/s
 * instead of 17 M/s.) */
static inline void prefetch(const void *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("" : : "r"(at));
}

#endif
