/* persist/aof_commands_put.h - what commands of a log are made of.
 * Model:    `*N`, then arguments `$n`; numbers as text. Streams have a file of their own.
 * Owner:    the caller.
 * Pointers: none kept.
 * Threads:  one at a time.
 * Failure:  false: no memory; some of it may be appended.
 * Cost:     a copy. */
#ifndef PERSIST_AOF_COMMANDS_PUT_H
#define PERSIST_AOF_COMMANDS_PUT_H

#include "base/number.h"
#include "persist/aof_commands.h"

MUST_CHECK static inline bool aof_put_mark(struct buffer *out, char mark, uint64_t number)
{
    uint8_t text[NUMBER_I64_MAX + 3];
    text[0] = (uint8_t)mark;
    size_t count = 1 + number_write_u64(text + 1, number);
    text[count++] = '\r';
    text[count++] = '\n';
    return buffer_append(out, bytes_of(text, count));
}
MUST_CHECK static inline bool aof_put_head(struct buffer *out, uint64_t words)
{
    return aof_put_mark(out, '*', words);
}
MUST_CHECK static inline bool aof_put(struct buffer *out, struct bytes text)
{
    return aof_put_mark(out, '$', text.count) && buffer_append(out, text) &&
           buffer_append(out, BYTES("\r\n"));
}
MUST_CHECK static inline bool aof_put_u64(struct buffer *out, uint64_t number)
{
    uint8_t text[NUMBER_I64_MAX];
    return aof_put(out, bytes_of(text, number_write_u64(text, number)));
}
MUST_CHECK static inline bool aof_put_i64(struct buffer *out, int64_t number)
{
    uint8_t text[NUMBER_I64_MAX];
    return aof_put(out, bytes_of(text, number_write_i64(text, number)));
}
MUST_CHECK static inline bool aof_put_key(const struct aof_commands *commands)
{
    return aof_put(commands->out, buffer_view(&commands->key));
}

/* A part from PART_STREAM on, and what comes behind the last. */
MUST_CHECK bool aof_put_stream_part(struct aof_commands *commands, const struct part *part);
MUST_CHECK bool aof_put_stream_end(struct aof_commands *commands);

#endif
