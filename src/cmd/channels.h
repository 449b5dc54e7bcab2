/* cmd/channels.h - who listens to which channel, pattern or shard channel.
 * Model:    a channel is found by its name and has its subscriptions in the order they came; a
 *           client has its own, kind by kind; a subscription is found by channel and client.
 *
 *             struct client -> subscriptions -> subscription <-> subscription ...  (of the client)
 *                                                    |
 *             table by name -> channel -> oldest <-> subscription <-> newest     (of the channel)
 *
 *           A client without any has none of these structs: its pointer is NULL.
 * Owner:    the dispatcher makes one; a channel lives while somebody listens.
 * Pointers: channels and subscriptions never move. A walk must not change them.
 * Threads:  the executing thread.
 * Failure:  as said; what fails has changed nothing.
 * Cost:     O(1) to join, to leave and to find; a message O(listeners + patterns). */
#ifndef CMD_CHANNELS_H
#define CMD_CHANNELS_H

#include "cmd/context.h"
#include "cmd/linked_table.h"
#include "cmd/push.h"

enum subscription_kind {
    SUBSCRIBED_CHANNEL,
    SUBSCRIBED_PATTERN,
    SUBSCRIBED_SHARD,
    SUBSCRIPTION_KINDS
};

struct channel {
    struct table_link link;
    struct subscription *oldest, *newest;
    struct channel *before, *behind; /* of its kind, in the order they were made */
    uint32_t listeners;
    enum subscription_kind kind;
    size_t name_bytes;
    uint8_t name[];
};

struct subscription {
    struct table_link link;
    struct channel *channel;
    struct client *client;
    struct subscription *older, *newer;   /* of the channel */
    struct subscription *before, *behind; /* of the client, of the same kind */
};

struct subscriptions {
    struct {
        struct subscription *first, *last;
        uint32_t count;
    } kinds[SUBSCRIPTION_KINDS];
};

struct channels {
    const struct cmd_context *context;
    struct linked_table names[SUBSCRIPTION_KINDS];
    struct {
        struct channel *first, *last;
    } order[SUBSCRIPTION_KINDS];
    struct linked_table memberships;
    uint32_t clients;       /* that have any */
    unsigned notify;        /* cmd/notify.h: what is wanted */
    struct buffer notified; /* and the name of the channel it goes to */
    uint64_t bytes_told;    /* to net/: of the tables */
};

MUST_CHECK struct channels *channels_new(const struct cmd_context *context);
void channels_drop(struct channels *channels);

/* ERR_MEMORY: nothing has changed. Who listens already goes on. */
MUST_CHECK enum err channels_join(struct channels *channels, struct client *client,
                                  enum subscription_kind kind, struct bytes name);
/* Whoever does not listen is left alone. */
void channels_leave(struct channels *channels, struct client *client, enum subscription_kind kind,
                    struct bytes name);
void channels_leave_all(struct channels *channels, struct client *client);

static inline uint32_t channels_count_of(const struct client *client, enum subscription_kind kind)
{
    return client->subscriptions == NULL ? 0 : client->subscriptions->kinds[kind].count;
}
/* The client's oldest of a kind, or an empty name without address. */
struct bytes channels_first_of(const struct client *client, enum subscription_kind kind);

/* NULL: nobody listens. */
struct channel *channels_find(const struct channels *channels, enum subscription_kind kind,
                              struct bytes name);
static inline struct bytes channel_name(const struct channel *channel)
{
    return bytes_of(channel->name, channel->name_bytes);
}
/* Of names that are empty, as in Redis, not even a lone star fits one. */
bool channel_fits(struct bytes pattern, struct bytes name);
static inline uint32_t channels_count(const struct channels *channels, enum subscription_kind kind)
{
    return channels->names[kind].count;
}
/* Nobody listens to anything, but for shard channels. */
static inline bool channels_silent(const struct channels *channels)
{
    return channels->names[SUBSCRIBED_CHANNEL].count == 0 &&
           channels->names[SUBSCRIBED_PATTERN].count == 0;
}

/* Sends a message to all who listen to the channel, or to a pattern that fits it: how many. */
uint64_t channels_publish(struct channels *channels, struct bytes name, struct bytes message);
uint64_t channels_publish_shard(struct channels *channels, struct bytes name, struct bytes message);

#endif
