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

const struct command persist_commands[] = {
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
    { .name = NULL },
};
