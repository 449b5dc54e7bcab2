#include "http/writer.h"

#include <stdarg.h>
#include <stdio.h>

void writer_put(struct writer *writer, const char *format, ...)
{
    char piece[WRITER_PIECE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (count < 0 || (size_t)count >= sizeof piece ||
        !buffer_append(writer->text, bytes_of(piece, (size_t)count)))
        writer->failed = true;
}
