/* ACL: everything but the users themselves (acl_users.c). */
#include "cmd/acl.h"

#include "cmd/access_log.h"
#include "cmd/introspection.h"
#include "cmd/users_file.h"
#include "conf/config.h"

#include <stdio.h>

enum { GENPASS_BITS = 256, GENPASS_BITS_MAX = 4096, LOG_SHOWN = 10, NAME_SHOWN_MAX = 128 };

static int shown(struct bytes text)
{
    return (int)(text.count < NAME_SHOWN_MAX ? text.count : NAME_SHOWN_MAX);
}

static const char *chars(struct bytes text)
{
    return text.count > 0 ? (const char *)text.at : "";
}

static void too_many_arguments(struct call *call)
{
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
                 shown(call->argv[1]), chars(call->argv[1]));
}

/* --- categories ------------------------------------------------------------------------------- */

static void reply_categories(struct call *call)
{
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t count = 0;
    for (; acl_category_words[count].word != NULL; count++)
        reply_bulk_text(call->reply, acl_category_words[count].word);
    reply_count(call->reply, mark, count);
}

static void reply_commands_of(struct call *call, uint32_t category)
{
    const struct cmd_table *table = call->context->table;
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t count = 0;
    for (uint32_t i = 0; i < cmd_table_count(table); i++) {
        const struct command_row *row = cmd_table_at(table, i);
        if ((command_categories(row->command) & category) == 0)
            continue;
        reply_bulk_text(call->reply, row->full_name);
        count++;
    }
    reply_count(call->reply, mark, count);
}

void acl_cat(struct call *call)
{
    if (call->argc == 2) {
        reply_categories(call);
        return;
    }
    if (call->argc > 3) {
        too_many_arguments(call);
        return;
    }
    const struct flag_word *word = acl_category_words;
    while (word->word != NULL && !call_is(call, 2, word->word))
        word++;
    if (word->word != NULL)
        reply_commands_of(call, word->flag);
    else
        reply_errorf(call->reply, "ERR Unknown category '%.*s'", shown(call->argv[2]),
                     chars(call->argv[2]));
}

/* --- passwords -------------------------------------------------------------------------------- */

void acl_genpass(struct call *call)
{
    int64_t bits = GENPASS_BITS;
    if (call->argc > 3) {
        too_many_arguments(call);
        return;
    }
    if (call->argc == 3 && !call_i64(call, 2, &bits))
        return;
    if (bits < 1 || bits > GENPASS_BITS_MAX) {
        reply_error(call->reply, "ERR ACL GENPASS argument must be the number of bits for the "
                                 "output password, a positive number up to 4096");
        return;
    }
    uint8_t random[GENPASS_BITS_MAX / 8];
    char text[GENPASS_BITS_MAX / 4];
    size_t letters = (size_t)(bits + 3) / 4;
    call->context->seam->random(call->context->seam->context, random, (letters + 1) / 2);
    for (size_t i = 0; i < letters; i++)
        text[i] = "0123456789abcdef"[random[i / 2] >> (i % 2 * 4) & 15];
    reply_bulk(call->reply, bytes_of(text, letters));
}

/* --- questions -------------------------------------------------------------------------------- */

void acl_whoami(struct call *call)
{
    if (call->client->user != NULL)
        reply_bulk(call->reply, client_user_name(call->client));
    else
        reply_nil(call->reply);
}

static bool arity_fits(const struct command_row *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

static void reply_dry_run(struct call *call, const struct user *user, const struct command_row *row)
{
    const struct bytes *argv = call->argv + 3;
    struct access_why why;
    struct buffer text = { 0 };
    if (access_may_restricted(call->context, user, row, argv, call->argc - 3, &why))
        reply_ok(call->reply);
    else if (access_explain(&text, user, row, &why, &argv[why.at]))
        reply_bulk(call->reply, buffer_view(&text));
    else
        call_memory_error(call);
    buffer_release(&text);
}

void acl_dryrun(struct call *call)
{
    const struct user *user = users_find(call->context->users, call->argv[2]);
    const struct command_row *row =
        cmd_table_find(call->context->table, call->argv + 3, call->argc - 3);
    if (user == NULL)
        reply_errorf(call->reply, "ERR User '%.*s' not found", shown(call->argv[2]),
                     chars(call->argv[2]));
    else if (row == NULL)
        reply_errorf(call->reply, "ERR Command '%.*s' not found", shown(call->argv[3]),
                     chars(call->argv[3]));
    else if (!arity_fits(row, call->argc - 3))
        cmd_table_wrong_arity(row, call->reply);
    else
        reply_dry_run(call, user, row);
}

/* --- the log ---------------------------------------------------------------------------------- */

static const char *missing_word(enum access_missing missing)
{
    static const char *const words[] = { [ACCESS_GRANTED] = "unknown",
                                         [ACCESS_COMMAND] = "command",
                                         [ACCESS_KEY] = "key",
                                         [ACCESS_LOGIN] = "auth",
                                         [ACCESS_CHANNEL] = "channel" };
    return words[missing];
}

static const char *place_word(enum access_place place)
{
    static const char *const words[] = { [ACCESS_TOP_LEVEL] = "toplevel",
                                         [ACCESS_IN_MULTI] = "multi",
                                         [ACCESS_IN_EXEC] = "multi",
                                         [ACCESS_IN_SCRIPT] = "lua" };
    return words[place];
}

static void reply_text(struct reply *reply, const char *name, struct bytes text)
{
    reply_bulk_text(reply, name);
    reply_bulk(reply, text);
}

static void reply_number(struct reply *reply, const char *name, int64_t number)
{
    reply_bulk_text(reply, name);
    reply_i64(reply, number);
}

static void reply_entry(struct call *call, const struct access_entry *entry)
{
    struct reply *reply = call->reply;
    int64_t now_ms = seam_wall_ms(call->context->seam);
    reply_map(reply, 10);
    reply_number(reply, "count", (int64_t)entry->count);
    reply_text(reply, "reason", bytes_of_text(missing_word(entry->missing)));
    reply_text(reply, "context", bytes_of_text(place_word(entry->place)));
    reply_text(reply, "object", buffer_view(&entry->object));
    reply_text(reply, "username", buffer_view(&entry->user));
    reply_bulk_text(reply, "age-seconds");
    reply_double(reply, (double)(now_ms - entry->updated_ms) / 1000);
    reply_text(reply, "client-info", buffer_view(&entry->client));
    reply_number(reply, "entry-id", (int64_t)entry->id);
    reply_number(reply, "timestamp-created", entry->created_ms);
    reply_number(reply, "timestamp-last-updated", entry->updated_ms);
}

void acl_log(struct call *call)
{
    struct access_log *log = users_log(call->context->users);
    int64_t most = LOG_SHOWN;
    if (call->argc > 3) {
        too_many_arguments(call);
        return;
    }
    if (call_is(call, 2, "reset")) {
        access_log_trim(log, 0);
        reply_ok(call->reply);
        return;
    }
    if (call->argc == 3 && !call_i64(call, 2, &most))
        return;
    struct reply_mark mark = reply_array_later(call->reply);
    int64_t count = 0;
    for (struct access_entry *entry = log->newest; entry != NULL && count < most;
         entry = entry->older, count++)
        reply_entry(call, entry);
    reply_count(call->reply, mark, (uint64_t)count);
}

/* --- the file --------------------------------------------------------------------------------- */

static const char *users_path(struct call *call)
{
    const struct config_text *path = &call->context->config->aclfile;
    if (path->count > 0)
        return path->at;
    reply_error(call->reply,
                "ERR This Redis instance is not configured to use an ACL file. You may want to "
                "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
                "(assuming you have a Redis configuration file set) in order to store users in the "
                "Redis configuration.");
    return NULL;
}

void acl_load(struct call *call)
{
    const struct cmd_context *context = call->context;
    const char *path = users_path(call);
    struct buffer error = { 0 };
    if (path == NULL)
        return;
    if (users_load(context->users, context->seam, path, call->client, &error))
        reply_ok(call->reply);
    else if (error.count > 0 && buffer_append_byte(&error, '\0'))
        reply_errorf(call->reply, "ERR %s", (const char *)error.at);
    else
        call_memory_error(call);
    buffer_release(&error);
}

void acl_save(struct call *call)
{
    const char *path = users_path(call);
    if (path == NULL)
        return;
    if (users_save(call->context->users, call->context->seam, path) == ERR_NONE)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR There was an error trying to save the ACLs. Please check the "
                                 "server logs for more information");
}

void acl_help(struct call *call)
{
    static const char *const lines[] = {
        "CAT [<category>]",
        "    Tell the categories, or the commands of one.",
        "DELUSER <username> [<username> ...]",
        "    Delete users and disconnect their clients.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Tell whether the user may run the command, without running it.",
        "GETUSER <username>",
        "    Tell the rights of a user.",
        "GENPASS [<bits>]",
        "    Make a password of 256 random bits, or of so many.",
        "LIST",
        "    Tell all users as lines of a configuration file.",
        "LOAD",
        "    Load the users from the ACL file again.",
        "LOG [<count> | RESET]",
        "    Tell what was refused lately, or forget it.",
        "SAVE",
        "    Write the users to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Make a user, or change one.",
        "USERS",
        "    Tell the names of all users.",
        "WHOAMI",
        "    Tell the name of this connection's user.",
        NULL,
    };
    call_help(call, "acl", lines);
}
