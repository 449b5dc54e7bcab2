#include "cmd/dump_command.h"

static const char *const tips_dump[] = { "nondeterministic_output", NULL };

static const struct command_arg args_dump[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = NULL },
};

static const char *const history_restore[] = {
    "3.0.0", "REPLACE came.", "5.0.0", "ABSTTL came.", "5.0.0", "IDLETIME and FREQ came.", NULL
};

static const struct command_arg args_restore[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "ttl", .type = ARG_INTEGER },
    { .name = "serialized-value", .type = ARG_STRING },
    { .name = "replace",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "REPLACE",
      .since = "3.0.0" },
    { .name = "absttl",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "ABSTTL",
      .since = "5.0.0" },
    { .name = "seconds",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "IDLETIME",
      .since = "5.0.0" },
    { .name = "frequency",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "FREQ",
      .since = "5.0.0" },
    { .name = NULL },
};

const struct command dump_commands[] = {
    { .name = "dump",
      .run = cmd_dump,
      .arity = 2,
      .group = GROUP_GENERIC,
      .flags = CMD_READ,
      .acl = ACL_KEYSPACE,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "2.6.0",
      .cost = "O(N), N being the bytes of the value",
      .summary = "Tells a value as bytes that RESTORE takes, here or on another server.",
      .tips = tips_dump,
      .args = args_dump },
    { .name = "restore",
      .run = cmd_restore,
      .arity = -4,
      .group = GROUP_GENERIC,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .keys = { { .flags = KEY_OW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "2.6.0",
      .cost = "O(N), N being the bytes of the value; O(N*log(N)) for a sorted set",
      .summary = "Makes a key of what DUMP told, here or on another server.",
      .history = history_restore,
      .args = args_restore },
    { .name = NULL },
};
