/* cmd/string_compare.h - commands that do something if a string is what it is thought to be.
 * Model:    a string is compared with bytes, or by its digest: XXH3 of 64 bits, as 16 hexadecimal
 *           digits, as Redis 8.4 has it.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false: the error reply is written.
 * Cost:     O(bytes of the string). */
#ifndef CMD_STRING_COMPARE_H
#define CMD_STRING_COMPARE_H

#include "cmd/string_edit.h"
#include "cmd/string_options.h"

/* An argument that stands for a digest is 16 hexadecimal digits; `flags`: of WITH_COMPARISON. */
MUST_CHECK bool string_digest_fits(struct call *call, unsigned flags, struct bytes argument);

/* Whether the comparison holds for the string; one that is absent (NULL) is equal to nothing. */
MUST_CHECK bool string_compares(struct call *call, const struct entry *entry, unsigned flags,
                                struct bytes argument);

#endif
