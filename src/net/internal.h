/* net/internal.h - what the files of net/ share; private to it.
 * Model:    a turn serves connections one after another: bytes are received, complete requests
 *           join the batch; when it is full or nobody is left it runs, then each connection served
 *           is settled (what was not executed is kept) and replies are sent.
 * Owner:    struct net owns everything here.
 * Pointers: a connection is good until the end of the turn in which it is closed.
 * Threads:  one, but for `stopping` and the wake-up descriptor.
 * Failure:  as each function says; a connection that fails is closed, nothing else.
 * Cost:     as net.h. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "base/arena.h"
#include "base/ticks.h"
#include "net/net.h"
#include "net/tls.h"
#include "proto/reader.h"

#include <stdatomic.h>
#include <sys/epoll.h>

enum {
    NET_LISTENERS_MAX = 32,
    NET_EVENTS_MAX = 256,
    NET_ARGV_MAX = 4096,       /* of a batch; requests with more bring their own */
    NET_ARGV_LEAST = 1024,     /* the batch runs when fewer are left */
    NET_RECEIVE_MAX = 65536,   /* of one connection and turn, unless it awaits a big bulk */
    NET_SHARED_BYTES = 262144, /* received in a turn before the batch must run */
    NET_PARTIAL_SHARED = 4096, /* a longer incomplete request is received where it is kept */
    NET_BIG_BULK = 32768,      /* so long a one as well, whatever is there of it */
    NET_BIG_RECEIVE_MAX = 1u << 20u,
    NET_SEND_MAX = 1u << 20u,       /* to one connection and turn */
    NET_SEND_CURRENT = 32768,       /* so much is sent before all its requests are executed */
    NET_OUTPUT_UNKNOWN_MAX = 32768, /* unsent replies before authentication */
    NET_INPUT_UNKNOWN_MAX = 40960,  /* of a request that was begun before it */
    NET_UNKNOWN_MAX = 16u << 20u,   /* both, of all that are not authenticated, together */
    NET_UNKNOWN_FREE = 4096,        /* whoever holds no more is not asked to leave for that */
    NET_CRON_MS = 100,
    NET_SAMPLES = 16,
    NET_PEAK_SLOTS = 8,           /* seconds that input_max and output_max look back */
    NET_HANDSHAKES_MAX = 512,     /* at once; each takes some 50 KB of memory */
    NET_HANDSHAKE_MS = 10000,     /* the longest */
    NET_HANDSHAKE_FAIR_MS = 2000, /* who takes longer leaves when others wait */
};

/* In which queue a connection stands. */
enum net_queue_kind {
    QUEUE_NONE,
    QUEUE_READY,     /* its input holds requests to be parsed in the next turn */
    QUEUE_PAUSED,    /* the same, at the end of CLIENT PAUSE */
    QUEUE_MORE,      /* TLS holds bytes of it, of which epoll knows nothing */
    QUEUE_HANDSHAKE, /* it is not secure yet; the oldest is first */
    QUEUE_KINDS,
};

struct connection {
    struct client client; /* first: one is found from the other */
    struct connection *older, *newer;
    struct connection *before, *behind; /* in its queue */
    enum net_queue_kind queue;
    uint32_t interest; /* what epoll was asked to report */
    struct connection *next_closing, *next_ending, *next_served;
    struct reader reader;
    const uint8_t *at, *end; /* being served: bytes not yet parsed */
    bool in_input;           /* and they lie in client.input, not in the shared bytes */
    bool served;             /* in the batch's list */
    bool cut;                /* complete requests may be left behind `at` */
    bool hold;               /* because a pause holds the one at `at` */
    bool closing, ending;    /* in these lists */
    bool choked;             /* the system took no more: epoll says when it does */
    int64_t soft_since_ms;   /* over the soft output limit; 0: under it */
    struct tls *tls;         /* NULL: it speaks plainly */
    uint64_t tls_bytes;      /* of it, as counted in net->tls_held */
    uint64_t unknown_bytes;  /* as counted in net->unknown_held */
};

struct listener {
    int fd;
    enum net_door door;
};

/* Requests of several connections, in order, and all they point to. */
struct batch {
    struct net_request requests[NET_BATCH_MAX];
    const uint8_t *starts[NET_BATCH_MAX]; /* the first byte of each */
    uint32_t count;
    struct bytes argv[NET_ARGV_MAX];
    uint32_t argv_used;
    struct arena arena;
    struct connection *first_served, *last_served; /* settled when the batch has run */
    struct connection *current;                    /* still being parsed; settled later */
};

struct sample_rate {
    uint64_t last, values[NET_SAMPLES];
};

struct net {
    const struct seam *seam;
    struct net_handler handler;
    struct net_limits limits;
    int epoll, wake;
    _Atomic bool stopping;
    bool without_pwait2;

    struct listener listeners[NET_LISTENERS_MAX];
    uint32_t listener_count;
    bool listeners_rest; /* no descriptors are left: accepting goes on with the next cron */
    int64_t logged_accept_ms, logged_http_ms; /* when last, so that nobody can fill the log */
    int64_t logged_handshake_ms;
    uint64_t handshakes_not_logged; /* since then */
    int64_t logged_unknown_ms;
    uint64_t unknown_not_logged;
    const struct tls_part *tls_part; /* NULL: nobody was ever to speak TLS */
    struct tls_context *tls;

    struct connection *oldest, *newest;
    struct connection *cron_next; /* whom the cron visits next */
    struct connection **ids;      /* open addressing by id */
    uint32_t ids_mask, ids_used;
    uint32_t open; /* connections that are not closing */
    uint64_t last_id;
    struct connection *closing, *ending;
    struct {
        struct connection *first, *last;
        uint32_t count;
    } queues[QUEUE_KINDS];

    struct reply_pool pool;
    uint8_t *shared; /* received and not yet executed, of all connections in the batch */
    size_t shared_used;
    struct batch batch;

    struct {
        uint64_t ticks, ticks_stale; /* when it was read, and how old it may get */
        uint64_t now_ns;
        int64_t wall_ms;
    } clock;
    uint64_t cron_ns, sampled_ns;
    int64_t paused_until_ms; /* 0: not paused */
    bool pause_writes_only;

    struct net_figures figures; /* the counters */
    struct sample_rate input_rate, output_rate, command_rate, poll_rate, busy_rate;
    uint32_t sample_at;
    uint64_t input_held;   /* capacity of all input buffers */
    uint64_t tls_held;     /* by connections over TLS, beside what plain ones hold */
    uint64_t unknown_held; /* of input and output, by those who are not authenticated */
    uint64_t structs_held; /* of connections, in usable sizes */
    bool cannot_evict;     /* nobody was left to close; asked anew by the cron */
    uint64_t held;         /* by cmd/ for clients: net_hold */
    uint64_t input_peaks[NET_PEAK_SLOTS], output_peaks[NET_PEAK_SLOTS];
    int64_t peaks_second;
};

static inline struct connection *connection_of(struct client *client)
{
    return (struct connection *)client;
}

/* turn.c */
void net_clock(struct net *net);
void net_log(struct net *net, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* listen.c */
void net_accept(struct net *net, struct listener *listener);
void net_wake_listeners(struct net *net);
/* Protected mode, and the peer is on another machine: it gets the reason, and is to be closed. */
bool net_denies(const struct net *net, const struct connection *connection, struct bytes *reason);

/* secure.c: what is different for a connection over TLS. */
MUST_CHECK bool secure_begin(struct connection *connection);
void secure_end(struct connection *connection);
/* Before anything is received: goes on with the handshake. false: nothing is to be received. */
MUST_CHECK bool secure_may_receive(struct connection *connection);
ssize_t secure_receive(struct connection *connection, void *at, size_t room);
ssize_t secure_send(struct connection *connection, const struct iovec *parts, int count);
/* What to ask of epoll instead. Bytes that it knows nothing of are for the next turn. */
uint32_t secure_interest(struct connection *connection, uint32_t wanted);
/* Whether one more may begin its handshake; may close one that takes too long. */
bool secure_has_room(struct net *net);
void secure_end_slow(struct net *net); /* whose handshake takes more than NET_HANDSHAKE_MS */
/* Bytes not yet taken by the system, inside TLS or not. */
static inline uint64_t connection_unsent(const struct connection *connection)
{
    const struct client *client = &connection->client;
    uint64_t unsent = reply_unsent(&client->reply);
    return LIKELY(connection->tls == NULL)
               ? unsent
               : unsent + client->net->tls_part->unsent(connection->tls);
}

/* connections.c */
MUST_CHECK struct connection *connection_new(struct net *net, int fd, enum net_door door);
void connection_close(struct connection *connection); /* now; freed at the end of the turn */
void net_free_closing(struct net *net);
void net_end_connections(struct net *net); /* those to be closed when all is sent */
/* Tells epoll what the state of the connection asks for, if that has changed. */
void connection_interest(struct connection *connection);
void queue_put(struct connection *connection, enum net_queue_kind kind);
void queue_leave(struct connection *connection);
static inline bool connection_stopped(const struct connection *connection)
{
    return (connection->client.flags & CLIENT_STOPPED) != 0;
}

/* input.c */
void connection_receive(struct connection *connection);
void connection_resume(struct connection *connection); /* parses what its input holds */
bool input_reserve(struct connection *connection, size_t capacity);
void input_release(struct connection *connection);
/* After the batch: keeps what was not executed. false: it cannot, close. */
MUST_CHECK bool input_settle(struct connection *connection);

/* batch.c */
static inline bool batch_full(const struct batch *batch)
{
    return batch->count == NET_BATCH_MAX || batch->argv_used > NET_ARGV_MAX - NET_ARGV_LEAST;
}
/* Adds a request that takes `bytes` at connection->at; false when a pause holds it back. */
bool batch_add(struct net *net, struct connection *connection, struct bytes *argv, uint32_t argc,
               size_t bytes);
void batch_serve(struct net *net, struct connection *connection); /* joins the list */
void batch_run(struct net *net);
/* From here on the connection's bytes count as not parsed. */
void batch_cut(struct connection *connection, const uint8_t *start);
/* Its requests of the batch are over: what is left of its bytes is kept. */
void batch_settle(struct connection *connection);

/* turn.c: all who are ready but these two (NULL: none), without the work between. */
void net_serve_but(struct net *net, const struct connection *one, const struct connection *other);

/* output.c */
void net_send_written(struct net *net);
/* How much may be unsent is as the limits and the client's state now say. */
void output_set_limit(struct connection *connection);
void connection_send(struct connection *connection);
/* true when the connection was closed for passing them. */
bool output_over_limits(struct connection *connection);

/* unknown.c: before authentication */
void unknown_count(struct connection *connection); /* what it holds, when that has changed */
MUST_CHECK bool unknown_fits(struct connection *connection); /* the same, and looks at the bounds */
void unknown_close(struct connection *connection);
void unknown_log(struct connection *connection, const char *why); /* once a second at the most */

/* pause.c */
void net_pause_check(struct net *net); /* ends a pause that is over */
bool net_holds(struct net *net, const struct net_request *request);

/* evict.c: closes the largest clients while all together hold more than they may. */
void net_evict(struct net *net);

/* cron.c */
uint64_t net_client_bytes(const struct net *net);
void net_cron(struct net *net);
void net_note_peaks(struct net *net, uint64_t input, uint64_t output);

#endif
