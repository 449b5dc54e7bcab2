/* proto/reader.h - requests found in the bytes that a connection received.
 * Model:    one request at a time from the front of a byte range: an array of bulks, or an inline
 *           command. reader_whole finds complete plain ones and keeps no state; reader_step takes
 *           everything else and remembers how far it came, so that no byte is parsed twice.
 * Owner:    a connection owns its reader; reader_reset ends a request.
 * Pointers: arguments are views of the range (of the arena for inline commands).
 * Threads:  one.
 * Failure:  READER_ERROR with the protocol's text; the connection can only be closed then.
 * Cost:     about 10 ns an argument; a big bulk is stepped over, never scanned. */
#ifndef PROTO_READER_H
#define PROTO_READER_H

#include "base/arena.h"
#include "base/bytes.h"

enum {
    READER_ARGS_MAX = 1024 * 1024,
    READER_ARGS_MAX_UNKNOWN = 10, /* before authentication */
    READER_BULK_MAX_UNKNOWN = 16 * 1024,
    READER_LINE_MAX = 64 * 1024, /* an inline command, or the line with a count */
    READER_ERROR_BYTES = 64,
};

struct reader_limits {
    uint64_t bulk_max;  /* proto-max-bulk-len */
    bool authenticated; /* until then the limits are the small ones above */
};

/* A complete request. */
struct reader_request {
    struct bytes *argv;
    uint32_t argc;
    size_t bytes; /* of the range that it took */
};

/* Where an argument lies, from the first byte of its request. */
struct reader_span {
    size_t at, count;
};

/* How far an incomplete request has been read; all zero is the beginning of one. */
struct reader {
    struct reader_span *spans; /* of the complete arguments; malloc'ed as they arrive */
    uint32_t count, capacity;
    uint32_t wanted;  /* arguments; 0: the first line is not complete */
    bool in_bulk;     /* the length of the next argument is known: */
    uint64_t bulk;    /* this */
    size_t at;        /* all before is parsed */
    size_t searched;  /* no line ends before */
    uint64_t need;    /* the request cannot be complete with fewer bytes */
    const char *text; /* of the error, after "ERR Protocol error: " */
    uint8_t got;      /* what stood where a '$' belongs */
};

enum reader_result {
    READER_MORE,    /* incomplete */
    READER_REQUEST, /* here is one */
    READER_EMPTY,   /* bytes that ask for nothing: an empty line, a count of 0 */
    READER_ERROR,
    READER_MEMORY, /* nothing has changed */
};

/* The bytes that a complete plain request at the front of `data` takes; its arguments go to argv
 * (room for `most`). 0: anything else - ask reader_step. */
MUST_CHECK size_t reader_whole(struct bytes data, const struct reader_limits *limits,
                               struct bytes *argv, uint32_t most, uint32_t *argc);

/* Goes on with the request at the front of `data`, which begins at the same byte each time and
 * has grown at the end. READER_REQUEST and READER_EMPTY set request->bytes and end the request. */
MUST_CHECK enum reader_result reader_step(struct reader *reader, struct bytes data,
                                          const struct reader_limits *limits, struct arena *arena,
                                          struct reader_request *request);

/* Writes the text of an error reply: "ERR Protocol error: ...". At most READER_ERROR_BYTES. */
size_t reader_error(const struct reader *reader, uint8_t *at);
void reader_reset(struct reader *reader); /* gives its memory; ready for another request */
uint64_t reader_memory(const struct reader *reader);

#endif
