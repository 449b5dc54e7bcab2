#include "cmd/scripting.h"

static const char *const tips_all[] = { "request_policy:all_nodes", "response_policy:all_succeeded",
                                        NULL };
static const char *const tips_exists[] = { "request_policy:all_shards",
                                           "response_policy:agg_logical_and", NULL };
static const char *const tips_kill[] = { "request_policy:all_shards",
                                         "response_policy:one_succeeded", NULL };

static const char *const history_flush[] = { "6.2.0", "ASYNC and SYNC say when memory is freed.",
                                             NULL };

static const struct command_arg args_eval[] = {
    { .name = "script", .type = ARG_STRING },
    { .name = "numkeys", .type = ARG_INTEGER },
    { .name = "key", .type = ARG_KEY, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};
static const struct command_arg args_evalsha[] = {
    { .name = "sha1", .type = ARG_STRING },
    { .name = "numkeys", .type = ARG_INTEGER },
    { .name = "key", .type = ARG_KEY, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};
static const struct command_arg args_debug_mode[] = {
    { .name = "yes", .type = ARG_PURE_TOKEN, .token = "YES" },
    { .name = "sync", .type = ARG_PURE_TOKEN, .token = "SYNC" },
    { .name = "no", .type = ARG_PURE_TOKEN, .token = "NO" },
    { .name = NULL },
};
static const struct command_arg args_debug[] = {
    { .name = "mode", .type = ARG_ONE_OF, .parts = args_debug_mode },
    { .name = NULL },
};
static const struct command_arg args_exists[] = {
    { .name = "sha1", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};
static const struct command_arg args_flush_type[] = {
    { .name = "async", .type = ARG_PURE_TOKEN, .token = "ASYNC" },
    { .name = "sync", .type = ARG_PURE_TOKEN, .token = "SYNC" },
    { .name = NULL },
};
static const struct command_arg args_flush[] = {
    { .name = "async",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .since = "6.2.0",
      .parts = args_flush_type },
    { .name = NULL },
};
static const struct command_arg args_load[] = {
    { .name = "script", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command script_rows[] = {
    { .name = "debug",
      .run = script_debug,
      .arity = 3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_SCRIPTING,
      .since = "3.2.0",
      .cost = "O(1)",
      .summary = "Sets the mode of the debugger, which is not here: off.",
      .args = args_debug },
    { .name = "exists",
      .run = script_exists,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_SCRIPTING,
      .since = "2.6.0",
      .cost = "O(N): N digests",
      .summary = "Whether scripts with these digests are loaded.",
      .tips = tips_exists,
      .args = args_exists },
    { .name = "flush",
      .run = script_flush,
      .arity = -2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT,
      .acl = ACL_SCRIPTING,
      .since = "2.6.0",
      .cost = "O(1); with SYNC O(N): N loaded scripts",
      .summary = "Forgets all loaded scripts.",
      .tips = tips_all,
      .history = history_flush,
      .args = args_flush },
    { .name = "help",
      .run = script_help,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_SCRIPTING,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "kill",
      .run = script_kill,
      .arity = 2,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
      .acl = ACL_SCRIPTING,
      .since = "2.6.0",
      .cost = "O(1)",
      .summary = "Ends the script that runs, if it has written nothing.",
      .tips = tips_kill },
    { .name = "load",
      .run = script_load_command,
      .arity = 3,
      .group = GROUP_SCRIPTING,
      .flags = CMD_NOSCRIPT | CMD_STALE,
      .acl = ACL_SCRIPTING,
      .since = "2.6.0",
      .cost = "O(N): N bytes of the script",
      .summary = "Loads a script without running it, and tells its digest.",
      .tips = tips_all,
      .args = args_load },
    { .name = NULL },
};

enum {
    EVALS = CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_STALE | CMD_MOVABLE_KEYS | CMD_NO_MANDATORY_KEYS,
    EVAL_FLAGS = EVALS | CMD_MAY_REPLICATE,
    EVAL_RO_FLAGS = EVALS | CMD_READ,
};

#define EVAL_KEYS(how, remark)                                                                     \
    {                                                                                              \
        {                                                                                          \
            .flags = (how), .begin = KEYS_AT_INDEX, .index = 2, .find = KEYS_COUNTED,              \
            .count_at = 0, .first_at = 1, .step = 1, .notes = (remark)                             \
        }                                                                                          \
    }
#define EVAL_WRITES                                                                                \
    EVAL_KEYS(KEY_RW | KEY_ACCESS | KEY_UPDATE,                                                    \
              "What a script does with its keys is not known: the most is assumed.")
#define EVAL_READS                                                                                 \
    EVAL_KEYS(KEY_RO | KEY_ACCESS, "What a script does with its keys is not known: it may read.")

const struct command script_commands[] = {
    { .name = "eval",
      .run = cmd_eval,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = EVAL_FLAGS,
      .acl = ACL_SCRIPTING,
      .keys = EVAL_WRITES,
      .since = "2.6.0",
      .cost = "Depends on the script.",
      .summary = "Runs a Lua script.",
      .args = args_eval },
    { .name = "eval_ro",
      .run = cmd_eval,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = EVAL_RO_FLAGS,
      .acl = ACL_SCRIPTING,
      .keys = EVAL_READS,
      .since = "7.0.0",
      .cost = "Depends on the script.",
      .summary = "Runs a Lua script that writes nothing.",
      .args = args_eval },
    { .name = "evalsha",
      .run = cmd_evalsha,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = EVAL_FLAGS,
      .acl = ACL_SCRIPTING,
      .keys = EVAL_WRITES,
      .since = "2.6.0",
      .cost = "Depends on the script.",
      .summary = "Runs a loaded Lua script by its SHA1 digest.",
      .args = args_evalsha },
    { .name = "evalsha_ro",
      .run = cmd_evalsha,
      .arity = -3,
      .group = GROUP_SCRIPTING,
      .flags = EVAL_RO_FLAGS,
      .acl = ACL_SCRIPTING,
      .keys = EVAL_READS,
      .since = "7.0.0",
      .cost = "Depends on the script.",
      .summary = "Runs a loaded Lua script that writes nothing by its SHA1 digest.",
      .args = args_evalsha },
    { .name = "script",
      .arity = -2,
      .group = GROUP_SCRIPTING,
      .since = "2.6.0",
      .cost = "Depends on the subcommand.",
      .summary = "Loads, tells and ends scripts.",
      .subcommands = script_rows },
    { .name = NULL },
};
