/* load/reply.h - counts RESP replies in a stream without keeping them.
 * Model:    a state machine fed with whatever arrived, cut at any byte; bodies are skipped by
 *           length. A sink, if any, sees top-level bulks, for checking.
 * Owner:    the caller.
 * Pointers: the sink's fragments hold during its call only.
 * Threads:  one for each stream.
 * Failure:  `broken` is set, and stays, when the bytes are not RESP.
 * Cost:     a few ns a reply and nothing for a body byte. */
#ifndef LOAD_REPLY_H
#define LOAD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLY_TEXT_MAX = 160 };

enum reply_state {
    REPLY_TYPE, /* the next byte names a type */
    REPLY_LINE, /* in a line, up to its line feed */
    REPLY_BODY, /* in a bulk and the two bytes after it */
};

struct reply_sink {
    void *state;
    /* A bulk of `bytes` begins; -1 is the null one. */
    void (*bulk)(void *state, int64_t bytes);
    void (*fragment)(void *state, uint64_t offset, const uint8_t *bytes, size_t length);
};

struct reply_stream {
    uint64_t replies; /* whole ones at top level, errors among them */
    uint64_t errors;
    uint64_t nulls;
    bool broken;
    enum reply_state state;
    uint8_t type;
    bool negative;
    bool has_text; /* `text` is taken by an earlier error */
    uint16_t text_bytes;
    int64_t number;         /* of the line being read */
    uint64_t elements_left; /* of the reply being read, nested ones included */
    uint64_t body_left;     /* with its two last bytes */
    uint64_t body_bytes;
    char text[REPLY_TEXT_MAX]; /* the first error */
};

void reply_stream_init(struct reply_stream *stream);
/* Reads `length` bytes; returns how many replies became whole. `sink` may be NULL. */
uint64_t reply_stream_feed(struct reply_stream *stream, const uint8_t *bytes, size_t length,
                           const struct reply_sink *sink);

#endif
