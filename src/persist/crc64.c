#include "persist/crc64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Slicing by 8: SLICES[k][b] is what a byte b adds to the CRC when k more bytes follow it. A CRC is
 * linear, so an entry is the sum of those of its bits: each row is given by eight numbers, those of
 * the bytes 1, 2, 4 ... 128. */
#define BIT(i, bit, value) ((i) >> (bit)&1 ? (value) : 0)
#define ONE(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                     \
    (BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^ BIT(i, 4, b4) ^               \
     BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7))
#define FOUR(i, ...)                                                                               \
    ONE(i, __VA_ARGS__), ONE(i + 1, __VA_ARGS__), ONE(i + 2, __VA_ARGS__), ONE(i + 3, __VA_ARGS__)
#define SIXTEEN(i, ...)                                                                            \
    FOUR(i, __VA_ARGS__), FOUR(i + 4, __VA_ARGS__), FOUR(i + 8, __VA_ARGS__),                      \
        FOUR(i + 12, __VA_ARGS__)
#define SIXTY_FOUR(i, ...)                                                                         \
    SIXTEEN(i, __VA_ARGS__), SIXTEEN(i + 16, __VA_ARGS__), SIXTEEN(i + 32, __VA_ARGS__),           \
        SIXTEEN(i + 48, __VA_ARGS__)
#define ROW(...)                                                                                   \
    {                                                                                              \
        SIXTY_FOUR(0, __VA_ARGS__), SIXTY_FOUR(64, __VA_ARGS__), SIXTY_FOUR(128, __VA_ARGS__),     \
            SIXTY_FOUR(192, __VA_ARGS__)                                                           \
    }

static const uint64_t SLICES[8][256] = {
    ROW(0x7ad870c830358979u, 0xf5b0e190606b12f2u, 0xc038e5739841b68fu, 0xab28ecb46814fe75u,
        0x7d08ff3b88be6f81u, 0xfa11fe77117cdf02u, 0xdf7adabd7a6e2d6fu, 0x95ac9329ac4bc9b5u),
    ROW(0x89e99ffd73bddf69u, 0x388a19a9bfec2db9u, 0x711433537fd85b72u, 0xe22866a6ffb0b6e4u,
        0xef09eb1ea7f6fea3u, 0xf54af06e177a6e2du, 0xc1ccc68f76634f31u, 0xa8c0ab4db4510d09u),
    ROW(0xf4125129ce4038beu, 0xc37d8400c417e217u, 0xada22e52d0b85745u, 0x701d7af6f9e73de1u,
        0xe03af5edf3ce7bc2u, 0xeb2ccd88bf0b64efu, 0xfd00bd4226815ab5u, 0xd1585cd715952601u),
    ROW(0x8ce168638c796306u, 0x329bf69440655567u, 0x6537ed2880caaaceu, 0xca6fda510195559cu,
        0xbf8692f15bbd3853u, 0x545403b1efede3cdu, 0xa8a80763dfdbc79au, 0x7a092894e7201c5fu),
    ROW(0x3504e58b9ba6dd1eu, 0x6a09cb17374dba3cu, 0xd413962e6e9b7478u, 0x837e0a0f85a17b9bu,
        0x2da5324c53d5645du, 0x5b4a6498a7aac8bau, 0xb694c9314f559174u, 0x4670b431c63cb183u),
    ROW(0xe39d1389931b9354u, 0xec6301407ea0b5c3u, 0xf39f24d3a5d6f8edu, 0xcc676ff4133a62b1u,
        0xb397f9bb7ee35609u, 0x4c76d525a5513f79u, 0x98edaa4b4aa27ef2u, 0x1a8272c5cdd36e8fu),
    ROW(0x62a95de6e302eff2u, 0xc552bbcdc605dfe4u, 0xa1fc51c8d49c2ca3u, 0x68a185c2f1afca2du,
        0xd1430b85e35f945au, 0x89df31589e28bbdfu, 0x38e744e264c6e4d5u, 0x71ce89c4c98dc9aau),
    ROW(0x381d0015c96f4444u, 0x703a002b92de8888u, 0xe074005725bd1110u, 0xebb126fd13edb14bu,
        0xfc3b6ba97f4cf1fdu, 0xd32ff101a60e7091u, 0x8d06c450148b7249u, 0x3154aef3718177f9u),
};

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t by_tables(uint64_t crc, struct bytes bytes)
{
    const uint8_t *at = bytes.at;
    size_t left = bytes.count;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t x = crc ^ load_u64(at);
        crc = SLICES[7][x & 255] ^ SLICES[6][x >> 8 & 255] ^ SLICES[5][x >> 16 & 255] ^
              SLICES[4][x >> 24 & 255] ^ SLICES[3][x >> 32 & 255] ^ SLICES[2][x >> 40 & 255] ^
              SLICES[1][x >> 48 & 255] ^ SLICES[0][x >> 56];
    }
    for (; left > 0; at++, left--)
        crc = SLICES[0][(crc ^ *at) & 255] ^ crc >> 8;
    return crc;
}

/* Where the processor multiplies polynomials, 16 bytes are folded into those n bits further on: the
 * CRC stays the same when the first eight, times x^(n + 63) mod P, and the other eight, times
 * x^(n - 1) mod P, are added there. (A product of reflected numbers is off by one bit, hence 63 and
 * -1.) Four such sums side by side keep the multiplier busy; the last 16 bytes go through the
 * tables. */
#if defined(__x86_64__)
#define FOLDS __attribute__((target("pclmul,sse2")))
enum { FOLD_BYTES = 16, FOLDS_AT_ONCE = 4, FOLD_MIN = 2 * FOLD_BYTES * FOLDS_AT_ONCE };

FOLDS static inline __m128i fold(__m128i sum, __m128i by, __m128i more)
{
    __m128i first = _mm_clmulepi64_si128(sum, by, 0x00);
    __m128i other = _mm_clmulepi64_si128(sum, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, other), more);
}

FOLDS static inline __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

FOLDS static uint64_t by_folding(uint64_t crc, struct bytes bytes)
{
    const __m128i by_512 =
        _mm_set_epi64x((int64_t)0xf49784a634f014e4u, (int64_t)0xaf86efb16d9ab4fbu);
    const __m128i by_128 =
        _mm_set_epi64x((int64_t)0x381d0015c96f4444u, (int64_t)0xd9d7be7d505da32cu);
    const uint8_t *at = bytes.at;
    size_t left = bytes.count;
    uint8_t rest[FOLD_BYTES];
    __m128i sums[FOLDS_AT_ONCE];
    for (unsigned i = 0; i < FOLDS_AT_ONCE; i++, at += FOLD_BYTES, left -= FOLD_BYTES)
        sums[i] = load(at);
    sums[0] = _mm_xor_si128(sums[0], _mm_set_epi64x(0, (int64_t)crc));
    while (left >= FOLD_BYTES * FOLDS_AT_ONCE) {
        for (unsigned i = 0; i < FOLDS_AT_ONCE; i++, at += FOLD_BYTES, left -= FOLD_BYTES)
            sums[i] = fold(sums[i], by_512, load(at));
    }
    for (unsigned i = 1; i < FOLDS_AT_ONCE; i++)
        sums[i] = fold(sums[i - 1], by_128, sums[i]);
    _mm_storeu_si128((__m128i *)(void *)rest, sums[FOLDS_AT_ONCE - 1]);
    crc = by_tables(0, bytes_of(rest, sizeof rest));
    return by_tables(crc, bytes_of(at, left));
}

uint64_t crc64(uint64_t crc, struct bytes bytes)
{
    if (bytes.count >= FOLD_MIN && __builtin_cpu_supports("pclmul"))
        return by_folding(crc, bytes);
    return by_tables(crc, bytes);
}
#else
uint64_t crc64(uint64_t crc, struct bytes bytes)
{
    return by_tables(crc, bytes);
}
#endif
