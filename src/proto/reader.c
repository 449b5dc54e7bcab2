#include "proto/reader.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/split.h"

#include <endian.h>

/* ---- complete plain requests ----------------------------------------------------------------- */

/* Lengths of up to nine digits, byte by byte: near the end of the range, or over 999. */
static const uint8_t *plain_line(const uint8_t *at, const uint8_t *end, uint8_t type,
                                 uint64_t *number)
{
    enum { PLAIN_DIGITS_MAX = 9 };
    if (at == end || *at++ != type)
        return NULL;
    const uint8_t *first = at;
    uint64_t sum = 0;
    while (at < end && (uint8_t)(*at - '0') < 10)
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    size_t digits = (size_t)(at - first);
    if (digits == 0 || digits > PLAIN_DIGITS_MAX || (digits > 1 && *first == '0'))
        return NULL;
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return NULL;
    *number = sum;
    return at + 2;
}

/* "$5\r\n", "$16\r\n", "$128\r\n" by comparing one word. Returns behind the line, or NULL. */
static inline const uint8_t *short_line(const uint8_t *at, const uint8_t *end, uint8_t type,
                                        uint64_t *number)
{
    uint64_t word;
    if (UNLIKELY((size_t)(end - at) < sizeof(word)))
        return plain_line(at, end, type, number);
    memcpy(&word, at, sizeof(word));
    word = le64toh(word);
    uint64_t first = ((word >> 8) & 0xff) - '0', second = ((word >> 16) & 0xff) - '0',
             third = ((word >> 24) & 0xff) - '0';
    if ((word & 0xffff00ff) == (0x0a0d0000u | type) && first < 10) {
        *number = first;
        return at + 4;
    }
    if ((word & 0xffff0000ff) == (0x0a0d000000u | type) && first - 1 < 9 && second < 10) {
        *number = first * 10 + second;
        return at + 5;
    }
    if ((word & 0xffff000000ff) == (0x0a0d00000000u | type) && first - 1 < 9 && second < 10 &&
        third < 10) {
        *number = first * 100 + second * 10 + third;
        return at + 6;
    }
    return plain_line(at, end, type, number);
}

size_t reader_whole(struct bytes data, const struct reader_limits *limits, struct bytes *argv,
                    uint32_t most, uint32_t *argc)
{
    const uint8_t *at = data.at, *end = data.at + data.count;
    const uint64_t bulk_max = limits->authenticated || limits->bulk_max < READER_BULK_MAX_UNKNOWN
                                  ? limits->bulk_max
                                  : READER_BULK_MAX_UNKNOWN;
    uint64_t count, bulk;
    at = short_line(at, end, '*', &count);
    if (UNLIKELY(at == NULL || count == 0 || count > most))
        return 0;
    if (UNLIKELY(count > READER_ARGS_MAX_UNKNOWN && !limits->authenticated))
        return 0;
    for (uint64_t i = 0; i < count; i++) {
        at = short_line(at, end, '$', &bulk);
        if (UNLIKELY(at == NULL || bulk > bulk_max || (uint64_t)(end - at) < bulk + 2))
            return 0;
        argv[i] = bytes_of(at, bulk);
        at += bulk + 2;
    }
    *argc = (uint32_t)count;
    return (size_t)(at - data.at);
}

/* ---- all requests, step by step -------------------------------------------------------------- */

void reader_reset(struct reader *reader)
{
    memory_give(reader->spans);
    *reader = (struct reader){ 0 };
}

uint64_t reader_memory(const struct reader *reader)
{
    return (uint64_t)reader->capacity * sizeof(reader->spans[0]);
}

static enum reader_result error_of(struct reader *reader, const char *text)
{
    reader->text = text;
    return READER_ERROR;
}

size_t reader_error(const struct reader *reader, uint8_t *at)
{
    const struct bytes begin = BYTES("ERR Protocol error: ");
    struct bytes text = bytes_of_text(reader->text);
    memcpy(at, begin.at, begin.count);
    memcpy(at + begin.count, text.at, text.count);
    size_t count = begin.count + text.count;
    if (reader->got != 0) {
        at[count++] = reader->got;
        at[count++] = '\'';
    }
    return count;
}

/* Looks for `byte` in what follows the parsed part, up to READER_LINE_MAX, and remembers how far
 * it looked. The offset in `data`, or 0 when it is not there. */
static size_t find_in_line(struct reader *reader, struct bytes data, uint8_t byte)
{
    size_t from = reader->searched < reader->at ? reader->at : reader->searched;
    size_t most = reader->at + READER_LINE_MAX + 1;
    size_t end = data.count < most ? data.count : most;
    if (from >= end)
        return 0;
    const uint8_t *found = memchr(data.at + from, byte, end - from);
    if (found != NULL)
        return (size_t)(found - data.at);
    reader->searched = end;
    return 0;
}

/* A line from `at` that ends with CR and any byte: its text without the type. READER_REQUEST
 * stands for "found". */
static enum reader_result take_line(struct reader *reader, struct bytes data, const char *too_big,
                                    struct bytes *line)
{
    size_t end = find_in_line(reader, data, '\r');
    if (end == 0 && data.count - reader->at > READER_LINE_MAX)
        return error_of(reader, too_big);
    reader->need = end == 0 ? data.count + 1 : end + 2;
    if (data.count < reader->need)
        return READER_MORE;
    *line = bytes_of(data.at + reader->at, end - reader->at);
    reader->at = end + 2;
    return READER_REQUEST;
}

static enum reader_result take_count(struct reader *reader, struct bytes data,
                                     const struct reader_limits *limits)
{
    struct bytes line;
    enum reader_result found = take_line(reader, data, "too big mbulk count string", &line);
    if (found != READER_REQUEST)
        return found;
    int64_t count;
    if (!number_read_i64(bytes_of(line.at + 1, line.count - 1), &count) || count > READER_ARGS_MAX)
        return error_of(reader, "invalid multibulk length");
    if (count > READER_ARGS_MAX_UNKNOWN && !limits->authenticated)
        return error_of(reader, "unauthenticated multibulk length");
    if (count <= 0)
        return READER_EMPTY;
    reader->wanted = (uint32_t)count;
    return READER_REQUEST;
}

static enum reader_result take_length(struct reader *reader, struct bytes data,
                                      const struct reader_limits *limits)
{
    struct bytes line;
    enum reader_result found = take_line(reader, data, "too big bulk count string", &line);
    if (found != READER_REQUEST)
        return found;
    uint8_t type = line.count == 0 ? '\r' : line.at[0];
    if (type != '$') {
        reader->got = type == 0 ? ' ' : type;
        return error_of(reader, "expected '$', got '");
    }
    int64_t length;
    if (!number_read_i64(bytes_of(line.at + 1, line.count - 1), &length) || length < 0 ||
        (uint64_t)length > limits->bulk_max)
        return error_of(reader, "invalid bulk length");
    if (length > READER_BULK_MAX_UNKNOWN && !limits->authenticated)
        return error_of(reader, "unauthenticated bulk length");
    reader->bulk = (uint64_t)length;
    reader->in_bulk = true;
    return READER_REQUEST;
}

static bool add_span(struct reader *reader, struct reader_span span)
{
    enum { SPANS_LEAST = 8 };
    if (reader->count == reader->capacity) {
        uint32_t capacity = reader->capacity == 0 ? SPANS_LEAST : reader->capacity * 2;
        struct reader_span *spans = memory_resize(reader->spans, capacity * sizeof(*spans));
        if (spans == NULL)
            return false;
        reader->spans = spans;
        reader->capacity = capacity;
    }
    reader->spans[reader->count++] = span;
    return true;
}

/* The bytes of an argument, and two more that end it; which ones does not matter. */
static enum reader_result take_bulk(struct reader *reader, struct bytes data)
{
    if (__builtin_add_overflow(reader->at, reader->bulk, &reader->need) ||
        __builtin_add_overflow(reader->need, 2, &reader->need))
        return error_of(reader, "invalid bulk length");
    if (data.count < reader->need)
        return READER_MORE;
    if (!add_span(reader, (struct reader_span){ reader->at, reader->bulk }))
        return READER_MEMORY;
    reader->at += reader->bulk + 2;
    reader->in_bulk = false;
    return READER_REQUEST;
}

static enum reader_result finish_array(struct reader *reader, struct bytes data,
                                       struct arena *arena, struct reader_request *request)
{
    struct bytes *argv = arena_take_many(arena, reader->count, sizeof(*argv));
    if (argv == NULL)
        return READER_MEMORY;
    for (uint32_t i = 0; i < reader->count; i++)
        argv[i] = bytes_of(data.at + reader->spans[i].at, reader->spans[i].count);
    *request = (struct reader_request){ argv, reader->count, reader->at };
    return READER_REQUEST;
}

static enum reader_result step_array(struct reader *reader, struct bytes data,
                                     const struct reader_limits *limits, struct arena *arena,
                                     struct reader_request *request)
{
    enum reader_result result;
    if (reader->wanted == 0) {
        result = take_count(reader, data, limits);
        request->bytes = reader->at;
        if (result != READER_REQUEST)
            return result;
    }
    while (reader->count < reader->wanted) {
        if (!reader->in_bulk) {
            result = take_length(reader, data, limits);
            if (result != READER_REQUEST)
                return result;
        }
        result = take_bulk(reader, data);
        if (result != READER_REQUEST)
            return result;
    }
    return finish_array(reader, data, arena, request);
}

static enum reader_result split_inline(struct reader *reader, struct bytes line,
                                       struct arena *arena, struct reader_request *request)
{
    uint8_t *text = arena_take(arena, line.count + 1);
    struct bytes *words = arena_take_many(arena, split_words_max(line.count), sizeof(struct bytes));
    if (text == NULL || words == NULL)
        return READER_MEMORY;
    uint32_t count;
    if (!split_line(line, text, words, &count))
        return error_of(reader, "unbalanced quotes in request");
    if (count > READER_ARGS_MAX)
        return error_of(reader, "too big inline request");
    request->argv = words;
    request->argc = count;
    return count == 0 ? READER_EMPTY : READER_REQUEST;
}

static enum reader_result step_inline(struct reader *reader, struct bytes data, struct arena *arena,
                                      struct reader_request *request)
{
    size_t end = 0;
    if (data.at[0] != '\n') {
        end = find_in_line(reader, data, '\n');
        if (end == 0 && data.count > READER_LINE_MAX)
            return error_of(reader, "too big inline request");
        reader->need = data.count + 1;
        if (end == 0)
            return READER_MORE;
    }
    request->bytes = end + 1;
    struct bytes line = bytes_of(data.at, end);
    if (line.count > 0 && line.at[line.count - 1] == '\r')
        line.count--;
    return split_inline(reader, line, arena, request);
}

enum reader_result reader_step(struct reader *reader, struct bytes data,
                               const struct reader_limits *limits, struct arena *arena,
                               struct reader_request *request)
{
    if (data.count == 0 || data.count < reader->need)
        return READER_MORE;
    enum reader_result result = data.at[0] == '*' ? step_array(reader, data, limits, arena, request)
                                                  : step_inline(reader, data, arena, request);
    if (result == READER_REQUEST || result == READER_EMPTY)
        reader_reset(reader);
    return result;
}
