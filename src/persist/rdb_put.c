#include "persist/rdb_put.h"
#include "base/number.h"
#include "persist/crc64.h"

#include <liblzf/lzf.h>

void rdb_put(struct rdb_writer *writer, struct bytes bytes)
{
    if (writer->err == ERR_NONE && !buffer_append(writer->out, bytes))
        writer->err = ERR_MEMORY;
}

void rdb_put_byte(struct rdb_writer *writer, unsigned byte)
{
    uint8_t bytes[1] = { (uint8_t)byte };
    rdb_put(writer, bytes_of(bytes, 1));
}

/* Writes the last `bytes` bytes of the number, the least first. */
static void store_little(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void store_big(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

void rdb_put_u64(struct rdb_writer *writer, uint64_t value)
{
    uint8_t bytes[8];
    store_little(bytes, value, 8);
    rdb_put(writer, bytes_of(bytes, 8));
}

void rdb_put_length(struct rdb_writer *writer, uint64_t length)
{
    uint8_t bytes[9];
    unsigned count;
    if (length < 1 << 6) {
        bytes[0] = (uint8_t)length;
        count = 1;
    } else if (length < 1 << 14) {
        store_big(bytes, RDB_LENGTH_14 << 8 | length, 2);
        count = 2;
    } else if (length <= UINT32_MAX) {
        bytes[0] = RDB_LENGTH_32;
        store_big(bytes + 1, length, 4);
        count = 5;
    } else {
        bytes[0] = RDB_LENGTH_64;
        store_big(bytes + 1, length, 8);
        count = 9;
    }
    rdb_put(writer, bytes_of(bytes, count));
}

/* False when the text is no integer of 32 bits in the form that comes back from one. */
static bool put_integer(struct rdb_writer *writer, struct bytes text)
{
    uint8_t bytes[5];
    int64_t value;
    unsigned width;
    if (text.count > RDB_INTEGER_TEXT_MAX || !number_read_i64(text, &value) || value < INT32_MIN ||
        value > INT32_MAX)
        return false;
    if (value >= INT8_MIN && value <= INT8_MAX) {
        bytes[0] = RDB_INT_8;
        width = 1;
    } else if (value >= INT16_MIN && value <= INT16_MAX) {
        bytes[0] = RDB_INT_16;
        width = 2;
    } else {
        bytes[0] = RDB_INT_32;
        width = 4;
    }
    store_little(bytes + 1, (uint64_t)value, width);
    rdb_put(writer, bytes_of(bytes, 1 + width));
    return true;
}

static bool may_compress(const struct rdb_writer *writer, uint64_t count)
{
    return writer->compress && count >= RDB_COMPRESS_MIN && count <= RDB_COMPRESS_MAX;
}

/* False when it would not become shorter by what the second length takes. */
static bool put_compressed(struct rdb_writer *writer, struct bytes text)
{
    if (!may_compress(writer, text.count))
        return false;
    writer->scratch.count = 0;
    if (!buffer_reserve(&writer->scratch, text.count)) {
        writer->err = ERR_MEMORY;
        return true;
    }
    unsigned compressed =
        lzf_compress(text.at, (unsigned)text.count, writer->scratch.at, (unsigned)text.count - 4);
    if (compressed == 0)
        return false;
    rdb_put_byte(writer, RDB_LZF);
    rdb_put_length(writer, compressed);
    rdb_put_length(writer, text.count);
    rdb_put(writer, bytes_of(writer->scratch.at, compressed));
    return true;
}

void rdb_put_string(struct rdb_writer *writer, struct bytes text)
{
    if (writer->err != ERR_NONE || put_integer(writer, text) || put_compressed(writer, text))
        return;
    rdb_put_length(writer, text.count);
    rdb_put(writer, text);
}

bool rdb_put_wants_whole(const struct rdb_writer *writer, uint64_t count)
{
    return count <= RDB_INTEGER_TEXT_MAX || may_compress(writer, count);
}

enum err rdb_put_end(struct rdb_writer *writer, size_t start)
{
    struct buffer *out = writer->out;
    if (writer->err == ERR_NONE && writer->checksum && out->count > start)
        writer->crc = crc64(writer->crc, bytes_of(out->at + start, out->count - start));
    return writer->err;
}

/* --- listpacks -------------------------------------------------------------------------------- */

static void node_append(struct rdb_writer *writer, struct bytes bytes)
{
    if (writer->err == ERR_NONE && !buffer_append(&writer->node, bytes))
        writer->err = ERR_MEMORY;
}

/* Behind an element, its length as it is read backwards: seven bits a byte, the first of them
 * without the high bit. The greatest number of each width is written in one more, as in Redis,
 * which finds the next element by that. */
static void put_back_length(struct rdb_writer *writer, uint64_t length)
{
    static const uint64_t ends[4] = { 128, 16383, 2097151, 268435455 };
    uint8_t bytes[5];
    unsigned count = 1;
    while (count < 5 && length >= ends[count - 1])
        count++;
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)((length >> 7 * (count - 1 - i) & 127) | (i > 0 ? 128u : 0));
    node_append(writer, bytes_of(bytes, count));
    writer->elements++;
}

void listpack_begin(struct rdb_writer *writer)
{
    static const uint8_t head[LISTPACK_HEAD];
    writer->node.count = 0;
    writer->elements = 0;
    node_append(writer, bytes_of(head, sizeof head));
}

static bool fits(int64_t value, unsigned bits)
{
    return value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1);
}

void listpack_put_integer(struct rdb_writer *writer, int64_t value)
{
    uint8_t bytes[9];
    unsigned count;
    if (value >= 0 && value <= 127) {
        bytes[0] = (uint8_t)value;
        count = 1;
    } else if (fits(value, 13)) {
        store_big(bytes, 0xc000u | ((uint64_t)value & 0x1fff), 2);
        count = 2;
    } else {
        unsigned form = fits(value, 16) ? 0 : fits(value, 24) ? 1 : fits(value, 32) ? 2 : 3;
        count = form == 3 ? 9 : 3 + form;
        bytes[0] = (uint8_t)(0xf1 + form);
        store_little(bytes + 1, (uint64_t)value, count - 1);
    }
    node_append(writer, bytes_of(bytes, count));
    put_back_length(writer, count);
}

void listpack_put(struct rdb_writer *writer, struct bytes text)
{
    uint8_t head[5];
    int64_t value;
    unsigned count;
    if (number_read_i64(text, &value)) {
        listpack_put_integer(writer, value);
        return;
    }
    if (text.count > UINT32_MAX) {
        writer->err = ERR_LIMIT;
        return;
    }
    if (text.count < 64) {
        head[0] = (uint8_t)(0x80 | text.count);
        count = 1;
    } else if (text.count < 4096) {
        store_big(head, 0xe000u | text.count, 2);
        count = 2;
    } else {
        head[0] = 0xf0;
        store_little(head + 1, text.count, 4);
        count = 5;
    }
    node_append(writer, bytes_of(head, count));
    node_append(writer, text);
    put_back_length(writer, count + text.count);
}

void listpack_end(struct rdb_writer *writer)
{
    static const uint8_t end[1] = { LISTPACK_END };
    uint64_t elements = writer->elements < LISTPACK_MANY ? writer->elements : LISTPACK_MANY;
    node_append(writer, bytes_of(end, 1));
    if (writer->err == ERR_NONE && writer->node.count > UINT32_MAX)
        writer->err = ERR_LIMIT;
    if (writer->err != ERR_NONE)
        return;
    store_little(writer->node.at, writer->node.count, 4);
    store_little(writer->node.at + 4, elements, 2);
}
