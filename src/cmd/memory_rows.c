#include "cmd/memory.h"

static const char *const tips_info[] = { "nondeterministic_output", "request_policy:all_shards",
                                         "response_policy:special", NULL };
static const char *const tips_all[] = { "request_policy:all_shards",
                                        "response_policy:all_succeeded", NULL };
static const char *const tips_doctor[] = { "nondeterministic_output", "request_policy:all_shards",
                                           "response_policy:special", NULL };

static const char *const history_info[] = { "7.0.0", "Several sections may be asked for.", NULL };

static const struct command_arg args_info[] = {
    { .name = "section", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

static const struct command_arg args_usage[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "count", .type = ARG_INTEGER, .token = "SAMPLES", .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_option[] = {
    { .name = "option", .type = ARG_STRING },
    { .name = "value", .type = ARG_STRING },
    { .name = NULL },
};
static const struct command_arg args_previews[] = {
    { .name = "defrag", .type = ARG_PURE_TOKEN, .token = "DEFRAG" },
    { .name = "setting", .type = ARG_BLOCK, .parts = args_option },
    { .name = NULL },
};
static const struct command_arg args_preview[] = {
    { .name = "what", .type = ARG_ONE_OF, .parts = args_previews },
    { .name = NULL },
};

static const struct command memory_rows[] = {
    { .name = "doctor",
      .run = memory_doctor,
      .arity = 2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Says in plain words what is wrong with the memory, and which option helps.",
      .tips = tips_doctor },
    { .name = "help",
      .run = memory_help,
      .arity = 2,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE,
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Lists the subcommands." },
    { .name = "malloc-stats",
      .run = memory_malloc_stats_text,
      .arity = 2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "Depends on the allocator; may be slow",
      .summary = "Shows the linked allocator's own account.",
      .tips = tips_doctor },
    { .name = "map",
      .run = memory_map,
      .arity = 2,
      .group = GROUP_SERVER,
      .since = "7.2.4",
      .cost = "O(N), N being the spans of the heap: about 1 ms for each 4 GB",
      .summary = "Shows the heap by kind and size of block: how full its spans are, what moving "
                 "would give back and cost. Snug's own.",
      .tips = tips_doctor },
    { .name = "preview",
      .run = memory_preview,
      .arity = -3,
      .group = GROUP_SERVER,
      .since = "7.2.4",
      .cost = "DEFRAG: O(N), N being the spans of the heap. An option: O(1), 5 ms at the most",
      .summary = "Tells what defragmentation, or another value of an option of encodings, would "
                 "give back and cost. Snug's own.",
      .args = args_preview,
      .tips = tips_doctor },
    { .name = "purge",
      .run = memory_purge_now,
      .arity = 2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "Depends on how much is free; may be slow",
      .summary = "Gives free memory back to the system now.",
      .tips = tips_all },
    { .name = "stats",
      .run = memory_stats,
      .arity = 2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Shows what memory is used for.",
      .tips = tips_doctor },
    { .name = "usage",
      .run = memory_usage,
      .arity = -3,
      .group = GROUP_SERVER,
      .flags = CMD_READ,
      .keys = { { .flags = KEY_RO, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "4.0.0",
      .cost = "O(1)",
      .summary = "Tells the bytes that a key and its value take.",
      .args = args_usage },
    { .name = NULL },
};

const struct command memory_commands[] = {
    { .name = "info",
      .run = info_command,
      .arity = -1,
      .group = GROUP_SERVER,
      .flags = CMD_LOADING | CMD_STALE,
      .acl = ACL_DANGEROUS,
      .since = "1.0.0",
      .cost = "O(1)",
      .summary = "Tells what the server is, does and holds.",
      .tips = tips_info,
      .history = history_info,
      .args = args_info },
    { .name = "memory",
      .arity = -2,
      .group = GROUP_SERVER,
      .since = "4.0.0",
      .cost = "Depends on the subcommand",
      .summary = "Groups the commands about memory.",
      .subcommands = memory_rows },
    { .name = NULL },
};
