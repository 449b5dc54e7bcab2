#include "types/stream_id.h"

#include "base/number.h"

enum { ID_TEXT_READ_MAX = 127 }; /* longer ones are refused unread */

bool stream_id_next(struct stream_id *id)
{
    if (id->seq < UINT64_MAX) {
        id->seq++;
        return true;
    }
    if (id->ms == UINT64_MAX)
        return false;
    *id = (struct stream_id){ id->ms + 1, 0 };
    return true;
}

bool stream_id_previous(struct stream_id *id)
{
    if (id->seq > 0) {
        id->seq--;
        return true;
    }
    if (id->ms == 0)
        return false;
    *id = (struct stream_id){ id->ms - 1, UINT64_MAX };
    return true;
}

size_t stream_id_write(uint8_t *at, struct stream_id id)
{
    size_t count = number_write_u64(at, id.ms);
    at[count++] = '-';
    return count + number_write_u64(at + count, id.seq);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Digits only, all of them, within 64 bits. */
static bool read_digits(struct bytes text, uint64_t *number)
{
    uint64_t sum = 0;
    if (text.count == 0)
        return false;
    for (size_t i = 0; i < text.count; i++) {
        unsigned digit = (unsigned)text.at[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *number = sum;
    return true;
}

/* Redis asks its strict reader first, which knows a negative number and refuses it; then strtoull,
 * which skips spaces, takes a sign, and counts a negative number down from 2^64. */
static bool read_number(struct bytes text, uint64_t *number)
{
    int64_t strict = 0;
    if (number_read_i64(text, &strict)) {
        if (strict < 0)
            return false;
        *number = (uint64_t)strict;
        return true;
    }
    size_t at = 0;
    while (at < text.count && is_space(text.at[at]))
        at++;
    bool negative = at < text.count && text.at[at] == '-';
    if (negative || (at < text.count && text.at[at] == '+'))
        at++;
    uint64_t magnitude = 0;
    if (!read_digits(bytes_of(text.at + at, text.count - at), &magnitude))
        return false;
    *number = negative ? 0 - magnitude : magnitude;
    return true;
}

static struct bytes up_to(struct bytes text, uint8_t end)
{
    const uint8_t *found = text.count == 0 ? NULL : memchr(text.at, end, text.count);
    return found == NULL ? text : bytes_of(text.at, (size_t)(found - text.at));
}

static bool is_one(struct bytes text, char byte)
{
    return text.count == 1 && text.at[0] == (uint8_t)byte;
}

bool stream_id_read(struct bytes text, uint64_t missing_seq, unsigned form, struct stream_id *id,
                    bool *seq_given)
{
    if (text.count > ID_TEXT_READ_MAX)
        return false;
    text = up_to(text, '\0'); /* as far as a string of C goes */
    bool given = true;
    struct stream_id read = { 0, missing_seq };
    if (is_one(text, '-') || is_one(text, '+')) {
        if ((form & STREAM_ID_ENDS) == 0)
            return false;
        read = text.at[0] == '-' ? STREAM_ID_ZERO : STREAM_ID_MAX;
    } else {
        struct bytes ms = up_to(text, '-');
        if (!read_number(ms, &read.ms))
            return false;
        if (ms.count < text.count) {
            struct bytes seq = bytes_of(text.at + ms.count + 1, text.count - ms.count - 1);
            given = (form & STREAM_ID_AUTO) == 0 || !is_one(seq, '*');
            read.seq = 0;
            if (given && !read_number(seq, &read.seq))
                return false;
        }
    }
    *id = read;
    if (seq_given != NULL)
        *seq_given = given;
    return true;
}
