#include "cmd/persist.h"

static const char *const history_bgsave[] = { "3.2.2", "SCHEDULE came.", NULL };

static const struct command_arg args_bgsave[] = {
    { .name = "schedule",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "SCHEDULE",
      .since = "3.2.2" },
    { .name = NULL },
};

static const char *const tips_lastsave[] = { "nondeterministic_output", NULL };

static const struct command_arg args_waitaof[] = {
    { .name = "numlocal", .type = ARG_INTEGER },
    { .name = "numreplicas", .type = ARG_INTEGER },
    { .name = "timeout", .type = ARG_INTEGER },
    { .name = NULL },
};

static const char *const tips_waitaof[] = { "request_policy:all_shards", "response_policy:agg_min",
                                            NULL };

const struct command persist_commands[] = {
    { .name = "bgrewriteaof",
      .run = cmd_bgrewriteaof,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Begins to rewrite the append-only file, while the server goes on." },
    { .name = "bgsave",
      .run = cmd_bgsave,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Begins a snapshot, which is written while the server goes on.",
      .history = history_bgsave,
      .args = args_bgsave },
    { .name = "lastsave",
      .run = cmd_lastsave,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
      .acl = ACL_ADMIN | ACL_DANGEROUS,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Tells when the last snapshot was written, in seconds since 1970.",
      .tips = tips_lastsave },
    { .name = "save",
      .run = cmd_save,
      .arity = 1,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI,
      .since = "1.0.0",
      .cost = "O(N) for N keys in all databases",
      .summary = "Writes a snapshot, and nobody else is served until it is there." },
    { .name = "waitaof",
      .run = cmd_waitaof,
      .arity = 4,
      .group = GROUP_GENERIC,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_CONNECTION,
      .since = "7.2.0",
      .cost = "O(1), and a sync",
      .summary = "Syncs the append-only file, so that what was written before is on disk.",
      .tips = tips_waitaof,
      .args = args_waitaof },
    { .name = NULL },
};
