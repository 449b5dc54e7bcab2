#include "base/number.h"
#include "cmd/client_types.h"
#include "cmd/connection.h"
#include "cmd/users.h"

enum client_type client_type(const struct client *client)
{
    return client->subscriptions != NULL ? CLIENT_PUBSUB : CLIENT_NORMAL;
}

bool client_type_read(struct call *call, uint32_t at, enum client_type *type)
{
    static const struct {
        const char *word;
        enum client_type type;
    } words[] = { { "normal", CLIENT_NORMAL },
                  { "slave", CLIENT_REPLICA },
                  { "replica", CLIENT_REPLICA },
                  { "pubsub", CLIENT_PUBSUB },
                  { "master", CLIENT_PRIMARY } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (call_is(call, at, words[i].word)) {
            *type = words[i].type;
            return true;
        }
    }
    struct bytes word = call->argv[at];
    reply_errorf(call->reply, "ERR Unknown client type '%.*s'",
                 (int)(word.count < 128 ? word.count : 128),
                 word.count > 0 ? (const char *)word.at : "");
    return false;
}

/* What a client must be like to be killed; what is not asked for is 0 or empty. */
struct kill_filter {
    struct bytes address, local_address;
    int64_t id, max_age_seconds;
    enum client_type type;
    bool has_type;
    const struct user *user;
    bool skip_me;
};

struct kill_walk {
    struct call *call;
    const struct kill_filter *filter;
    int64_t killed;
};

static bool text_is(const char *text, struct bytes wanted)
{
    return wanted.at == NULL || bytes_equal(bytes_of_text(text), wanted);
}

static bool fits(const struct kill_walk *walk, const struct client *client)
{
    const struct kill_filter *filter = walk->filter;
    char text[160];
    if ((client->flags & (CLIENT_CLOSE_NOW | CLIENT_CLOSE_AFTER_REPLY)) != 0)
        return false;
    if (filter->has_type && client_type(client) != filter->type)
        return false;
    if (filter->id != 0 && client->id != (uint64_t)filter->id)
        return false;
    if (filter->user != NULL && client->user != filter->user)
        return false;
    int64_t age_ms = store_now_ms(walk->call->store) - client->created_ms;
    if (filter->max_age_seconds > 0 && age_ms / 1000 < filter->max_age_seconds)
        return false;
    client_peer(client, text, sizeof text);
    if (!text_is(text, filter->address))
        return false;
    client_local(client, text, sizeof text);
    return text_is(text, filter->local_address) &&
           !(filter->skip_me && client == walk->call->client);
}

/* Who kills itself still hears how many died. */
static void kill_visit(void *context, struct client *client)
{
    struct kill_walk *walk = context;
    if (!fits(walk, client))
        return;
    client_close(client, client == walk->call->client);
    walk->killed++;
}

static int64_t kill_fitting(struct call *call, const struct kill_filter *filter)
{
    struct kill_walk walk = { .call = call, .filter = filter };
    net_each_client(call->context->net, kill_visit, &walk);
    return walk.killed;
}

static bool read_positive(struct call *call, uint32_t at, const char *not_integer,
                          const char *not_positive, int64_t *number)
{
    int64_t read = 0;
    if (!number_read_i64(call->argv[at], &read)) {
        reply_error(call->reply, not_integer);
        return false;
    }
    if (read < 1) {
        reply_error(call->reply, not_positive);
        return false;
    }
    *number = read;
    return true;
}

static bool read_user(struct call *call, uint32_t at, struct kill_filter *filter)
{
    struct bytes user = call->argv[at];
    filter->user = users_find(call->context->users, user);
    if (filter->user != NULL)
        return true;
    reply_errorf(call->reply, "ERR No such user '%.*s'", (int)(user.count < 128 ? user.count : 128),
                 user.count > 0 ? (const char *)user.at : "");
    return false;
}

static bool read_skip_me(struct call *call, uint32_t at, bool *skip_me)
{
    *skip_me = call_is(call, at, "yes");
    if (*skip_me || call_is(call, at, "no"))
        return true;
    call_syntax_error(call);
    return false;
}

static bool read_filter(struct call *call, uint32_t at, struct kill_filter *filter)
{
    const char *id_error = "ERR client-id should be greater than 0";
    if (at + 1 >= call->argc) {
        call_syntax_error(call);
        return false;
    }
    if (call_is(call, at, "id"))
        return read_positive(call, at + 1, id_error, id_error, &filter->id);
    if (call_is(call, at, "maxage"))
        return read_positive(call, at + 1, "ERR maxage is not an integer or out of range",
                             "ERR maxage should be greater than 0", &filter->max_age_seconds);
    if (call_is(call, at, "type")) {
        filter->has_type = true;
        return client_type_read(call, at + 1, &filter->type);
    }
    if (call_is(call, at, "user"))
        return read_user(call, at + 1, filter);
    if (call_is(call, at, "skipme"))
        return read_skip_me(call, at + 1, &filter->skip_me);
    if (call_is(call, at, "addr")) {
        filter->address = call->argv[at + 1];
        return true;
    }
    if (call_is(call, at, "laddr")) {
        filter->local_address = call->argv[at + 1];
        return true;
    }
    call_syntax_error(call);
    return false;
}

void client_kill(struct call *call)
{
    struct kill_filter filter = { .skip_me = call->argc > 3 };
    if (call->argc == 3) {
        filter.address = call->argv[2];
        if (kill_fitting(call, &filter) > 0)
            reply_ok(call->reply);
        else
            reply_error(call->reply, "ERR No such client");
        return;
    }
    for (uint32_t at = 2; at < call->argc; at += 2) {
        if (!read_filter(call, at, &filter))
            return;
    }
    reply_i64(call->reply, kill_fitting(call, &filter));
}
