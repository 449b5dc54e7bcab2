#include "cmd/access.h"

#include "conf/config.h"

bool access_needs_password(const struct cmd_context *context)
{
    return context->config->requirepass.count > 0;
}

/* No early end: how long it takes tells only the length of what was tried. */
static bool equal_in_constant_time(struct bytes secret, struct bytes tried)
{
    size_t different = secret.count ^ tried.count;
    for (size_t i = 0; i < tried.count; i++) {
        uint8_t wanted = i < secret.count ? secret.at[i] : 0;
        different |= (size_t)(wanted ^ tried.at[i]);
    }
    return different == 0;
}

bool access_check(const struct cmd_context *context, struct bytes user, struct bytes password)
{
    if (!bytes_equal(user, BYTES("default")))
        return false;
    if (!access_needs_password(context))
        return true;
    return equal_in_constant_time(config_text_view(&context->config->requirepass), password);
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
