/* struct/linear.h - the addressing of linear hashing: pure functions of a hash and a bucket count.
 * Model:    2^L + s buckets. Those below s have split already: they and their sons from 2^L on are
 *           told apart by L + 1 bits of the hash, all others by L bits. So each bucket is a leaf of
 *           a binary trie over the low bits of the hash, at depth L or L + 1.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none. pre: 1 <= count <= LINEAR_COUNT_MAX everywhere.
 * Cost:     a few instructions. */
#ifndef STRUCT_LINEAR_H
#define STRUCT_LINEAR_H

#include <stdint.h>

#define LINEAR_COUNT_MAX (UINT32_C(1) << 31)

/* L: the depth that every leaf has at least. */
static inline unsigned linear_level(uint32_t count)
{
    return 31U - (unsigned)__builtin_clz(count);
}

/* The bucket of a hash: L + 1 bits, or L where that bucket does not exist yet. */
static inline uint32_t linear_bucket(uint64_t hash, uint32_t count)
{
    uint32_t deep = UINT32_MAX >> __builtin_clz(count);
    uint32_t bucket = (uint32_t)hash & deep;
    return bucket < count ? bucket : bucket & (deep >> 1);
}

/* How many low bits of the hash all elements of the bucket share. */
static inline unsigned linear_depth(uint32_t bucket, uint32_t count)
{
    unsigned level = linear_level(count);
    uint32_t half = UINT32_C(1) << level;
    return bucket < count - half || bucket >= half ? level + 1 : level;
}

/* When `count` becomes count + 1, elements of this bucket move to the new bucket `count`... */
static inline uint32_t linear_split_source(uint32_t count)
{
    return count - (UINT32_C(1) << linear_level(count));
}

/* ...those whose hash has this bit. */
static inline unsigned linear_split_bit(uint32_t count)
{
    return linear_level(count);
}

/* When `count` becomes count - 1, the last bucket's elements go here. pre: count > 1. */
static inline uint32_t linear_merge_target(uint32_t count)
{
    return linear_split_source(count - 1);
}

static inline uint64_t linear_reverse(uint64_t x)
{
    x = ((x >> 1) & UINT64_C(0x5555555555555555)) | ((x & UINT64_C(0x5555555555555555)) << 1);
    x = ((x >> 2) & UINT64_C(0x3333333333333333)) | ((x & UINT64_C(0x3333333333333333)) << 2);
    x = ((x >> 4) & UINT64_C(0x0f0f0f0f0f0f0f0f)) | ((x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4);
    return __builtin_bswap64(x);
}

/* The cursor after the leaf that holds `cursor`; 0 after the last leaf.
 * Cursors are ordered by their reversed bits, so that the leaves are neighbouring intervals of that
 * order and a split or merge cuts or joins intervals without moving any element past a cursor. What
 * lies before a cursor has been seen; a cursor inside a leaf that has grown since begins it anew.
 * Any 64-bit number is a cursor, and the reversed value always grows, so that a walk ends. */
static inline uint64_t linear_cursor_next(uint64_t cursor, unsigned depth)
{
    uint64_t reversed = linear_reverse(cursor | ~UINT64_C(0) << depth);
    return linear_reverse(reversed + 1);
}

#endif
