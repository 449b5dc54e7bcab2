/* Packed elements from any bytes: what is taken is what would have been written. */
#include "struct/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

static void check_item(const uint8_t *at, const struct packed_item *item)
{
    ENSURE(packed_item_bytes(item) == packed_bytes(at));
    ENSURE(packed_is(NULL, at, item));
}

/* An element that was taken can be read without looking at what follows, and has one form. */
static void check_element(const uint8_t *at, size_t left, bool scores)
{
    struct packed_item item;
    ENSURE(packed_bytes(at) <= left && packed_run(at) == 0);
    if (at[0] == PACKED_DOUBLE) {
        ENSURE(scores);
        packed_prepare_score(packed_score(at), &item);
    } else {
        uint8_t digits[NUMBER_I64_MAX];
        packed_sought(packed_view(NULL, at, digits), &item);
    }
    check_item(at, &item);
    if (packed_is_integer(at)) {
        packed_prepare_i64(packed_integer(at), &item);
        check_item(at, &item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    bool scores = count > 0 && (at[0] & 1) != 0;
    for (size_t offset = count > 0; packed_check(at + offset, count - offset, scores);) {
        check_element(at + offset, count - offset, scores);
        offset += packed_bytes(at + offset);
    }
    return 0;
}
