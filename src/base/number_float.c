/* Floats read and written. Locales are never set for numbers, so strtod reads a point. */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What every reader here asks of a text before strtod may see it: it fits, it is not empty, and
 * strtod would not skip spaces in front. The copy ends in NUL; a NUL inside ends the number early
 * and is noticed by its length. */
static bool copy_text(struct bytes text, char *copy, size_t room)
{
    if (text.count == 0 || text.count >= room || isspace(text.at[0]))
        return false;
    memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    return true;
}

/* A result that overflowed, or became zero without being it, is refused; a subnormal is taken. */
static bool out_of_range(bool infinite, bool zero)
{
    return errno == ERANGE && (infinite || zero);
}

bool number_read_double(struct bytes text, double *value)
{
    char copy[NUMBER_LONG_DOUBLE_MAX];
    char *end;
    if (!copy_text(text, copy, sizeof(copy)))
        return false;
    errno = 0;
    double read = strtod(copy, &end);
    if ((size_t)(end - copy) != text.count || isnan(read) ||
        out_of_range(isinf(read), fpclassify(read) == FP_ZERO))
        return false;
    *value = read;
    return true;
}

bool number_read_long_double(struct bytes text, long double *value)
{
    char copy[NUMBER_LONG_DOUBLE_MAX];
    char *end;
    if (!copy_text(text, copy, sizeof(copy)))
        return false;
    errno = 0;
    long double read = strtold(copy, &end);
    if ((size_t)(end - copy) != text.count || isnan(read) ||
        out_of_range(isinf(read), fpclassify(read) == FP_ZERO))
        return false;
    *value = read;
    return true;
}

/* A positive number as its decimal digits, the last of them not a zero, times a power of ten. */
struct decimal {
    char digits[NUMBER_I64_MAX];
    int count;
    int exponent;
};

static struct decimal decimal_of(uint64_t digits, int exponent)
{
    struct decimal decimal;
    size_t count = number_write_u64((uint8_t *)decimal.digits, digits);
    for (; count > 1 && decimal.digits[count - 1] == '0'; count--)
        exponent++;
    decimal.count = (int)count;
    decimal.exponent = exponent;
    return decimal;
}

/* Most floats that people store have few decimals. When `scaled` is a whole number of at most 15
 * digits, dividing it by a power of ten rounds once, as reading its text would; so if that gives
 * the value back, the text does too, and no other text of 15 digits or less can. Takes some 20 ns
 * where printf and strtod take 500. */
static bool few_decimals(double value, struct decimal *decimal)
{
    static const double powers[] = { 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                     1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    for (int i = 0; i < (int)(sizeof(powers) / sizeof(powers[0])); i++) {
        double product = value * powers[i] + 0.5;
        if (product >= 1e15)
            return false;
        uint64_t scaled = (uint64_t)product;
        if ((double)scaled / powers[i] == value) {
            *decimal = decimal_of(scaled, -(i + 1));
            return true;
        }
    }
    return false;
}

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[NUMBER_DOUBLE_MAX];
    snprintf(text, sizeof(text), "%.*se%d", decimal->count, decimal->digits, decimal->exponent);
    return strtod(text, NULL) == value;
}

/* `count` digits of `value` as printf rounds them. */
static void round_to(double value, int count, uint64_t *digits, int *exponent)
{
    char text[NUMBER_DOUBLE_MAX];
    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    uint64_t sum = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.')
            sum = sum * 10 + (uint64_t)(*at - '0');
    }
    *digits = sum;
    *exponent = (int)strtol(at + 1, NULL, 10) - (count - 1);
}

/* 17 digits always read back, and 15 are the shortest that may, but for subnormals, which carry
 * fewer. At a power of two the doubles below lie twice as close as those above: the nearest text
 * of 16 digits may lie too far below, and the next one above still read back. */
static struct decimal search_digits(double value)
{
    enum { DIGITS_MOST = 17, DIGITS_SURE = 15 };
    uint64_t digits;
    int exponent;
    for (int count = value < 2.3e-308 ? 1 : DIGITS_SURE; count < DIGITS_MOST; count++) {
        round_to(value, count, &digits, &exponent);
        struct decimal nearest = decimal_of(digits, exponent);
        if (reads_back(&nearest, value))
            return nearest;
        struct decimal above = decimal_of(digits + 1, exponent);
        if (reads_back(&above, value))
            return above;
    }
    round_to(value, DIGITS_MOST, &digits, &exponent);
    return decimal_of(digits, exponent);
}

static size_t put_text(uint8_t *at, const void *text, size_t count)
{
    memcpy(at, text, count);
    return count;
}

/* "0.00123" or "12.3". */
static size_t put_point(uint8_t *at, const struct decimal *decimal)
{
    int whole = decimal->count + decimal->exponent;
    size_t used = 0;
    if (whole <= 0) {
        used += put_text(at, "0.", 2);
        memset(at + used, '0', (size_t)-whole);
        used += (size_t)-whole;
        return used + put_text(at + used, decimal->digits, (size_t)decimal->count);
    }
    used += put_text(at, decimal->digits, (size_t)whole);
    at[used++] = '.';
    return used + put_text(at + used, decimal->digits + whole, (size_t)(decimal->count - whole));
}

/* "1.23e-7", the exponent with its sign and no zero in front. */
static size_t put_exponent(uint8_t *at, const struct decimal *decimal)
{
    int exponent = decimal->exponent + decimal->count - 1;
    size_t used = 0;
    at[used++] = (uint8_t)decimal->digits[0];
    if (decimal->count > 1) {
        at[used++] = '.';
        used += put_text(at + used, decimal->digits + 1, (size_t)decimal->count - 1);
    }
    at[used++] = 'e';
    at[used++] = exponent < 0 ? '-' : '+';
    return used + number_write_u64(at + used, (uint64_t)abs(exponent));
}

/* Where Redis 7.2 changes from one form to the other: up to seven zeros are put behind whole
 * digits, up to six decimals or three zeros after the point are written out. */
static size_t put_decimal(uint8_t *at, const struct decimal *decimal)
{
    int exponent = decimal->exponent;
    int magnitude = abs(exponent + decimal->count - 1);
    if (exponent >= 0 && exponent <= 7) {
        size_t used = put_text(at, decimal->digits, (size_t)decimal->count);
        memset(at + used, '0', (size_t)exponent);
        return used + (size_t)exponent;
    }
    if (exponent < 0 && (exponent > -7 || magnitude < 4))
        return put_point(at, decimal);
    return put_exponent(at, decimal);
}

/* Whole numbers up to 2^62 are written as integers, as Redis 7.2 does; beyond, as digits. */
static bool whole_number(double value, int64_t *whole)
{
    const double most = 0x1p62;
    if (!(value >= -most && value <= most) || value != (double)(int64_t)value)
        return false;
    *whole = (int64_t)value;
    return true;
}

size_t number_write_double(uint8_t *at, double value)
{
    if (isnan(value))
        return put_text(at, "nan", 3);
    size_t used = 0;
    if (signbit(value)) {
        at[used++] = '-';
        value = -value;
    }
    if (isinf(value))
        return used + put_text(at + used, "inf", 3);
    int64_t whole;
    if (whole_number(value, &whole))
        return used + number_write_i64(at + used, whole);
    struct decimal decimal;
    if (!few_decimals(value, &decimal))
        decimal = search_digits(value);
    return used + put_decimal(at + used, &decimal);
}

size_t number_write_long_double(uint8_t *at, long double value)
{
    if (isnan(value))
        return put_text(at, "nan", 3);
    if (isinf(value))
        return value < 0 ? put_text(at, "-inf", 4) : put_text(at, "inf", 3);
    int length = snprintf((char *)at, NUMBER_LONG_DOUBLE_MAX, "%.17Lf", value);
    ENSURE(length > 0 && length < NUMBER_LONG_DOUBLE_MAX);
    size_t count = (size_t)length;
    while (at[count - 1] == '0')
        count--;
    if (at[count - 1] == '.')
        count--;
    if (count == 2 && at[0] == '-' && at[1] == '0')
        return put_text(at, "0", 1);
    return count;
}
