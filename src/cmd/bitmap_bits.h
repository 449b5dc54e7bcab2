/* cmd/bitmap_bits.h - bits in a run of bytes: counted, found, combined, and read as fields.
 * Model:    bit 0 is the most significant bit of byte 0. Pure functions over bytes.
 * Owner:    the caller.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     eight bytes a step for runs of bytes, nine bytes for a field. */
#ifndef CMD_BITMAP_BITS_H
#define CMD_BITMAP_BITS_H

#include "base/bytes.h"

/* Set bits from `first` to `last`, both included. pre: first <= last < 8 * bytes.count. */
uint64_t bits_count(struct bytes bytes, uint64_t first, uint64_t last);

/* The first bit of that value within the same bounds; -1 when there is none. */
int64_t bits_find(struct bytes bytes, bool bit, uint64_t first, uint64_t last);

enum bits_operation { BITS_AND, BITS_OR, BITS_XOR, BITS_NOT };

/* Folds `from` into `to` (BITS_NOT: inverts `to`), `count` bytes. */
void bits_fold(enum bits_operation operation, uint8_t *to, const uint8_t *from, size_t count);

/* A field: `bits` of them (1 to 64) from bit `offset` on; what lies past the end is 0. */
uint64_t bits_field(struct bytes bytes, uint64_t offset, unsigned bits);
/* pre: the field lies within `bytes`. */
void bits_set_field(uint8_t *at, size_t count, uint64_t offset, unsigned bits, uint64_t field);

/* What a field of that kind can hold. */
struct field_kind {
    bool is_signed;
    unsigned bits; /* 1 to 64, unsigned at most 63 */
};
/* The number that a field's bits mean. */
int64_t field_number(struct field_kind kind, uint64_t field);

enum field_overflow { FIELD_WRAP, FIELD_SATURATE, FIELD_FAIL };
/* The field's bits for value + increment, by `overflow` where that does not fit; false when it is
 * FIELD_FAIL and it does not. Unsigned fields take the bits of `value` as unsigned. */
bool field_sum(struct field_kind kind, enum field_overflow overflow, int64_t value,
               int64_t increment, uint64_t *field);

#endif
