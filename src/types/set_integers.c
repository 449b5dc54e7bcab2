/* Sets of integers: a sorted array of one width. */
#include "types/set_inside.h"

unsigned integers_width_of(int64_t number)
{
    if (number >= INT16_MIN && number <= INT16_MAX)
        return 2;
    return number >= INT32_MIN && number <= INT32_MAX ? 4 : 8;
}

void integers_write(uint8_t *at, unsigned width, int64_t number)
{
    memcpy(at, &number, width);
}

/* Numbers often come in ascending order, so that the end is looked at first. */
bool integers_find(struct bytes body, int64_t number, uint32_t *index)
{
    uint32_t low = 0, high = integers_count(body);
    if (high > 0 && number > integers_at(body, high - 1))
        low = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (integers_at(body, middle) < number)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return low < integers_count(body) && integers_at(body, low) == number;
}

bool integers_valid(struct bytes body)
{
    unsigned width = integers_width(body);
    if (width != 2 && width != 4 && width != 8)
        return body.count == 0;
    if ((body.count - 1) % width != 0)
        return false;
    for (uint32_t i = 1; i < integers_count(body); i++) {
        if (integers_at(body, i - 1) >= integers_at(body, i))
            return false;
    }
    return true;
}

/* Every number gets `width` bytes; from the end, as each goes to the right. */
static enum err widen(struct value_edit *edit, unsigned width)
{
    unsigned old = integers_width(edit->value.body);
    uint32_t count = integers_count(edit->value.body);
    if (edit_splice(edit, edit->value.body.count, 0,
                    (old == 0 ? 1 : 0) + (size_t)count * (width - old)) == NULL)
        return ERR_MEMORY;
    uint8_t *body = edit->own;
    struct bytes before = bytes_of(body, old == 0 ? 0 : 1 + (size_t)count * old);
    for (uint32_t i = count; i-- > 0;)
        integers_write(body + 1 + (size_t)i * width, width, integers_at(before, i));
    body[0] = (uint8_t)width;
    return ERR_NONE;
}

enum err integers_add(struct value_edit *edit, int64_t number, bool *added)
{
    uint32_t index;
    *added = false;
    if (integers_find(edit->value.body, number, &index))
        return ERR_NONE;
    unsigned width = integers_width_of(number);
    if (width > integers_width(edit->value.body) && widen(edit, width) != ERR_NONE)
        return ERR_MEMORY;
    width = integers_width(edit->value.body);
    uint8_t *at = edit_splice(edit, 1 + (size_t)index * width, 0, width);
    if (at == NULL)
        return ERR_MEMORY;
    integers_write(at, width, number);
    *added = true;
    return ERR_NONE;
}

enum err integers_remove(struct value_edit *edit, int64_t number, bool *removed)
{
    uint32_t index;
    *removed = false;
    if (!integers_find(edit->value.body, number, &index))
        return ERR_NONE;
    unsigned width = integers_width(edit->value.body);
    if (edit_splice(edit, 1 + (size_t)index * width, width, 0) == NULL)
        return ERR_MEMORY;
    *removed = true;
    return ERR_NONE;
}
