/* load/value.h - the value that belongs to a key number.
 * Model:    size and bytes are a pure function of number, bounds and seed, so that a later run can
 *           check what an earlier one stored. A value is a slice of a pool of random bytes whose
 *           first eight name the number; neither compresses nor looks like an integer.
 * Owner:    the caller; values_release returns the pool.
 * Pointers: into the caller's buffers only.
 * Threads:  read-only after values_init.
 * Failure:  values_init is false when memory lacks.
 * Cost:     a memcpy of the value. */
#ifndef LOAD_VALUE_H
#define LOAD_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct values {
    uint32_t bytes_min;
    uint32_t bytes_max;
    uint64_t seed;
    uint8_t *pool;
};

/* pre: bytes_min <= bytes_max <= VALUE_BYTES_MAX. */
enum { VALUE_BYTES_MAX = (1 << 24) - 1 };
bool values_init(struct values *values, uint32_t bytes_min, uint32_t bytes_max, uint64_t seed);
void values_release(struct values *values);

uint32_t value_bytes(const struct values *values, uint64_t number);
/* Writes `bytes` bytes of the value of `number`. pre: bytes <= bytes_max. */
void value_render(const struct values *values, uint64_t number, uint32_t bytes, uint8_t *out);
/* Whether `length` bytes at `offset` of the value of `number` are these. */
bool value_holds(const struct values *values, uint64_t number, uint32_t bytes, uint64_t offset,
                 const uint8_t *fragment, size_t length);

#endif
