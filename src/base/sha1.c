/* SHA-1 (FIPS 180-4), for digests that clients compare, not for secrets. */
#include "base/hash.h"

void sha1_init(struct sha1 *sha1)
{
    *sha1 = (struct sha1){
        .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 },
    };
}

static inline uint32_t rotate32(uint32_t x, int by)
{
    return (x << by) | (x >> (32 - by));
}

static inline uint32_t load_big32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_big32(uint8_t *at, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The mixing function and constant of step `step`. */
static inline uint32_t mix(int step, uint32_t b, uint32_t c, uint32_t d)
{
    if (step < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (step < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (step < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void add_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = load_big32(block + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = rotate32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t next = rotate32(a, 5) + mix(i, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate32(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_add(struct sha1 *sha1, struct bytes bytes)
{
    const uint8_t *at = bytes.at;
    size_t left = bytes.count;
    size_t filled = sha1->count % 64;
    sha1->count += left;
    if (filled > 0) {
        size_t part = left < 64 - filled ? left : 64 - filled;
        if (part > 0)
            memcpy(sha1->block + filled, at, part);
        if (filled + part < 64)
            return;
        add_block(sha1->state, sha1->block);
        at += part;
        left -= part;
    }
    for (; left >= 64; at += 64, left -= 64)
        add_block(sha1->state, at);
    if (left > 0)
        memcpy(sha1->block, at, left);
}

void sha1_end(struct sha1 *sha1, uint8_t digest[SHA1_BYTES])
{
    uint64_t bits = sha1->count * 8;
    uint8_t padding[64] = { 0x80 };
    size_t filled = sha1->count % 64;
    sha1_add(sha1, bytes_of(padding, filled < 56 ? 56 - filled : 120 - filled));
    uint8_t length[8];
    store_big32(length, (uint32_t)(bits >> 32));
    store_big32(length + 4, (uint32_t)bits);
    sha1_add(sha1, bytes_of(length, sizeof(length)));
    for (int i = 0; i < 5; i++)
        store_big32(digest + 4 * i, sha1->state[i]);
}
