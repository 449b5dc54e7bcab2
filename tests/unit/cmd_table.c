/* Commands found by name, refused in the right words, and counted. */
#include "cmd/table.h"

#include "base/memory.h"
#include "cmd_world.h"
#include "harness.h"

#include <stdio.h>

static void run_ok(struct call *call)
{
    reply_ok(call->reply);
}

static const struct command box_rows[] = {
    { .name = "open", .run = run_ok, .arity = 2 },
    { .name = "close", .run = run_ok, .arity = -3 },
    { .name = NULL },
};
static const struct command some_rows[] = {
    { .name = "a", .run = run_ok, .arity = 1 },
    { .name = "ab", .run = run_ok, .arity = 1 },
    { .name = "get", .run = run_ok, .arity = 2 },
    { .name = "getdel", .run = run_ok, .arity = 2 },
    { .name = "eightlet", .run = run_ok, .arity = 1 },
    { .name = "georadiusbymember_ro", .run = run_ok, .arity = 1 },
    { .name = "box", .arity = -2, .subcommands = box_rows },
    { .name = NULL },
};
static const struct command more_rows[] = {
    { .name = "restore-asking", .run = run_ok, .arity = 1 },
    { .name = NULL },
};
static const struct command *const groups[] = { some_rows, more_rows, NULL };

static const char *name_of(const struct command_row *row)
{
    return row == NULL ? "(none)" : row->full_name;
}

#define CHECK_ROW(row, name) CHECK_BYTES(bytes_of_text(name_of(row)), BYTES(name))

TEST(table_finds_names_in_any_case)
{
    struct cmd_table *table = cmd_table_new(groups);
    CHECK(table != NULL);
    CHECK_EQ(cmd_table_count(table), 10);
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        struct command_row *row = cmd_table_at(table, i);
        CHECK(cmd_table_row(table, row->command) == row);
        CHECK(cmd_table_by_full_name(table, bytes_of_text(row->full_name)) == row);
    }
    CHECK_ROW(cmd_table_by_name(table, BYTES("GeT")), "get");
    CHECK_ROW(cmd_table_by_name(table, BYTES("GEORADIUSBYMEMBER_RO")), "georadiusbymember_ro");
    CHECK_ROW(cmd_table_by_full_name(table, BYTES("BOX|Close")), "box|close");
    cmd_table_drop(table);
}

TEST(table_tells_near_names_apart)
{
    struct cmd_table *table = cmd_table_new(groups);
    static const struct bytes strangers[] = {
        BYTES(""),
        BYTES("get\0"),
        BYTES("ge"),
        BYTES("gett"),
        BYTES("b"),
        BYTES("ba"),
        BYTES("aa"),
        BYTES("eightlett"),
        BYTES("open"),
        BYTES("restore\x0d"
              "asking"),
        BYTES("box|"),
        BYTES("|open"),
        BYTES("box|none"),
        BYTES("get|open"),
        BYTES("\xc1"),
        BYTES("georadiusbymember_r@"),
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        CHECK_ROW(cmd_table_by_full_name(table, strangers[i]), "(none)");
    uint8_t long_name[4096];
    memset(long_name, 'g', sizeof long_name);
    CHECK_ROW(cmd_table_by_name(table, bytes_of(long_name, sizeof long_name)), "(none)");
    cmd_table_drop(table);
}

TEST(table_resolves_subcommands)
{
    struct cmd_table *table = cmd_table_new(groups);
    struct bytes argv[] = { BYTES("BOX"), BYTES("OPEN"), BYTES("x") };
    CHECK_ROW(cmd_table_find(table, argv, 2), "box|open");
    CHECK_ROW(cmd_table_find(table, argv, 1), "box");
    argv[1] = BYTES("get");
    CHECK_ROW(cmd_table_find(table, argv, 3), "(none)");
    argv[0] = BYTES("get");
    CHECK_ROW(cmd_table_find(table, argv, 3), "get");
    cmd_table_drop(table);
}

TEST(table_renames)
{
    struct cmd_table *table = cmd_table_new(groups);
    struct bytes secret = BYTES("b840fc02d524045429941cc15f59e41cb7be6c52");
    CHECK_EQ(cmd_table_rename(table, BYTES("GET"), BYTES("fetch")), ERR_NONE);
    CHECK_ROW(cmd_table_by_name(table, BYTES("get")), "(none)");
    CHECK_ROW(cmd_table_by_name(table, BYTES("Fetch")), "get");
    CHECK_EQ(cmd_table_rename(table, BYTES("fetch"), secret), ERR_NONE);
    CHECK_ROW(cmd_table_by_name(table, secret), "get");
    CHECK_ROW(cmd_table_by_name(table, BYTES("fetch")), "(none)");
    CHECK_EQ(cmd_table_rename(table, BYTES("get"), BYTES("x")), ERR_MISSING);
    CHECK_EQ(cmd_table_rename(table, BYTES("a"), BYTES("AB")), ERR_EXISTS);
    CHECK_EQ(cmd_table_rename(table, BYTES("box"), BYTES("")), ERR_NONE);
    CHECK_ROW(cmd_table_by_full_name(table, BYTES("box|open")), "(none)");
    cmd_table_drop(table);
}

TEST(table_survives_want_of_memory)
{
    for (uint64_t takes = 0; takes < 6; takes++) {
        memory_fail_after(takes);
        CHECK(cmd_table_new(groups) == NULL);
    }
    memory_fail_after(UINT64_MAX);
}

TEST(refusals_use_the_known_words)
{
    struct world *world = world_new(groups);
    CHECK_TEXT(world_ask(world, "foo"),
               "-ERR unknown command 'foo', with args beginning with: \r\n");
    CHECK_TEXT(world_ask(world, "foo a b"),
               "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n");
    CHECK_TEXT(world_ask(world, "box what"), "-ERR unknown subcommand 'what'. Try BOX HELP.\r\n");
    CHECK_TEXT(world_ask(world, "box"), "-ERR wrong number of arguments for 'box' command\r\n");
    CHECK_TEXT(world_ask(world, "box close x"), "+OK\r\n");
    CHECK_TEXT(world_ask(world, "box close"),
               "-ERR wrong number of arguments for 'box|close' command\r\n");
    CHECK_TEXT(world_ask(world, "GET"), "-ERR wrong number of arguments for 'get' command\r\n");
    CHECK_TEXT(world_ask(world, "get a b"), "-ERR wrong number of arguments for 'get' command\r\n");
    world_drop(world);
}

/* Each argument is cut so that about 128 bytes of them are shown. */
TEST(refusals_are_cut)
{
    struct world *world = world_new(groups);
    char line[4096];
    memset(line, 'x', sizeof line);
    line[200] = ' ';
    for (size_t i = 301; i < sizeof line; i += 100)
        line[i] = ' ';
    line[sizeof line - 1] = '\0';
    struct bytes reply = world_ask(world, line);
    CHECKF(reply.count > 250 && reply.count < 350, "%zu", reply.count);
    CHECK_TEXT(bytes_of(reply.at + reply.count - 4, 4), "' \r\n");
    world_drop(world);
}

TEST(errors_are_counted_by_code)
{
    struct cmd_table *table = cmd_table_new(groups);
    struct cmd_figures *figures = cmd_table_figures(table);
    CHECK(cmd_table_count_error(table, "WRONGTYPE"));
    CHECK(cmd_table_count_error(table, "ERR"));
    CHECK(cmd_table_count_error(table, "ERR"));
    CHECK_EQ(figures->code_count, 2);
    CHECK_TEXT(bytes_of_text(figures->codes[0].code), "ERR");
    CHECK_EQ(figures->codes[0].count, 2);
    CHECK_EQ(figures->codes[1].count, 1);
    int told = 0;
    for (int i = 0; i < 2 * ERROR_CODES_MAX; i++) {
        char code[ERROR_CODE_MAX + 1];
        snprintf(code, sizeof code, "CODE-THAT-NOBODY-HAS-%03d", i * 7 % (2 * ERROR_CODES_MAX));
        told += !cmd_table_count_error(table, code);
    }
    CHECK_EQ(told, 1);
    CHECK_EQ(figures->code_count, 1);
    CHECK_TEXT(bytes_of_text(figures->codes[0].code), "ERRORSTATS_DISABLED");
    CHECK_EQ(figures->codes[0].count, 1);
    CHECK_EQ(figures->error_replies, 3 + 2 * ERROR_CODES_MAX);
    cmd_table_reset(table);
    CHECK_EQ(figures->code_count + figures->error_replies, 0);
    cmd_table_drop(table);
}

/* The words of a name are lower-cased eight bytes at a time; beside tolower for every byte. */
TEST(table_lowers_only_letters)
{
    struct cmd_table *table = cmd_table_new(groups);
    uint8_t name[3];
    for (unsigned byte = 0; byte < 256; byte++) {
        memcpy(name, "get", 3);
        name[1] = (uint8_t)byte;
        bool wanted = byte == 'e' || byte == 'E';
        CHECKF((cmd_table_by_name(table, bytes_of(name, 3)) != NULL) == wanted, "byte %u", byte);
    }
    cmd_table_drop(table);
}
