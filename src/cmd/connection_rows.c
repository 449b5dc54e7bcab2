#include "cmd/connection.h"

static const char *const history_auth[] = { "6.0.0", "A user may be named.", NULL };

static const struct command_arg args_auth[] = {
    { .name = "username", .type = ARG_STRING, .flags = ARG_OPTIONAL, .since = "6.0.0" },
    { .name = "password", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_echo[] = {
    { .name = "message", .type = ARG_STRING },
    { .name = NULL },
};

static const char *const history_hello[] = { "6.2.0",
                                             "The version may be left out, which changes nothing.",
                                             NULL };

static const struct command_arg args_hello_arguments_username_password[] = {
    { .name = "username", .type = ARG_STRING },
    { .name = "password", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_hello_arguments[] = {
    { .name = "protover", .type = ARG_INTEGER },
    { .name = "username_password",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL,
      .token = "AUTH",
      .parts = args_hello_arguments_username_password },
    { .name = "clientname", .type = ARG_STRING, .flags = ARG_OPTIONAL, .token = "SETNAME" },
    { .name = NULL },
};

static const struct command_arg args_hello[] = {
    { .name = "arguments",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL,
      .parts = args_hello_arguments },
    { .name = NULL },
};

static const char *const tips_ping[] = { "request_policy:all_shards",
                                         "response_policy:all_succeeded", NULL };

static const struct command_arg args_ping[] = {
    { .name = "message", .type = ARG_STRING, .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_select[] = {
    { .name = "index", .type = ARG_INTEGER },
    { .name = NULL },
};

const struct command connection_commands[] = {
    { .name = "auth",
      .run = connection_auth,
      .arity = -2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY,
      .acl = ACL_CONNECTION,
      .since = "1.0.0",
      .cost = "O(N), N being the length of the password",
      .summary = "Logs in with a password, or with a user's name and password.",
      .history = history_auth,
      .args = args_auth },
    { .name = "echo",
      .run = connection_echo,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
      .acl = ACL_CONNECTION,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Sends the message back.",
      .args = args_echo },
    { .name = "hello",
      .run = connection_hello,
      .arity = -1,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY,
      .acl = ACL_CONNECTION,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "Chooses the protocol, logs in, names the connection; tells who the server is.",
      .history = history_hello,
      .args = args_hello },
    { .name = "ping",
      .run = connection_ping,
      .arity = -1,
      .group = GROUP_CONNECTION,
      .flags = CMD_FAST,
      .acl = ACL_CONNECTION,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Answers PONG, or with the message.",
      .tips = tips_ping,
      .args = args_ping },
    { .name = "quit",
      .run = connection_quit,
      .arity = -1,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY,
      .acl = ACL_CONNECTION,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Closes the connection." },
    { .name = "reset",
      .run = connection_reset,
      .arity = 1,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY,
      .acl = ACL_CONNECTION,
      .since = "6.2.0",
      .cost = "O(1)",
      .summary = "Makes the connection as it was when it was opened." },
    { .name = "select",
      .run = connection_select,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
      .acl = ACL_CONNECTION,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Chooses the database for this connection.",
      .args = args_select },
    { .name = NULL },
};
