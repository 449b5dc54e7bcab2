#include "base/number.h"
#include "cmd/connection.h"

/* --- what a client says of itself ------------------------------------------------------------- */

static bool is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (text.at[i] < '!' || text.at[i] > '~')
            return false;
    }
    return true;
}

bool client_name_fits(struct call *call, struct bytes name)
{
    if (is_visible(name))
        return true;
    reply_error(call->reply,
                "ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
}

static bool set_text(struct call *call, char **text, struct bytes to)
{
    if (client_set_text(text, to.count > 0 ? to : bytes_of(NULL, 0)))
        return true;
    call_memory_error(call);
    return false;
}

bool client_take_name(struct call *call, struct bytes name)
{
    return client_name_fits(call, name) && set_text(call, &call->client->name, name);
}

void client_setname(struct call *call)
{
    if (client_take_name(call, call->argv[2]))
        reply_ok(call->reply);
}

void client_getname(struct call *call)
{
    if (call->client->name == NULL)
        reply_nil(call->reply);
    else
        reply_bulk_text(call->reply, call->client->name);
}

void client_setinfo(struct call *call)
{
    struct client *client = call->client;
    struct bytes name = call->argv[2];
    char **text = call_is(call, 2, "lib-name")  ? &client->lib_name
                  : call_is(call, 2, "lib-ver") ? &client->lib_version
                                                : NULL;
    int shown = (int)(name.count < 128 ? name.count : 128);
    const char *chars = name.count > 0 ? (const char *)name.at : "";
    if (text == NULL)
        reply_errorf(call->reply, "ERR Unrecognized option '%.*s'", shown, chars);
    else if (!is_visible(call->argv[3]))
        reply_errorf(call->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
                     shown, chars);
    else if (set_text(call, text, call->argv[3]))
        reply_ok(call->reply);
}

void client_id(struct call *call)
{
    reply_i64(call->reply, (int64_t)call->client->id);
}

/* --- how the server treats it ----------------------------------------------------------------- */

/* ON is heard; OFF and SKIP are silent, the latter also for the next command. */
void client_reply(struct call *call)
{
    struct client *client = call->client;
    const uint32_t modes = CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT;
    if (call_is(call, 2, "on")) {
        client->flags &= ~modes;
        call->reply->muted = false;
        reply_ok(call->reply);
    } else if (call_is(call, 2, "off")) {
        client->flags |= CLIENT_REPLY_OFF;
        call->reply->muted = true;
    } else if (call_is(call, 2, "skip")) {
        if ((client->flags & CLIENT_REPLY_OFF) == 0)
            client->flags |= CLIENT_REPLY_SKIP_NEXT;
    } else {
        call_syntax_error(call);
    }
}

static void switch_flag(struct call *call, uint32_t flag)
{
    if (call_is(call, 2, "on")) {
        call->client->flags |= flag;
    } else if (call_is(call, 2, "off")) {
        call->client->flags &= ~flag;
    } else {
        call_syntax_error(call);
        return;
    }
    reply_ok(call->reply);
}

void client_no_evict(struct call *call)
{
    switch_flag(call, CLIENT_NO_EVICT);
}

void client_no_touch(struct call *call)
{
    switch_flag(call, CLIENT_NO_TOUCH);
}

/* Of two pauses the later end and the wider reach hold. */
static void pause_clients(struct call *call, int64_t until_ms, bool writes_only)
{
    struct net_figures figures;
    net_figures(call->context->net, &figures);
    if (figures.paused_writes_only == 2)
        writes_only = false;
    if (figures.paused_writes_only != 0 && figures.paused_until_ms > until_ms)
        until_ms = figures.paused_until_ms;
    net_pause(call->context->net, until_ms, writes_only);
}

void client_pause(struct call *call)
{
    int64_t timeout_ms = 0;
    bool writes_only = call->argc == 4 && call_is(call, 3, "write");
    if (call->argc == 4 && !writes_only && !call_is(call, 3, "all")) {
        reply_error(call->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
        return;
    }
    if (!call_timeout_ms(call, 2, &timeout_ms))
        return;
    pause_clients(call, store_now_ms(call->store) + timeout_ms, writes_only);
    reply_ok(call->reply);
}

void client_unpause(struct call *call)
{
    net_unpause(call->context->net);
    reply_ok(call->reply);
}

/* Valkey's: "redirect" is of use to a replica's clients, and there are none here. What is unknown
 * is passed over. */
void client_capa(struct call *call)
{
    reply_ok(call->reply);
}

/* --- HELP ------------------------------------------------------------------------------------- */

static const char *const help_lines[] = {
    "CACHING (YES|NO)",
    "    Whether the keys of the next command are tracked (OPTIN, OPTOUT).",
    "CAPA <capability> [<capability> ...]",
    "    What the client can do.",
    "GETNAME",
    "    The name of this connection.",
    "GETREDIR",
    "    The client that tracking messages go to: 0 for this one, -1 without tracking.",
    "ID",
    "    The number of this connection.",
    "INFO",
    "    This connection, as LIST shows it.",
    "KILL <ip:port>",
    "    Close the connection from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Close the connections that fit all options:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      By where they come from.",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      By where they arrived.",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      By what they are used for.",
    "    * USER <username>",
    "      By who they are.",
    "    * ID <client-id>",
    "      By number.",
    "    * MAXAGE <seconds>",
    "      Those that are at least so old.",
    "    * SKIPME (YES|NO)",
    "      Whether to spare this connection (by default: yes).",
    "LIST [options ...]",
    "    The connections, one a line. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Those of one type.",
    "    * ID <client-id> [<client-id> ...]",
    "      Those with these numbers.",
    "NO-EVICT (ON|OFF)",
    "    Spare this connection when clients' memory must be freed.",
    "NO-TOUCH (ON|OFF)",
    "    Whether reading marks keys as used.",
    "PAUSE <timeout-ms> [WRITE|ALL]",
    "    Hold back commands, or only those that write, for some time.",
    "REPLY (ON|OFF|SKIP)",
    "    Whether to reply to this connection, or not to its next command.",
    "SETINFO <option> <value>",
    "    Keep what the client's library says of itself: LIB-NAME, LIB-VER.",
    "SETNAME <name>",
    "    Name this connection.",
    "TRACKING (ON|OFF) [<option> ...]",
    "    Whether this connection is told when keys change that it has read. Options:",
    "    * REDIRECT <client-id>",
    "      Another connection is told.",
    "    * BCAST, PREFIX <prefix>",
    "      Of all keys that begin with the prefixes, read or not.",
    "    * OPTIN, OPTOUT",
    "      Only keys that are read behind CACHING YES; all but those behind CACHING NO.",
    "    * NOLOOP",
    "      Not of its own changes.",
    "TRACKINGINFO",
    "    The state of tracking.",
    "UNBLOCK <client-id> [TIMEOUT|ERROR]",
    "    End the waiting of a connection: as its timeout does, or with an error.",
    "UNPAUSE",
    "    End PAUSE.",
    NULL,
};

void client_help(struct call *call)
{
    call_help(call, "client", help_lines);
}
