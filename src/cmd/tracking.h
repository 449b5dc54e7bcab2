/* cmd/tracking.h - which client remembers which keys, and is told when they change.
 * Model:    by default a table leads from a key to the numbers of the clients that read it; who is
 *           told is forgotten. In BCAST mode a client names prefixes instead, and hears of every
 *           key that begins with one: those wait until the end of the turn, each key once. The
 *           names of keys are those of all databases, as in Redis.
 *
 *             key -> numbers of clients            prefix -> members (clients)
 *                                                         -> changed keys, until the turn ends
 *
 *           It listens at the store's door while any client tracks. What the client whose command
 *           runs must be told waits for the end of that command.
 * Owner:    the dispatcher makes one.
 * Pointers: none kept of clients but by prefix_member, which goes with its client.
 * Threads:  the executing thread.
 * Failure:  where memory fails a client is closed rather than left with keys it is not told of.
 * Cost:     a key read: a look at the table; a change: another, and one pass over the key's bytes
 *           with a look for each different length of prefix. Numbers of gone clients stay until
 *           their key changes; tracking-table-max-keys bounds the table. */
#ifndef CMD_TRACKING_H
#define CMD_TRACKING_H

#include "cmd/linked_table.h"
#include "cmd/push.h"
#include "cmd/table.h"

enum tracking_flags {
    TRACKING_BCAST = 1u << 0,
    TRACKING_OPTIN = 1u << 1,
    TRACKING_OPTOUT = 1u << 2,
    TRACKING_NOLOOP = 1u << 3,
    TRACKING_CACHING = 1u << 4, /* CLIENT CACHING was said: holds for one command */
    TRACKING_BROKEN = 1u << 5,  /* whom messages went to is gone */
};

/* Of a client that tracks. */
struct tracking {
    unsigned flags;
    uint64_t redirect; /* whom messages go to; 0: to itself */
    struct prefix_member *first, *last;
    uint32_t prefix_count;
};

struct tracker {
    struct cmd_context *context;
    struct linked_table keys;
    struct linked_table forgotten; /* given back in steps */
    uint64_t items;                /* numbers of clients in all keys */
    uint64_t draws;                /* for which key is forgotten next */
    uint32_t clients;
    struct linked_table prefixes;
    struct prefix_length {
        size_t bytes;
        uint32_t prefixes;
    } * lengths; /* that any prefix has, in order */
    uint32_t length_count, length_room;
    struct prefix *changed; /* of which keys wait */
    struct buffer later;    /* for the client whose command runs: lengths and names */
    bool later_all;         /* and that everything is gone */
    uint64_t bytes;         /* of keys and prefixes */
    uint64_t bytes_told;    /* to net/, with the tables */
};

void tracker_init(struct tracker *tracker, struct cmd_context *context);
void tracker_release(struct tracker *tracker);

/* Switches it on, or changes what it was; prefixes are added. Only in BCAST mode there are any, and
 * none means all keys. False: memory failed, and it tracks as before or not at all. */
MUST_CHECK bool tracking_start(struct tracker *tracker, struct client *client, unsigned flags,
                               uint64_t redirect, const struct bytes *prefixes, uint32_t count);
void tracking_stop(struct tracker *tracker, struct client *client);

/* A command of a client that tracks has run. */
void tracking_ran(struct tracker *tracker, const struct call *call, const struct command_row *row);
/* The outermost command of such a client has answered: it is told what waited for that, and CLIENT
 * CACHING has held for it. */
void tracking_command_over(struct tracker *tracker, struct client *client,
                           const struct command_row *row);
/* Between two turns: tells of prefixes. In how many ns to come back at the latest. */
uint64_t tracking_step(struct tracker *tracker);

/* --- what its files share --------------------------------------------------------------------- */

struct prefix_member {
    struct prefix *prefix;
    struct client *client;
    struct prefix_member *older, *newer;   /* of the prefix */
    struct prefix_member *before, *behind; /* of the client */
};

struct bytes prefix_text(const struct prefix *prefix);

/* tracking_send.c: the encoded value (an array of keys, or a null) to whom the client said. */
void tracking_send(struct tracker *tracker, struct client *client, struct bytes value);

/* tracking_prefixes.c */
MUST_CHECK bool prefixes_join(struct tracker *tracker, struct client *client, struct bytes text);
void prefixes_leave_all(struct tracker *tracker, struct client *client);
void prefixes_note(struct tracker *tracker, struct bytes key);
void prefixes_tell(struct tracker *tracker);
void tracking_settle(struct tracker *tracker); /* tells net/ of memory */

#endif
