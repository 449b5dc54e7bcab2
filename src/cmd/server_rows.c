#include "cmd/server.h"

static const char *const tips_dbsize[] = { "request_policy:all_shards", "response_policy:agg_sum",
                                           NULL };

static const char *const tips_flushall[] = { "request_policy:all_shards",
                                             "response_policy:all_succeeded", NULL };

static const char *const history_flushall[] = { "4.0.0", "ASYNC came.", "6.2.0", "SYNC came.",
                                                NULL };

static const struct command_arg args_flushall_async[] = {
    { .name = "async", .type = ARG_PURE_TOKEN, .token = "ASYNC", .since = "4.0.0" },
    { .name = "sync", .type = ARG_PURE_TOKEN, .token = "SYNC", .since = "6.2.0" },
    { .name = NULL },
};

static const struct command_arg args_flushall[] = {
    { .name = "async", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_flushall_async },
    { .name = NULL },
};

static const struct command_arg args_lolwut[] = {
    { .name = "version", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "VERSION" },
    { .name = NULL },
};

static const char *const history_shutdown[] = { "7.0.0", "NOW, FORCE and ABORT came.", NULL };

static const struct command_arg args_shutdown_nosave_save[] = {
    { .name = "nosave", .type = ARG_PURE_TOKEN, .token = "NOSAVE" },
    { .name = "save", .type = ARG_PURE_TOKEN, .token = "SAVE" },
    { .name = NULL },
};

static const struct command_arg args_shutdown[] = {
    { .name = "nosave_save",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .parts = args_shutdown_nosave_save },
    { .name = "now",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "NOW",
      .since = "7.0.0" },
    { .name = "force",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "FORCE",
      .since = "7.0.0" },
    { .name = "abort",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "ABORT",
      .since = "7.0.0" },
    { .name = NULL },
};

static const struct command_arg args_swapdb[] = {
    { .name = "index1", .type = ARG_INTEGER },
    { .name = "index2", .type = ARG_INTEGER },
    { .name = NULL },
};

static const char *const tips_time[] = { "nondeterministic_output", NULL };

static const char *const tips_modules[] = { "nondeterministic_output_order", NULL };

static const struct command module_rows[] = {
    { .name = "help",
      .run = module_help,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "list",
      .run = module_list,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT,
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Lists the modules, of which there are none.",
      .tips = tips_modules },
    { .name = NULL },
};

const struct command server_commands[] = {
    { .name = "dbsize",
      .run = cmd_dbsize,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_READ | CMD_FAST,
      .acl = ACL_KEYSPACE,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Counts the keys of this database.",
      .tips = tips_dbsize },
    { .name = "flushall",
      .run = cmd_flushall,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_WRITE,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .since = "1.0.0",
      .cost = "O(1), and O(N) with SYNC for N keys",
      .summary = "Removes all keys of all databases.",
      .tips = tips_flushall,
      .history = history_flushall,
      .args = args_flushall },
    { .name = "flushdb",
      .run = cmd_flushdb,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_WRITE,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .since = "1.0.0",
      .cost = "O(1), and O(N) with SYNC for N keys",
      .summary = "Removes all keys of this database.",
      .tips = tips_flushall,
      .history = history_flushall,
      .args = args_flushall },
    { .name = "lolwut",
      .run = cmd_lolwut,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_READ | CMD_FAST,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Draws a picture and tells the version.",
      .args = args_lolwut },
    { .name = "module",
      .arity = -2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "Depends on the subcommand",
      .summary = "Groups the commands about modules.",
      .subcommands = module_rows },
    { .name = "role",
      .run = cmd_role,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST,
      .acl = ACL_ADMIN | ACL_DANGEROUS,
      .since = "2.8.12",
      .cost = "O(1)",
      .summary = "Tells the part that this server has in replication." },
    { .name = "shutdown",
      .run = cmd_shutdown,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_ALLOW_BUSY,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Ends the server.",
      .history = history_shutdown,
      .args = args_shutdown },
    { .name = "swapdb",
      .run = cmd_swapdb,
      .arity = 3,
      .group = GROUP_SERVER,
      .flags = CMD_WRITE | CMD_FAST,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Exchanges two databases, for all clients at once.",
      .args = args_swapdb },
    { .name = "time",
      .run = cmd_time,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
      .since = "2.6.0",
      .cost = "O(1)",
      .summary = "Tells what time it is.",
      .tips = tips_time },
    { .name = NULL },
};
