#include "proto/reply.h"

#include "base/memory.h"
#include "base/number.h"
#include "proto/chunks.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    LINE_MAX_BYTES = 32, /* a type, a number of 64 bits, CR and LF, rounded up */
    SMALL_BULK_MAX = REPLY_PIECE_MAX - LINE_MAX_BYTES,
    MARK_BYTES = 24, /* as much of a line as a count can need */
    ERROR_TEXT_BYTES = 512,
};

/* ---- lines ----------------------------------------------------------------------------------- */

static inline uint8_t *write_end(uint8_t *at)
{
    at[0] = '\r';
    at[1] = '\n';
    return at + 2;
}

/* "$123\r\n"; counts under 1000 are nearly all there are. Returns behind it. */
static inline uint8_t *write_line(uint8_t *at, char type, uint64_t count)
{
    *at++ = (uint8_t)type;
    if (LIKELY(count < 10)) {
        *at++ = (uint8_t)('0' + count);
        return write_end(at);
    }
    if (LIKELY(count < 100)) {
        *at++ = (uint8_t)('0' + count / 10);
        *at++ = (uint8_t)('0' + count % 10);
        return write_end(at);
    }
    return write_end(at + number_write_u64(at, count));
}

static void put_line(struct reply *reply, char type, uint64_t count)
{
    uint8_t *at = reply_room(reply, LINE_MAX_BYTES);
    if (at != NULL)
        reply->cursor = write_line(at, type, count);
}

/* A short text of the protocol, whole. */
static inline void put(struct reply *reply, struct bytes text)
{
    uint8_t *at = reply_room(reply, text.count);
    if (at == NULL)
        return;
    memcpy(at, text.at, text.count);
    reply->cursor = at + text.count;
}

/* Long bytes fill the chunk there is and go on in one of the right size, with room for the end of
 * a line. */
void reply_raw(struct reply *reply, struct bytes bytes)
{
    while (bytes.count > 0 && !reply->muted) {
        size_t room = (size_t)(reply->limit - reply->cursor);
        if (room == 0) {
            if (reply_grow(reply, bytes.count + 2) == NULL)
                return;
            room = (size_t)(reply->limit - reply->cursor);
        }
        size_t piece = bytes.count < room ? bytes.count : room;
        memcpy(reply->cursor, bytes.at, piece);
        reply->cursor += piece;
        bytes = bytes_of(bytes.at + piece, bytes.count - piece);
    }
}

void reply_message(struct reply *reply, struct bytes bytes)
{
    if ((size_t)(reply->limit - reply->cursor) < bytes.count && !reply->muted &&
        reply_grow_tight(reply, bytes.count) == NULL)
        return;
    reply_raw(reply, bytes);
}

/* ---- status and errors ----------------------------------------------------------------------- */

void reply_ok(struct reply *reply)
{
    put(reply, BYTES("+OK\r\n"));
}

void reply_status(struct reply *reply, const char *text)
{
    put(reply, BYTES("+"));
    reply_raw(reply, bytes_of_text(text));
    put(reply, BYTES("\r\n"));
}

/* A line break would end the reply early, and let a script or a key name forge another. */
static void put_one_line(struct reply *reply, struct bytes text)
{
    while (text.count > 0) {
        size_t piece = text.count < REPLY_PIECE_MAX ? text.count : REPLY_PIECE_MAX;
        uint8_t *at = reply_room(reply, piece);
        if (at == NULL)
            return;
        for (size_t i = 0; i < piece; i++)
            at[i] = text.at[i] == '\r' || text.at[i] == '\n' ? ' ' : text.at[i];
        reply->cursor = at + piece;
        text = bytes_of(text.at + piece, text.count - piece);
    }
}

void reply_status_bytes(struct reply *reply, struct bytes text)
{
    put(reply, BYTES("+"));
    put_one_line(reply, text);
    put(reply, BYTES("\r\n"));
}

/* As in Redis: a first word that no space ends is no code. */
static void keep_code(struct reply_pool *pool, struct bytes text)
{
    size_t count = 0, most = sizeof pool->error_code - 1;
    while (count < text.count && count < most && text.at[count] != ' ')
        count++;
    if (count == text.count || count == most) {
        text = BYTES("ERR");
        count = text.count;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = text.at[i];
        bool has_meaning = byte == '#' || byte == ':' || byte == '\r' || byte == '\n' || byte == 0;
        pool->error_code[i] = (char)(has_meaning ? '_' : byte);
    }
    pool->error_code[count] = '\0';
}

void reply_error_was_counted(struct reply *reply)
{
    reply->pool->error_code[0] = '\0';
}

void reply_error_bytes(struct reply *reply, struct bytes text)
{
    reply->errors++;
    keep_code(reply->pool, text);
    put(reply, BYTES("-"));
    put_one_line(reply, text);
    put(reply, BYTES("\r\n"));
}

void reply_error(struct reply *reply, const char *text)
{
    reply_error_bytes(reply, bytes_of_text(text));
}

/* Longer texts, which hold what a client sent, are formatted a second time in memory of their
 * own; when there is none the beginning must do. */
static void put_long_error(struct reply *reply, size_t length, const char *format, va_list values)
{
    char *text = memory_take(length + 1);
    if (text == NULL)
        return;
    vsnprintf(text, length + 1, format, values);
    reply_error_bytes(reply, bytes_of(text, length));
    memory_give(text);
}

void reply_errorf(struct reply *reply, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list first, second;
    va_start(first, format);
    va_copy(second, first);
    int length = vsnprintf(text, sizeof(text), format, first);
    va_end(first);
    uint32_t errors = reply->errors;
    if (length >= (int)sizeof(text))
        put_long_error(reply, (size_t)length, format, second);
    va_end(second);
    if (reply->errors == errors)
        reply_error_bytes(reply, bytes_of_text(text));
}

/* ---- scalars --------------------------------------------------------------------------------- */

void reply_i64(struct reply *reply, int64_t number)
{
    uint8_t *at = reply_room(reply, LINE_MAX_BYTES);
    if (at == NULL)
        return;
    if (number >= 0) {
        reply->cursor = write_line(at, ':', (uint64_t)number);
        return;
    }
    *at++ = ':';
    reply->cursor = write_end(at + number_write_i64(at, number));
}

static void long_bulk(struct reply *reply, struct bytes bytes)
{
    put_line(reply, '$', bytes.count);
    reply_raw(reply, bytes);
    put(reply, BYTES("\r\n"));
}

void reply_bulk(struct reply *reply, struct bytes bytes)
{
    if (UNLIKELY(bytes.count > SMALL_BULK_MAX)) {
        long_bulk(reply, bytes);
        return;
    }
    uint8_t *at = reply_room(reply, bytes.count + LINE_MAX_BYTES);
    if (UNLIKELY(at == NULL))
        return;
    at = write_line(at, '$', bytes.count);
    if (bytes.count > 0)
        memcpy(at, bytes.at, bytes.count);
    reply->cursor = write_end(at + bytes.count);
}

void reply_bulk_text(struct reply *reply, const char *text)
{
    reply_bulk(reply, bytes_of_text(text));
}

void reply_bulk_i64(struct reply *reply, int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    reply_bulk(reply, bytes_of(digits, number_write_i64(digits, number)));
}

void reply_nil(struct reply *reply)
{
    put(reply, reply->resp == 2 ? BYTES("$-1\r\n") : BYTES("_\r\n"));
}

void reply_nil_array(struct reply *reply)
{
    put(reply, reply->resp == 2 ? BYTES("*-1\r\n") : BYTES("_\r\n"));
}

void reply_bool(struct reply *reply, bool yes)
{
    if (reply->resp == 2)
        put(reply, yes ? BYTES(":1\r\n") : BYTES(":0\r\n"));
    else
        put(reply, yes ? BYTES("#t\r\n") : BYTES("#f\r\n"));
}

/* One line that begins with a type and is no number of 64 bits. */
static void put_text_line(struct reply *reply, const char *type, struct bytes text)
{
    reply_raw(reply, bytes_of_text(type));
    put_one_line(reply, text);
    put(reply, BYTES("\r\n"));
}

void reply_double(struct reply *reply, double value)
{
    uint8_t digits[NUMBER_DOUBLE_MAX];
    struct bytes text = bytes_of(digits, number_write_double(digits, value));
    if (reply->resp == 2)
        reply_bulk(reply, text);
    else
        put_text_line(reply, ",", text);
}

void reply_big_number(struct reply *reply, struct bytes digits)
{
    if (reply->resp == 2)
        reply_bulk(reply, digits);
    else
        put_text_line(reply, "(", digits);
}

void reply_verbatim(struct reply *reply, const char *kind, struct bytes text)
{
    enum { KIND_BYTES = 3 };
    if (reply->resp == 2) {
        reply_bulk(reply, text);
        return;
    }
    put_line(reply, '=', text.count + KIND_BYTES + 1);
    reply_raw(reply, bytes_of(kind, KIND_BYTES));
    put(reply, BYTES(":"));
    reply_raw(reply, text);
    put(reply, BYTES("\r\n"));
}

/* ---- aggregates ------------------------------------------------------------------------------ */

void reply_array(struct reply *reply, uint64_t count)
{
    put_line(reply, '*', count);
}

void reply_map(struct reply *reply, uint64_t pairs)
{
    if (reply->resp == 2)
        put_line(reply, '*', 2 * pairs);
    else
        put_line(reply, '%', pairs);
}

void reply_set(struct reply *reply, uint64_t count)
{
    put_line(reply, reply->resp == 2 ? '*' : '~', count);
}

void reply_attribute(struct reply *reply, uint64_t pairs)
{
    if (reply->resp != 2)
        put_line(reply, '|', pairs);
}

void reply_push(struct reply *reply, uint64_t count)
{
    put_line(reply, reply->resp == 2 ? '*' : '>', count);
}

/* ---- counts that are known later ------------------------------------------------------------- */

static struct reply_mark mark_here(struct reply *reply, char type)
{
    uint8_t *at = reply_room(reply, MARK_BYTES);
    if (at == NULL)
        return (struct reply_mark){ .type = type };
    struct reply_mark mark = { reply->last, (uint32_t)(at - reply->last->at), type };
    reply->cursor = at + MARK_BYTES;
    return mark;
}

struct reply_mark reply_array_later(struct reply *reply)
{
    return mark_here(reply, '*');
}

struct reply_mark reply_set_later(struct reply *reply)
{
    return mark_here(reply, reply->resp == 2 ? '*' : '~');
}

struct reply_mark reply_map_later(struct reply *reply)
{
    return mark_here(reply, '%');
}

/* The line takes the front of the room kept for it; what follows in this chunk, at most
 * REPLY_CHUNK_BYTES or one area, moves up to it. */
void reply_count(struct reply *reply, struct reply_mark mark, uint64_t count)
{
    if (mark.chunk == NULL || reply->failed)
        return;
    if (mark.type == '%' && reply->resp == 2) {
        mark.type = '*';
        count *= 2;
    }
    bool last = mark.chunk == reply->last;
    uint8_t *kept = mark.chunk->at + mark.at;
    uint8_t *end = last ? reply->cursor : mark.chunk->at + mark.chunk->used;
    uint8_t *at = write_line(kept, mark.type, count);
    size_t spare = (size_t)(kept + MARK_BYTES - at);
    memmove(at, kept + MARK_BYTES, (size_t)(end - (kept + MARK_BYTES)));
    if (last) {
        reply->cursor -= spare;
        return;
    }
    mark.chunk->used -= (uint32_t)spare;
    reply->bytes -= spare;
}
