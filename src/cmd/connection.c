#include "cmd/connection.h"

#include "base/number.h"
#include "base/version.h"
#include "cmd/access.h"
#include "cmd/channels.h"
#include "cmd/monitor.h"
#include "cmd/tracking.h"
#include "cmd/transaction.h"

/* --- AUTH ------------------------------------------------------------------------------------- */

static bool log_in(struct call *call, struct bytes user, struct bytes password)
{
    if (access_log_in(call->context, call->client, ACCESS_TOP_LEVEL, call->argv[0], user, password))
        return true;
    reply_error(call->reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

void connection_auth(struct call *call)
{
    struct bytes user = BYTES("default");
    if (call->argc > 3) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 3)
        user = call->argv[1];
    else if ((users_default(call->context->users)->flags & USER_NO_PASSWORD) != 0) {
        reply_error(call->reply,
                    "ERR AUTH <password> called without any password configured for the default "
                    "user. Are you sure your configuration is correct?");
        return;
    }
    if (log_in(call, user, call->argv[call->argc - 1]))
        reply_ok(call->reply);
}

/* --- HELLO ------------------------------------------------------------------------------------ */

struct hello {
    uint8_t resp; /* 0: as it is */
    bool has_login, has_name;
    struct bytes user, password, name;
};

static bool hello_version(struct call *call, struct hello *hello)
{
    int64_t version = 0;
    if (!number_read_i64(call->argv[1], &version)) {
        reply_error(call->reply, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (version < 2 || version > 3) {
        reply_error(call->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    hello->resp = (uint8_t)version;
    return true;
}

static void hello_option_error(struct call *call, struct bytes option)
{
    reply_errorf(call->reply, "ERR Syntax error in HELLO option '%.*s'",
                 (int)(option.count < 128 ? option.count : 128),
                 option.count > 0 ? (const char *)option.at : "");
}

static bool hello_options(struct call *call, struct hello *hello)
{
    for (uint32_t at = 2; at < call->argc; at++) {
        uint32_t more = call->argc - 1 - at;
        if (call_is(call, at, "auth") && more >= 2) {
            hello->has_login = true;
            hello->user = call->argv[++at];
            hello->password = call->argv[++at];
        } else if (call_is(call, at, "setname") && more >= 1) {
            hello->has_name = true;
            hello->name = call->argv[++at];
            if (!client_name_fits(call, hello->name))
                return false;
        } else {
            hello_option_error(call, call->argv[at]);
            return false;
        }
    }
    return true;
}

static bool hello_admitted(struct call *call, const struct hello *hello)
{
    if (hello->has_login && !log_in(call, hello->user, hello->password))
        return false;
    if ((call->client->flags & CLIENT_AUTHENTICATED) != 0 || !access_needs_password(call->context))
        return true;
    reply_error(call->reply,
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
                "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client "
                "and select the RESP protocol version at the same time");
    return false;
}

static void hello_reply(struct call *call)
{
    struct reply *reply = call->reply;
    reply_map(reply, 7);
    reply_bulk_text(reply, "server");
    reply_bulk_text(reply, "redis");
    reply_bulk_text(reply, "version");
    reply_bulk_text(reply, SNUG_REDIS_VERSION);
    reply_bulk_text(reply, "proto");
    reply_i64(reply, reply->resp);
    reply_bulk_text(reply, "id");
    reply_i64(reply, (int64_t)call->client->id);
    reply_bulk_text(reply, "mode");
    reply_bulk_text(reply, "standalone");
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, "master");
    reply_bulk_text(reply, "modules");
    reply_array(reply, 0);
}

void connection_hello(struct call *call)
{
    struct hello hello = { 0 };
    if (call->argc > 1 && !hello_version(call, &hello))
        return;
    if (!hello_options(call, &hello) || !hello_admitted(call, &hello))
        return;
    if (hello.has_name && !client_take_name(call, hello.name))
        return;
    if (hello.resp != 0)
        call->reply->resp = hello.resp;
    hello_reply(call);
}

/* --- the others ------------------------------------------------------------------------------- */

/* As a message, where nothing but messages is expected. */
static void ping_among_messages(struct call *call)
{
    reply_array(call->reply, 2);
    reply_bulk_text(call->reply, "pong");
    reply_bulk(call->reply, call->argc == 2 ? call->argv[1] : bytes_of(NULL, 0));
}

void connection_ping(struct call *call)
{
    if (call->argc > 2)
        call_arity_error(call);
    else if (call->client->subscriptions != NULL && call->reply->resp == 2)
        ping_among_messages(call);
    else if (call->argc == 2)
        reply_bulk(call->reply, call->argv[1]);
    else
        reply_status(call->reply, "PONG");
}

void connection_echo(struct call *call)
{
    reply_bulk(call->reply, call->argv[1]);
}

void connection_select(struct call *call)
{
    if (call_db(call, 1, &call->client->db))
        reply_ok(call->reply);
}

void connection_quit(struct call *call)
{
    reply_ok(call->reply);
    client_close(call->client, true);
}

/* As after connecting, but for what the client's library said of itself. */
void connection_reset(struct call *call)
{
    struct client *client = call->client;
    transaction_drop(call->context, client);
    monitors_leave(call->context->monitors, client);
    bool cleared = client_set_text(&client->name, bytes_of(NULL, 0));
    (void)cleared; /* taking a text away needs no memory */
    channels_leave_all(call->context->channels, client);
    tracking_stop(call->context->tracker, client);
    client->db = 0;
    client->flags &= ~(uint32_t)(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT |
                                 CLIENT_NO_EVICT | CLIENT_NO_TOUCH);
    users_log_out(call->context->users, client);
    call->reply->muted = false;
    call->reply->resp = 2;
    reply_status(call->reply, "RESET");
}
