#include "cmd/debug.h"

static const struct command_arg args_debug[] = {
    { .name = "subcommand", .type = ARG_STRING },
    { .name = "argument", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

const struct command debug_commands[] = {
    { .name = "debug",
      .run = cmd_debug,
      .arity = -2,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED,
      .acl = ACL_DANGEROUS,
      .since = "1.0.0",
      .cost = "Depends on the subcommand",
      .summary = "Looks inside and provokes what is rare, for tests. See enable-debug-command.",
      .args = args_debug },
    { .name = NULL },
};
