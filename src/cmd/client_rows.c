#include "cmd/connection.h"

static const char *const tips_client_info[] = { "nondeterministic_output", NULL };

static const char *const history_client_kill[] = {
    "2.8.12", "Filters came, ID among them.",
    "3.2.0",  "TYPE takes master.",
    "5.0.0",  "TYPE takes replica, which slave still means.",
    "6.2.0",  "LADDR came.",
    "7.4.0",  "MAXAGE came.",
    NULL
};

static const struct command_arg args_client_kill_filter_new_format_normal_master_slave_pubsub[] = {
    { .name = "normal", .type = ARG_PURE_TOKEN, .token = "NORMAL" },
    { .name = "master", .type = ARG_PURE_TOKEN, .token = "MASTER", .since = "3.2.0" },
    { .name = "slave", .type = ARG_PURE_TOKEN, .token = "SLAVE" },
    { .name = "replica", .type = ARG_PURE_TOKEN, .token = "REPLICA", .since = "5.0.0" },
    { .name = "pubsub", .type = ARG_PURE_TOKEN, .token = "PUBSUB" },
    { .name = NULL },
};

static const struct command_arg args_client_kill_filter_new_format[] = {
    { .name = "client-id",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "ID",
      .since = "2.8.12" },
    { .name = "normal_master_slave_pubsub",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .token = "TYPE",
      .since = "2.8.12",
      .parts = args_client_kill_filter_new_format_normal_master_slave_pubsub },
    { .name = "username", .type = ARG_STRING, .flags = ARG_OPTIONAL, .token = "USER" },
    { .name = "ip:port", .type = ARG_STRING, .flags = ARG_OPTIONAL, .token = "ADDR" },
    { .name = "ip:port",
      .type = ARG_STRING,
      .flags = ARG_OPTIONAL,
      .token = "LADDR",
      .since = "6.2.0" },
    { .name = "yes/no", .type = ARG_STRING, .flags = ARG_OPTIONAL, .token = "SKIPME" },
    { .name = "maxage",
      .type = ARG_INTEGER,
      .flags = ARG_OPTIONAL,
      .token = "MAXAGE",
      .since = "7.4.0" },
    { .name = NULL },
};

static const struct command_arg args_client_kill_filter[] = {
    { .name = "ip:port", .type = ARG_STRING },
    { .name = "new-format",
      .type = ARG_ONE_OF,
      .flags = ARG_MULTIPLE,
      .parts = args_client_kill_filter_new_format },
    { .name = NULL },
};

static const struct command_arg args_client_kill[] = {
    { .name = "filter", .type = ARG_ONE_OF, .parts = args_client_kill_filter },
    { .name = NULL },
};

static const char *const history_client_list[] = {
    "2.8.12", "The field id came.",
    "5.0.0",  "TYPE came.",
    "6.0.0",  "The field user came.",
    "6.2.0",  "ID and the fields argv-mem, tot-mem, laddr and redir came.",
    "7.0.0",  "The fields resp, multi-mem, rbs and rbp came.",
    "7.0.3",  "The field ssub came.",
    "7.2.0",  "The fields lib-name and lib-ver came.",
    NULL
};

static const struct command_arg args_client_list_normal_master_replica_pubsub[] = {
    { .name = "normal", .type = ARG_PURE_TOKEN, .token = "NORMAL" },
    { .name = "master", .type = ARG_PURE_TOKEN, .token = "MASTER" },
    { .name = "replica", .type = ARG_PURE_TOKEN, .token = "REPLICA" },
    { .name = "pubsub", .type = ARG_PURE_TOKEN, .token = "PUBSUB" },
    { .name = NULL },
};

static const struct command_arg args_client_list_id[] = {
    { .name = "client-id", .type = ARG_INTEGER, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_client_list[] = {
    { .name = "normal_master_replica_pubsub",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .token = "TYPE",
      .since = "5.0.0",
      .parts = args_client_list_normal_master_replica_pubsub },
    { .name = "id",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL,
      .token = "ID",
      .since = "6.2.0",
      .parts = args_client_list_id },
    { .name = NULL },
};

static const struct command_arg args_client_no_evict_enabled[] = {
    { .name = "on", .type = ARG_PURE_TOKEN, .token = "ON" },
    { .name = "off", .type = ARG_PURE_TOKEN, .token = "OFF" },
    { .name = NULL },
};

static const struct command_arg args_client_no_evict[] = {
    { .name = "enabled", .type = ARG_ONE_OF, .parts = args_client_no_evict_enabled },
    { .name = NULL },
};

static const char *const history_client_pause[] = {
    "6.2.0", "WRITE came, and ALL for what had been the only way.", NULL
};

static const struct command_arg args_client_pause_mode[] = {
    { .name = "write", .type = ARG_PURE_TOKEN, .token = "WRITE" },
    { .name = "all", .type = ARG_PURE_TOKEN, .token = "ALL" },
    { .name = NULL },
};

static const struct command_arg args_client_pause[] = {
    { .name = "timeout", .type = ARG_INTEGER },
    { .name = "mode",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .since = "6.2.0",
      .parts = args_client_pause_mode },
    { .name = NULL },
};

static const struct command_arg args_client_reply_on_off_skip[] = {
    { .name = "on", .type = ARG_PURE_TOKEN, .token = "ON" },
    { .name = "off", .type = ARG_PURE_TOKEN, .token = "OFF" },
    { .name = "skip", .type = ARG_PURE_TOKEN, .token = "SKIP" },
    { .name = NULL },
};

static const struct command_arg args_client_reply[] = {
    { .name = "on_off_skip", .type = ARG_ONE_OF, .parts = args_client_reply_on_off_skip },
    { .name = NULL },
};

static const char *const tips_client_setinfo[] = { "request_policy:all_nodes",
                                                   "response_policy:all_succeeded", NULL };

static const struct command_arg args_client_setinfo_attr[] = {
    { .name = "libname", .type = ARG_STRING, .token = "LIB-NAME" },
    { .name = "libver", .type = ARG_STRING, .token = "LIB-VER" },
    { .name = NULL },
};

static const struct command_arg args_client_setinfo[] = {
    { .name = "attr", .type = ARG_ONE_OF, .parts = args_client_setinfo_attr },
    { .name = NULL },
};

static const struct command_arg args_client_setname[] = {
    { .name = "connection-name", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_client_unblock_type[] = {
    { .name = "timeout", .type = ARG_PURE_TOKEN, .token = "TIMEOUT" },
    { .name = "error", .type = ARG_PURE_TOKEN, .token = "ERROR" },
    { .name = NULL },
};

static const struct command_arg args_client_unblock[] = {
    { .name = "client-id", .type = ARG_INTEGER },
    { .name = "timeout_error",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .parts = args_client_unblock_type },
    { .name = NULL },
};

static const struct command_arg args_client_caching_mode[] = {
    { .name = "yes", .type = ARG_PURE_TOKEN, .token = "YES" },
    { .name = "no", .type = ARG_PURE_TOKEN, .token = "NO" },
    { .name = NULL },
};

static const struct command_arg args_client_caching[] = {
    { .name = "mode", .type = ARG_ONE_OF, .parts = args_client_caching_mode },
    { .name = NULL },
};

static const struct command_arg args_client_capa[] = {
    { .name = "capability", .type = ARG_STRING, .flags = ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_client_tracking_status[] = {
    { .name = "on", .type = ARG_PURE_TOKEN, .token = "ON" },
    { .name = "off", .type = ARG_PURE_TOKEN, .token = "OFF" },
    { .name = NULL },
};

static const struct command_arg args_client_tracking[] = {
    { .name = "status", .type = ARG_ONE_OF, .parts = args_client_tracking_status },
    { .name = "client-id", .type = ARG_INTEGER, .flags = ARG_OPTIONAL, .token = "REDIRECT" },
    { .name = "prefix",
      .type = ARG_STRING,
      .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
      .token = "PREFIX" },
    { .name = "bcast", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "BCAST" },
    { .name = "optin", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "OPTIN" },
    { .name = "optout", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "OPTOUT" },
    { .name = "noloop", .type = ARG_PURE_TOKEN, .flags = ARG_OPTIONAL, .token = "NOLOOP" },
    { .name = NULL },
};

static const struct command client_rows[] = {
    { .name = "caching",
      .run = client_caching,
      .arity = 3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "Says whether the keys of the next command are tracked.",
      .args = args_client_caching },
    { .name = "capa",
      .run = client_capa,
      .arity = -3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "8.0.0",
      .cost = "O(1)",
      .summary = "Takes what the client says it can do; nothing is made of it here.",
      .args = args_client_capa },
    { .name = "getname",
      .run = client_getname,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "2.6.9",
      .cost = "O(1)",
      .summary = "Tells the name of this connection." },
    { .name = "getredir",
      .run = client_getredir,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.0.0",
      .cost = "O(1)",
      .summary = "Tells where tracking messages go." },
    { .name = "help",
      .run = client_help,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "id",
      .run = client_id,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "5.0.0",
      .cost = "O(1)",
      .summary = "Tells the number of this connection." },
    { .name = "info",
      .run = client_info,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.2.0",
      .cost = "O(1)",
      .summary = "Describes this connection.",
      .tips = tips_client_info },
    { .name = "kill",
      .run = client_kill,
      .arity = -3,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "2.4.0",
      .cost = "O(N), N being the connections",
      .summary = "Closes connections.",
      .history = history_client_kill,
      .args = args_client_kill },
    { .name = "list",
      .run = client_list,
      .arity = -2,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "2.4.0",
      .cost = "O(N), N being the connections",
      .summary = "Describes the connections.",
      .tips = tips_client_info,
      .history = history_client_list,
      .args = args_client_list },
    { .name = "no-evict",
      .run = client_no_evict,
      .arity = 3,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "7.0.0",
      .cost = "O(1)",
      .summary = "Spares this connection when the memory of clients must be freed.",
      .args = args_client_no_evict },
    { .name = "no-touch",
      .run = client_no_touch,
      .arity = 3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "7.2.0",
      .cost = "O(1)",
      .summary = "Says whether what this connection reads is marked as used.",
      .args = args_client_no_evict },
    { .name = "pause",
      .run = client_pause,
      .arity = -3,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "2.9.50",
      .cost = "O(1)",
      .summary = "Holds back the commands of clients for some time.",
      .history = history_client_pause,
      .args = args_client_pause },
    { .name = "reply",
      .run = client_reply,
      .arity = 3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "3.2.0",
      .cost = "O(1)",
      .summary = "Says whether this connection wants replies.",
      .args = args_client_reply },
    { .name = "setinfo",
      .run = client_setinfo,
      .arity = 4,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "7.2.0",
      .cost = "O(1)",
      .summary = "Keeps what the client's library says of itself.",
      .tips = tips_client_setinfo,
      .args = args_client_setinfo },
    { .name = "setname",
      .run = client_setname,
      .arity = 3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "2.6.9",
      .cost = "O(1)",
      .summary = "Names this connection.",
      .args = args_client_setname },
    { .name = "tracking",
      .run = client_tracking,
      .arity = -3,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.0.0",
      .cost = "O(1); O(N log N), N being the prefixes",
      .summary = "Says whether this connection is told when keys change that it has read.",
      .args = args_client_tracking },
    { .name = "trackinginfo",
      .run = client_trackinginfo,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.2.0",
      .cost = "O(1)",
      .summary = "Describes the state of tracking." },
    { .name = "unblock",
      .run = client_unblock_one,
      .arity = -3,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "5.0.0",
      .cost = "O(log N), N being the connections that wait",
      .summary = "Ends the waiting of a connection whose command waits for keys.",
      .args = args_client_unblock },
    { .name = "unpause",
      .run = client_unpause,
      .arity = 2,
      .group = GROUP_CONNECTION,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
      .acl = ACL_CONNECTION,
      .since = "6.2.0",
      .cost = "O(N), N being the paused clients",
      .summary = "Ends CLIENT PAUSE." },
    { .name = NULL },
};

const struct command client_commands[] = {
    { .name = "client",
      .arity = -2,
      .group = GROUP_CONNECTION,
      .subcommands = client_rows,
      .since = "2.4.0",
      .cost = "As the subcommand",
      .summary = "Asks about connections and changes how they are treated." },
    { .name = NULL },
};
