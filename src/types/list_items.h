/* types/list_items.h - a run of items, to be walked both ways: what lists are made of.
 * Model:    an item is a packed element (struct/packed.h) and a trailer, which tells the element's
 *           bytes to who comes from behind: seven bits in each of its bytes, the low ones last; the
 *           high bit says that one more stands in front.
 *
 *             [ element | trailer ][ element | trailer ] ...
 *
 * Owner:    the memory is the caller's.
 * Pointers: items die with the memory's next change.
 * Threads:  pure functions.
 * Failure:  none.
 * Cost:     1 byte for elements up to 127 bytes, 2 up to 16 KiB, else 3. */
#ifndef TYPES_LIST_ITEMS_H
#define TYPES_LIST_ITEMS_H

#include "struct/packed.h"

static inline size_t item_trailer_bytes(size_t element_bytes)
{
    if (LIKELY(element_bytes < 0x80))
        return 1;
    return element_bytes < 0x4000 ? 2 : 3;
}

/* Of the whole item. */
static inline size_t item_bytes(const uint8_t *at)
{
    size_t element = packed_bytes(at);
    return element + item_trailer_bytes(element);
}
static inline size_t item_bytes_of(const struct packed_item *item)
{
    size_t element = packed_item_bytes(item);
    return element + item_trailer_bytes(element);
}

static inline const uint8_t *item_next(const uint8_t *at)
{
    return at + item_bytes(at);
}
/* The item that ends where `end` points. */
static inline const uint8_t *item_before(const uint8_t *end)
{
    if (LIKELY(end[-1] < 0x80))
        return end - 1 - end[-1];
    size_t element = (end[-1] & 0x7fu) | (size_t)(end[-2] & 0x7fu) << 7;
    if (end[-2] < 0x80)
        return end - 2 - element;
    element |= (size_t)end[-3] << 14;
    return end - 3 - element;
}

/* Writes item_bytes_of(item) at `at`. */
static inline void item_write(uint8_t *at, const struct packed_item *item)
{
    size_t element = packed_item_bytes(item);
    uint8_t *end = packed_write(at, item) + item_trailer_bytes(element);
    end[-1] = (uint8_t)(element & 0x7fu);
    if (LIKELY(element < 0x80))
        return;
    end[-1] |= 0x80u;
    end[-2] = (uint8_t)(element >> 7 & 0x7fu);
    if (element < 0x4000)
        return;
    end[-2] |= 0x80u;
    end[-3] = (uint8_t)(element >> 14);
}

/* The item `count` items behind `begin`, or in front of `end`. */
static inline const uint8_t *item_forward(const uint8_t *begin, uint64_t count)
{
    while (count-- > 0)
        begin = item_next(begin);
    return begin;
}
static inline const uint8_t *item_backward(const uint8_t *end, uint64_t count)
{
    while (count-- > 0)
        end = item_before(end);
    return end;
}

#endif
