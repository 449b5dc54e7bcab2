#include "cmd/functions.h"

static const char *const tips_all_shards[] = { "request_policy:all_shards",
                                               "response_policy:all_succeeded", NULL };
static const char *const tips_list[] = { "nondeterministic_output_order", NULL };
static const char *const tips_kill[] = { "request_policy:all_shards",
                                         "response_policy:one_succeeded", NULL };
static const char *const tips_stats[] = { "nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special", NULL };

static const struct command_arg args_delete[] = {
    { .name = "library-name", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_flush_type[] = {
    { .name = "async", .type = ARG_PURE_TOKEN, .token = "ASYNC" },
    { .name = "sync", .type = ARG_PURE_TOKEN, .token = "SYNC" },
    { .name = NULL },
};

static const struct command_arg args_flush[] = {
    { .name = "async", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_flush_type },
    { .name = NULL },
};

static const struct command_arg args_list[] = {
    { .name = "library-name-pattern",
      .type = ARG_STRING,
      .flags = ARG_OPTIONAL,
      .token = "LIBRARYNAME" },
    { .name = "withcode", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "WITHCODE" },
    { .name = NULL },
};

static const struct command_arg args_load[] = {
    { .name = "replace", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "REPLACE" },
    { .name = "function-code", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_restore_policy[] = {
    { .name = "flush", .type = ARG_PURE_TOKEN, .token = "FLUSH" },
    { .name = "append", .type = ARG_PURE_TOKEN, .token = "APPEND" },
    { .name = "replace", .type = ARG_PURE_TOKEN, .token = "REPLACE" },
    { .name = NULL },
};

static const struct command_arg args_restore[] = {
    { .name = "serialized-value", .type = ARG_STRING },
    { .name = "policy", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_restore_policy },
    { .name = NULL },
};

static const struct command_arg args_fcall[] = {
    { .name = "function", .type = ARG_STRING },
    { .name = "numkeys", .type = ARG_INTEGER },
    { .name = "key", .type = ARG_KEY, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command function_subcommands[] = {
    { .name = "delete",
      .run = function_delete,
      .arity = 3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_WRITE,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(N), N being the functions of all libraries",
      .summary = "Removes a library.",
      .tips = tips_all_shards,
      .args = args_delete },
    { .name = "dump",
      .run = function_dump,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(N), N being the bytes of all libraries",
      .summary = "Tells all libraries as bytes that FUNCTION RESTORE takes." },
    { .name = "flush",
      .run = function_flush,
      .arity = -2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_WRITE,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(N), N being the functions of all libraries",
      .summary = "Removes all libraries.",
      .tips = tips_all_shards,
      .args = args_flush },
    { .name = "help",
      .run = function_help,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "kill",
      .run = function_kill,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(1)",
      .summary = "Ends the function that runs, if it has not written yet.",
      .tips = tips_kill },
    { .name = "list",
      .run = function_list,
      .arity = -2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(N), N being the functions of all libraries",
      .summary = "Lists libraries and their functions.",
      .tips = tips_list,
      .args = args_list },
    { .name = "load",
      .run = function_load,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "That of running the library",
      .summary = "Loads a library, which registers its functions.",
      .tips = tips_all_shards,
      .args = args_load },
    { .name = "restore",
      .run = function_restore,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "That of running the libraries",
      .summary = "Loads the libraries of a FUNCTION DUMP.",
      .tips = tips_all_shards,
      .args = args_restore },
    { .name = "stats",
      .run = function_stats,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
      .acl = ACL_SCRIPTING,
      .since = "7.0.0",
      .cost = "O(1)",
      .summary = "Tells which function runs, and how many there are.",
      .tips = tips_stats },
    { .name = NULL },
};

#define FCALL_KEYS(use, note)                                                                      \
    {                                                                                              \
        {                                                                                          \
            .flags = (use), .begin = KEYS_AT_INDEX, .index = 2, .find = KEYS_COUNTED,              \
            .first_at = 1, .step = 1, .notes = (note)                                              \
        }                                                                                          \
    }

const struct command function_commands[] = {
    { .name = "fcall",
      .run = cmd_fcall,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_MAY_REPLICATE | CMD_STALE | CMD_MOVABLE_KEYS |
               CMD_NO_MANDATORY_KEYS,
      .acl = ACL_SCRIPTING,
      .keys = FCALL_KEYS(KEY_RW | KEY_ACCESS | KEY_UPDATE,
                         "What a function does with its keys is not known: it may do anything."),
      .since = "7.0.0",
      .cost = "That of the function",
      .summary = "Runs a function.",
      .args = args_fcall },
    { .name = "fcall_ro",
      .run = cmd_fcall,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_STALE | CMD_READ | CMD_MOVABLE_KEYS |
               CMD_NO_MANDATORY_KEYS,
      .acl = ACL_SCRIPTING,
      .keys = FCALL_KEYS(KEY_RO | KEY_ACCESS,
                         "What a function does with its keys is not known: it may read all."),
      .since = "7.0.0",
      .cost = "That of the function",
      .summary = "Runs a function that does not write.",
      .args = args_fcall },
    { .name = "function",
      .arity = -2,
      .group = GROUP_SCRIPTING,
      .since = "7.0.0",
      .cost = "That of the subcommand",
      .summary = "Libraries of functions.",
      .subcommands = function_subcommands },
    { .name = NULL },
};
