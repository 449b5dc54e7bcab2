#include "cmd/bitmap_bits.h"

#include "base/err.h"

static uint64_t load_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static void store_word(uint8_t *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

/* ---- counting ---------------------------------------------------------------------------------
 */

/* Without an instruction for it: sums of 2, 4 and 8 bits side by side (Hacker's Delight, 5-1). */
static uint64_t count_plain(const uint8_t *at, size_t words)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t word = load_word(at + i * 8);
        word -= word >> 1 & 0x5555555555555555u;
        word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
        word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        sum += word * 0x0101010101010101u >> 56;
    }
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static uint64_t count_popcnt(const uint8_t *at, size_t words)
{
    uint64_t sums[4] = { 0 };
    size_t i = 0;
    for (; i + 4 <= words; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sums[k] += (uint64_t)__builtin_popcountll(load_word(at + (i + k) * 8));
    }
    for (; i < words; i++)
        sums[0] += (uint64_t)__builtin_popcountll(load_word(at + i * 8));
    return sums[0] + sums[1] + sums[2] + sums[3];
}
#endif

static uint64_t count_words(const uint8_t *at, size_t words)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return count_popcnt(at, words);
#endif
    return count_plain(at, words);
}

static uint64_t count_bytes(const uint8_t *at, size_t count)
{
    uint64_t tail = 0;
    size_t words = count / 8;
    memcpy(&tail, at + words * 8, count % 8);
    return count_words(at, words) + (uint64_t)__builtin_popcountll(tail);
}

/* Bits of one byte from `first` to the end, and from the start to `last`. */
static unsigned mask_from(uint64_t first)
{
    return 0xffu >> first % 8;
}
static unsigned mask_to(uint64_t last)
{
    return 0xffu & 0xff00u >> (last % 8 + 1);
}

uint64_t bits_count(struct bytes bytes, uint64_t first, uint64_t last)
{
    size_t head = (size_t)(first / 8), tail = (size_t)(last / 8);
    unsigned head_bits = bytes.at[head] & mask_from(first);
    unsigned tail_bits = bytes.at[tail] & mask_to(last);
    if (head == tail)
        return (uint64_t)__builtin_popcount(head_bits & mask_to(last));
    return (uint64_t)__builtin_popcount(head_bits) + (uint64_t)__builtin_popcount(tail_bits) +
           count_bytes(bytes.at + head + 1, tail - head - 1);
}

/* ---- finding ----------------------------------------------------------------------------------
 */

/* The first byte from `at` to `end` that is not `skip`; `end` when all are. */
static size_t skip_bytes(const uint8_t *bytes, size_t at, size_t end, uint8_t skip)
{
    uint64_t word = skip * 0x0101010101010101u;
    while (at + 8 <= end && load_word(bytes + at) == word)
        at += 8;
    while (at < end && bytes[at] == skip)
        at++;
    return at;
}

int64_t bits_find(struct bytes bytes, bool bit, uint64_t first, uint64_t last)
{
    uint8_t skip = bit ? 0 : 0xff;
    size_t at = (size_t)(first / 8), end = (size_t)(last / 8) + 1;
    unsigned wanted = (unsigned)(bytes.at[at] ^ skip) & mask_from(first);
    if (wanted == 0) {
        at = skip_bytes(bytes.at, at + 1, end, skip);
        if (at == end)
            return -1;
        wanted = (unsigned)(bytes.at[at] ^ skip);
    }
    uint64_t found = (uint64_t)at * 8 + (unsigned)__builtin_clz(wanted) - 24;
    return found <= last ? (int64_t)found : -1;
}

/* ---- combining --------------------------------------------------------------------------------
 */

static inline uint64_t combine(enum bits_operation operation, uint64_t a, uint64_t b)
{
    switch (operation) {
    case BITS_AND:
        return a & b;
    case BITS_OR:
        return a | b;
    case BITS_XOR:
        return a ^ b;
    case BITS_NOT:
        break;
    }
    return ~a;
}

/* Inlined with a constant operation, so that the loop has no branch on it. */
static inline __attribute__((always_inline)) void fold(enum bits_operation operation, uint8_t *to,
                                                       const uint8_t *from, size_t count)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        store_word(to + i, combine(operation, load_word(to + i), load_word(from + i)));
    for (; i < count; i++)
        to[i] = (uint8_t)combine(operation, to[i], from[i]);
}

void bits_fold(enum bits_operation operation, uint8_t *to, const uint8_t *from, size_t count)
{
    switch (operation) {
    case BITS_AND:
        fold(BITS_AND, to, from, count);
        break;
    case BITS_OR:
        fold(BITS_OR, to, from, count);
        break;
    case BITS_XOR:
        fold(BITS_XOR, to, from, count);
        break;
    case BITS_NOT:
        fold(BITS_NOT, to, to, count);
        break;
    }
}

/* ---- fields -----------------------------------------------------------------------------------
 */

enum { FIELD_SPAN = 9 }; /* bytes that a field of 64 bits can touch */

static uint64_t field_mask(unsigned bits)
{
    return bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

static unsigned __int128 span_load(struct bytes bytes, uint64_t first)
{
    unsigned __int128 span = 0;
    for (uint64_t i = first; i < first + FIELD_SPAN; i++)
        span = span << 8 | (i < bytes.count ? bytes.at[i] : 0u);
    return span;
}

uint64_t bits_field(struct bytes bytes, uint64_t offset, unsigned bits)
{
    unsigned after = FIELD_SPAN * 8 - (unsigned)(offset % 8) - bits;
    return (uint64_t)(span_load(bytes, offset / 8) >> after) & field_mask(bits);
}

void bits_set_field(uint8_t *at, size_t count, uint64_t offset, unsigned bits, uint64_t field)
{
    uint64_t first = offset / 8;
    unsigned after = FIELD_SPAN * 8 - (unsigned)(offset % 8) - bits;
    unsigned __int128 mask = (unsigned __int128)field_mask(bits) << after;
    unsigned __int128 span = span_load(bytes_of(at, count), first);
    span = (span & ~mask) | ((unsigned __int128)field << after & mask);
    DCHECK((offset + bits + 7) / 8 <= count);
    for (uint64_t i = first; i < first + FIELD_SPAN && i < count; i++)
        at[i] = (uint8_t)(span >> (8 * (FIELD_SPAN - 1 - (i - first))));
}

int64_t field_number(struct field_kind kind, uint64_t field)
{
    unsigned unused = 64 - kind.bits;
    return kind.is_signed ? (int64_t)(field << unused) >> unused : (int64_t)field;
}

bool field_sum(struct field_kind kind, enum field_overflow overflow, int64_t value,
               int64_t increment, uint64_t *field)
{
    uint64_t mask = field_mask(kind.bits);
    __int128 most = kind.is_signed ? (__int128)(mask >> 1) : (__int128)mask;
    __int128 least = kind.is_signed ? -most - 1 : 0;
    __int128 sum = (kind.is_signed ? (__int128)value : (__int128)(uint64_t)value) + increment;
    bool fits = sum >= least && sum <= most;
    if (!fits && overflow == FIELD_FAIL)
        return false;
    if (!fits && overflow == FIELD_SATURATE)
        sum = sum < least ? least : most;
    *field = (uint64_t)sum & mask;
    return true;
}
