#include "load/reply.h"

#include <string.h>

void reply_stream_init(struct reply_stream *stream)
{
    *stream = (struct reply_stream){ .elements_left = 1 };
}

/* One element is whole; the reply is when nothing is left of it. */
static void element_done(struct reply_stream *stream)
{
    stream->state = REPLY_TYPE;
    if (--stream->elements_left == 0) {
        stream->replies++;
        stream->elements_left = 1;
    }
}

static bool is_type(uint8_t byte)
{
    switch (byte) {
    case '+':
    case '-':
    case ':':
    case '$':
    case '*':
    case '%':
    case '~':
    case '>':
    case '_':
    case '#':
    case ',':
    case '(':
    case '=':
    case '!':
    case '|':
        return true;
    default:
        return false;
    }
}

static void begin_line(struct reply_stream *stream, uint8_t type)
{
    if (!is_type(type)) {
        stream->broken = true;
        return;
    }
    stream->type = type;
    stream->number = 0;
    stream->negative = false;
    stream->state = REPLY_LINE;
}

static void begin_bulk(struct reply_stream *stream, const struct reply_sink *sink)
{
    int64_t bytes = stream->negative ? -1 : stream->number;
    if (sink != NULL && stream->elements_left == 1) {
        sink->bulk(sink->state, bytes);
    }
    if (bytes < 0) {
        stream->nulls++;
        element_done(stream);
        return;
    }
    stream->body_bytes = (uint64_t)bytes;
    stream->body_left = (uint64_t)bytes + 2;
    stream->state = REPLY_BODY;
}

/* An aggregate takes one element's place and brings its own; a map brings two for each. */
static void begin_aggregate(struct reply_stream *stream)
{
    uint64_t count = stream->negative ? 0 : (uint64_t)stream->number;
    if (stream->type == '%' || stream->type == '|') {
        count *= 2;
    }
    if (stream->negative) {
        stream->nulls++;
    }
    stream->elements_left += count;
    element_done(stream);
}

static void end_line(struct reply_stream *stream, const struct reply_sink *sink)
{
    switch (stream->type) {
    case '$':
    case '=':
    case '!':
        begin_bulk(stream, sink);
        return;
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
        begin_aggregate(stream);
        return;
    case '-':
        stream->errors++;
        stream->has_text = true;
        break;
    case '_':
        stream->nulls++;
        break;
    default:
        break;
    }
    element_done(stream);
}

static void keep_text(struct reply_stream *stream, uint8_t byte)
{
    bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
    if (!stream->has_text && stream->text_bytes < REPLY_TEXT_MAX - 1 && plain) {
        stream->text[stream->text_bytes++] = (char)byte;
    }
}

/* Numbers are bounded, so that no header makes a length overflow. */
static void take_line_byte(struct reply_stream *stream, uint8_t byte)
{
    if (byte >= '0' && byte <= '9' && stream->number < INT64_C(1) << 40) {
        stream->number = stream->number * 10 + (byte - '0');
    } else if (byte == '-') {
        stream->negative = true;
    }
    if (stream->type == '-') {
        keep_text(stream, byte);
    }
}

static const uint8_t *feed_line(struct reply_stream *stream, const uint8_t *at, const uint8_t *end,
                                const struct reply_sink *sink)
{
    if (stream->type == '+') {
        const uint8_t *feed = memchr(at, '\n', (size_t)(end - at));
        if (feed == NULL) {
            return end;
        }
        element_done(stream);
        return feed + 1;
    }
    while (at < end) {
        uint8_t byte = *at++;
        if (byte == '\n') {
            end_line(stream, sink);
            return at;
        }
        take_line_byte(stream, byte);
    }
    return at;
}

static const uint8_t *feed_body(struct reply_stream *stream, const uint8_t *at, const uint8_t *end,
                                const struct reply_sink *sink)
{
    uint64_t here = (uint64_t)(end - at);
    uint64_t taken = here < stream->body_left ? here : stream->body_left;
    if (sink != NULL && stream->elements_left == 1 && stream->body_left > 2) {
        uint64_t content_left = stream->body_left - 2;
        uint64_t shown = taken < content_left ? taken : content_left;
        sink->fragment(sink->state, stream->body_bytes - content_left, at, (size_t)shown);
    }
    stream->body_left -= taken;
    if (stream->body_left == 0) {
        element_done(stream);
    }
    return at + taken;
}

uint64_t reply_stream_feed(struct reply_stream *stream, const uint8_t *bytes, size_t length,
                           const struct reply_sink *sink)
{
    uint64_t before = stream->replies;
    const uint8_t *end = bytes + length;
    while (bytes < end && !stream->broken) {
        switch (stream->state) {
        case REPLY_TYPE:
            begin_line(stream, *bytes++);
            break;
        case REPLY_LINE:
            bytes = feed_line(stream, bytes, end, sink);
            break;
        case REPLY_BODY:
            bytes = feed_body(stream, bytes, end, sink);
            break;
        }
    }
    return stream->replies - before;
}
