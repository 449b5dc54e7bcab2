/* http/writer.h - text made piece by piece, whose failure is looked at once, at the end.
 * Model:    pieces as of printf go to the end of a buffer; after the first that does not, `failed`.
 * Owner:    the buffer is the caller's.
 * Pointers: none kept but the buffer.
 * Threads:  the HTTP thread.
 * Failure:  `failed`: no memory, or a piece of more than WRITER_PIECE_MAX bytes.
 * Cost:     vsnprintf's, and a copy. */
#ifndef HTTP_WRITER_H
#define HTTP_WRITER_H

#include "base/buffer.h"

enum { WRITER_PIECE_MAX = 2047 };

struct writer {
    struct buffer *text;
    bool failed;
};

void writer_put(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline unsigned long long wide(uint64_t value) /* for %llu */
{
    return (unsigned long long)value;
}

#endif
