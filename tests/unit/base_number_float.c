/* Floats: what is read, how they are written, and that it reads back and could not be shorter. */
#include "harness.h"

#include "base/number.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void check_written(double value, const char *wanted)
{
    uint8_t text[NUMBER_DOUBLE_MAX];
    CHECK_BYTES(bytes_of(text, number_write_double(text, value)), bytes_of_text(wanted));
}

TEST(write_double_takes_the_form_of_redis_7_2)
{
    check_written(0, "0");
    check_written(-0.0, "-0");
    check_written(1, "1");
    check_written(-17, "-17");
    check_written(3.1, "3.1");
    check_written(-2.5, "-2.5");
    check_written(0.1 + 0.2, "0.30000000000000004");
    check_written(1.0 / 3, "0.3333333333333333");
    check_written(0.001, "0.001");
    check_written(0.000001, "0.000001");
    check_written(1e-7, "1e-7");
    check_written(1.5e-7, "1.5e-7");
    check_written(1.2345678e-3, "0.0012345678");
    check_written(1.25e-5, "1.25e-5");
    check_written(1e15, "1000000000000000");
    check_written(9007199254740992.0, "9007199254740992");
    check_written(1e17, "100000000000000000");
    check_written(0x1p62, "4611686018427387904");
    check_written(0x1p63, "9223372036854776000");
    check_written(1e19, "1e+19");
    check_written(1.234567890123e19, "12345678901230000000"); /* seven zeros, and eight */
    check_written(1.23456789012e19, "1.23456789012e+19");
    check_written(1.2345678e-4, "1.2345678e-4");
    check_written(1e21, "1e+21");
    check_written(-1.5e300, "-1.5e+300");
    check_written(1.7976931348623157e308, "1.7976931348623157e+308");
    check_written(-1.7976931348623157e308, "-1.7976931348623157e+308");
    check_written(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_written(5e-324, "5e-324");
    check_written(0x1p-44, "5.684341886080802e-14");
    check_written((double)INFINITY, "inf");
    check_written(-(double)INFINITY, "-inf");
    check_written((double)NAN, "nan");
}

static size_t digits_in(const char *text)
{
    size_t count = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        /* Zeros count once a digit has been seen; those at the end of a whole number do not
         * matter, since such numbers are exact. */
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
            count++;
    }
    return count;
}

static void check_shortest(double value)
{
    uint8_t at[NUMBER_DOUBLE_MAX];
    char text[NUMBER_DOUBLE_MAX + 1] = { 0 };
    size_t count = number_write_double(at, value);
    CHECK(count < NUMBER_DOUBLE_MAX);
    memcpy(text, at, count);
    CHECKF(strtod(text, NULL) == value, "%a became %s", value, text);
    if (fabs(value) <= 0x1p62 && value == nearbyint(value))
        return;
    /* One digit less, rounded by printf, must not do. */
    size_t digits = digits_in(text);
    char shorter[64];
    if (digits < 2 || strstr(text, "00e") != NULL)
        return;
    snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, value);
    if (text[count - 1] != '0')
        CHECKF(strtod(shorter, NULL) != value, "%s for %s", text, shorter);
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

TEST(write_double_is_the_shortest_that_reads_back)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 30000; i++) {
        double any = double_of(rng_next(&rng));
        if (isfinite(any))
            check_shortest(any);
        check_shortest((double)(int64_t)rng_next(&rng) / 1e6);
        check_shortest((double)rng_below(&rng, 1000000) / 100);
        check_shortest(double_of(rng_next(&rng) >> 12)); /* subnormal */
    }
    for (int power = -1074; power < 1024; power++) {
        double value = ldexp(1, power);
        check_shortest(value);
        check_shortest(nextafter(value, 0));
        check_shortest(nextafter(value, (double)INFINITY));
    }
}

TEST(read_double_takes_whole_texts_alone)
{
    static const struct {
        const char *text;
        bool taken;
        double value;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "+1", true, 1 },
        { "1.", true, 1 },
        { ".5", true, 0.5 },
        { "1e3", true, 1000 },
        { "0x10", true, 16 },
        { "5e-324", true, 5e-324 },
        { "1.7976931348623157e308", true, 1.7976931348623157e308 },
        { "inf", true, (double)INFINITY },
        { "-Infinity", true, -(double)INFINITY },
        { "1e309", false, 0 },
        { "-1e309", false, 0 },
        { "1e-400", false, 0 },
        { "nan", false, 0 },
        { "-nan", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { ".", false, 0 },
        { "1e", false, 0 },
        { " 1", false, 0 },
        { "\n1", false, 0 },
        { "1 ", false, 0 },
        { "1,5", false, 0 },
        { "1x", false, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = 77;
        bool taken = number_read_double(bytes_of_text(rows[i].text), &value);
        CHECKF(taken == rows[i].taken, "'%s'", rows[i].text);
        CHECKF(value == (taken ? rows[i].value : 77), "'%s' gave %g", rows[i].text, value);
    }
    double value;
    CHECK(!number_read_double(BYTES("1\0"), &value));
    CHECK(!number_read_double(BYTES("1\0002"), &value));
}

TEST(read_double_agrees_with_strtod_on_noise)
{
    static const char alphabet[] = "0123456789012345678901234567890123456789--++..eexn ";
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 100000; i++) {
        char text[40] = { 0 };
        size_t count = rng_below(&rng, 30);
        for (size_t at = 0; at < count; at++)
            text[at] = alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
        char *end;
        double wanted = strtod(text, &end);
        bool takes = count > 0 && *end == '\0' && text[0] != ' ' && isfinite(wanted);
        double value = 0;
        bool taken = number_read_double(bytes_of(text, count), &value);
        /* A text that underflows to zero is refused, one that is zero is not. */
        if (takes && wanted == 0 && strpbrk(text, "123456789") != NULL)
            continue;
        CHECKF(taken == takes && (!taken || value == wanted), "'%s'", text);
    }
}

static void check_long(const char *text, const char *wanted)
{
    static uint8_t at[NUMBER_LONG_DOUBLE_MAX];
    long double value;
    CHECK(number_read_long_double(bytes_of_text(text), &value));
    CHECK_BYTES(bytes_of(at, number_write_long_double(at, value)), bytes_of_text(wanted));
}

TEST(long_doubles_are_written_without_exponent_or_zeros)
{
    check_long("10.5", "10.5");
    check_long("5.0e3", "5000");
    check_long("3.0", "3");
    check_long("-0.0", "0");
    check_long("-1e-30", "0");
    check_long("100", "100");
    check_long("0.1", "0.1");
    check_long("inf", "inf");
    check_long("-inf", "-inf");
    static uint8_t at[NUMBER_LONG_DOUBLE_MAX];
    long double value;
    CHECK(number_read_long_double(BYTES("-1.1e4932"), &value));
    CHECK_EQ(number_write_long_double(at, value), 4934);
    CHECK(!number_read_long_double(BYTES("1e5000"), &value));
    CHECK(!number_read_long_double(BYTES("1e-5000"), &value));
    CHECK(!number_read_long_double(BYTES("nan"), &value));
    CHECK(!number_read_long_double(BYTES(" 1"), &value));
    CHECK(!number_read_long_double(BYTES(""), &value));
}

TEST(floats_longer_than_any_number_are_refused)
{
    static uint8_t zeros[NUMBER_LONG_DOUBLE_MAX];
    memset(zeros, '0', sizeof(zeros));
    double value;
    long double long_value;
    CHECK(!number_read_double(bytes_of(zeros, sizeof(zeros)), &value));
    CHECK(!number_read_long_double(bytes_of(zeros, sizeof(zeros)), &long_value));
    CHECK(number_read_double(bytes_of(zeros, sizeof(zeros) - 1), &value));
}
