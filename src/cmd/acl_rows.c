#include "cmd/acl.h"

enum {
    FLAGS_OPEN = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
    FLAGS_ADMIN = FLAGS_OPEN | CMD_ADMIN,
};

static const struct command_arg args_cat[] = {
    { .name = "categoryname", .type = ARG_STRING, .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_deluser[] = {
    { .name = "username", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_dryrun[] = {
    { .name = "username", .type = ARG_STRING },
    { .name = "command", .type = ARG_STRING },
    { .name = "arg", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_genpass[] = {
    { .name = "bits", .type = ARG_INTEGER, .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_getuser[] = {
    { .name = "username", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_log_operation[] = {
    { .name = "count", .type = ARG_INTEGER },
    { .name = "reset", .type = ARG_PURE_TOKEN, .token = "RESET" },
    { .name = NULL },
};

static const struct command_arg args_log[] = {
    { .name = "operation", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_log_operation },
    { .name = NULL },
};

static const struct command_arg args_setuser[] = {
    { .name = "username", .type = ARG_STRING },
    { .name = "rule", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const char *const history_getuser[] = { "6.2.0", "Channels came.", "7.0.0",
                                               "Selectors came; keys and channels are rules.",
                                               NULL };

static const char *const history_log[] = {
    "7.2.0", "entry-id, timestamp-created and timestamp-last-updated came.", NULL
};

static const char *const history_setuser[] = { "6.2.0", "Channels came.", "7.0.0",
                                               "Selectors and rights by keys came.", NULL };

static const struct command subcommands[] = {
    { .name = "cat",
      .run = acl_cat,
      .arity = -2,
      .group = GROUP_SERVER,
      .flags = FLAGS_OPEN,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "The categories of commands, or the commands of one.",
      .args = args_cat },
    { .name = "deluser",
      .run = acl_deluser,
      .arity = -3,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(1) a user, and O(clients)",
      .summary = "Deletes users, and disconnects their clients.",
      .args = args_deluser },
    { .name = "dryrun",
      .run = acl_dryrun,
      .arity = -4,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "7.0.0",
      .cost = "O(1)",
      .summary = "Whether a user may run a command, without running it.",
      .args = args_dryrun },
    { .name = "genpass",
      .run = acl_genpass,
      .arity = -2,
      .group = GROUP_SERVER,
      .flags = FLAGS_OPEN,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "A random password in hexadecimal.",
      .args = args_genpass },
    { .name = "getuser",
      .run = acl_getuser,
      .arity = 3,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the user's passwords, rules and patterns",
      .summary = "The rights of a user.",
      .history = history_getuser,
      .args = args_getuser },
    { .name = "help",
      .run = acl_help,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "The subcommands, explained." },
    { .name = "list",
      .run = acl_list,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the number of users",
      .summary = "All users as lines of a file." },
    { .name = "load",
      .run = acl_load,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the number of users, and O(clients)",
      .summary = "Loads the users from their file again." },
    { .name = "log",
      .run = acl_log,
      .arity = -2,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the entries shown",
      .summary = "What was refused lately.",
      .history = history_log,
      .args = args_log },
    { .name = "save",
      .run = acl_save,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the number of users",
      .summary = "Writes the users to their file." },
    { .name = "setuser",
      .run = acl_setuser,
      .arity = -3,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the number of rules, and O(clients)",
      .summary = "Makes a user, or changes one.",
      .history = history_setuser,
      .args = args_setuser },
    { .name = "users",
      .run = acl_users,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = FLAGS_ADMIN,
      .since = "6.0.0",
      .cost = "O(N), N being the number of users",
      .summary = "The names of all users." },
    { .name = "whoami",
      .run = acl_whoami,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = FLAGS_OPEN,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "The name of this connection's user." },
    { .name = NULL },
};

const struct command acl_commands[] = {
    { .name = "acl",
      .arity = -2,
      .group = GROUP_SERVER,
      .since = "6.0.0",
      .cost = "By subcommand.",
      .summary = "Users and what they may do.",
      .subcommands = subcommands },
    { .name = NULL },
};
