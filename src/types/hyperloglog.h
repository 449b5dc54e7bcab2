/* types/hyperloglog.h - how many different elements there were, told from a string of 12 KiB.
 * Model:    an element's hash chooses one of 16,384 registers and a rank; a register keeps the
 *           greatest rank it has met, and the registers together tell the number (Flajolet and
 *           others, 2007; the estimator is Ertl's, arXiv:1702.01284). The string is Redis's:
 *
 *             "HYLL" | encoding | 3 unused | cardinality: 8, little endian, top bit: stale | ...
 *             dense:  registers of 6 bits, each byte filled from its low bits
 *             sparse: 00nnnnnn           n + 1 registers are zero
 *                     01nnnnnn nnnnnnnn  n + 1 registers are zero
 *                     1vvvvvnn           n + 1 registers are v + 1
 *
 * Owner:    the caller has the bytes.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  the bytes may come from anybody: what is no HyperLogLog is told of, nothing is read or
 *           written outside of them, and every loop is bounded by their count.
 * Cost:     O(1) to set a dense register, O(bytes) a sparse one; O(registers) for the rest. */
#ifndef TYPES_HYPERLOGLOG_H
#define TYPES_HYPERLOGLOG_H

#include "base/bytes.h"
#include "base/err.h"

enum {
    HLL_INDEX_BITS = 14,
    HLL_REGISTERS = 1 << HLL_INDEX_BITS,
    HLL_RANK_BITS = 6,
    HLL_RANK_MAX = 64 - HLL_INDEX_BITS + 1, /* that a hash can give */
    HLL_RANKS = 1 << HLL_RANK_BITS,         /* that a register can hold */
    HLL_HEADER_BYTES = 16,
    HLL_DENSE_BYTES = HLL_HEADER_BYTES + HLL_REGISTERS * HLL_RANK_BITS / 8,
    /* At two bytes a register no sparse one is longer; what is, is damaged. */
    HLL_SPARSE_BYTES_MAX = HLL_HEADER_BYTES + 2 * HLL_REGISTERS,
    HLL_BYTES_MAX = HLL_SPARSE_BYTES_MAX,
};

enum hll_encoding { HLL_DENSE = 0, HLL_SPARSE = 1 };

/* What an element's hash says. */
struct hll_mark {
    uint16_t index;
    uint8_t rank; /* 1 to HLL_RANK_MAX */
};
struct hll_mark hll_mark(struct bytes element);

/* Whether the header is one, and a dense one has its length. The rest may still be damaged. */
bool hll_is(struct bytes content);
/* pre for all below that take `content`: hll_is. */
static inline enum hll_encoding hll_encoding(struct bytes content)
{
    return content.at[4] == HLL_DENSE ? HLL_DENSE : HLL_SPARSE;
}

/* The number kept in the header; false when it is stale. */
MUST_CHECK bool hll_cached(struct bytes content, uint64_t *count);
/* Writes a header's number; `at` is the string's begin. */
void hll_cache(uint8_t *at, uint64_t count);
void hll_cache_stale(uint8_t *at);

unsigned hll_dense_rank(const uint8_t *at, unsigned index);
void hll_dense_set(uint8_t *at, unsigned index, unsigned rank);

/* The registers one by one, raised to those of `content`; false: damaged, some may be raised. */
MUST_CHECK bool hll_raise(uint8_t ranks[HLL_REGISTERS], struct bytes content);

/* How many elements; false: damaged. */
MUST_CHECK bool hll_count(struct bytes content, uint64_t *count);
uint64_t hll_count_ranks(const uint8_t ranks[HLL_REGISTERS]);

/* ---- changing one ------------------------------------------------------------------------------
 */

/* A copy being changed, which may change its encoding on the way. */
struct hll_edit {
    uint8_t *at;
    size_t count, room;
    uint64_t sparse_max; /* the sparse encoding ends where it would grow beyond (option) */
    /* The sparse run where the last one set was looked for, so that ascending indexes cost one
     * walk together. */
    size_t run_offset;
    unsigned run_first;
};
/* The room for an edit of so many bytes in which so many registers may be set. */
size_t hll_edit_room(size_t count, size_t marks);
/* `content` empty: a new one, sparse and all zero. pre: it has at most HLL_BYTES_MAX. */
void hll_edit_open(struct hll_edit *edit, uint8_t *at, size_t room, struct bytes content,
                   uint64_t sparse_max);

enum hll_change { HLL_SAME, HLL_RAISED, HLL_DAMAGED };
/* Raises one register. HLL_DAMAGED: nothing has changed. */
MUST_CHECK enum hll_change hll_edit_set(struct hll_edit *edit, struct hll_mark mark);
/* False: damaged, unchanged. */
MUST_CHECK bool hll_edit_make_dense(struct hll_edit *edit);

/* A stretch of registers of one rank in a sparse one. */
struct hll_run {
    unsigned rank, count;
    unsigned bytes; /* of its opcode */
};
/* The run whose opcode begins at `offset`; false at the end, or where an opcode is cut off. */
MUST_CHECK bool hll_run_at(struct bytes content, size_t offset, struct hll_run *run);

#endif
