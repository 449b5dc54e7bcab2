#include "base/glob.h"
#include "cmd/introspection.h"
#include "cmd/keys.h"

static bool is_shown(const struct command_row *row)
{
    return row->container == NULL && introspect_is_there(row);
}

static uint64_t shown_count(const struct cmd_table *table)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < cmd_table_count(table); i++)
        count += is_shown(cmd_table_at(table, i));
    return count;
}

void command_count(struct call *call)
{
    reply_i64(call->reply, (int64_t)shown_count(call->context->table));
}

void command_all(struct call *call)
{
    struct cmd_table *table = call->context->table;
    reply_array(call->reply, shown_count(table));
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        if (is_shown(cmd_table_at(table, i)))
            introspect_info(cmd_table_at(table, i), call->reply);
    }
}

void command_info(struct call *call)
{
    if (call->argc == 2) {
        command_all(call);
        return;
    }
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        struct command_row *row = cmd_table_by_full_name(call->context->table, call->argv[at]);
        if (row == NULL)
            reply_nil(call->reply);
        else
            introspect_info(row, call->reply);
    }
}

/* --- COMMAND DOCS ----------------------------------------------------------------------------- */

static void docs_with_name(const struct command_row *row, struct reply *reply)
{
    reply_bulk_text(reply, row->full_name);
    introspect_docs(row, reply);
}

static void docs_of_all(struct call *call)
{
    struct cmd_table *table = call->context->table;
    reply_map(call->reply, shown_count(table));
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        if (is_shown(cmd_table_at(table, i)))
            docs_with_name(cmd_table_at(table, i), call->reply);
    }
}

/* Names that are no command's are left out. */
void command_docs(struct call *call)
{
    if (call->argc == 2) {
        docs_of_all(call);
        return;
    }
    struct reply_mark mark = reply_map_later(call->reply);
    uint64_t count = 0;
    for (uint32_t at = 2; at < call->argc; at++) {
        struct command_row *row = cmd_table_by_full_name(call->context->table, call->argv[at]);
        if (row == NULL)
            continue;
        docs_with_name(row, call->reply);
        count++;
    }
    reply_count(call->reply, mark, count);
}

/* --- COMMAND LIST ----------------------------------------------------------------------------- */

struct list_filter {
    enum { LIST_ALL, LIST_NONE, LIST_CATEGORY, LIST_PATTERN } by;
    uint32_t category; /* 0: there is none of that name */
    struct bytes pattern;
    uint64_t work; /* left for the pattern, on all names */
};

static uint32_t category_of(struct bytes name)
{
    for (const struct flag_word *word = acl_category_words; word->word != NULL; word++) {
        if (bytes_is(name, word->word))
            return word->flag;
    }
    return 0;
}

static bool read_filter(struct call *call, struct list_filter *filter)
{
    *filter = (struct list_filter){ .by = LIST_ALL, .work = GLOB_NAMES_WORK };
    if (call->argc == 2)
        return true;
    if (call->argc == 5 && call_is(call, 2, "filterby")) {
        filter->pattern = call->argv[4];
        filter->category = category_of(call->argv[4]);
        if (call_is(call, 3, "module"))
            filter->by = LIST_NONE;
        else if (call_is(call, 3, "aclcat"))
            filter->by = LIST_CATEGORY;
        else if (call_is(call, 3, "pattern"))
            filter->by = LIST_PATTERN;
        if (filter->by != LIST_ALL)
            return true;
    }
    call_syntax_error(call);
    return false;
}

static bool passes(struct list_filter *filter, const struct command_row *row)
{
    if (filter->by == LIST_CATEGORY)
        return (command_categories(row->command) & filter->category) != 0;
    if (filter->by == LIST_PATTERN)
        return glob_match_within(filter->pattern, bytes_of_text(row->full_name), false,
                                 &filter->work);
    return filter->by == LIST_ALL;
}

void command_list(struct call *call)
{
    struct cmd_table *table = call->context->table;
    struct list_filter filter;
    if (!read_filter(call, &filter))
        return;
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t count = 0;
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        const struct command_row *row = cmd_table_at(table, i);
        if (!introspect_is_there(row) || !passes(&filter, row))
            continue;
        reply_bulk_text(call->reply, row->full_name);
        count++;
    }
    reply_count(call->reply, mark, count);
}

/* --- COMMAND GETKEYS -------------------------------------------------------------------------- */

/* Whether what has no keys by its arguments, or not as many as it says, may be so. */
static bool may_have_none(const struct command_row *row, struct key_list *list)
{
    list->count = 0;
    return (row->flags & CMD_NO_MANDATORY_KEYS) != 0;
}

/* The keys of the request that stands in the arguments; false with the error written. */
static bool find_keys(struct call *call, struct key_list *list)
{
    const struct bytes *argv = call->argv + 2;
    uint32_t argc = call->argc - 2;
    const struct command_row *row = cmd_table_find(call->context->table, argv, argc);
    const char *error = NULL;
    if (row == NULL)
        error = "ERR Invalid command specified";
    else if (!keys_any(row->command))
        error = "ERR The command has no key arguments";
    else if (row->arity >= 0 ? argc != (uint32_t)row->arity : argc < (uint32_t)-row->arity)
        error = "ERR Invalid number of arguments specified for command";
    else if ((keys_find(row->command, argv, argc, call->arena, list) != ERR_NONE ||
              list->count == 0) &&
             !may_have_none(row, list))
        error = "ERR Invalid arguments specified for command";
    if (error != NULL)
        reply_error(call->reply, error);
    return error == NULL;
}

void command_getkeys(struct call *call)
{
    struct key_list list;
    if (!find_keys(call, &list))
        return;
    reply_array(call->reply, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        reply_bulk(call->reply, call->argv[2 + list.keys[i].at]);
}

void command_getkeysandflags(struct call *call)
{
    struct key_list list;
    if (!find_keys(call, &list))
        return;
    reply_array(call->reply, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        reply_array(call->reply, 2);
        reply_bulk(call->reply, call->argv[2 + list.keys[i].at]);
        introspect_flags(key_flag_words, list.keys[i].flags, "", call->reply);
    }
}

void command_help(struct call *call)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Every command, as INFO describes it.",
        "COUNT",
        "    How many commands there are.",
        "DOCS [<command-name> ...]",
        "    Commands for people: what they do, since when, with which arguments.",
        "GETKEYS <full-command>",
        "    Which arguments of a request are keys.",
        "GETKEYSANDFLAGS <full-command>",
        "    The same, and what is done to the keys.",
        "INFO [<command-name> ...]",
        "    Commands for programs: arity, flags, categories, where the keys stand.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    The names of commands.",
        NULL,
    };
    call_help(call, "command", lines);
}
