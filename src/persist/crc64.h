/* persist/crc64.h - the checksum at the end of RDB files and DUMPs.
 * Model:    CRC-64 of Jones's polynomial 0xad93d23594c935a9, reflected, from 0, without a final
 *           inversion; "123456789" gives 0xe9c6d914c4b8d9ca.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     eight bytes a step, by eight tables of 2 KiB; from 128 bytes on 64 a step, where the
 *           processor multiplies polynomials (x86-64). */
#ifndef PERSIST_CRC64_H
#define PERSIST_CRC64_H

#include "base/bytes.h"

/* The CRC of what `crc` is of, and `bytes` behind it. */
uint64_t crc64(uint64_t crc, struct bytes bytes);

#endif
