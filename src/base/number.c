/* Integers and units; the floats are in number_float.c. */
#include "base/number.h"

static inline bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') < 10;
}

/* 1 to 20 digits without a leading zero, unless zero itself. */
bool number_read_u64(struct bytes text, uint64_t *value)
{
    enum { U64_DIGITS_MAX = 20 };
    if (text.count == 0 || text.count > U64_DIGITS_MAX)
        return false;
    if (text.at[0] == '0' && text.count > 1)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.count; i++) {
        if (!is_digit(text.at[i]))
            return false;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        /* 19 digits always fit, so that only the 20th needs the checks. */
        if (i < U64_DIGITS_MAX - 1)
            sum = sum * 10 + digit;
        else if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

bool number_read_i64(struct bytes text, int64_t *value)
{
    bool negative = text.count > 0 && text.at[0] == '-';
    if (negative)
        text = bytes_of(text.at + 1, text.count - 1);
    uint64_t magnitude;
    if (!number_read_u64(text, &magnitude))
        return false;
    const uint64_t most = (uint64_t)INT64_MAX + negative;
    if (magnitude > most || (negative && magnitude == 0))
        return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* Two digits a division: a division costs more than the rest. */
size_t number_write_u64(uint8_t *at, uint64_t value)
{
    uint8_t digits[NUMBER_I64_MAX];
    size_t begin = sizeof(digits);
    while (value >= 100) {
        uint8_t pair = (uint8_t)(value % 100);
        value /= 100;
        digits[--begin] = (uint8_t)('0' + pair % 10);
        digits[--begin] = (uint8_t)('0' + pair / 10);
    }
    digits[--begin] = (uint8_t)('0' + value % 10);
    if (value >= 10)
        digits[--begin] = (uint8_t)('0' + value / 10);
    size_t count = sizeof(digits) - begin;
    memcpy(at, digits + begin, count);
    return count;
}

size_t number_write_i64(uint8_t *at, int64_t value)
{
    if (value >= 0)
        return number_write_u64(at, (uint64_t)value);
    *at = '-';
    return 1 + number_write_u64(at + 1, 0 - (uint64_t)value);
}

struct unit {
    const char *name;
    uint64_t bytes;
};

static bool unit_named(struct bytes name, uint64_t *bytes)
{
    static const struct unit units[] = {
        { "", 1 },
        { "b", 1 },
        { "k", 1000 },
        { "kb", 1024 },
        { "m", 1000 * 1000 },
        { "mb", 1024 * 1024 },
        { "g", 1000 * 1000 * 1000 },
        { "gb", 1024 * 1024 * 1024 },
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (bytes_is(name, units[i].name)) {
            *bytes = units[i].bytes;
            return true;
        }
    }
    return false;
}

/* Leading zeros are taken here, and so are no digits at all for 0, as Redis does. */
bool number_read_memory(struct bytes text, uint64_t *bytes)
{
    uint64_t sum = 0;
    size_t digits = 0;
    for (; digits < text.count && is_digit(text.at[digits]); digits++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(text.at[digits] - '0'), &sum))
            return false;
    }
    uint64_t unit, product;
    if (!unit_named(bytes_of(text.at + digits, text.count - digits), &unit) ||
        __builtin_mul_overflow(sum, unit, &product))
        return false;
    *bytes = product;
    return true;
}
