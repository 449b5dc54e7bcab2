/* cmd/string_lcs.h - the longest common subsequence of two strings.
 * Model:    the table of lengths is walked row by row and only one row of it is kept; of every
 *           cell one bit remains, which says where the way back goes when the bytes differ.
 * Owner:    the arena holds row and bits.
 * Pointers: to both strings and the arena, for as long as the struct is used.
 * Threads:  one.
 * Failure:  ERR_MEMORY.
 * Cost:     O(a x b) time; a x b / 8 bytes and 4 bytes for each of b, where Redis takes
 *           4 x a x b. */
#ifndef CMD_STRING_LCS_H
#define CMD_STRING_LCS_H

#include "base/arena.h"
#include "base/bytes.h"

struct lcs {
    struct bytes a, b;
    uint32_t *row; /* row[j]: length for all of `a` so far and the first j bytes of b */
    uint8_t *bits; /* bit i * (b.count + 1) + j; NULL when only the length is wanted */
};

/* pre: a.count and b.count < UINT32_MAX - 1. */
MUST_CHECK enum err lcs_init(struct lcs *lcs, struct arena *arena, struct bytes a, struct bytes b,
                             bool length_only);
uint32_t lcs_length(const struct lcs *lcs);

/* A run of bytes that follow each other in both. */
struct lcs_match {
    uint32_t a, b, count; /* where it begins in each */
};

/* Walks the way back, from the ends of both strings; `i` and `j` bytes are left. */
struct lcs_walk {
    const struct lcs *lcs;
    uint32_t i, j;
};
struct lcs_walk lcs_walk(const struct lcs *lcs);
/* The next match, last ones first; false at the end. pre: not length_only. */
bool lcs_next(struct lcs_walk *walk, struct lcs_match *match);

#endif
