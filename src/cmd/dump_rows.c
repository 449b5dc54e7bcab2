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

static const char *const history_migrate[] = { "3.0.0", "COPY and REPLACE came.",
                                               "3.0.6", "KEYS came.",
                                               "4.0.7", "AUTH came.",
                                               "6.0.0", "AUTH2 came.",
                                               NULL };

static const struct command_arg args_migrate_key[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "empty-string", .type = ARG_PURE_TOKEN, .token = "" },
    { .name = NULL },
};

static const struct command_arg args_migrate_auth2[] = {
    { .name = "username", .type = ARG_STRING },
    { .name = "password", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_migrate_authentication[] = {
    { .name = "auth",
      .type = ARG_STRING,
      .flags = ARG_OPTIONAL,
      .token = "AUTH",
      .since = "4.0.7" },
    { .name = "auth2",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL,
      .token = "AUTH2",
      .since = "6.0.0",
      .parts = args_migrate_auth2 },
    { .name = NULL },
};

static const struct command_arg args_migrate[] = {
    { .name = "host", .type = ARG_STRING },
    { .name = "port", .type = ARG_INTEGER },
    { .name = "key-selector", .type = ARG_ONE_OF, .parts = args_migrate_key },
    { .name = "destination-db", .type = ARG_INTEGER },
    { .name = "timeout", .type = ARG_INTEGER },
    { .name = "copy",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "COPY",
      .since = "3.0.0" },
    { .name = "replace",
      .type = ARG_PURE_TOKEN,
      .flags = ARG_OPTIONAL,
      .token = "REPLACE",
      .since = "3.0.0" },
    { .name = "authentication",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .parts = args_migrate_authentication },
    { .name = "keys",
      .type = ARG_KEY,
      .flags = ARG_OPTIONAL | ARG_MULTIPLE,
      .key_spec = 1,
      .token = "KEYS",
      .since = "3.0.6" },
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
    { .name = "migrate",
      .run = cmd_migrate,
      .arity = -6,
      .group = GROUP_GENERIC,
      .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
      .acl = ACL_KEYSPACE | ACL_DANGEROUS,
      .keys = { { .flags = KEY_RW | KEY_ACCESS | KEY_DELETE,
                  .begin = KEYS_AT_INDEX,
                  .index = 3,
                  .step = 1 },
                { .flags = KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE,
                  .begin = KEYS_AT_KEYWORD,
                  .index = -2,
                  .keyword = "KEYS",
                  .last = -1,
                  .step = 1 } },
      .find_keys = find_keys_of_migrate,
      .since = "2.6.0",
      .cost = "DUMP, RESTORE and DEL of each key, and the way of its bytes to the other server",
      .summary = "Moves keys to another server, or copies them.",
      .tips = tips_dump,
      .history = history_migrate,
      .args = args_migrate },
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
