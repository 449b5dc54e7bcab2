/* cmd/table.h - every command by name, and what is counted of each.
 * Model:    rows of all groups copied behind each other, subcommands after their container; an
 *           open-addressed hash over (container, name) finds one in any case of letters.
 * Owner:    server/ makes one table.
 * Pointers: rows are stable for the table's life.
 * Threads:  the executing thread.
 * Failure:  new and rename say so when memory fails; lookups answer NULL.
 * Cost:     a lookup is a few loads and a multiplication, about 5 ns. */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "cmd/command.h"
#include "cmd/histogram.h"

struct command_counters {
    uint64_t calls;
    uint64_t ns;               /* spent executing */
    struct histogram *latency; /* NULL: not called yet, or latency-tracking is off */
    uint64_t failed;           /* ran, and replied with an error */
    uint64_t rejected;         /* refused before running: arity, authentication */
};

/* What dispatch touches stands first, together. */
struct command_row {
    const struct command *command; /* a copy of the group's row, with its id */
    void (*run)(struct call *call);
    uint32_t flags;
    int16_t arity;
    int16_t first_key, last_key, key_step; /* first_key 0: none at a fixed place */
    struct command_counters counters;

    const char *name;      /* by which it is found; NULL: taken away by rename */
    const char *full_name; /* "client|kill" */
    struct command_row *container;
    struct command_row *subcommands; /* NULL: none */
    uint16_t subcommand_count;
};

struct cmd_table;

/* `groups`: arrays of rows, ended by NULL. The strings and arguments they refer to must outlive
 * the table. */
MUST_CHECK struct cmd_table *cmd_table_new(const struct command *const *groups);
void cmd_table_drop(struct cmd_table *table);

/* All groups of this server. */
extern const struct command *const cmd_groups[];

/* The row for a request: the subcommand's where there is one. NULL: unknown command, or (see
 * cmd_table_by_name) unknown subcommand. pre: argc >= 1. */
struct command_row *cmd_table_find(struct cmd_table *table, const struct bytes *argv,
                                   uint32_t argc);
struct command_row *cmd_table_by_name(struct cmd_table *table, struct bytes name);
struct command_row *cmd_table_subcommand(struct cmd_table *table, const struct command_row *row,
                                         struct bytes name);
/* "client|kill" too. */
struct command_row *cmd_table_by_full_name(struct cmd_table *table, struct bytes name);

/* Every row, subcommands after their container; index is less than the count. */
uint32_t cmd_table_count(const struct cmd_table *table);
struct command_row *cmd_table_at(const struct cmd_table *table, uint32_t index);
/* The row of a command that the table gave out. */
struct command_row *cmd_table_row(const struct cmd_table *table, const struct command *command);

/* rename-command: ERR_MISSING when `from` is unknown, ERR_EXISTS when `to` is taken; an empty `to`
 * takes the command away. */
MUST_CHECK enum err cmd_table_rename(struct cmd_table *table, struct bytes from, struct bytes to);

/* Why a request has no row, in Redis's words, as an error reply. */
void cmd_table_unknown(struct cmd_table *table, const struct bytes *argv, uint32_t argc,
                       struct reply *reply);
/* "ERR wrong number of arguments for 'client|kill' command" */
void cmd_table_wrong_arity(const struct command_row *row, struct reply *reply);

/* --- figures ---------------------------------------------------------------------------------- */

enum { ERROR_CODE_MAX = 31, ERROR_CODES_MAX = 128 };

struct error_count {
    char code[ERROR_CODE_MAX + 1]; /* "WRONGTYPE", NUL-terminated */
    uint64_t count;
};
struct cmd_figures {
    uint64_t commands;      /* executed */
    uint64_t error_replies; /* all, also those whose code found no place */
    uint64_t denied[5];     /* by enum access_missing */
    bool codes_off;         /* there were too many: one code stands for that, until the reset */
    uint32_t code_count;
    struct error_count codes[ERROR_CODES_MAX]; /* in the order of their names */
};
struct cmd_figures *cmd_table_figures(struct cmd_table *table);

/* An error by its code. false: it is one too many, and from here on none are told apart; said once.
 * pre: at most ERROR_CODE_MAX long. */
bool cmd_table_count_error(struct cmd_table *table, const char *code);
void cmd_table_count_latency(struct command_row *row, uint64_t ns);
/* CONFIG RESETSTAT. */
void cmd_table_reset(struct cmd_table *table);

#endif
