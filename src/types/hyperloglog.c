/* HyperLogLogs: header, hash, dense registers, and all that needs one look at each register. */
#include "types/hyperloglog.h"

enum { ENCODING_AT = 4, CACHE_AT = 8, CACHE_BYTES = 8, CACHE_STALE = 0x80 };

static const uint64_t hash_seed = 0xadc83b19;

/* MurmurHash64A (Austin Appleby), words read as little endian. */
static uint64_t little_endian(const uint8_t *at, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)at[i] << 8 * i;
    return word;
}

static uint64_t murmur(struct bytes bytes)
{
    const uint64_t factor = 0xc6a4a7935bd1e995;
    uint64_t hash = hash_seed ^ bytes.count * factor;
    size_t at = 0;
    for (; bytes.count - at >= 8; at += 8) {
        uint64_t word = little_endian(bytes.at + at, 8) * factor;
        word = (word ^ word >> 47) * factor;
        hash = (hash ^ word) * factor;
    }
    if (at < bytes.count)
        hash = (hash ^ little_endian(bytes.at + at, bytes.count - at)) * factor;
    hash = (hash ^ hash >> 47) * factor;
    return hash ^ hash >> 47;
}

struct hll_mark hll_mark(struct bytes element)
{
    uint64_t hash = murmur(element);
    unsigned index = (unsigned)(hash & (HLL_REGISTERS - 1));
    /* One bit past the end, so that a rank has an end. */
    uint64_t rest = hash >> HLL_INDEX_BITS | UINT64_C(1) << (HLL_RANK_MAX - 1);
    return (struct hll_mark){ (uint16_t)index, (uint8_t)(1 + __builtin_ctzll(rest)) };
}

bool hll_is(struct bytes content)
{
    if (content.count < HLL_HEADER_BYTES || memcmp(content.at, "HYLL", 4) != 0)
        return false;
    uint8_t encoding = content.at[ENCODING_AT];
    return encoding == HLL_SPARSE || (encoding == HLL_DENSE && content.count == HLL_DENSE_BYTES);
}

bool hll_cached(struct bytes content, uint64_t *count)
{
    if ((content.at[CACHE_AT + CACHE_BYTES - 1] & CACHE_STALE) != 0)
        return false;
    *count = little_endian(content.at + CACHE_AT, CACHE_BYTES);
    return true;
}

void hll_cache(uint8_t *at, uint64_t count)
{
    for (unsigned i = 0; i < CACHE_BYTES; i++)
        at[CACHE_AT + i] = (uint8_t)(count >> 8 * i);
}

void hll_cache_stale(uint8_t *at)
{
    at[CACHE_AT + CACHE_BYTES - 1] |= CACHE_STALE;
}

/* Four registers fill three bytes; the second of the two bytes a register may lie in is not there
 * for the last. */
unsigned hll_dense_rank(const uint8_t *at, unsigned index)
{
    const uint8_t *byte = at + HLL_HEADER_BYTES + index * HLL_RANK_BITS / 8;
    unsigned shift = index * HLL_RANK_BITS % 8;
    unsigned bits = byte[0];
    if (shift > 8 - HLL_RANK_BITS)
        bits |= (unsigned)byte[1] << 8;
    return bits >> shift & (HLL_RANKS - 1);
}

void hll_dense_set(uint8_t *at, unsigned index, unsigned rank)
{
    uint8_t *byte = at + HLL_HEADER_BYTES + index * HLL_RANK_BITS / 8;
    unsigned shift = index * HLL_RANK_BITS % 8;
    unsigned mask = (HLL_RANKS - 1u) << shift, bits = rank << shift;
    byte[0] = (uint8_t)((byte[0] & ~mask) | bits);
    if (shift > 8 - HLL_RANK_BITS)
        byte[1] = (uint8_t)((byte[1] & ~(mask >> 8)) | bits >> 8);
}

static void dense_raise(uint8_t *ranks, const uint8_t *at)
{
    const uint8_t *byte = at + HLL_HEADER_BYTES;
    for (unsigned index = 0; index < HLL_REGISTERS; index += 4, byte += 3) {
        uint32_t four = (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16;
        for (unsigned i = 0; i < 4; i++) {
            uint8_t rank = four >> i * HLL_RANK_BITS & (HLL_RANKS - 1);
            if (rank > ranks[index + i])
                ranks[index + i] = rank;
        }
    }
}

static bool sparse_raise(uint8_t *ranks, struct bytes content)
{
    struct hll_run run;
    size_t offset = HLL_HEADER_BYTES;
    unsigned first = 0;
    for (; offset < content.count; offset += run.bytes, first += run.count) {
        if (!hll_run_at(content, offset, &run) || run.count > HLL_REGISTERS - first)
            return false;
        for (unsigned i = first; run.rank != 0 && i < first + run.count; i++) {
            if (run.rank > ranks[i])
                ranks[i] = (uint8_t)run.rank;
        }
    }
    return first == HLL_REGISTERS;
}

bool hll_raise(uint8_t ranks[HLL_REGISTERS], struct bytes content)
{
    if (hll_encoding(content) == HLL_SPARSE)
        return sparse_raise(ranks, content);
    dense_raise(ranks, content.at);
    return true;
}
