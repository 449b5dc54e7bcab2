/* Single bits, and counting and finding them: SETBIT, GETBIT, BITCOUNT, BITPOS. */
#include "cmd/bitmap_bits.h"
#include "cmd/bitmap_command.h"
#include "cmd/string_edit.h"
#include "conf/config.h"

bool bitmap_offset(struct call *call, uint32_t at, unsigned unit, uint64_t *offset)
{
    struct bytes text = call->argv[at];
    bool in_units = unit != 0 && text.count > 0 && text.at[0] == '#';
    if (in_units)
        text = bytes_of(text.at + 1, text.count - 1);
    int64_t number = 0;
    if (number_read_i64(text, &number) && number >= 0 &&
        mul_i64(number, in_units ? (int64_t)unit : 1, &number) &&
        (uint64_t)number / 8 < call->context->config->proto_max_bulk_len) {
        *offset = (uint64_t)number;
        return true;
    }
    reply_error(call->reply, "ERR bit offset is not an integer or out of range");
    return false;
}

static bool bit_at(struct bytes bytes, uint64_t offset)
{
    return offset / 8 < bytes.count && (bytes.at[offset / 8] >> (7 - offset % 8) & 1) != 0;
}

void cmd_getbit(struct call *call)
{
    uint64_t offset = 0;
    if (!bitmap_offset(call, 2, 0, &offset))
        return;
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    struct string_reading reading;
    string_read(call, entry, &reading);
    reply_i64(call->reply, bit_at(reading.content, offset));
}

static bool read_bit_value(struct call *call, uint32_t at, bool *bit)
{
    int64_t number = 0;
    if (number_read_i64(call->argv[at], &number) && (number == 0 || number == 1)) {
        *bit = number == 1;
        return true;
    }
    reply_error(call->reply, "ERR bit is not an integer or out of range");
    return false;
}

/* The bit differs, or the string must grow to hold it. */
static bool change_bit(struct call *call, const struct key *key, struct entry *entry,
                       uint64_t offset, bool bit)
{
    struct string_open open;
    size_t byte = (size_t)(offset / 8);
    if (!string_open(call, key, entry, byte + 1, EVENT_SETBIT, &open))
        return false;
    unsigned mask = 0x80u >> offset % 8;
    open.at[byte] = (uint8_t)(bit ? open.at[byte] | mask : open.at[byte] & ~mask);
    return true;
}

void cmd_setbit(struct call *call)
{
    uint64_t offset = 0;
    bool bit = false;
    if (!bitmap_offset(call, 2, 0, &offset) || !read_bit_value(call, 3, &bit))
        return;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    struct string_reading reading;
    string_read(call, entry, &reading);
    bool old = bit_at(reading.content, offset);
    bool grows = offset / 8 >= reading.content.count;
    if (old != bit || grows ? change_bit(call, &key, entry, offset, bit)
                            : string_unpack(call, &key, entry))
        reply_i64(call->reply, old);
}

/* ---- ranges -----------------------------------------------------------------------------------
 */

struct bit_range {
    int64_t start, end; /* as given; of bytes or bits */
    bool in_bits, end_given;
};

static bool read_unit(struct call *call, uint32_t at, struct bit_range *range)
{
    if (call_is(call, at, "bit"))
        range->in_bits = true;
    else if (!call_is(call, at, "byte")) {
        call_syntax_error(call);
        return false;
    }
    return true;
}

/* Resolved against a string of `bytes`: bits from first to last. False when the range is empty. */
struct bits {
    uint64_t first, last;
};
static bool resolve(const struct bit_range *range, size_t bytes, struct bits *bits)
{
    int64_t total = (int64_t)bytes * (range->in_bits ? 8 : 1);
    int64_t start = range->start, end = range->end_given ? range->end : total - 1;
    if (start < 0)
        start = start + total < 0 ? 0 : start + total;
    if (end < 0)
        end = end + total < 0 ? 0 : end + total;
    if (end >= total)
        end = total - 1;
    if (start > end)
        return false;
    bits->first = (uint64_t)start * (range->in_bits ? 1 : 8);
    bits->last = range->in_bits ? (uint64_t)end : (uint64_t)end * 8 + 7;
    return true;
}

/* The arguments are looked at before the key, as Redis does since 7.2. */
static bool read_count_range(struct call *call, struct bit_range *range)
{
    *range = (struct bit_range){ 0 };
    if (call->argc == 2)
        return true;
    if (call->argc != 4 && call->argc != 5) {
        call_syntax_error(call);
        return false;
    }
    range->end_given = true;
    return call_i64(call, 2, &range->start) && call_i64(call, 3, &range->end) &&
           (call->argc == 4 || read_unit(call, 4, range));
}

void cmd_bitcount(struct call *call)
{
    struct bit_range range;
    if (!read_count_range(call, &range))
        return;
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    struct string_reading reading;
    struct bits bits;
    string_read(call, entry, &reading);
    /* Two negative ends that cross are empty even where both would be cut to the first byte. */
    bool crossed = range.start < 0 && range.end < 0 && range.start > range.end;
    if (crossed || !resolve(&range, reading.content.count, &bits))
        reply_i64(call->reply, 0);
    else
        reply_i64(call->reply, (int64_t)bits_count(reading.content, bits.first, bits.last));
}

static bool read_find_range(struct call *call, bool *bit, struct bit_range *range)
{
    int64_t number = 0;
    *range = (struct bit_range){ 0 };
    if (!call_i64(call, 2, &number))
        return false;
    if (number != 0 && number != 1) {
        reply_error(call->reply, "ERR The bit argument must be 1 or 0.");
        return false;
    }
    *bit = number == 1;
    if (call->argc > 6) {
        call_syntax_error(call);
        return false;
    }
    range->end_given = call->argc > 4;
    return (call->argc < 4 || call_i64(call, 3, &range->start)) &&
           (call->argc < 6 || read_unit(call, 5, range)) &&
           (call->argc < 5 || call_i64(call, 4, &range->end));
}

/* Without an end given the string counts as followed by zeros, so that a 0 is always found. */
static int64_t find_bit(struct bytes content, bool bit, const struct bit_range *range)
{
    struct bits bits;
    if (!resolve(range, content.count, &bits))
        return -1;
    int64_t found = bits_find(content, bit, bits.first, bits.last);
    if (found < 0 && !bit && !range->end_given)
        return (int64_t)content.count * 8;
    return found;
}

void cmd_bitpos(struct call *call)
{
    struct bit_range range;
    bool bit = false;
    if (!read_find_range(call, &bit, &range))
        return;
    struct key key = call_key(call, 0, 1);
    const struct entry *entry = call_read(call, &key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    if (entry == NULL) { /* endless zeros */
        reply_i64(call->reply, bit ? -1 : 0);
        return;
    }
    struct string_reading reading;
    string_read(call, entry, &reading);
    reply_i64(call->reply, find_bit(reading.content, bit, &range));
}
