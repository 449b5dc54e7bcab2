/* http/http.h - a small read-only HTTP server beside the real one: /metrics and the page.
 * Model:    one thread of its own, with libmicrohttpd for the protocol. What it tells is read from
 *           the published editions alone (observe/published.h), so that nothing asked here can slow
 *           a command.
 *
 *             /             the page, and its files            (web/, compiled in)
 *             /metrics      Prometheus text, or OpenMetrics    (metrics.h)
 *             /api/state.json  all figures                     (state.h)
 *             /api/history  the last hour                      (history_reply.h)
 *             /api/heap     every span as a word               (heap_reply.h)
 *             /healthz      "ok", to whoever asks
 *
 * Owner:    server/ makes one where http-port is set, and drops it.
 * Pointers: what the options point to outlives it, but for texts, which are copied.
 * Threads:  made and dropped by the executing thread; all else is its own thread's.
 * Failure:  NULL, and errno; who asks too much is closed or answered 503.
 * Cost:     bounded: HTTP_CONNECTIONS_MAX connections, 32 KiB each, and 32 MiB of replies that
 *           nobody has taken yet. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/seam.h"
#include "os/net.h"

struct published;

enum {
    HTTP_CONNECTIONS_MAX = 64,
    HTTP_CONNECTIONS_EACH = 32,        /* of one address */
    HTTP_CONNECTION_BYTES = 32 * 1024, /* for a request's headers and the reply's */
};

struct http_options {
    const struct seam *seam;
    struct published *published;
    struct bytes password, token; /* "": none is asked for; both: either will do */
};

struct http;
/* Takes the sockets over where it succeeds. */
MUST_CHECK struct http *http_new(const struct http_options *options,
                                 struct socket_listeners *listeners);
/* Ends the thread and closes what is open. NULL is allowed. */
void http_drop(struct http *http);

/* Both, for who has loaded the part (os/part.h): libmicrohttpd brings 3 MB of libraries. */
struct http_part {
    struct http *(*make)(const struct http_options *options, struct socket_listeners *listeners);
    void (*drop)(struct http *http);
};

extern const struct http_part http_part;
#define HTTP_PART_FILE "snug-http.so"
#define HTTP_PART_SYMBOL "http_part"

#endif
