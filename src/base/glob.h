/* base/glob.h - patterns as KEYS and CONFIG GET take them: * ? [a-z] [^x] \x.
 * Model:    an iterative matcher; semantics of Redis's stringmatchlen, and "*" fits all.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  a match that takes more work than its budget counts as no match.
 * Cost:     O(pattern x text) at the worst, bounded by GLOB_WORK_MAX steps; no recursion. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/bytes.h"

bool glob_match(struct bytes pattern, struct bytes text);
bool glob_match_nocase(struct bytes pattern, struct bytes text);

/* For a command that tries a pattern on many short names: `work` is what all of its matches may
 * take together, in steps of about a nanosecond, and is lessened; without any left nothing fits. */
enum { GLOB_NAMES_WORK = 32 * 1024 * 1024 };
bool glob_match_within(struct bytes pattern, struct bytes text, bool nocase, uint64_t *work);

#endif
