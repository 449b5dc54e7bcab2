#include "cmd/server.h"

static const char *const history_config_get[] = { "7.0.0", "More than one pattern may be given.",
                                                  NULL };

static const struct command_arg args_config_get_parameter[] = {
    { .name = "parameter", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_config_get[] = {
    { .name = "parameter",
      .type = ARG_BLOCK,
      .flags = ARG_MULTIPLE,
      .parts = args_config_get_parameter },
    { .name = NULL },
};

static const char *const tips_config_set[] = { "request_policy:all_nodes",
                                               "response_policy:all_succeeded", NULL };

static const char *const history_config_set[] = { "7.0.0", "More than one option may be given.",
                                                  NULL };

static const struct command_arg args_config_set_parameter_value[] = {
    { .name = "parameter", .type = ARG_STRING },
    { .name = "value", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_config_set[] = {
    { .name = "parameter_value",
      .type = ARG_BLOCK,
      .flags = ARG_MULTIPLE,
      .parts = args_config_set_parameter_value },
    { .name = NULL },
};

static const struct command config_rows[] = {
    { .name = "get",
      .run = config_get,
      .arity = -3,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .since = "2.0.0",
      .cost = "O(N), N being the names and patterns",
      .summary = "Tells options and their values.",
      .history = history_config_get,
      .args = args_config_get },
    { .name = "help",
      .run = config_help,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "resetstat",
      .run = config_resetstat,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .since = "2.0.0",
      .cost = "O(1)",
      .summary = "Begins to count anew what INFO tells." },
    { .name = "rewrite",
      .run = config_rewrite,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .since = "2.8.0",
      .cost = "O(N), N being the lines of the file",
      .summary = "Writes the options in force to the configuration file." },
    { .name = "set",
      .run = config_set,
      .arity = -4,
      .group = GROUP_SERVER,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .since = "2.0.0",
      .cost = "O(N), N being the options",
      .summary = "Changes options while the server runs.",
      .tips = tips_config_set,
      .history = history_config_set,
      .args = args_config_set },
    { .name = NULL },
};

const struct command config_commands[] = {
    { .name = "config",
      .arity = -2,
      .group = GROUP_SERVER,
      .subcommands = config_rows,
      .since = "2.0.0",
      .cost = "As the subcommand",
      .summary = "Shows, changes and keeps options." },
    { .name = NULL },
};
