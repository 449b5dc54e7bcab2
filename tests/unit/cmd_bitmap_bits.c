/* Bits counted, found, combined and read as fields, beside code that goes bit by bit. */
#include "base/rng.h"
#include "cmd/bitmap_bits.h"
#include "harness.h"

#include <inttypes.h>

enum { BYTES_MAX = 100, ROUNDS = 20000 };

static bool bit(const uint8_t *at, uint64_t offset)
{
    return (at[offset / 8] >> (7 - offset % 8) & 1) != 0;
}

/* Runs of equal bytes, so that skipping words is tried too. */
static size_t random_bytes(struct rng *rng, uint8_t *at)
{
    size_t count = 1 + rng_below(rng, BYTES_MAX);
    static const uint8_t fills[] = { 0x00, 0xff, 0x01, 0x80 };
    uint8_t fill = fills[rng_below(rng, 4)];
    bool noisy = rng_below(rng, 3) == 0;
    for (size_t i = 0; i < count; i++)
        at[i] = noisy || rng_below(rng, 40) == 0 ? (uint8_t)rng_next(rng) : fill;
    return count;
}

static void random_range(struct rng *rng, size_t count, uint64_t *first, uint64_t *last)
{
    *first = rng_below(rng, count * 8);
    *last = *first + rng_below(rng, count * 8 - *first);
}

TEST(bits_counted_and_found)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    uint8_t at[BYTES_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = random_bytes(&rng, at);
        uint64_t first, last, ones = 0;
        int64_t found[2] = { -1, -1 };
        random_range(&rng, count, &first, &last);
        for (uint64_t i = last + 1; i-- > first;) {
            ones += bit(at, i);
            found[bit(at, i)] = (int64_t)i;
        }
        CHECK_EQ(bits_count(bytes_of(at, count), first, last), ones);
        CHECK_EQ(bits_find(bytes_of(at, count), false, first, last), found[0]);
        CHECK_EQ(bits_find(bytes_of(at, count), true, first, last), found[1]);
    }
}

TEST(bits_folded)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    uint8_t to[BYTES_MAX], from[BYTES_MAX], old[BYTES_MAX];
    for (unsigned round = 0; round < ROUNDS / 4; round++) {
        size_t count = random_bytes(&rng, to);
        for (size_t i = 0; i < count; i++)
            from[i] = (uint8_t)rng_next(&rng);
        memcpy(old, to, count);
        enum bits_operation operation = (enum bits_operation)rng_below(&rng, 4);
        bits_fold(operation, to, from, count);
        for (size_t i = 0; i < count; i++) {
            unsigned wanted = operation == BITS_AND   ? old[i] & from[i]
                              : operation == BITS_OR  ? old[i] | from[i]
                              : operation == BITS_XOR ? old[i] ^ from[i]
                                                      : 0xffu & ~(unsigned)old[i];
            CHECK_EQ(to[i], wanted);
        }
    }
}

static uint64_t slow_field(const uint8_t *at, size_t count, uint64_t offset, unsigned bits)
{
    uint64_t field = 0;
    for (uint64_t i = offset; i < offset + bits; i++)
        field = field << 1 | (i / 8 < count && bit(at, i) ? 1u : 0u);
    return field;
}

TEST(bits_as_fields)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    uint8_t at[BYTES_MAX + 16], old[BYTES_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = random_bytes(&rng, at);
        unsigned bits = 1 + (unsigned)rng_below(&rng, 64);
        uint64_t offset = rng_below(&rng, count * 8 + 100);
        CHECK_EQ(bits_field(bytes_of(at, count), offset, bits),
                 slow_field(at, count, offset, bits));
        if (offset + bits > count * 8)
            continue;
        memcpy(old, at, count);
        at[count] = 0x5a;
        uint64_t field = rng_next(&rng);
        bits_set_field(at, count, offset, bits, field);
        CHECK_EQ(at[count], 0x5a);
        for (uint64_t i = 0; i < count * 8; i++) {
            bool inside = i >= offset && i < offset + bits;
            CHECK_EQ(bit(at, i), inside ? field >> (bits - 1 - (i - offset)) & 1 : bit(old, i));
        }
    }
}

/* A number near what the field can hold, or anywhere. */
static int64_t random_number(struct rng *rng, struct field_kind kind)
{
    uint64_t edge = (uint64_t)1 << (kind.bits - (kind.is_signed ? 1 : 0)) % 64;
    int64_t near = (int64_t)(edge + rng_below(rng, 7) - 3);
    switch (rng_below(rng, 4)) {
    case 0:
        return near;
    case 1:
        return (int64_t)(0 - (uint64_t)near);
    case 2:
        return (int64_t)rng_below(rng, 5) - 2;
    default:
        return (int64_t)(rng_next(rng) >> rng_below(rng, 64));
    }
}

static bool holds(struct field_kind kind, __int128 number)
{
    __int128 range = (__int128)1 << (kind.is_signed ? kind.bits - 1 : kind.bits);
    return number < range && number >= (kind.is_signed ? -range : 0);
}

/* Wrapping is adding or taking the whole range until it fits. */
static __int128 slow_wrap(struct field_kind kind, __int128 sum)
{
    __int128 range = (__int128)1 << kind.bits;
    sum %= range;
    while (!holds(kind, sum))
        sum += sum < 0 ? range : -range;
    return sum;
}

TEST(field_overflows)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned round = 0; round < ROUNDS * 5; round++) {
        struct field_kind kind = { rng_below(&rng, 2) == 0, 0 };
        kind.bits = 1 + (unsigned)rng_below(&rng, kind.is_signed ? 64 : 63);
        int64_t value = random_number(&rng, kind), increment = random_number(&rng, kind);
        __int128 sum = (kind.is_signed ? (__int128)value : (__int128)(uint64_t)value) + increment;
        enum field_overflow overflow = (enum field_overflow)rng_below(&rng, 3);
        uint64_t field = 0;
        bool stored = field_sum(kind, overflow, value, increment, &field);
        CHECK_EQ(stored, overflow != FIELD_FAIL || holds(kind, sum));
        if (!stored)
            continue;
        __int128 wanted = slow_wrap(kind, sum);
        if (overflow == FIELD_SATURATE && !holds(kind, sum)) {
            __int128 range = (__int128)1 << (kind.is_signed ? kind.bits - 1 : kind.bits);
            wanted = sum > 0 ? range - 1 : kind.is_signed ? -range : 0;
        }
        CHECKF(field_number(kind, field) == (int64_t)wanted,
               "%c%u %" PRId64 " + %" PRId64 " is %" PRId64 ", wanted %" PRId64,
               kind.is_signed ? 'i' : 'u', kind.bits, value, increment, field_number(kind, field),
               (int64_t)wanted);
    }
}
