#include "cmd/pubsub.h"

#define SHARD_KEYS(end)                                                                            \
    {                                                                                              \
        {                                                                                          \
            .flags = KEY_NOT_KEY, .begin = KEYS_AT_INDEX, .index = 1, .last = (end), .step = 1     \
        }                                                                                          \
    }

static const struct command_arg args_channel[] = {
    { .name = "channel", .type = ARG_STRING },
    { .name = "message", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_shard_channel[] = {
    { .name = "shardchannel", .type = ARG_STRING },
    { .name = "message", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_channels[] = {
    { .name = "channel", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_maybe_channels[] = {
    { .name = "channel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_shard_channels[] = {
    { .name = "shardchannel", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_maybe_shard_channels[] = {
    { .name = "shardchannel", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_patterns_pattern[] = {
    { .name = "pattern", .type = ARG_PATTERN },
    { .name = NULL },
};

static const struct command_arg args_patterns[] = {
    { .name = "pattern", .type = ARG_BLOCK, .flags = ARG_MULTIPLE, .parts = args_patterns_pattern },
    { .name = NULL },
};

static const struct command_arg args_maybe_patterns[] = {
    { .name = "pattern", .type = ARG_PATTERN, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_maybe_pattern[] = {
    { .name = "pattern", .type = ARG_PATTERN, .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command pubsub_rows[] = {
    { .name = "channels",
      .run = pubsub_channels,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.8.0",
      .cost = "O(N), N being the channels that somebody listens to",
      .summary = "Lists the channels that somebody listens to.",
      .args = args_maybe_pattern },
    { .name = "help",
      .run = pubsub_help,
      .arity = 2,
      .group = GROUP_PUBSUB,
      .flags = CMD_LOADING | CMD_STALE,
      .since = "6.2.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "numpat",
      .run = pubsub_numpat,
      .arity = 2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.8.0",
      .cost = "O(1)",
      .summary = "Counts the patterns that somebody listens to." },
    { .name = "numsub",
      .run = pubsub_numsub,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.8.0",
      .cost = "O(N), N being the channels asked for",
      .summary = "Counts who listens to each of the channels.",
      .args = args_maybe_channels },
    { .name = "shardchannels",
      .run = pubsub_shardchannels,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "7.0.0",
      .cost = "O(N), N being the shard channels that somebody listens to",
      .summary = "Lists the shard channels that somebody listens to.",
      .args = args_maybe_pattern },
    { .name = "shardnumsub",
      .run = pubsub_shardnumsub,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "7.0.0",
      .cost = "O(N), N being the shard channels asked for",
      .summary = "Counts who listens to each of the shard channels.",
      .args = args_maybe_shard_channels },
    { .name = NULL },
};

const struct command pubsub_commands[] = {
    { .name = "psubscribe",
      .run = pubsub_psubscribe,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.0.0",
      .cost = "O(N), N being the patterns",
      .summary = "Listens to the channels whose names fit any of the patterns.",
      .args = args_patterns },
    { .name = "publish",
      .run = pubsub_publish,
      .arity = 3,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,
      .acl = ACL_PUBSUB,
      .since = "2.0.0",
      .cost = "O(N+M), N being who listens to the channel, M the patterns that anybody listens to",
      .summary = "Sends a message to all who listen to a channel.",
      .args = args_channel },
    { .name = "pubsub",
      .arity = -2,
      .group = GROUP_PUBSUB,
      .subcommands = pubsub_rows,
      .since = "2.8.0",
      .cost = "As the subcommand",
      .summary = "Asks about channels and who listens to them." },
    { .name = "punsubscribe",
      .run = pubsub_punsubscribe,
      .arity = -1,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.0.0",
      .cost = "O(N), N being the patterns",
      .summary = "Stops listening to what fits the patterns, or any pattern.",
      .args = args_maybe_patterns },
    { .name = "spublish",
      .run = pubsub_spublish,
      .arity = 3,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,
      .acl = ACL_PUBSUB,
      .keys = SHARD_KEYS(0),
      .since = "7.0.0",
      .cost = "O(N), N being who listens to the shard channel",
      .summary = "Sends a message to all who listen to a shard channel.",
      .args = args_shard_channel },
    { .name = "ssubscribe",
      .run = pubsub_ssubscribe,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .keys = SHARD_KEYS(-1),
      .since = "7.0.0",
      .cost = "O(N), N being the shard channels",
      .summary = "Listens to shard channels.",
      .args = args_shard_channels },
    { .name = "subscribe",
      .run = pubsub_subscribe,
      .arity = -2,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.0.0",
      .cost = "O(N), N being the channels",
      .summary = "Listens to channels.",
      .args = args_channels },
    { .name = "sunsubscribe",
      .run = pubsub_sunsubscribe,
      .arity = -1,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .keys = SHARD_KEYS(-1),
      .since = "7.0.0",
      .cost = "O(N), N being the shard channels",
      .summary = "Stops listening to the shard channels, or to any.",
      .args = args_maybe_shard_channels },
    { .name = "unsubscribe",
      .run = pubsub_unsubscribe,
      .arity = -1,
      .group = GROUP_PUBSUB,
      .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_PUBSUB,
      .since = "2.0.0",
      .cost = "O(N), N being the channels",
      .summary = "Stops listening to the channels, or to any.",
      .args = args_maybe_channels },
    { .name = NULL },
};
