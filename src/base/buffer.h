/* base/buffer.h - bytes that grow at the end.
 * Model:    one malloc block; count bytes used of capacity. All zero is a valid empty buffer.
 * Owner:    whoever holds the struct; buffer_release ends it.
 * Pointers: `at` may change with every append or reserve.
 * Threads:  one.
 * Failure:  false when memory fails; the content is as before.
 * Cost:     amortised O(1) a byte. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"
#include "base/err.h"

struct buffer {
    uint8_t *at;
    size_t count;
    size_t capacity;
};

void buffer_release(struct buffer *buffer); /* leaves a valid empty buffer */
MUST_CHECK bool buffer_reserve(struct buffer *buffer, size_t more);
MUST_CHECK bool buffer_append(struct buffer *buffer, struct bytes bytes);
MUST_CHECK bool buffer_append_text(struct buffer *buffer, const char *text);
MUST_CHECK bool buffer_append_byte(struct buffer *buffer, uint8_t byte);
MUST_CHECK bool buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drops the first `count` bytes; the rest moves to the front. */
void buffer_consume(struct buffer *buffer, size_t count);

static inline struct bytes buffer_view(const struct buffer *buffer)
{
    return (struct bytes){ buffer->at, buffer->count };
}

#endif
