#include "cmd/table.h"

const struct command *const cmd_groups[] = {
    string_commands, bitmap_commands,      generic_commands,     connection_commands,
    client_commands, config_commands,      server_commands,      introspection_commands,
    memory_commands, debug_commands,       latency_commands,     list_commands,
    hash_commands,   set_commands,         zset_commands,        stream_commands,
    geo_commands,    hyperloglog_commands, sort_commands,        persist_commands,
    dump_commands,   pubsub_commands,      transaction_commands, command_log_commands,
    script_commands, function_commands,    acl_commands,         NULL,
};
