/* load/connection.h - a non-blocking socket with a buffer of requests and a counter of replies.
 * Model:    requests are rendered at the end of `out`; connection_send writes what the socket
 *           takes; connection_receive reads once and counts.
 * Owner:    the caller; connection_close returns socket and buffer.
 * Pointers: connection_room's is good until the next send.
 * Threads:  one.
 * Failure:  false when the peer is gone, the stream is not RESP, or memory lacks; errno says why
 *           (0: the server closed the connection; EPROTO: not RESP).
 * Cost:     one system call each. */
#ifndef LOAD_CONNECTION_H
#define LOAD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/reply.h"

struct address {
    const char *host;     /* a numeric address */
    const char *unixpath; /* instead of host and port when not NULL */
    uint16_t port;
};

struct connection {
    int fd;
    bool wants_write; /* epoll is told to report when there is room */
    uint8_t *out;
    size_t out_size; /* of the buffer */
    size_t out_end;
    size_t out_sent;
    uint64_t awaited; /* replies owed */
    struct reply_stream replies;
};

bool connection_open(struct connection *connection, const struct address *address, size_t out_size);
void connection_close(struct connection *connection);

/* Where the next request goes, or NULL when fewer than `bytes` bytes are left. */
uint8_t *connection_room(struct connection *connection, size_t bytes);
/* Takes `bytes` bytes written there as one request. */
void connection_commit(struct connection *connection, size_t bytes);
bool connection_send(struct connection *connection);
/* Reads once into `scratch`; how many replies became whole is in *replies. */
bool connection_receive(struct connection *connection, uint8_t *scratch, size_t scratch_bytes,
                        const struct reply_sink *sink, uint64_t *replies);

static inline bool connection_has_unsent(const struct connection *connection)
{
    return connection->out_sent < connection->out_end;
}

#endif
