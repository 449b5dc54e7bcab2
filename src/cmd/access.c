#include "cmd/access.h"

#include "base/glob.h"
#include "cmd/access_log.h"
#include "cmd/keys.h"
#include "conf/config.h"

/* --- channels --------------------------------------------------------------------------------- */

/* Where channels stand. A pattern is granted when it is one of the user's own. */
struct channel_spec {
    const char *name;
    uint32_t last; /* 0: all arguments are channels */
    bool is_pattern;
};

static const struct channel_spec *channel_spec(const struct command_row *row)
{
    static const struct channel_spec specs[] = {
        { "publish", 1, false },    { "spublish", 1, false },  { "subscribe", 0, false },
        { "ssubscribe", 0, false }, { "psubscribe", 0, true },
    };
    if ((row->flags & CMD_PUBSUB) == 0 || row->container != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (strcmp(specs[i].name, row->command->name) == 0)
            return &specs[i];
    }
    return NULL;
}

/* As in Redis, "*" is every name but the empty one; ~* and &* are no patterns. */
static bool fits(struct bytes pattern, struct bytes name)
{
    return (name.count > 0 || pattern.count == 0) && glob_match(pattern, name);
}

static bool grants_channel(const struct selector *selector, struct bytes channel, bool is_pattern)
{
    if (selector->all_channels)
        return true;
    for (size_t i = 0; i < selector->channels.count; i++) {
        struct bytes granted = user_text_view(&selector->channels.items[i]);
        if (is_pattern ? bytes_equal(granted, channel) : fits(granted, channel))
            return true;
    }
    return false;
}

/* --- one selector ----------------------------------------------------------------------------- */

/* A request, with what is found out about it once for all selectors. */
struct request {
    const struct command_row *row;
    const struct bytes *argv;
    uint32_t argc;
    struct key_list keys;
    bool keys_known; /* false: the arguments do not say where keys are */
};

static bool grants_command(const struct selector *selector, const struct request *request)
{
    const struct command *command = request->row->command;
    if (selector->all_commands || (command->flags & CMD_NO_AUTH) != 0 ||
        selector_has(selector, command->id))
        return true;
    if (request->argc < 2)
        return false;
    for (size_t i = 0; i < selector->first_arguments.count; i++) {
        const struct user_text *granted = &selector->first_arguments.items[i];
        if (granted->mark == command->id &&
            bytes_equal_nocase(user_text_view(granted), request->argv[1]))
            return true;
    }
    return false;
}

static uint16_t access_wanted(unsigned key_flags)
{
    return (uint16_t)((key_flags & KEY_ACCESS) != 0 ? USER_READS : 0) |
           (uint16_t)((key_flags & (KEY_INSERT | KEY_UPDATE | KEY_DELETE)) != 0 ? USER_WRITES : 0);
}

static bool grants_key(const struct selector *selector, struct bytes key, unsigned key_flags)
{
    uint16_t wanted = access_wanted(key_flags);
    for (size_t i = 0; i < selector->keys.count; i++) {
        const struct user_text *pattern = &selector->keys.items[i];
        if ((pattern->mark & wanted) == wanted && fits(user_text_view(pattern), key))
            return true;
    }
    return false;
}

static bool grants_keys(const struct selector *selector, const struct request *request,
                        struct access_why *why)
{
    if (selector->all_keys)
        return true;
    why->at = 0;
    if (!request->keys_known)
        return false;
    for (uint32_t i = 0; i < request->keys.count; i++) {
        const struct key_at *key = &request->keys.keys[i];
        why->at = key->at;
        if (!grants_key(selector, request->argv[key->at], key->flags))
            return false;
    }
    return true;
}

static bool grants_channels(const struct selector *selector, const struct request *request,
                            struct access_why *why)
{
    const struct channel_spec *spec = selector->all_channels ? NULL : channel_spec(request->row);
    if (spec == NULL)
        return true;
    for (why->at = 1; why->at < request->argc; why->at++) {
        if (spec->last != 0 && why->at > spec->last)
            break;
        if (!grants_channel(selector, request->argv[why->at], spec->is_pattern))
            return false;
    }
    return true;
}

static struct access_why ask(const struct selector *selector, const struct request *request)
{
    struct access_why why = { ACCESS_COMMAND, 0 };
    if (!grants_command(selector, request))
        return why;
    why.missing = ACCESS_KEY;
    if (!grants_keys(selector, request, &why))
        return why;
    why.missing = ACCESS_CHANNEL;
    if (!grants_channels(selector, request, &why))
        return why;
    return (struct access_why){ ACCESS_GRANTED, 0 };
}

/* --- all selectors ---------------------------------------------------------------------------- */

/* False when memory fails. */
static bool fill_request(const struct cmd_context *context, struct request *request)
{
    struct arena *arena = users_arena(context->users);
    arena_reset(arena);
    if (!keys_any(request->row->command))
        return true;
    enum err err =
        keys_find(request->row->command, request->argv, request->argc, arena, &request->keys);
    request->keys_known = err != ERR_SYNTAX;
    return err != ERR_MEMORY;
}

/* Of several selectors that refuse, the one that went furthest says why. */
static bool is_further(const struct access_why *a, const struct access_why *b)
{
    return a->missing > b->missing || (a->missing == b->missing && a->at > b->at);
}

bool access_may_restricted(const struct cmd_context *context, const struct user *user,
                           const struct command_row *row, const struct bytes *argv, uint32_t argc,
                           struct access_why *why)
{
    struct request request = { .row = row, .argv = argv, .argc = argc, .keys_known = true };
    *why = (struct access_why){ ACCESS_COMMAND, 0 };
    if (user_is_unrestricted(user)) {
        why->missing = ACCESS_GRANTED;
        return true;
    }
    if (!fill_request(context, &request))
        return false;
    for (const struct selector *each = &user->root; each != NULL; each = each->next) {
        struct access_why asked = ask(each, &request);
        if (asked.missing == ACCESS_GRANTED) {
            *why = asked;
            return true;
        }
        if (is_further(&asked, why))
            *why = asked;
    }
    return false;
}

bool access_may_channel(const struct client *client, struct bytes channel, bool is_pattern)
{
    if ((client->flags & CLIENT_RESTRICTED) == 0)
        return true;
    for (const struct selector *each = &client->user->root; each != NULL; each = each->next) {
        if (grants_channel(each, channel, is_pattern))
            return true;
    }
    return false;
}

static bool reads_all(const struct selector *selector)
{
    if (selector->all_keys)
        return true;
    for (size_t i = 0; i < selector->keys.count; i++) {
        const struct user_text *pattern = &selector->keys.items[i];
        if ((pattern->mark & USER_READS) != 0 && pattern->count == 1 && pattern->at[0] == '*')
            return true;
    }
    return false;
}

bool access_may_read_all(const struct cmd_context *context, const struct client *client,
                         const struct command_row *row, const struct bytes *argv, uint32_t argc)
{
    struct request request = { .row = row, .argv = argv, .argc = argc, .keys_known = true };
    if ((client->flags & CLIENT_RESTRICTED) == 0)
        return true;
    if (!fill_request(context, &request))
        return false;
    for (const struct selector *each = &client->user->root; each != NULL; each = each->next) {
        if (reads_all(each) && ask(each, &request).missing == ACCESS_GRANTED)
            return true;
    }
    return false;
}

/* --- refusals --------------------------------------------------------------------------------- */

static void note(struct cmd_context *context, const struct client *client,
                 const struct access_refusal *refusal)
{
    struct cmd_figures *figures = cmd_table_figures(context->table);
    figures->denied[refusal->missing]++;
    access_log_add(users_log(context->users), context, client, refusal);
}

void access_denied(struct cmd_context *context, const struct client *client,
                   enum access_place place, const struct command_row *row, const struct bytes *argv,
                   const struct access_why *why)
{
    struct access_refusal refusal = { why->missing, place, bytes_of_text(row->full_name),
                                      client_user_name(client) };
    if (place == ACCESS_IN_EXEC)
        refusal.place = ACCESS_IN_MULTI;
    if (why->missing != ACCESS_COMMAND)
        refusal.object = argv[why->at];
    note(context, client, &refusal);
}

bool access_explain(struct buffer *text, const struct user *user, const struct command_row *row,
                    const struct access_why *why, const struct bytes *object)
{
    const char *what = why->missing == ACCESS_CHANNEL ? "channel" : "key";
    if (why->missing != ACCESS_COMMAND && object == NULL)
        return buffer_printf(text, "No permissions to access a %s", what);
    if (!buffer_append_text(text, "User ") || !buffer_append(text, user_name(user)))
        return false;
    if (why->missing == ACCESS_COMMAND)
        return buffer_printf(text, " has no permissions to run the '%s' command", row->full_name);
    return buffer_append_text(text, " has no permissions to access the '") &&
           buffer_append(text, *object) && buffer_printf(text, "' %s", what);
}

/* Why EXEC does not run what was queued. */
static const char *exec_reason(const struct access_why *why)
{
    if (why->missing == ACCESS_COMMAND)
        return "no permission to execute the command or subcommand";
    if (why->missing == ACCESS_KEY)
        return "no permission to touch the specified keys";
    return "no permission to access one of the channels used as arguments to the command";
}

void access_reply(struct reply *reply, const struct client *client, enum access_place place,
                  const struct command_row *row, const struct access_why *why)
{
    struct buffer text = { 0 };
    if (place == ACCESS_IN_EXEC)
        reply_errorf(reply,
                     "NOPERM ACLs rules changed between the moment the transaction was accumulated "
                     "and the EXEC call. This command is no longer allowed for the following "
                     "reason: %s",
                     exec_reason(why));
    else if (client->user != NULL && buffer_append_text(&text, "NOPERM ") &&
             access_explain(&text, client->user, row, why, NULL))
        reply_error_bytes(reply, buffer_view(&text));
    else
        reply_error(reply, "NOPERM No permissions");
    buffer_release(&text);
}

/* --- passwords and guarded commands ----------------------------------------------------------- */

bool access_needs_password(const struct cmd_context *context)
{
    return !users_default_is_open(context->users);
}

bool access_log_in(struct cmd_context *context, struct client *client, enum access_place place,
                   struct bytes command, struct bytes user, struct bytes password)
{
    struct user *found = users_check(context->users, user, password);
    if (found != NULL) {
        users_log_in(client, found);
        return true;
    }
    struct access_refusal refusal = { ACCESS_LOGIN, place, command, user };
    note(context, client, &refusal);
    return false;
}

bool access_is_local(const struct client *client)
{
    char peer[128];
    if ((client->flags & CLIENT_UNIX_SOCKET) != 0)
        return true;
    client_peer(client, peer, sizeof peer);
    return strncmp(peer, "127.", 4) == 0 || strncmp(peer, "::1:", 4) == 0 ||
           strncmp(peer, "[::1]:", 6) == 0;
}

bool access_protected(const struct cmd_context *context, const struct command_row *row,
                      const struct client *client, struct reply *reply)
{
    const struct command_row *whole = row->container != NULL ? row->container : row;
    bool is_debug = strcmp(whole->command->name, "debug") == 0;
    int guard =
        is_debug ? context->config->enable_debug_command : context->config->enable_module_command;
    if (guard == CONFIG_GUARD_YES || (guard == CONFIG_GUARD_LOCAL && access_is_local(client)))
        return true;
    reply_errorf(reply,
                 "ERR %s command not allowed. If the enable-%s-command option is set to \"local\", "
                 "you can run it from a local connection, otherwise you need to set this option in "
                 "the configuration file, and then restart the server.",
                 is_debug ? "DEBUG" : "MODULE", is_debug ? "debug" : "module");
    return false;
}
