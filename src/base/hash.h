/* base/hash.h - keyed SipHash-1-3 (Aumasson and Bernstein), and SHA-1 for digests.
 * Model:    pure functions; the key is drawn once at start, so that nobody can aim collisions.
 * Owner:    the caller keeps the seed.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     SipHash-1-3 of 16 bytes is about 10 ns. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

struct hash_seed {
    uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_seed *seed, struct bytes bytes);

/* The same for text compared without case: A-Z hash as a-z. */
uint64_t hash_bytes_nocase(const struct hash_seed *seed, struct bytes bytes);

enum { SHA1_BYTES = 20 };
struct sha1 {
    uint32_t state[5];
    uint64_t count;
    uint8_t block[64];
};
void sha1_init(struct sha1 *sha1);
void sha1_add(struct sha1 *sha1, struct bytes bytes);
void sha1_end(struct sha1 *sha1, uint8_t digest[SHA1_BYTES]);

#endif
