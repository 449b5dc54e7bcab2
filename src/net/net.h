/* net/net.h - the event loop: connections in, batches of requests out, replies back.
 * Model:    a turn: wait, read what is ready (bounded), parse all complete requests (bounded),
 *           hand them over as one batch, send the replies, then call between() at the safe point.
 * Owner:    server/ makes one net; the net owns listeners and clients.
 * Pointers: a request's arguments are good until batch() returns.
 * Threads:  one.
 * Failure:  a connection that cannot be served is closed, counted and logged; the loop goes on.
 * Cost:     one epoll_wait, one read and one write for each ready connection and turn. */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/seam.h"
#include "net/client.h"

enum {
    NET_BATCH_MAX = 128,
    NET_TURN_REQUESTS_MAX = 1024, /* of one connection; what is left waits for the next turn */
};

struct tls_context;
struct tls_part;

struct net_request {
    struct client *client;
    struct bytes *argv; /* argc of them, argc >= 1 */
    uint32_t argc;
};
/* A request without a client was taken back (net_turn_within): it is passed over. */

struct net_handler {
    /* Executes requests in order, replies into client->reply. A client may have several in one
     * batch. Returns how many were done. Before each request it looks at client->flags: if any of
     * CLIENT_STOPPED is set it ends there, and net asks again for those that can go on. */
    size_t (*batch)(void *context, struct net_request *requests, size_t count);
    /* True when CLIENT PAUSE must hold this request back (it may write, or all are held). */
    bool (*held)(void *context, const struct net_request *request, bool writes_only);
    /* Before the replies to what was executed are sent; may be NULL. */
    void (*sending)(void *context);
    /* The safe point, once a turn: in how many ns to come back at the latest. */
    uint64_t (*between)(void *context);
    /* A client came or went (auth state is set by the handler on arrival). */
    void (*arrived)(void *context, struct client *client);
    void (*left)(void *context, struct client *client);
    /* Its certificate, which was verified, bears this common name. May be NULL. */
    void (*certified)(void *context, struct client *client, struct bytes common_name);
    /* One line for the log. level as os/log.h. */
    void (*log)(void *context, int level, const char *text);
    void *context;
};

struct net_limits {
    uint32_t clients_max;       /* maxclients */
    uint32_t timeout_seconds;   /* idle clients; 0: never */
    uint32_t keepalive_seconds; /* tcp-keepalive */
    bool protected_mode_blocks; /* protected-mode yes, and no password */
    uint64_t query_buffer_max;  /* client-query-buffer-limit */
    uint64_t bulk_max;          /* proto-max-bulk-len */
    uint64_t clients_bytes_max; /* maxmemory-clients; 0: none */
    struct net_output_limit {
        uint64_t hard, soft, soft_seconds; /* 0: none */
    } output[CLIENT_CLASSES];
};

MUST_CHECK struct net *net_new(const struct seam *seam, const struct net_handler *handler);
void net_drop(struct net *net); /* closes everything */
void net_set_limits(struct net *net, const struct net_limits *limits);

/* What is spoken on a listener: plain TCP, a unix socket, or TLS over TCP. */
enum net_door { NET_TCP, NET_UNIX, NET_TLS };

/* Takes a listening socket (made by os/net). */
MUST_CHECK bool net_listen(struct net *net, int listener, enum net_door door);
/* Closes all listeners of one kind (CONFIG SET port, bind). */
void net_unlisten(struct net *net, enum net_door door);

/* The part that speaks TLS, always the same one, and the context (net/tls.h) of handshakes from now
 * on, which is handed over; NULL: who comes to NET_TLS is sent away. */
void net_set_tls(struct net *net, const struct tls_part *part, struct tls_context *context);

/* Runs turns until net_stop. */
void net_run(struct net *net);
/* One turn, which waits at most so long. */
void net_turn(struct net *net, uint64_t wait_ns);
/* From within batch(), while `running`, one of its requests, takes long: the connections but that
 * request's are looked after for one turn, which waits for nothing and calls batch() for what they
 * ask; between() is not called. Later requests of others in the running batch go back, and have no
 * client any more; they come again in such turns. */
void net_turn_within(struct net *net, const struct net_request *running);
void net_stop(struct net *net);
/* Safe from a signal handler: wakes the loop so that between() is called. */
void net_wake(struct net *net);

#endif
