/* base/number.h - numbers read from and written as text, arithmetic that cannot overflow unseen.
 * Model:    pure functions over bytes.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  false, and the out-parameter unchanged.
 * Cost:     O(length), and lengths are bounded by the longest number. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/bytes.h"
#include "base/err.h"

/* Strict decimal as Redis's string2ll: no space, no plus, no leading zero, "-0" refused. */
MUST_CHECK bool number_read_i64(struct bytes text, int64_t *value);
MUST_CHECK bool number_read_u64(struct bytes text, uint64_t *value);

/* A float as INCRBYFLOAT reads it: the whole text, no space before, "inf" allowed, NaN refused. */
MUST_CHECK bool number_read_double(struct bytes text, double *value);
MUST_CHECK bool number_read_long_double(struct bytes text, long double *value);

/* "1gb", "100mb", "5k", "64b", plain: as Redis's memtoull (k=1000, kb=1024, any case);
 * an overflow is refused. */
MUST_CHECK bool number_read_memory(struct bytes text, uint64_t *bytes);

enum { NUMBER_I64_MAX = 21, NUMBER_DOUBLE_MAX = 32, NUMBER_LONG_DOUBLE_MAX = 5 * 1024 };

/* Writes without NUL and returns how many bytes, at most NUMBER_I64_MAX. */
size_t number_write_i64(uint8_t *at, int64_t value);
size_t number_write_u64(uint8_t *at, uint64_t value);

/* The shortest text that reads back as the same double, in the form of Redis 7.2's replies: whole
 * numbers up to 2^62 as integers; else "0.0001", "1.5e-7", "1e+22" (no zero before an exponent);
 * "-0", "inf", "-inf", "nan". At most NUMBER_DOUBLE_MAX. */
size_t number_write_double(uint8_t *at, double value);

/* As INCRBYFLOAT stores it: %.17Lf without trailing zeros. `at` holds NUMBER_LONG_DOUBLE_MAX. */
size_t number_write_long_double(uint8_t *at, long double value);

static inline bool add_i64(int64_t a, int64_t b, int64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
static inline bool mul_i64(int64_t a, int64_t b, int64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}
static inline bool add_size(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
static inline bool mul_size(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif
