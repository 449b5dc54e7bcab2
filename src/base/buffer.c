#include "base/buffer.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

enum { BUFFER_LEAST_BYTES = 64 };

void buffer_release(struct buffer *buffer)
{
    memory_give(buffer->at);
    *buffer = (struct buffer){ 0 };
}

/* Doubling keeps appends amortised; what the allocator rounds up to is used as well. */
bool buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t needed;
    if (!add_size(buffer->count, more, &needed))
        return false;
    if (needed <= buffer->capacity)
        return true;
    size_t wanted = buffer->capacity > SIZE_MAX / 2 ? needed : buffer->capacity * 2;
    if (wanted < needed)
        wanted = needed;
    if (wanted < BUFFER_LEAST_BYTES)
        wanted = BUFFER_LEAST_BYTES;
    uint8_t *at = memory_resize(buffer->at, wanted);
    if (at == NULL)
        return false;
    buffer->at = at;
    buffer->capacity = wanted;
    return true;
}

bool buffer_append(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.count == 0)
        return true;
    if (!buffer_reserve(buffer, bytes.count))
        return false;
    memcpy(buffer->at + buffer->count, bytes.at, bytes.count);
    buffer->count += bytes.count;
    return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, bytes_of_text(text));
}

bool buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    if (!buffer_reserve(buffer, 1))
        return false;
    buffer->at[buffer->count++] = byte;
    return true;
}

/* The spare room is tried first; vsnprintf needs one byte more than the text, for its NUL. */
bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list first, second;
    va_start(first, format);
    va_copy(second, first);
    size_t spare = buffer->capacity - buffer->count;
    char *end = spare == 0 ? NULL : (char *)buffer->at + buffer->count;
    int length = vsnprintf(end, spare, format, first);
    va_end(first);
    bool done = length >= 0;
    if (done && (size_t)length >= spare) {
        done = buffer_reserve(buffer, (size_t)length + 1);
        if (done)
            vsnprintf((char *)buffer->at + buffer->count, (size_t)length + 1, format, second);
    }
    va_end(second);
    if (done)
        buffer->count += (size_t)length;
    return done;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    ENSURE(count <= buffer->count);
    if (count == 0)
        return;
    buffer->count -= count;
    memmove(buffer->at, buffer->at + count, buffer->count);
}
