#include "cmd/pubsub.h"

#include "cmd/channels.h"

/* --- who listens in RESP2 -------------------------------------------------------------------- */

bool pubsub_may_run(const struct command_row *row, const struct client *client, struct reply *reply)
{
    static void (*const allowed[])(struct call * call) = {
        pubsub_subscribe,    pubsub_unsubscribe, pubsub_psubscribe,
        pubsub_punsubscribe, pubsub_ssubscribe,  pubsub_sunsubscribe,
    };
    static const char *const words[] = { "ping", "quit", "reset" };
    if (client->reply.resp != 2)
        return true;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (row->command->run == allowed[i])
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(row->command->name, words[i]) == 0)
            return true;
    reply_errorf(reply,
                 "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                 "RESET are allowed in this context",
                 row->full_name);
    return false;
}

/* --- SUBSCRIBE and its kin -------------------------------------------------------------------- */

/* What each kind calls itself in answers. */
static const struct {
    const char *joined, *left;
} words[SUBSCRIPTION_KINDS] = {
    [SUBSCRIBED_CHANNEL] = { "subscribe", "unsubscribe" },
    [SUBSCRIBED_PATTERN] = { "psubscribe", "punsubscribe" },
    [SUBSCRIBED_SHARD] = { "ssubscribe", "sunsubscribe" },
};

/* Shard channels are counted apart. */
static int64_t counted(const struct client *client, enum subscription_kind kind)
{
    if (kind == SUBSCRIBED_SHARD)
        return channels_count_of(client, SUBSCRIBED_SHARD);
    return (int64_t)channels_count_of(client, SUBSCRIBED_CHANNEL) +
           channels_count_of(client, SUBSCRIBED_PATTERN);
}

/* The answers have the form of messages, and as such are not silenced by CLIENT REPLY OFF. */
static void confirm(struct call *call, const char *word, struct bytes name, int64_t count)
{
    struct reply *reply = call->reply;
    bool muted = reply->muted;
    reply->muted = false;
    reply_push(reply, 3);
    reply_bulk_text(reply, word);
    if (name.at == NULL)
        reply_nil(reply);
    else
        reply_bulk(reply, name);
    reply_i64(reply, count);
    reply->muted = muted;
}

static void join(struct call *call, enum subscription_kind kind)
{
    for (uint32_t at = 1; at < call->argc; at++) {
        if (channels_join(call->context->channels, call->client, kind, call->argv[at]) !=
            ERR_NONE) {
            call_memory_error(call);
            return;
        }
        confirm(call, words[kind].joined, call->argv[at], counted(call->client, kind));
    }
}

/* The name is answered before the channel goes that it stands in. */
static void leave_one(struct call *call, enum subscription_kind kind, struct bytes name)
{
    struct channels *channels = call->context->channels;
    struct buffer copy = { 0 };
    if (!buffer_append(&copy, name)) {
        call_memory_error(call);
        return;
    }
    channels_leave(channels, call->client, kind, buffer_view(&copy));
    struct bytes left = copy.count > 0 ? buffer_view(&copy) : BYTES("");
    confirm(call, words[kind].left, left, counted(call->client, kind));
    buffer_release(&copy);
}

static void leave(struct call *call, enum subscription_kind kind)
{
    for (uint32_t at = 1; at < call->argc; at++)
        leave_one(call, kind, call->argv[at]);
    if (call->argc > 1)
        return;
    if (channels_count_of(call->client, kind) == 0)
        confirm(call, words[kind].left, bytes_of(NULL, 0), counted(call->client, kind));
    uint32_t left = channels_count_of(call->client, kind);
    for (; left > 0; left--)
        leave_one(call, kind, channels_first_of(call->client, kind));
}

void pubsub_subscribe(struct call *call)
{
    join(call, SUBSCRIBED_CHANNEL);
}

void pubsub_unsubscribe(struct call *call)
{
    leave(call, SUBSCRIBED_CHANNEL);
}

void pubsub_psubscribe(struct call *call)
{
    join(call, SUBSCRIBED_PATTERN);
}

void pubsub_punsubscribe(struct call *call)
{
    leave(call, SUBSCRIBED_PATTERN);
}

void pubsub_ssubscribe(struct call *call)
{
    join(call, SUBSCRIBED_SHARD);
}

void pubsub_sunsubscribe(struct call *call)
{
    leave(call, SUBSCRIBED_SHARD);
}

/* --- PUBLISH ---------------------------------------------------------------------------------- */

void pubsub_publish(struct call *call)
{
    uint64_t heard = channels_publish(call->context->channels, call->argv[1], call->argv[2]);
    reply_i64(call->reply, (int64_t)heard);
}

void pubsub_spublish(struct call *call)
{
    uint64_t heard = channels_publish_shard(call->context->channels, call->argv[1], call->argv[2]);
    reply_i64(call->reply, (int64_t)heard);
}

/* --- PUBSUB ----------------------------------------------------------------------------------- */

static void list_names(struct call *call, enum subscription_kind kind)
{
    if (call->argc > 3) {
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try PUBSUB "
                     "HELP.",
                     (int)call->argv[1].count, (const char *)call->argv[1].at);
        return;
    }
    const struct channel *at = call->context->channels->order[kind].first;
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t count = 0;
    for (; at != NULL; at = at->behind) {
        if (call->argc == 3 && !channel_fits(call->argv[2], channel_name(at)))
            continue;
        reply_bulk(call->reply, channel_name(at));
        count++;
    }
    reply_count(call->reply, mark, count);
}

static void list_counts(struct call *call, enum subscription_kind kind)
{
    reply_array(call->reply, 2 * ((uint64_t)call->argc - 2));
    for (uint32_t at = 2; at < call->argc; at++) {
        const struct channel *channel =
            channels_find(call->context->channels, kind, call->argv[at]);
        reply_bulk(call->reply, call->argv[at]);
        reply_i64(call->reply, channel == NULL ? 0 : channel->listeners);
    }
}

void pubsub_channels(struct call *call)
{
    list_names(call, SUBSCRIBED_CHANNEL);
}

void pubsub_numsub(struct call *call)
{
    list_counts(call, SUBSCRIBED_CHANNEL);
}

void pubsub_numpat(struct call *call)
{
    reply_i64(call->reply, channels_count(call->context->channels, SUBSCRIBED_PATTERN));
}

void pubsub_shardchannels(struct call *call)
{
    list_names(call, SUBSCRIBED_SHARD);
}

void pubsub_shardnumsub(struct call *call)
{
    list_counts(call, SUBSCRIBED_SHARD);
}

void pubsub_help(struct call *call)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    The channels that somebody listens to, of those that fit (by default: all).",
        "NUMPAT",
        "    How many patterns somebody listens to.",
        "NUMSUB [<channel> ...]",
        "    How many listen to each of these channels, those with patterns left out.",
        "SHARDCHANNELS [<pattern>]",
        "    The shard channels that somebody listens to, of those that fit (by default: all).",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many listen to each of these shard channels.",
        NULL,
    };
    call_help(call, "pubsub", lines);
}
