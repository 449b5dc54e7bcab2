/* net/client.h - one connection, as commands may see and change it.
 * Model:    what the connection has said of itself, what it has selected, its counters and its
 *           unsent replies. Found again by id, never by address.
 * Owner:    net/ makes and frees clients; freeing is deferred to the end of the loop's turn, so
 *           that a client may kill itself while it executes.
 * Pointers: good within one command.
 * Threads:  the executing thread.
 * Failure:  as each function says.
 * Cost:     at most 2 KB for an idle one. */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "base/buffer.h"
#include "proto/reply.h"

enum client_flags {
    CLIENT_AUTHENTICATED = 1u << 0,
    CLIENT_CLOSE_AFTER_REPLY = 1u << 1,
    CLIENT_CLOSE_NOW = 1u << 2, /* no reply any more; freed at the end of the turn */
    CLIENT_UNIX_SOCKET = 1u << 3,
    CLIENT_REPLY_OFF = 1u << 4,
    CLIENT_REPLY_SKIP_NEXT = 1u << 5, /* CLIENT REPLY SKIP was said: the next command's is muted */
    CLIENT_REPLY_SKIP = 1u << 6,      /* this command's reply is muted */
    CLIENT_NO_EVICT = 1u << 7,
    CLIENT_NO_TOUCH = 1u << 8,
    CLIENT_PAUSED = 1u << 9,      /* its command waits for the end of CLIENT PAUSE */
    CLIENT_BLOCKED = 1u << 10,    /* its later requests wait until client_unblock */
    CLIENT_ASK_AGAIN = 1u << 11,  /* a pause began: whether its later requests wait is asked anew */
    CLIENT_IN_MULTI = 1u << 12,   /* its commands are queued until EXEC */
    CLIENT_MONITOR = 1u << 13,    /* it is shown what runs */
    CLIENT_RESTRICTED = 1u << 14, /* its user may not do everything: see cmd/access.h */

    /* A request of such a client must not be executed now: the batch ends before it. */
    CLIENT_STOPPED = CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW | CLIENT_PAUSED | CLIENT_BLOCKED |
                     CLIENT_ASK_AGAIN,
};

/* What a connection is used for: each class has its own limits of unsent replies. */
enum client_class {
    CLIENT_CLASS_NORMAL,
    CLIENT_CLASS_REPLICA,
    CLIENT_CLASS_PUBSUB,
    CLIENT_CLASSES
};

struct net;
struct command;       /* of cmd/: which ran last, for CLIENT LIST; net/ never looks inside */
struct waiter;        /* of cmd/ as well: what the client waits for */
struct subscriptions; /* of cmd/: the channels it listens to */
struct transaction;   /* likewise: what MULTI has queued, and which keys are watched */
struct tracking;      /* of cmd/: how it is told of keys that change */
struct user;          /* and who it is */

struct client {
    uint64_t id;
    int fd;
    uint32_t flags;
    uint32_t db;
    struct net *net;
    struct reply reply;
    const struct command *last_command;
    struct user *user;                   /* cmd/'s; NULL: nobody, who may do everything */
    struct waiter *waiting;              /* cmd/'s; NULL: it does not wait for keys */
    struct subscriptions *subscriptions; /* cmd/'s; NULL: it listens to nothing */
    struct transaction *transaction;     /* cmd/'s; NULL: neither MULTI nor WATCH was said */
    struct tracking *tracking;           /* cmd/'s; NULL: it is not told */
    char *name, *lib_name, *lib_version; /* malloc'ed, NUL-terminated, or NULL */
    int64_t created_ms, active_ms;       /* wall clock */
    uint64_t commands;                   /* executed; net/ counts after each batch */
    uint64_t input_bytes, output_bytes;  /* over its life */
    /* private to net/ below, but for CLIENT LIST's figures through the functions */
    uint64_t held_bytes;     /* by what hangs on it from cmd/: client_hold */
    uint8_t class_of_limits; /* enum client_class: client_set_class */
    struct buffer input;     /* bytes read and not yet executed */
    void *connection;
};

/* Text as CLIENT LIST wants it: "127.0.0.1:5000", "[::1]:5000" or "/path:0". Written to `at` (at
 * least 128 bytes), NUL-terminated. */
void client_peer(const struct client *client, char *at, size_t bytes);
void client_local(const struct client *client, char *at, size_t bytes);
/* Memory held for the client: struct, input, output, and what cmd/ says it holds for it. */
uint64_t client_memory(const struct client *client);
uint64_t client_input_free(const struct client *client);    /* qbuf-free */
uint32_t client_output_chunks(const struct client *client); /* oll */
uint64_t client_output_memory(const struct client *client); /* omem */
/* Sets or clears (NULL) one of the client's texts; false when memory fails. */
MUST_CHECK bool client_set_text(char **text, struct bytes to);

struct client *net_client_by_id(struct net *net, uint64_t id);
uint32_t net_clients(const struct net *net);
/* Every client in the order of ids; visit may close clients through client_close. */
void net_each_client(struct net *net, void (*visit)(void *context, struct client *client),
                     void *context);
/* Memory that cmd/ took for a client, or gave back; net_hold: for clients as such. */
void client_hold(struct client *client, int64_t bytes);
void net_hold(struct net *net, int64_t bytes);
/* Which limits of unsent replies count from now on. */
void client_set_class(struct client *client, enum client_class class);

/* Closes at the end of the turn; with unsent replies first when `after_reply`. */
void client_close(struct client *client, bool after_reply);
/* For commands that wait: the client's later requests are kept back, and executed after
 * client_unblock. Meanwhile anybody may write to its reply. */
void client_block(struct client *client);
void client_unblock(struct client *client);

/* CLIENT PAUSE: until when (wall clock ms), and whether only commands that may write wait. What a
 * batch still holds is asked about anew. Of two pauses the longer and the stricter counts. */
void net_pause(struct net *net, int64_t until_ms, bool writes_only);
void net_unpause(struct net *net);
bool net_is_paused(const struct net *net);

struct net_figures {
    uint64_t accepted, rejected, input_bytes, output_bytes;
    uint64_t reads, writes; /* calls that moved bytes */
    uint64_t query_buffer_disconnections, output_buffer_disconnections;
    uint64_t evicted;      /* clients, for the memory of all */
    uint64_t client_bytes; /* all clients: the sum of the next five */
    uint64_t struct_bytes, held_input_bytes, held_output_bytes, tls_bytes, beside_bytes;
    uint64_t spare_bytes;           /* chunks of replies kept for reuse; not in the sum */
    uint64_t input_max, output_max; /* biggest recent buffers */
    uint64_t polls, commands;
    uint64_t busy_ticks; /* between the waits (base/ticks.h) */
    uint32_t clients, clients_max_seen;
    uint32_t paused_writes_only; /* 1; all: 2; none: 0 */
    int64_t paused_until_ms;
    double input_kbps, output_kbps, ops_per_second;
    double polls_per_second, busy_ticks_per_second;
};
void net_figures(const struct net *net, struct net_figures *figures);
void net_reset_counters(struct net *net);

#endif
