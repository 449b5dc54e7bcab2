/* Whole numbers and units, beside the C library. */
#include "harness.h"

#include "base/number.h"
#include "base/rng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

TEST(read_i64_takes_strict_decimals)
{
    static const struct {
        const char *text;
        bool taken;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-1", true, -1 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 },
        { "99999999999999999999", false, 0 },
        { "100000000000000000000", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "-0", false, 0 },
        { "+1", false, 0 },
        { "01", false, 0 },
        { "-01", false, 0 },
        { "00", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "--1", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "0x10", false, 0 },
        { "/", false, 0 },
        { ":", false, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 77;
        bool taken = number_read_i64(bytes_of_text(rows[i].text), &value);
        CHECKF(taken == rows[i].taken, "'%s'", rows[i].text);
        CHECK_EQ(value, taken ? rows[i].value : 77);
    }
    int64_t value;
    CHECK(!number_read_i64(BYTES("1\0"), &value));
    CHECK(!number_read_i64(bytes_of(NULL, 0), &value));
}

TEST(read_u64_reaches_its_end_and_stops)
{
    uint64_t value = 77;
    CHECK(number_read_u64(BYTES("18446744073709551615"), &value));
    CHECK_EQ(value, UINT64_MAX);
    CHECK(!number_read_u64(BYTES("18446744073709551616"), &value));
    CHECK(!number_read_u64(BYTES("-1"), &value));
    CHECK(!number_read_u64(BYTES("000"), &value));
    CHECK_EQ(value, UINT64_MAX);
}

static uint64_t number_of_some_length(struct rng *rng)
{
    return rng_next(rng) >> rng_below(rng, 64);
}

TEST(integers_are_written_as_printf_does_and_read_back)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 200000; i++) {
        uint64_t unsigned_value = number_of_some_length(&rng);
        int64_t value = (int64_t)(i % 2 == 0 ? unsigned_value : 0 - unsigned_value);
        uint8_t text[NUMBER_I64_MAX];
        char wanted[32];
        int length = snprintf(wanted, sizeof(wanted), "%" PRId64, value);
        size_t count = number_write_i64(text, value);
        CHECK_BYTES(bytes_of(text, count), bytes_of(wanted, (size_t)length));
        int64_t back;
        CHECK(number_read_i64(bytes_of(text, count), &back));
        CHECK_EQ(back, value);
        length = snprintf(wanted, sizeof(wanted), "%" PRIu64, unsigned_value);
        count = number_write_u64(text, unsigned_value);
        CHECK_BYTES(bytes_of(text, count), bytes_of(wanted, (size_t)length));
        CHECK(number_read_u64(bytes_of(text, count), &unsigned_value));
    }
}

/* What is read is what strtoll reads, and then only if it would be written the same. */
TEST(read_i64_agrees_with_strtoll_on_noise)
{
    static const char alphabet[] = "0123456789012345678901234567890123456789-+ .x";
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 200000; i++) {
        char text[32] = { 0 };
        size_t count = rng_below(&rng, 23);
        for (size_t at = 0; at < count; at++)
            text[at] = alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
        char *end;
        errno = 0;
        long long wanted = strtoll(text, &end, 10);
        char again[32];
        snprintf(again, sizeof(again), "%lld", wanted);
        bool takes = errno == 0 && count > 0 && strcmp(again, text) == 0;
        int64_t value = 0;
        bool taken = number_read_i64(bytes_of(text, count), &value);
        CHECKF(taken == takes && (!taken || value == wanted), "'%s'", text);
    }
}

TEST(memory_units_are_read)
{
    static const struct {
        const char *text;
        bool taken;
        uint64_t bytes;
    } rows[] = {
        { "0", true, 0 },
        { "64", true, 64 },
        { "64b", true, 64 },
        { "5k", true, 5000 },
        { "5Kb", true, 5 * 1024 },
        { "3m", true, 3000000 },
        { "3MB", true, 3 * 1024 * 1024 },
        { "2g", true, 2000000000 },
        { "2GB", true, UINT64_C(2) << 30 },
        { "010k", true, 10000 },
        { "", true, 0 },
        { "18446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, 0 },
        { "18446744073709551615k", false, 0 },
        { "17179869184gb", false, 0 },
        { "17179869183gb", true, UINT64_MAX - ((UINT64_C(1) << 30) - 1) },
        { "-1", false, 0 },
        { "1.5gb", false, 0 },
        { "1tb", false, 0 },
        { "1 kb", false, 0 },
        { " 1", false, 0 },
        { "1kbb", false, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bytes = 77;
        bool taken = number_read_memory(bytes_of_text(rows[i].text), &bytes);
        CHECKF(taken == rows[i].taken, "'%s'", rows[i].text);
        CHECK_EQ(bytes, taken ? rows[i].bytes : 77);
    }
}

TEST(checked_arithmetic_sees_overflow)
{
    int64_t sum;
    CHECK(!add_i64(INT64_MAX, 1, &sum));
    CHECK(!add_i64(INT64_MIN, -1, &sum));
    CHECK(add_i64(INT64_MAX, -1, &sum) && sum == INT64_MAX - 1);
    CHECK(!mul_i64(INT64_MIN, -1, &sum));
    size_t size;
    CHECK(!add_size(SIZE_MAX, 1, &size));
    CHECK(!mul_size(SIZE_MAX / 2, 3, &size));
    CHECK(mul_size(SIZE_MAX / 2, 2, &size) && size == SIZE_MAX - 1);
}
