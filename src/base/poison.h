/* base/poison.h - tells AddressSanitizer what memory nobody may touch.
 * Model:    a range is poisoned or not; any access to a poisoned one is reported.
 * Owner:    the allocator that hands the memory out.
 * Pointers: none kept.
 * Threads:  any, each on its own ranges.
 * Failure:  none.
 * Cost:     nothing without the sanitizer; a memset of an eighth of the range with it. */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SNUG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SNUG_ASAN 1
#endif
#endif
#ifndef SNUG_ASAN
#define SNUG_ASAN 0
#endif

#if SNUG_ASAN
#include <sanitizer/asan_interface.h>
#endif

static inline void poison(const void *at, size_t bytes)
{
#if SNUG_ASAN
    __asan_poison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

static inline void unpoison(const void *at, size_t bytes)
{
#if SNUG_ASAN
    __asan_unpoison_memory_region(at, bytes);
#else
    (void)at;
    (void)bytes;
#endif
}

#endif
