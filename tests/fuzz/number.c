/* Numbers of every kind read from any bytes; what was read is written and read back. */
#include "base/number.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* The strict readers take exactly what the writers write. */
static void check_integers(struct bytes text)
{
    uint8_t written[NUMBER_I64_MAX];
    int64_t value;
    uint64_t unsigned_value;
    if (number_read_i64(text, &value))
        ENSURE(bytes_equal(text, bytes_of(written, number_write_i64(written, value))));
    if (number_read_u64(text, &unsigned_value))
        ENSURE(bytes_equal(text, bytes_of(written, number_write_u64(written, unsigned_value))));
}

static void check_double(double value)
{
    uint8_t written[NUMBER_DOUBLE_MAX];
    double back;
    size_t count = number_write_double(written, value);
    ENSURE(count <= NUMBER_DOUBLE_MAX);
    if (isnan(value))
        return;
    ENSURE(number_read_double(bytes_of(written, count), &back));
    ENSURE(memcmp(&back, &value, sizeof(value)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct bytes text = bytes_of(at, count);
    check_integers(text);
    double value;
    if (count >= sizeof(value)) {
        memcpy(&value, at, sizeof(value));
        check_double(value);
    }
    if (number_read_double(text, &value))
        check_double(value);
    uint8_t written[NUMBER_LONG_DOUBLE_MAX];
    long double long_value;
    if (number_read_long_double(text, &long_value))
        ENSURE(number_write_long_double(written, long_value) < NUMBER_LONG_DOUBLE_MAX);
    uint64_t bytes;
    if (number_read_memory(text, &bytes))
        ENSURE(count == 0 || (at[0] != '-' && at[0] != ' '));
    return 0;
}
