/* Writes the reference pages from the rows of commands, options and metrics: snug-docs DIRECTORY.
 * Markdown, one file each; `make docs` keeps them in docs/generated, `make lint` compares. */
#include "cmd/command.h"
#include "cmd/table.h"
#include "conf/options.h"
#include "http/metrics.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *page_open(const char *directory, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *page = length > 0 && (size_t)length < sizeof(path) ? fopen(path, "w") : NULL;
    if (page == NULL) {
        perror(directory);
        exit(1);
    }
    return page;
}

static void page_close(FILE *page)
{
    if (fclose(page) != 0) {
        perror("snug-docs");
        exit(1);
    }
}

/* Text inside a table's cell: a bar would end the cell. */
static void put_cell(FILE *page, struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (text.at[i] == '|')
            fputc('\\', page);
        fputc(text.at[i] == '\n' ? ' ' : text.at[i], page);
    }
}

static void put_upper(FILE *page, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, page);
}

/* ---- options --------------------------------------------------------------------------------- */

static const char *option_remark(const struct option *option)
{
    if (option->flags & OPTION_TAKEN)
        return "taken and shown, without effect";
    if (option->flags & OPTION_IMMUTABLE)
        return "at start only";
    if (option->flags & OPTION_PROTECTED)
        return "protected";
    return "";
}

static void put_option(FILE *page, const struct option *option)
{
    struct buffer values = { 0 };
    if (!option_describe(option, &values))
        exit(1);
    fprintf(page, "| `%s`", option->name);
    if (option->alias != NULL)
        fprintf(page, " (`%s`)", option->alias);
    fprintf(page, " | `%s` | ", option->preset[0] != '\0' ? option->preset : "\"\"");
    put_cell(page, buffer_view(&values));
    fprintf(page, " | ");
    put_cell(page, bytes_of_text(option->summary));
    const char *remark = option_remark(option);
    fprintf(page, *remark != '\0' ? " *%s* |\n" : "%s |\n", remark);
    buffer_release(&values);
}

static void write_options(const char *directory)
{
    FILE *page = page_open(directory, "options.md");
    fprintf(page, "# Options\n\nEvery option of `snug.conf`, of the command line (`--name value`) "
                  "and of CONFIG, from the rows in `src/conf`.\n");
    for (unsigned group = 0; group < OPTION_GROUPS; group++) {
        fprintf(page,
                "\n## %s\n\n| option | default | values | what it does |\n|---|---|---|---|\n",
                option_group_name(group));
        for (size_t i = 0; i < options_count(); i++) {
            if (options_at(i)->group == group)
                put_option(page, options_at(i));
        }
    }
    page_close(page);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void put_args(FILE *page, const struct command_arg *args, const char *between);

static void put_arg_body(FILE *page, const struct command_arg *arg)
{
    if (arg->type == ARG_PURE_TOKEN)
        fprintf(page, "%s", arg->token);
    else if (arg->type == ARG_ONE_OF && !(arg->flags & ARG_OPTIONAL)) {
        fprintf(page, "<");
        put_args(page, arg->parts, " | ");
        fprintf(page, ">");
    } else if (arg->type == ARG_ONE_OF)
        put_args(page, arg->parts, " | ");
    else if (arg->type == ARG_BLOCK)
        put_args(page, arg->parts, " ");
    else
        fprintf(page, "%s", arg->name);
}

static void put_arg_once(FILE *page, const struct command_arg *arg)
{
    if (arg->token != NULL && arg->type != ARG_PURE_TOKEN)
        fprintf(page, "%s ", arg->token[0] != '\0' ? arg->token : "\"\"");
    put_arg_body(page, arg);
}

static void put_args(FILE *page, const struct command_arg *args, const char *between)
{
    for (const struct command_arg *arg = args; arg != NULL && arg->name != NULL; arg++) {
        fprintf(page, "%s", arg == args ? "" : between);
        fprintf(page, arg->flags & ARG_OPTIONAL ? "[" : "");
        put_arg_once(page, arg);
        if (arg->flags & ARG_MULTIPLE) {
            fprintf(page, " [");
            if (arg->flags & ARG_MULTIPLE_TOKEN)
                put_arg_once(page, arg);
            else
                put_arg_body(page, arg);
            fprintf(page, " ...]");
        }
        fprintf(page, arg->flags & ARG_OPTIONAL ? "]" : "");
    }
}

static void put_command(FILE *page, const struct command *container, const struct command *command)
{
    if (command->run != NULL) {
        fprintf(page, "- `");
        if (container != NULL) {
            put_upper(page, container->name);
            fputc(' ', page);
        }
        put_upper(page, command->name);
        if (command->args != NULL && command->args->name != NULL) {
            fputc(' ', page);
            put_args(page, command->args, " ");
        }
        fprintf(page, "`\\\n  %s", command->summary);
        if (command->cost != NULL)
            fprintf(page, " %s.", command->cost);
        fprintf(page, " Since %s.\n", command->since);
    }
    for (const struct command *sub = command->subcommands; sub != NULL && sub->name != NULL; sub++)
        put_command(page, command, sub);
}

static const char *const group_titles[] = {
    [GROUP_STRING] = "Strings",
    [GROUP_BITMAP] = "Bitmaps",
    [GROUP_GENERIC] = "Keys",
    [GROUP_CONNECTION] = "Connection",
    [GROUP_SERVER] = "Server",
    [GROUP_LIST] = "Lists",
    [GROUP_SET] = "Sets",
    [GROUP_SORTED_SET] = "Sorted sets",
    [GROUP_HASH] = "Hashes",
    [GROUP_STREAM] = "Streams",
    [GROUP_HYPERLOGLOG] = "HyperLogLog",
    [GROUP_GEO] = "Geography",
    [GROUP_PUBSUB] = "Publish, subscribe",
    [GROUP_TRANSACTIONS] = "Transactions",
    [GROUP_SCRIPTING] = "Scripts",
    [GROUP_CLUSTER] = "Cluster",
};

/* The heading is written with the first command, so that a group without any has none. */
static void write_group(FILE *page, size_t group)
{
    bool begun = false;
    for (const struct command *const *rows = cmd_groups; *rows != NULL; rows++) {
        for (const struct command *row = *rows; row->name != NULL; row++) {
            if (row->group != group)
                continue;
            if (!begun)
                fprintf(page, "\n## %s\n\n", group_titles[group]);
            begun = true;
            put_command(page, NULL, row);
        }
    }
}

static void write_commands(const char *directory)
{
    FILE *page = page_open(directory, "commands.md");
    fprintf(page,
            "# Commands\n\nEvery command, from the rows in `src/cmd`; \"since\" is the version "
            "of Redis that brought it.\n");
    for (size_t i = 0; i < sizeof(group_titles) / sizeof(group_titles[0]); i++)
        write_group(page, i);
    page_close(page);
}

/* ---- metrics --------------------------------------------------------------------------------- */

static void put_metric(FILE *page, const struct metric_row *row)
{
    static const char *const types[] = { [METRIC_GAUGE] = "gauge",
                                         [METRIC_COUNTER] = "counter",
                                         [METRIC_HISTOGRAM] = "histogram",
                                         [METRIC_SUMMARY] = "summary" };
    fprintf(page, "| `%s` | %s | ", row->name, types[row->type]);
    put_cell(page, bytes_of_text(row->help));
    fprintf(page, " | ");
    put_cell(page, bytes_of_text(row->source));
    fprintf(page, " |\n");
}

static void write_metrics(const char *directory)
{
    FILE *page = page_open(directory, "metrics.md");
    fprintf(page,
            "# Metrics\n\nEvery metric of `/metrics`, from the rows in `src/http`. Those that "
            "begin with `redis_` have the names, and the values, that redis_exporter gives "
            "them.\n\n| metric | type | what it says | made of |\n|---|---|---|---|\n");
    for (size_t at = 0; at < metrics_count(); at++)
        put_metric(page, metrics_at(at));
    page_close(page);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 1;
    }
    write_commands(argv[1]);
    write_options(argv[1]);
    write_metrics(argv[1]);
    return 0;
}
