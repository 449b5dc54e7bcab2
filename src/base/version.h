/* base/version.h - what the server says it is.
 * Model:    Snug's own version comes from the Makefile (SNUG_VERSION); the Redis version tells
 *           clients which dialect of commands and replies to expect.
 * Owner:    nobody.
 * Pointers: literals.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SNUG_REDIS_VERSION "7.2.4"

/* 16 hexadecimal digits that stand for one build; the Makefile may say better. */
#ifndef SNUG_BUILD_ID
#define SNUG_BUILD_ID "0000000000000000"
#endif

#endif
