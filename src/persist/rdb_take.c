#include "persist/rdb_take.h"
#include "base/number.h"
#include "persist/crc64.h"

#include <liblzf/lzf.h>

/* Memory is taken for so much at once before it is there. */
enum { STEP_BYTES = 64 * 1024 };
/* The most that LZF makes of a byte: three give 264. And as large as Redis lets a string be. */
enum { LZF_RATIO = 88, LZF_BYTES_MAX = 512 * 1024 * 1024 };

bool rdb_fail(struct rdb_reader *reader, const char *reason)
{
    if (reader->err == ERR_NONE) {
        reader->err = ERR_SYNTAX;
        reader->reason = reason;
    }
    return false;
}

bool rdb_fail_memory(struct rdb_reader *reader)
{
    if (reader->err == ERR_NONE) {
        reader->err = ERR_MEMORY;
        reader->reason = "no memory";
    }
    return false;
}

static uint64_t bytes_left(struct rdb_reader *reader)
{
    return reader->source.left == NULL ? UINT64_MAX : reader->source.left(reader->source.context);
}

bool rdb_take(struct rdb_reader *reader, void *at, size_t bytes)
{
    if (reader->err != ERR_NONE)
        return false;
    if (bytes > bytes_left(reader))
        return rdb_fail(reader, "it ends early");
    if (bytes > 0 && !reader->source.read(reader->source.context, at, bytes)) {
        reader->err = ERR_SYSTEM;
        reader->reason = "it ends early or cannot be read";
        return false;
    }
    reader->offset += bytes;
    if (reader->checksum)
        reader->crc = crc64(reader->crc, bytes_of(at, bytes));
    return true;
}

bool rdb_take_byte(struct rdb_reader *reader, unsigned *byte)
{
    uint8_t at[1];
    if (!rdb_take(reader, at, 1))
        return false;
    *byte = at[0];
    return true;
}

static bool take_little(struct rdb_reader *reader, unsigned bytes, uint64_t *value)
{
    uint8_t at[8];
    if (!rdb_take(reader, at, bytes))
        return false;
    *value = 0;
    for (unsigned i = 0; i < bytes; i++)
        *value |= (uint64_t)at[i] << 8 * i;
    return true;
}

static bool take_big(struct rdb_reader *reader, unsigned bytes, uint64_t *value)
{
    uint8_t at[8];
    if (!rdb_take(reader, at, bytes))
        return false;
    *value = 0;
    for (unsigned i = 0; i < bytes; i++)
        *value = *value << 8 | at[i];
    return true;
}

bool rdb_take_u64(struct rdb_reader *reader, uint64_t *value)
{
    return take_little(reader, 8, value);
}

/* *special: it is no length, but says a string's form. */
static bool take_length(struct rdb_reader *reader, uint64_t *length, bool *special)
{
    unsigned first;
    if (!rdb_take_byte(reader, &first))
        return false;
    *special = first >= RDB_INT_8;
    *length = *special ? first : first & 63;
    if (first < RDB_LENGTH_14 || *special)
        return true;
    if (first < RDB_LENGTH_32) {
        unsigned second;
        if (!rdb_take_byte(reader, &second))
            return false;
        *length = *length << 8 | second;
        return true;
    }
    if (first == RDB_LENGTH_32)
        return take_big(reader, 4, length);
    return first == RDB_LENGTH_64 ? take_big(reader, 8, length)
                                  : rdb_fail(reader, "a length of no known form");
}

bool rdb_take_length(struct rdb_reader *reader, uint64_t *length)
{
    bool special;
    if (!take_length(reader, length, &special))
        return false;
    return !special || rdb_fail(reader, "a string where a length should be");
}

bool rdb_take_count(struct rdb_reader *reader, uint64_t *count)
{
    if (!rdb_take_length(reader, count))
        return false;
    return *count <= bytes_left(reader) || rdb_fail(reader, "more elements than bytes");
}

bool rdb_take_id(struct rdb_reader *reader, struct stream_id *id)
{
    return rdb_take_length(reader, &id->ms) && rdb_take_length(reader, &id->seq);
}

/* --- strings ---------------------------------------------------------------------------------- */

static bool take_integer(struct rdb_reader *reader, uint64_t form, struct rdb_string *string)
{
    uint8_t text[NUMBER_I64_MAX];
    uint64_t value;
    if (!take_little(reader, form == RDB_INT_8 ? 1 : form == RDB_INT_16 ? 2 : 4, &value))
        return false;
    if (form == RDB_INT_8)
        string->value = (int8_t)value;
    else
        string->value = form == RDB_INT_16 ? (int16_t)value : (int32_t)value;
    string->count = number_write_i64(text, string->value);
    return true;
}

static bool take_compressed_head(struct rdb_reader *reader, struct rdb_string *string)
{
    if (!rdb_take_count(reader, &string->compressed) || !rdb_take_length(reader, &string->count))
        return false;
    if (string->compressed == 0 || string->count == 0 || string->count > LZF_BYTES_MAX ||
        string->compressed > string->count || string->count / LZF_RATIO > string->compressed)
        return rdb_fail(reader, "a compressed string of impossible length");
    return true;
}

bool rdb_take_string_head(struct rdb_reader *reader, struct rdb_string *string)
{
    bool special;
    uint64_t length;
    *string = (struct rdb_string){ 0 };
    if (!take_length(reader, &length, &special))
        return false;
    if (!special) {
        string->plain = true;
        string->count = length;
        return length <= bytes_left(reader) || rdb_fail(reader, "it ends within a string");
    }
    if (length <= RDB_INT_32)
        return take_integer(reader, length, string);
    return length == RDB_LZF ? take_compressed_head(reader, string)
                             : rdb_fail(reader, "a string of no known form");
}

static bool take_bytes(struct rdb_reader *reader, uint64_t count, struct buffer *into)
{
    into->count = 0;
    while (into->count < count) {
        size_t step = into->count < STEP_BYTES ? STEP_BYTES : into->count;
        if (step > count - into->count)
            step = (size_t)(count - into->count);
        if (!buffer_reserve(into, step))
            return rdb_fail_memory(reader);
        if (!rdb_take(reader, into->at + into->count, step))
            return false;
        into->count += step;
    }
    return true;
}

static bool take_compressed(struct rdb_reader *reader, const struct rdb_string *string,
                            struct buffer *into)
{
    struct buffer packed = { 0 };
    bool done = false;
    into->count = 0;
    if (take_bytes(reader, string->compressed, &packed)) {
        if (!buffer_reserve(into, string->count))
            rdb_fail_memory(reader);
        else if (lzf_decompress(packed.at, (unsigned)packed.count, into->at,
                                (unsigned)string->count) != string->count)
            rdb_fail(reader, "a compressed string that is not what it says");
        else
            done = true;
    }
    buffer_release(&packed);
    if (done)
        into->count = string->count;
    return done;
}

bool rdb_take_string_rest(struct rdb_reader *reader, const struct rdb_string *string,
                          struct buffer *into)
{
    if (string->compressed > 0)
        return take_compressed(reader, string, into);
    if (string->plain)
        return take_bytes(reader, string->count, into);
    into->count = 0;
    if (!buffer_reserve(into, NUMBER_I64_MAX))
        return rdb_fail_memory(reader);
    into->count = number_write_i64(into->at, string->value);
    return true;
}

bool rdb_take_string(struct rdb_reader *reader, struct buffer *into)
{
    struct rdb_string string;
    return rdb_take_string_head(reader, &string) && rdb_take_string_rest(reader, &string, into);
}

/* --- telling ---------------------------------------------------------------------------------- */

bool rdb_told(struct rdb_reader *reader, enum err err)
{
    if (reader->err == ERR_NONE)
        reader->err = err;
    return reader->err == ERR_NONE;
}

bool rdb_tell_key(struct rdb_reader *reader)
{
    const struct rdb_handler *handler = reader->handler;
    if (reader->told || reader->err != ERR_NONE)
        return reader->err == ERR_NONE;
    reader->told = true;
    return handler->key == NULL || rdb_told(reader, handler->key(handler->context, &reader->facts));
}

bool rdb_tell(struct rdb_reader *reader, const struct part *part)
{
    const struct rdb_handler *handler = reader->handler;
    return rdb_tell_key(reader) &&
           (handler->part == NULL || rdb_told(reader, handler->part(handler->context, part)));
}
