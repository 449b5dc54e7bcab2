#include "cmd/introspection.h"

/* --- arguments -------------------------------------------------------------------------------- */

static const char *arg_type_word(enum arg_type type)
{
    static const char *const words[] = {
        [ARG_STRING] = "string",         [ARG_INTEGER] = "integer",
        [ARG_DOUBLE] = "double",         [ARG_KEY] = "key",
        [ARG_PATTERN] = "pattern",       [ARG_UNIX_TIME] = "unix-time",
        [ARG_PURE_TOKEN] = "pure-token", [ARG_ONE_OF] = "oneof",
        [ARG_BLOCK] = "block",
    };
    return words[type];
}

static const struct flag_word arg_flag_words[] = {
    { ARG_OPTIONAL, "optional" },
    { ARG_MULTIPLE, "multiple" },
    { ARG_MULTIPLE_TOKEN, "multiple_token" },
    { 0, NULL },
};

static uint64_t args_in(const struct command_arg *args)
{
    uint64_t count = 0;
    while (args[count].name != NULL)
        count++;
    return count;
}

static void reply_text(struct reply *reply, const char *name, const char *text)
{
    if (text == NULL)
        return;
    reply_bulk_text(reply, name);
    reply_bulk_text(reply, text);
}

/* A pattern has one when keys are made of it, as those of SORT's BY and GET are. */
static bool has_key_spec(const struct command_arg *arg)
{
    return arg->type == ARG_KEY || (arg->type == ARG_PATTERN && arg->key_spec != 0);
}

static void reply_arg_head(const struct command_arg *arg, struct reply *reply)
{
    uint64_t pairs = 2u + has_key_spec(arg) + (arg->token != NULL) + (arg->since != NULL) +
                     (arg->flags != 0) + (arg->parts != NULL);
    reply_map(reply, pairs);
    reply_text(reply, "name", arg->name);
    reply_text(reply, "type", arg_type_word(arg->type));
    if (has_key_spec(arg)) {
        reply_bulk_text(reply, "key_spec_index");
        reply_i64(reply, arg->key_spec);
    }
    reply_text(reply, "token", arg->token);
    reply_text(reply, "since", arg->since);
    if (arg->flags != 0) {
        reply_bulk_text(reply, "flags");
        introspect_flags(arg_flag_words, arg->flags, "", reply);
    }
}

/* Arguments within arguments, without recursion: rows are ours, and at most so deep. */
enum { ARG_DEPTH_MAX = 8 };

static void reply_args(const struct command_arg *args, struct reply *reply)
{
    const struct command_arg *left[ARG_DEPTH_MAX] = { args };
    int depth = 0;
    reply_array(reply, args_in(args));
    while (depth >= 0) {
        const struct command_arg *arg = left[depth];
        if (arg->name == NULL) {
            depth--;
            continue;
        }
        left[depth]++;
        reply_arg_head(arg, reply);
        if (arg->parts == NULL)
            continue;
        ENSURE(depth + 1 < ARG_DEPTH_MAX);
        left[++depth] = arg->parts;
        reply_bulk_text(reply, "arguments");
        reply_array(reply, args_in(arg->parts));
    }
}

/* --- commands --------------------------------------------------------------------------------- */

static void reply_history(const char *const *history, struct reply *reply)
{
    uint64_t texts = 0;
    while (history[texts] != NULL)
        texts++;
    reply_set(reply, texts / 2);
    for (uint64_t i = 0; i + 1 < texts; i += 2) {
        reply_array(reply, 2);
        reply_bulk_text(reply, history[i]);
        reply_bulk_text(reply, history[i + 1]);
    }
}

/* How many of the pairs there are; `more` for the subcommands. */
static uint64_t docs_pairs(const struct command *command, bool more)
{
    uint64_t deprecated = command->deprecated_since != NULL ? 2 : 0;
    return 3u + deprecated + (command->cost != NULL) + (command->replaced_by != NULL) +
           (command->history != NULL) + (command->args != NULL) + more;
}

static void docs_of_one(const struct command *command, bool more, struct reply *reply)
{
    reply_map(reply, docs_pairs(command, more));
    reply_text(reply, "summary", command->summary);
    reply_text(reply, "since", command->since);
    reply_text(reply, "group", command_group_word(command->group));
    reply_text(reply, "complexity", command->cost);
    if (command->deprecated_since != NULL) {
        reply_bulk_text(reply, "doc_flags");
        reply_set(reply, 1);
        reply_status(reply, "deprecated");
        reply_text(reply, "deprecated_since", command->deprecated_since);
    }
    reply_text(reply, "replaced_by", command->replaced_by);
    if (command->history != NULL) {
        reply_bulk_text(reply, "history");
        reply_history(command->history, reply);
    }
    if (command->args != NULL) {
        reply_bulk_text(reply, "arguments");
        reply_args(command->args, reply);
    }
}

void introspect_docs(const struct command_row *row, struct reply *reply)
{
    docs_of_one(row->command, row->subcommands != NULL, reply);
    if (row->subcommands == NULL)
        return;
    reply_bulk_text(reply, "subcommands");
    reply_map(reply, row->subcommand_count);
    for (uint16_t i = 0; i < row->subcommand_count; i++) {
        reply_bulk_text(reply, row->subcommands[i].full_name);
        docs_of_one(row->subcommands[i].command, false, reply);
    }
}
