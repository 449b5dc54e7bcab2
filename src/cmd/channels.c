#include "cmd/channels.h"

#include "base/glob.h"
#include "base/memory.h"
#include "store/store.h"

#include <string.h>

struct channels *channels_new(const struct cmd_context *context)
{
    struct channels *channels = memory_take_zeroed(sizeof *channels);
    if (channels != NULL)
        channels->context = context;
    return channels;
}

/* Clients have left before. */
void channels_drop(struct channels *channels)
{
    if (channels == NULL)
        return;
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        linked_table_release(&channels->names[kind]);
    linked_table_release(&channels->memberships);
    buffer_release(&channels->notified);
    memory_give(channels);
}

/* --- memory is told to net/ ------------------------------------------------------------------- */

static uint64_t bytes_of_channel(const struct channel *channel)
{
    return memory_usable(channel);
}

static void tell_tables(struct channels *channels)
{
    uint64_t bytes = channels->memberships.bytes;
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        bytes += channels->names[kind].bytes;
    if (bytes == channels->bytes_told)
        return;
    net_hold(channels->context->net, (int64_t)(bytes - channels->bytes_told));
    channels->bytes_told = bytes;
}

/* --- channels --------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct channels *channels, struct bytes name)
{
    return store_key(channels->context->store, name).hash;
}

static struct channel *find(const struct channels *channels, enum subscription_kind kind,
                            struct bytes name, uint64_t hash)
{
    struct table_link *link = linked_table_first(&channels->names[kind], hash);
    while (link != NULL && !bytes_equal(channel_name((struct channel *)link), name))
        link = linked_table_next(link);
    return (struct channel *)link;
}

struct channel *channels_find(const struct channels *channels, enum subscription_kind kind,
                              struct bytes name)
{
    if (channels->names[kind].count == 0)
        return NULL;
    return find(channels, kind, name, hash_of(channels, name));
}

static struct channel *make_channel(struct channels *channels, enum subscription_kind kind,
                                    struct bytes name, uint64_t hash)
{
    struct channel *channel = memory_take(sizeof *channel + name.count);
    if (channel == NULL)
        return NULL;
    *channel = (struct channel){ .kind = kind, .name_bytes = name.count };
    if (name.count > 0)
        memcpy(channel->name, name.at, name.count);
    if (!linked_table_add(&channels->names[kind], &channel->link, hash)) {
        memory_give(channel);
        return NULL;
    }
    channel->before = channels->order[kind].last;
    if (channel->before == NULL)
        channels->order[kind].first = channel;
    else
        channel->before->behind = channel;
    channels->order[kind].last = channel;
    net_hold(channels->context->net, (int64_t)bytes_of_channel(channel));
    return channel;
}

static void drop_if_deserted(struct channels *channels, struct channel *channel)
{
    if (channel->listeners > 0)
        return;
    if (channel->before == NULL)
        channels->order[channel->kind].first = channel->behind;
    else
        channel->before->behind = channel->behind;
    if (channel->behind == NULL)
        channels->order[channel->kind].last = channel->before;
    else
        channel->behind->before = channel->before;
    linked_table_remove(&channels->names[channel->kind], &channel->link);
    net_hold(channels->context->net, -(int64_t)bytes_of_channel(channel));
    memory_give(channel);
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static uint64_t membership_hash(const struct channel *channel, const struct client *client)
{
    uint64_t mixed = channel->link.hash ^ client->id * UINT64_C(0x9e3779b97f4a7c15) ^
                     (uint64_t)channel->kind * UINT64_C(0xd6e8feb86659fd93);
    return mixed ^ mixed >> 29;
}

static struct subscription *find_membership(const struct channels *channels,
                                            const struct channel *channel,
                                            const struct client *client)
{
    struct table_link *link =
        linked_table_first(&channels->memberships, membership_hash(channel, client));
    while (link != NULL && (((struct subscription *)link)->channel != channel ||
                            ((struct subscription *)link)->client != client))
        link = linked_table_next(link);
    return (struct subscription *)link;
}

static bool has_subscriptions(struct channels *channels, struct client *client)
{
    if (client->subscriptions != NULL)
        return true;
    client->subscriptions = memory_take_zeroed(sizeof *client->subscriptions);
    if (client->subscriptions == NULL)
        return false;
    channels->clients++;
    client_hold(client, (int64_t)sizeof *client->subscriptions);
    client_set_class(client, CLIENT_CLASS_PUBSUB);
    return true;
}

static void drop_if_none(struct channels *channels, struct client *client)
{
    struct subscriptions *all = client->subscriptions;
    if (all == NULL)
        return;
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        if (all->kinds[kind].count > 0)
            return;
    client->subscriptions = NULL;
    memory_give(all);
    channels->clients--;
    client_hold(client, -(int64_t)sizeof *all);
    client_set_class(client, CLIENT_CLASS_NORMAL);
}

static void link_in(struct subscription *made)
{
    struct channel *channel = made->channel;
    struct subscriptions *all = made->client->subscriptions;
    enum subscription_kind kind = channel->kind;
    made->older = channel->newest;
    if (made->older == NULL)
        channel->oldest = made;
    else
        made->older->newer = made;
    channel->newest = made;
    channel->listeners++;
    made->before = all->kinds[kind].last;
    if (made->before == NULL)
        all->kinds[kind].first = made;
    else
        made->before->behind = made;
    all->kinds[kind].last = made;
    all->kinds[kind].count++;
}

static void link_out(const struct subscription *gone)
{
    struct channel *channel = gone->channel;
    struct subscriptions *all = gone->client->subscriptions;
    enum subscription_kind kind = channel->kind;
    if (gone->older == NULL)
        channel->oldest = gone->newer;
    else
        gone->older->newer = gone->newer;
    if (gone->newer == NULL)
        channel->newest = gone->older;
    else
        gone->newer->older = gone->older;
    channel->listeners--;
    if (gone->before == NULL)
        all->kinds[kind].first = gone->behind;
    else
        gone->before->behind = gone->behind;
    if (gone->behind == NULL)
        all->kinds[kind].last = gone->before;
    else
        gone->behind->before = gone->before;
    all->kinds[kind].count--;
}

static bool make_membership(struct channels *channels, struct channel *channel,
                            struct client *client)
{
    struct subscription *made = memory_take(sizeof *made);
    if (made == NULL)
        return false;
    *made = (struct subscription){ .channel = channel, .client = client };
    if (!has_subscriptions(channels, client)) {
        memory_give(made);
        return false;
    }
    if (!linked_table_add(&channels->memberships, &made->link, membership_hash(channel, client))) {
        memory_give(made);
        drop_if_none(channels, client);
        return false;
    }
    link_in(made);
    client_hold(client, (int64_t)sizeof *made);
    return true;
}

enum err channels_join(struct channels *channels, struct client *client,
                       enum subscription_kind kind, struct bytes name)
{
    uint64_t hash = hash_of(channels, name);
    struct channel *channel = find(channels, kind, name, hash);
    if (channel == NULL)
        channel = make_channel(channels, kind, name, hash);
    if (channel == NULL)
        return ERR_MEMORY;
    if (find_membership(channels, channel, client) != NULL)
        return ERR_NONE;
    bool made = make_membership(channels, channel, client);
    drop_if_deserted(channels, channel);
    tell_tables(channels);
    return made ? ERR_NONE : ERR_MEMORY;
}

static void drop_membership(struct channels *channels, struct subscription *gone)
{
    struct channel *channel = gone->channel;
    struct client *client = gone->client;
    linked_table_remove(&channels->memberships, &gone->link);
    link_out(gone);
    memory_give(gone);
    client_hold(client, -(int64_t)sizeof *gone);
    drop_if_deserted(channels, channel);
}

void channels_leave(struct channels *channels, struct client *client, enum subscription_kind kind,
                    struct bytes name)
{
    struct channel *channel = channels_find(channels, kind, name);
    if (channel == NULL)
        return;
    struct subscription *gone = find_membership(channels, channel, client);
    if (gone == NULL)
        return;
    drop_membership(channels, gone);
    drop_if_none(channels, client);
    tell_tables(channels);
}

void channels_leave_all(struct channels *channels, struct client *client)
{
    struct subscriptions *all = client->subscriptions;
    if (all == NULL)
        return;
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        while (all->kinds[kind].first != NULL)
            drop_membership(channels, all->kinds[kind].first);
    drop_if_none(channels, client);
    tell_tables(channels);
}

struct bytes channels_first_of(const struct client *client, enum subscription_kind kind)
{
    if (channels_count_of(client, kind) == 0)
        return bytes_of(NULL, 0);
    return channel_name(client->subscriptions->kinds[kind].first->channel);
}

/* --- publishing ------------------------------------------------------------------------------- */

/* What has been encoded, to all listeners of a channel who are not closing. */
static uint64_t send_to_all(struct pushes *pushes, const struct channel *channel)
{
    uint64_t count = 0;
    for (const struct subscription *at = channel->oldest; at != NULL; at = at->newer) {
        if ((at->client->flags & CLIENT_CLOSE_NOW) != 0)
            continue;
        push_send(pushes, at->client);
        count++;
    }
    return count;
}

static uint64_t publish_to(struct channels *channels, enum subscription_kind kind, const char *word,
                           struct bytes name, struct bytes message)
{
    struct pushes *pushes = channels->context->pushes;
    const struct channel *channel = channels_find(channels, kind, name);
    if (channel == NULL)
        return 0;
    push_begin(pushes, 3);
    push_word(pushes, word);
    push_bulk(pushes, name);
    push_bulk(pushes, message);
    return send_to_all(pushes, channel);
}

bool channel_fits(struct bytes pattern, struct bytes name)
{
    return (name.count > 0 || pattern.count == 0) && glob_match(pattern, name);
}

static uint64_t publish_to_patterns(struct channels *channels, struct bytes name,
                                    struct bytes message)
{
    struct pushes *pushes = channels->context->pushes;
    const struct channel *at = channels->order[SUBSCRIBED_PATTERN].first;
    uint64_t count = 0;
    for (; at != NULL; at = at->behind) {
        if (!channel_fits(channel_name(at), name))
            continue;
        push_begin(pushes, 4);
        push_word(pushes, "pmessage");
        push_bulk(pushes, channel_name(at));
        push_bulk(pushes, name);
        push_bulk(pushes, message);
        count += send_to_all(pushes, at);
    }
    return count;
}

uint64_t channels_publish(struct channels *channels, struct bytes name, struct bytes message)
{
    if (channels_silent(channels))
        return 0;
    uint64_t count = publish_to(channels, SUBSCRIBED_CHANNEL, "message", name, message);
    count += publish_to_patterns(channels, name, message);
    push_end(channels->context->pushes);
    return count;
}

uint64_t channels_publish_shard(struct channels *channels, struct bytes name, struct bytes message)
{
    uint64_t count = publish_to(channels, SUBSCRIBED_SHARD, "smessage", name, message);
    push_end(channels->context->pushes);
    return count;
}
