#include "base/bytes.h"

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.count < b.count ? a.count : b.count;
    int order = shared == 0 ? 0 : memcmp(a.at, b.at, shared);
    if (order != 0)
        return order;
    return (a.count > b.count) - (a.count < b.count);
}

/* Written without tolower, so that no locale can have a say. */
static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}
