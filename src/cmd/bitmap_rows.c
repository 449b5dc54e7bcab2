/* The commands on bitmaps as rows. */
#include "cmd/bitmap_command.h"

static const struct command_arg args_unit[] = {
    { .name = "byte", .type = ARG_PURE_TOKEN, .token = "BYTE" },
    { .name = "bit", .type = ARG_PURE_TOKEN, .token = "BIT" },
    { .name = NULL },
};

static const struct command_arg args_bitcount_range[] = {
    { .name = "start", .type = ARG_INTEGER },
    { .name = "end", .type = ARG_INTEGER },
    { .name = "unit",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .since = "7.0.0",
      .parts = args_unit },
    { .name = NULL },
};

static const struct command_arg args_bitcount[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "range", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = args_bitcount_range },
    { .name = NULL },
};

static const char *const history_in_bits[] = { "7.0.0", "The range may be one of bits.", NULL };

static const struct command_arg args_bitfield_get[] = {
    { .name = "encoding", .type = ARG_STRING },
    { .name = "offset", .type = ARG_INTEGER },
    { .name = NULL },
};

static const struct command_arg args_bitfield_overflow[] = {
    { .name = "wrap", .type = ARG_PURE_TOKEN, .token = "WRAP" },
    { .name = "sat", .type = ARG_PURE_TOKEN, .token = "SAT" },
    { .name = "fail", .type = ARG_PURE_TOKEN, .token = "FAIL" },
    { .name = NULL },
};

static const struct command_arg args_bitfield_set[] = {
    { .name = "encoding", .type = ARG_STRING },
    { .name = "offset", .type = ARG_INTEGER },
    { .name = "value", .type = ARG_INTEGER },
    { .name = NULL },
};

static const struct command_arg args_bitfield_incrby[] = {
    { .name = "encoding", .type = ARG_STRING },
    { .name = "offset", .type = ARG_INTEGER },
    { .name = "increment", .type = ARG_INTEGER },
    { .name = NULL },
};

static const struct command_arg args_bitfield_change[] = {
    { .name = "set-block", .type = ARG_BLOCK, .token = "SET", .parts = args_bitfield_set },
    { .name = "incrby-block", .type = ARG_BLOCK, .token = "INCRBY", .parts = args_bitfield_incrby },
    { .name = NULL },
};

static const struct command_arg args_bitfield_write[] = {
    { .name = "overflow-block",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .token = "OVERFLOW",
      .parts = args_bitfield_overflow },
    { .name = "write-operation", .type = ARG_ONE_OF, .parts = args_bitfield_change },
    { .name = NULL },
};

static const struct command_arg args_bitfield_operation[] = {
    { .name = "get-block", .type = ARG_BLOCK, .token = "GET", .parts = args_bitfield_get },
    { .name = "write", .type = ARG_BLOCK, .parts = args_bitfield_write },
    { .name = NULL },
};

static const struct command_arg args_bitfield[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "operation",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL | ARG_MULTIPLE,
      .parts = args_bitfield_operation },
    { .name = NULL },
};

static const struct command_arg args_bitfield_ro[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "get-block",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
      .token = "GET",
      .parts = args_bitfield_get },
    { .name = NULL },
};

static const struct command_arg args_bitop_operation[] = {
    { .name = "and", .type = ARG_PURE_TOKEN, .token = "AND" },
    { .name = "or", .type = ARG_PURE_TOKEN, .token = "OR" },
    { .name = "xor", .type = ARG_PURE_TOKEN, .token = "XOR" },
    { .name = "not", .type = ARG_PURE_TOKEN, .token = "NOT" },
    { .name = NULL },
};

static const struct command_arg args_bitop[] = {
    { .name = "operation", .type = ARG_ONE_OF, .parts = args_bitop_operation },
    { .name = "destkey", .type = ARG_KEY },
    { .name = "key", .type = ARG_KEY, .flags = ARG_MULTIPLE, .key_spec = 1 },
    { .name = NULL },
};

static const struct command_arg args_bitpos_range_end_unit[] = {
    { .name = "end", .type = ARG_INTEGER },
    { .name = "unit",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .since = "7.0.0",
      .parts = args_unit },
    { .name = NULL },
};

static const struct command_arg args_bitpos_range[] = {
    { .name = "start", .type = ARG_INTEGER },
    { .name = "end-unit-block",
      .type = ARG_BLOCK,
      .flags = ARG_OPTIONAL,
      .parts = args_bitpos_range_end_unit },
    { .name = NULL },
};

static const struct command_arg args_bitpos[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "bit", .type = ARG_INTEGER },
    { .name = "range", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = args_bitpos_range },
    { .name = NULL },
};

static const struct command_arg args_getbit[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "offset", .type = ARG_INTEGER },
    { .name = NULL },
};

static const struct command_arg args_setbit[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "offset", .type = ARG_INTEGER },
    { .name = "value", .type = ARG_INTEGER },
    { .name = NULL },
};

const struct command bitmap_commands[] = {
    { .name = "bitcount",
      .run = cmd_bitcount,
      .arity = -2,
      .group = GROUP_BITMAP,
      .flags = CMD_READ,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "2.6.0",
      .cost = "O(N) of the bytes counted",
      .summary = "How many bits of a string, or of a part of it, are set.",
      .history = history_in_bits,
      .args = args_bitcount },
    { .name = "bitfield",
      .run = cmd_bitfield,
      .arity = -2,
      .group = GROUP_BITMAP,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
                  .begin = KEYS_AT_INDEX,
                  .index = 1,
                  .step = 1,
                  .notes = "Reads and writes, as the steps say" } },
      .find_keys = find_keys_of_bitfield,
      .since = "3.2.0",
      .cost = "O(1) for each step",
      .summary = "Reads, sets and increments integers of any width within a string.",
      .args = args_bitfield },
    { .name = "bitfield_ro",
      .run = cmd_bitfield_ro,
      .arity = -2,
      .group = GROUP_BITMAP,
      .flags = CMD_READ | CMD_FAST,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "6.0.0",
      .cost = "O(1) for each step",
      .summary = "Reads integers of any width within a string.",
      .args = args_bitfield_ro },
    { .name = "bitop",
      .run = cmd_bitop,
      .arity = -4,
      .group = GROUP_BITMAP,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_OW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 },
                { .flags = KEY_RO | KEY_ACCESS,
                  .begin = KEYS_AT_INDEX,
                  .index = 3,
                  .last = -1,
                  .step = 1 } },
      .since = "2.6.0",
      .cost = "O(N) of the longest source, for each source",
      .summary = "Combines strings bit by bit and stores the result.",
      .args = args_bitop },
    { .name = "bitpos",
      .run = cmd_bitpos,
      .arity = -3,
      .group = GROUP_BITMAP,
      .flags = CMD_READ,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "2.8.7",
      .cost = "O(N) of the bytes looked at",
      .summary = "The place of the first bit that is set, or clear.",
      .history = history_in_bits,
      .args = args_bitpos },
    { .name = "getbit",
      .run = cmd_getbit,
      .arity = 3,
      .group = GROUP_BITMAP,
      .flags = CMD_READ | CMD_FAST,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "2.2.0",
      .cost = "O(1)",
      .summary = "One bit of a string.",
      .args = args_getbit },
    { .name = "setbit",
      .run = cmd_setbit,
      .arity = 4,
      .group = GROUP_BITMAP,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_BITMAP,
      .keys = { { .flags = KEY_RW | KEY_ACCESS | KEY_UPDATE,
                  .begin = KEYS_AT_INDEX,
                  .index = 1,
                  .step = 1 } },
      .since = "2.2.0",
      .cost = "O(1), but for growing, O(N) of the bytes added",
      .summary =
          "Sets or clears one bit of a string, which grows as needed; answers the bit before.",
      .args = args_setbit },
    { .name = NULL },
};
