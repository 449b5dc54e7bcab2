/* base/sha256.h - SHA-256 (FIPS 180-4), for passwords.
 * Model:    a pure function over bytes.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     about 5 ns a byte. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/bytes.h"

enum { SHA256_BYTES = 32 };

void sha256(struct bytes bytes, uint8_t digest[SHA256_BYTES]);

#endif
