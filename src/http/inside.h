/* http/inside.h - what the files of this room share.
 * Model:    a door: who is connected. A request that came whole is answered by a body and a type.
 * Owner:    the thread.
 * Pointers: a connection's place holds while it is open.
 * Threads:  the HTTP thread, but for `stop`, which any may write.
 * Failure:  a reply that cannot be made closes its connection.
 * Cost:     see http.h. */
#ifndef HTTP_INSIDE_H
#define HTTP_INSIDE_H

#include "http/guard.h"
#include "http/http.h"
#include "http/metrics.h"
#include "observe/published.h"

#include <microhttpd.h>
#include <pthread.h>

struct connection {
    int socket;        /* -1: a free place */
    uint64_t since_ns; /* it came, or its last request was answered, or is being answered */
    bool answering;
    bool answered; /* a request, at least */
};

struct http {
    const struct seam *seam;
    struct published *published;
    struct guard guard;
    struct socket_listeners listeners;
    struct MHD_Daemon *daemon;
    int poll; /* the daemon's epoll */
    int stop; /* an eventfd: the thread ends */
    pthread_t thread;

    struct connection connections[HTTP_CONNECTIONS_MAX];
    uint64_t sweep_ns;     /* when connections_sweep has something to do */
    uint64_t accept_ns;    /* not before: it failed for want of descriptors or memory */
    uint64_t unsent_bytes; /* of bodies */
    struct http_figures figures;
};

/* answer.c: microhttpd's handler. `cls` is the struct http. */
enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *upload_data,
                            size_t *upload_data_size, void **con_cls);

/* connections.c */
void connections_init(struct http *http);
/* For microhttpd: a connection came or went; a request is done. */
void connections_note(void *cls, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code);
void connections_done(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code);
void connections_begin(struct http *http, struct MHD_Connection *connection);
/* Accepts who waits at a listener, a bounded number. Where that fails for want of something the
 * listeners rest: poll would report them at once again, and the thread would spin. */
void connections_accept(struct http *http, int listener);
/* Closes those that have taken too long; when the next will have, UINT64_MAX: nobody is there. */
uint64_t connections_sweep(struct http *http, uint64_t now_ns);

#endif
