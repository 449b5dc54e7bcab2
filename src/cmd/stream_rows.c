/* The commands on streams as rows. */
#include "cmd/stream_command.h"

static const struct command_arg args_trim_strategy[] = {
    { .name = "maxlen", .type = ARG_PURE_TOKEN, .token = "MAXLEN" },
    { .name = "minid", .type = ARG_PURE_TOKEN, .token = "MINID", .since = "6.2.0" },
    { .name = NULL },
};

static const struct command_arg args_trim_operator[] = {
    { .name = "equal", .type = ARG_PURE_TOKEN, .token = "=" },
    { .name = "approximately", .type = ARG_PURE_TOKEN, .token = "~" },
    { .name = NULL },
};

static const struct command_arg args_trim_block[] = {
    { .name = "strategy", .type = ARG_ONE_OF, .parts = args_trim_strategy },
    { .name = "operator", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_trim_operator },
    { .name = "threshold", .type = ARG_STRING },
    { .name = "count",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "LIMIT",
      .since = "6.2.0" },
    { .name = NULL },
};

static const struct command_arg args_id_or_auto[] = {
    { .name = "auto-id", .type = ARG_PURE_TOKEN, .token = "*" },
    { .name = "id", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_field_value[] = {
    { .name = "field", .type = ARG_STRING },
    { .name = "value", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_xadd[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "nomkstream",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "NOMKSTREAM",
      .since = "6.2.0" },
    { .name = "trim", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = args_trim_block },
    { .name = "id-selector", .type = ARG_ONE_OF, .parts = args_id_or_auto },
    { .name = "data", .type = ARG_BLOCK, .flags = ARG_MULTIPLE, .parts = args_field_value },
    { .name = NULL },
};

static const struct command_arg args_xtrim[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "trim", .type = ARG_BLOCK, .parts = args_trim_block },
    { .name = NULL },
};

static const struct command_arg args_key[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = NULL },
};

static const struct command_arg args_xdel[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "id", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_xsetid[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "last-id", .type = ARG_STRING },
    { .name = "entries-added",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "ENTRIESADDED",
      .since = "7.0.0" },
    { .name = "max-deleted-id",
      .type = ARG_STRING,
      .flags = ARG_OPTIONAL,
      .token = "MAXDELETEDID",
      .since = "7.0.0" },
    { .name = NULL },
};

static const struct command_arg args_xrange[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "start", .type = ARG_STRING },
    { .name = "end", .type = ARG_STRING },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = NULL },
};

static const struct command_arg args_xrevrange[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "end", .type = ARG_STRING },
    { .name = "start", .type = ARG_STRING },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = NULL },
};

static const struct command_arg args_streams[] = {
    { .name = "key", .type = ARG_KEY, .flags = ARG_MULTIPLE },
    { .name = "id", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_xread[] = {
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = "milliseconds", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "BLOCK" },
    { .name = "streams", .type = ARG_BLOCK, .token = "STREAMS", .parts = args_streams },
    { .name = NULL },
};

static const struct command_arg args_group_consumer[] = {
    { .name = "group", .type = ARG_STRING },
    { .name = "consumer", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_xreadgroup[] = {
    { .name = "group-block", .type = ARG_BLOCK, .token = "GROUP", .parts = args_group_consumer },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = "milliseconds", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "BLOCK" },
    { .name = "noack", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "NOACK" },
    { .name = "streams", .type = ARG_BLOCK, .token = "STREAMS", .parts = args_streams },
    { .name = NULL },
};

static const struct command_arg args_id_or_new[] = {
    { .name = "id", .type = ARG_STRING },
    { .name = "new-id", .type = ARG_PURE_TOKEN, .token = "$" },
    { .name = NULL },
};

static const struct command_arg args_xgroup_create[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "id-selector", .type = ARG_ONE_OF, .parts = args_id_or_new },
    { .name = "mkstream", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "MKSTREAM" },
    { .name = "entriesread", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "ENTRIESREAD" },
    { .name = NULL },
};

static const struct command_arg args_xgroup_setid[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "id-selector", .type = ARG_ONE_OF, .parts = args_id_or_new },
    { .name = "entriesread", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "ENTRIESREAD" },
    { .name = NULL },
};

static const struct command_arg args_key_group[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_key_group_consumer[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "consumer", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_xack[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "id", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_xpending_filters[] = {
    { .name = "min-idle-time",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "IDLE",
      .since = "6.2.0" },
    { .name = "start", .type = ARG_STRING },
    { .name = "end", .type = ARG_STRING },
    { .name = "count", .type = ARG_INTEGER },
    { .name = "consumer", .type = ARG_STRING, .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_xpending[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "filters", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = args_xpending_filters },
    { .name = NULL },
};

static const struct command_arg args_xclaim[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "consumer", .type = ARG_STRING },
    { .name = "min-idle-time", .type = ARG_STRING },
    { .name = "id", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = "ms", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "IDLE" },
    { .name = "unix-time-milliseconds",
      .type = ARG_UNIX_TIME,
      .flags = ARG_OPTIONAL,
      .token = "TIME" },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "RETRYCOUNT" },
    { .name = "force", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "FORCE" },
    { .name = "justid", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "JUSTID" },
    { .name = "lastid", .type = ARG_STRING, .flags = ARG_OPTIONAL, .token = "LASTID" },
    { .name = NULL },
};

static const struct command_arg args_xautoclaim[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "group", .type = ARG_STRING },
    { .name = "consumer", .type = ARG_STRING },
    { .name = "min-idle-time", .type = ARG_STRING },
    { .name = "start", .type = ARG_STRING },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = "justid", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "JUSTID" },
    { .name = NULL },
};

static const struct command_arg args_full[] = {
    { .name = "full", .type = ARG_PURE_TOKEN, .token = "FULL" },
    { .name = "count", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "COUNT" },
    { .name = NULL },
};

static const struct command_arg args_xinfo_stream[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "full-block", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = args_full },
    { .name = NULL },
};

static const char *const tips_random[] = { "nondeterministic_output", NULL };

static const char *const history_xadd[] = { "6.2.0", "NOMKSTREAM, MINID and LIMIT came.", "7.0.0",
                                            "Ids of the form ms-* came.", NULL };

static const char *const history_xtrim[] = { "6.2.0", "MINID and LIMIT came.", NULL };

static const char *const history_xsetid[] = { "7.0.0", "ENTRIESADDED and MAXDELETEDID came.",
                                              NULL };

static const char *const history_exclusive[] = { "6.2.0", "Exclusive ends came.", NULL };

static const char *const history_xread[] = { "7.4.0", "The id + came: the last entry.", NULL };

static const char *const history_entries_read[] = { "7.0.0", "ENTRIESREAD came.", NULL };

static const char *const history_xpending[] = { "6.2.0", "IDLE and exclusive ends came.", NULL };

static const char *const history_xautoclaim[] = {
    "7.0.0", "The reply tells which entries were gone, and takes them off the list.", NULL
};

static const char *const history_xinfo_stream[] = {
    "6.0.0",
    "FULL came.",
    "7.0.0",
    "max-deleted-entry-id, entries-added, recorded-first-entry-id, entries-read and lag came.",
    "7.2.0",
    "active-time came; seen-time is set by every attempt.",
    NULL
};

static const char *const history_xinfo_groups[] = { "7.0.0", "entries-read and lag came.", NULL };

static const char *const history_xinfo_consumers[] = { "7.2.0", "inactive came.", NULL };

static const struct command xgroup_subcommands[] = {
    { .name = "create",
      .run = cmd_xgroup_create,
      .arity = -5,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_INSERT, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Makes a group of consumers.",
      .history = history_entries_read,
      .args = args_xgroup_create },
    { .name = "createconsumer",
      .run = cmd_xgroup_createconsumer,
      .arity = 5,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_INSERT, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "6.2.0",
      .cost = "O(1)",
      .summary = "Makes a consumer in a group.",
      .args = args_key_group_consumer },
    { .name = "delconsumer",
      .run = cmd_xgroup_delconsumer,
      .arity = 5,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_DELETE, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(N log N) with N entries pending at the consumer",
      .summary = "Takes a consumer out of a group, with all that is pending there.",
      .args = args_key_group_consumer },
    { .name = "destroy",
      .run = cmd_xgroup_destroy,
      .arity = 4,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_DELETE, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1), and O(N) in steps later with N entries pending",
      .summary = "Takes a group away.",
      .args = args_key_group },
    { .name = "help",
      .run = cmd_xgroup_help,
      .arity = 2,
      .group = GROUP_STREAM,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_STREAM,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "How XGROUP is used." },
    { .name = "setid",
      .run = cmd_xgroup_setid,
      .arity = -5,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Sets what a group was given last.",
      .history = history_entries_read,
      .args = args_xgroup_setid },
    { .name = NULL },
};

static const struct command xinfo_subcommands[] = {
    { .name = "consumers",
      .run = cmd_xinfo_consumers,
      .arity = 4,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(N) with N consumers",
      .summary = "The consumers of a group.",
      .tips = tips_random,
      .history = history_xinfo_consumers,
      .args = args_key_group },
    { .name = "groups",
      .run = cmd_xinfo_groups,
      .arity = 3,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(N) with N groups",
      .summary = "The groups of a stream.",
      .history = history_xinfo_groups,
      .args = args_key },
    { .name = "help",
      .run = cmd_xinfo_help,
      .arity = 2,
      .group = GROUP_STREAM,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_STREAM,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "How XINFO is used." },
    { .name = "stream",
      .run = cmd_xinfo_stream,
      .arity = -3,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1); FULL: O(N) with N elements told of",
      .summary = "What is known of a stream.",
      .history = history_xinfo_stream,
      .args = args_xinfo_stream },
    { .name = NULL },
};

const struct command stream_commands[] = {
    { .name = "xack",
      .run = cmd_xack,
      .arity = -4,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N) for each id",
      .summary = "Takes entries off the list of what is pending in a group.",
      .args = args_xack },
    { .name = "xadd",
      .run = cmd_xadd,
      .arity = -5,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_UPDATE,
                  .begin = KEYS_AT_INDEX,
                  .index = 1,
                  .step = 1,
                  .notes = "UPDATE and not INSERT, since it may trim" } },
      .since = "5.0.0",
      .cost = "O(1); when trimming O(N) with N entries removed",
      .summary = "Appends an entry to a stream.",
      .tips = tips_random,
      .history = history_xadd,
      .args = args_xadd },
    { .name = "xautoclaim",
      .run = cmd_xautoclaim,
      .arity = -6,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_DELETE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "6.2.0",
      .cost = "O(log N) for each entry looked at",
      .summary = "Gives a consumer what has long been pending at others.",
      .tips = tips_random,
      .history = history_xautoclaim,
      .args = args_xautoclaim },
    { .name = "xclaim",
      .run = cmd_xclaim,
      .arity = -6,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N) for each id",
      .summary = "Gives a consumer entries that are pending at others.",
      .tips = tips_random,
      .args = args_xclaim },
    { .name = "xdel",
      .run = cmd_xdel,
      .arity = -3,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_DELETE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N) for each id",
      .summary = "Removes entries by their ids.",
      .args = args_xdel },
    { .name = "xgroup",
      .arity = -2,
      .group = GROUP_STREAM,
      .subcommands = xgroup_subcommands,
      .since = "5.0.0",
      .cost = "Depends on the subcommand.",
      .summary = "Commands for groups of consumers." },
    { .name = "xinfo",
      .arity = -2,
      .group = GROUP_STREAM,
      .subcommands = xinfo_subcommands,
      .since = "5.0.0",
      .cost = "Depends on the subcommand.",
      .summary = "Commands that look into streams." },
    { .name = "xlen",
      .run = cmd_xlen,
      .arity = 2,
      .group = GROUP_STREAM,
      .flags = CMD_READ | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "How many entries a stream has.",
      .args = args_key },
    { .name = "xpending",
      .run = cmd_xpending,
      .arity = -3,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N) for each entry told of; with IDLE for each looked at",
      .summary = "What is pending in a group.",
      .tips = tips_random,
      .history = history_xpending,
      .args = args_xpending },
    { .name = "xrange",
      .run = cmd_xrange,
      .arity = -4,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N + M) with M entries told of",
      .summary = "The entries from one id to another.",
      .history = history_exclusive,
      .args = args_xrange },
    { .name = "xread",
      .run = cmd_xread,
      .arity = -4,
      .group = GROUP_STREAM,
      .flags = CMD_READ | CMD_BLOCKING | CMD_MOVABLE_KEYS,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS,
                  .begin = KEYS_AT_KEYWORD,
                  .index = 1,
                  .keyword = "STREAMS",
                  .last = -1,
                  .step = 1,
                  .limit = 2 } },
      .since = "5.0.0",
      .cost = "O(log N + M) for each stream with M entries told of",
      .summary = "What has come behind ids; may wait for it.",
      .history = history_xread,
      .args = args_xread },
    { .name = "xreadgroup",
      .run = cmd_xreadgroup,
      .arity = -7,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS,
                  .begin = KEYS_AT_KEYWORD,
                  .index = 4,
                  .keyword = "STREAMS",
                  .last = -1,
                  .step = 1,
                  .limit = 2 } },
      .since = "5.0.0",
      .cost = "O(log N) for each entry told of",
      .summary =
          "What a group has not been given yet, or what is pending at a consumer; may wait for it.",
      .args = args_xreadgroup },
    { .name = "xrevrange",
      .run = cmd_xrevrange,
      .arity = -4,
      .group = GROUP_STREAM,
      .flags = CMD_READ,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(log N + M) with M entries told of",
      .summary = "The entries from one id down to another.",
      .history = history_exclusive,
      .args = args_xrevrange },
    { .name = "xsetid",
      .run = cmd_xsetid,
      .arity = -3,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Sets the last id of a stream; for replication.",
      .history = history_xsetid,
      .args = args_xsetid },
    { .name = "xtrim",
      .run = cmd_xtrim,
      .arity = -4,
      .group = GROUP_STREAM,
      .flags = CMD_WRITE,
      .acl = ACL_STREAM,
      .keys = { { .flags = KEY_RW | KEY_DELETE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "5.0.0",
      .cost = "O(N) with N entries removed",
      .summary = "Removes a stream's oldest entries.",
      .tips = tips_random,
      .history = history_xtrim,
      .args = args_xtrim },
    { .name = NULL },
};
