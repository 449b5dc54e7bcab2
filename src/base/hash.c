#include "base/hash.h"

/* SipHash-1-3: one round a block, three at the end. "SipHash: a fast short-input PRF", Aumasson
 * and Bernstein, 2012; the reduced rounds are those that Python and Rust settled on for tables. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate64(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate64(s->v1, 13) ^ s->v0;
    s->v3 = rotate64(s->v3, 16) ^ s->v2;
    s->v0 = rotate64(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate64(s->v1, 17) ^ s->v2;
    s->v3 = rotate64(s->v3, 21) ^ s->v0;
    s->v2 = rotate64(s->v2, 32);
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* The last 0 to 7 bytes as a little-endian word, in at most three loads and no loop. */
static inline uint64_t load_tail(const uint8_t *at, size_t count)
{
    if (count >= 4)
        return load32(at) | (uint64_t)load32(at + count - 4) << (8 * (count - 4));
    if (count == 0)
        return 0;
    return (uint64_t)at[0] | (uint64_t)at[count / 2] << (8 * (count / 2)) |
           (uint64_t)at[count - 1] << (8 * (count - 1));
}

/* A-Z to a-z in eight bytes at once: a byte's top bit is set in `upper` when it is a capital. */
static inline uint64_t lower8(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & (ones * 0x7f);
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t past_z = low + ones * (0x80 - 'Z' - 1);
    uint64_t upper = from_a & ~past_z & ~word & (ones * 0x80);
    return word | upper >> 2;
}

static inline void sip_block(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Inlined twice with `nocase` known, so that the plain hash carries no branch for it. */
static inline __attribute__((always_inline)) uint64_t sip_hash(const struct hash_seed *seed,
                                                               struct bytes bytes, bool nocase)
{
    struct sip s = {
        .v0 = seed->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = seed->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = seed->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = seed->k1 ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *at = bytes.at;
    size_t tail = bytes.count & 7;
    for (size_t words = bytes.count >> 3; words > 0; words--, at += 8)
        sip_block(&s, nocase ? lower8(load64(at)) : load64(at));
    uint64_t last = load_tail(at, tail);
    sip_block(&s, (nocase ? lower8(last) : last) | (uint64_t)bytes.count << 56);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const struct hash_seed *seed, struct bytes bytes)
{
    return sip_hash(seed, bytes, false);
}

uint64_t hash_bytes_nocase(const struct hash_seed *seed, struct bytes bytes)
{
    return sip_hash(seed, bytes, true);
}
