#include "base/number.h"
#include "cmd/channels.h"
#include "cmd/client_types.h"
#include "cmd/connection.h"
#include "cmd/tracking.h"
#include "cmd/transaction.h"
#include "cmd/users.h"

enum { ADDRESS_BYTES = 160, FLAGS_BYTES = 24 };

/* --- one line --------------------------------------------------------------------------------- */

/* One letter for each state; N for none. `at` has room for FLAGS_BYTES. */
static void write_flags(const struct client *client, char *at)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {
        { CLIENT_MONITOR, 'O' },
        { CLIENT_IN_MULTI, 'x' },
        { CLIENT_PAUSED | CLIENT_BLOCKED, 'b' },
        { CLIENT_CLOSE_AFTER_REPLY, 'c' },
        { CLIENT_CLOSE_NOW, 'A' },
        { CLIENT_UNIX_SOCKET, 'U' },
        { CLIENT_NO_EVICT, 'e' },
        { CLIENT_NO_TOUCH, 'T' },
    };
    size_t count = 0;
    const struct tracking *tracking = client->tracking;
    if (client->subscriptions != NULL)
        at[count++] = 'P';
    if (tracking != NULL)
        at[count++] = 't';
    if (tracking != NULL && (tracking->flags & TRACKING_BROKEN) != 0)
        at[count++] = 'R';
    if (tracking != NULL && (tracking->flags & TRACKING_BCAST) != 0)
        at[count++] = 'B';
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if ((client->flags & letters[i].flag) != 0)
            at[count++] = letters[i].letter;
        if (i == 2 && transaction_figures(client).changed)
            at[count++] = 'd';
    }
    if (count == 0)
        at[count++] = 'N';
    at[count] = '\0';
}

static uint64_t argument_bytes(const struct call *call, const struct client *client)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; client == call->client && i < call->argc; i++)
        bytes += call->argv[i].count;
    return bytes;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static bool write_who(const struct call *call, const struct client *client, struct buffer *lines)
{
    char peer[ADDRESS_BYTES], local[ADDRESS_BYTES], flags[FLAGS_BYTES];
    client_peer(client, peer, sizeof peer);
    client_local(client, local, sizeof local);
    write_flags(client, flags);
    struct transaction_figures transaction = transaction_figures(client);
    int64_t now_ms = store_now_ms(call->store);
    return buffer_printf(
        lines,
        "id=%llu addr=%s laddr=%s fd=%i name=%s age=%lld idle=%lld flags=%s db=%u sub=%u "
        "psub=%u ssub=%u multi=%lld watch=%u",
        (unsigned long long)client->id, peer, local, client->fd, text_or_empty(client->name),
        (long long)((now_ms - client->created_ms) / 1000),
        (long long)((now_ms - client->active_ms) / 1000), flags, client->db,
        channels_count_of(client, SUBSCRIBED_CHANNEL),
        channels_count_of(client, SUBSCRIBED_PATTERN), channels_count_of(client, SUBSCRIBED_SHARD),
        (long long)transaction.queued, transaction.watched);
}

/* Replies stand in shared chunks: a client has no buffer of its own (rbs, rbp, obl). */
static bool write_memory(const struct call *call, const struct client *client, struct buffer *lines)
{
    bool waits_to_write = client != call->client && reply_unsent(&client->reply) > 0;
    return buffer_printf(
        lines,
        " qbuf=%llu qbuf-free=%llu argv-mem=%llu multi-mem=%llu rbs=0 rbp=0 obl=0 oll=%u omem=%llu "
        "tot-mem=%llu events=%s",
        (unsigned long long)client->input.count, (unsigned long long)client_input_free(client),
        (unsigned long long)argument_bytes(call, client),
        (unsigned long long)transaction_figures(client).queued_bytes, client_output_chunks(client),
        (unsigned long long)client_output_memory(client), (unsigned long long)client_memory(client),
        waits_to_write ? "rw" : "r");
}

static bool write_line(const struct call *call, const struct client *client, struct buffer *lines)
{
    const char *command = "NULL";
    if (client->last_command != NULL)
        command = cmd_table_row(call->context->table, client->last_command)->full_name;
    return write_who(call, client, lines) && write_memory(call, client, lines) &&
           buffer_printf(lines, " cmd=%s user=", command) &&
           buffer_append(lines, client_user_name(client)) &&
           buffer_printf(lines, " redir=%lld resp=%d lib-name=%s lib-ver=%s",
                         (long long)client_redirect(client), client->reply.resp,
                         text_or_empty(client->lib_name), text_or_empty(client->lib_version));
}

bool client_describe(struct cmd_context *context, const struct client *client, struct buffer *line)
{
    struct call call = { .context = context, .store = context->store };
    return write_line(&call, client, line);
}

static void reply_lines(struct call *call, struct buffer *lines, bool complete)
{
    if (complete)
        reply_verbatim(call->reply, "txt", buffer_view(lines));
    else
        call_memory_error(call);
    buffer_release(lines);
}

void client_info(struct call *call)
{
    struct buffer lines = { 0 };
    bool complete = write_line(call, call->client, &lines) && buffer_append_byte(&lines, '\n');
    reply_lines(call, &lines, complete);
}

/* --- the list --------------------------------------------------------------------------------- */

struct list_walk {
    struct call *call;
    struct buffer lines;
    const enum client_type *type; /* NULL: of all types */
    bool complete;
};

static void list_visit(void *context, struct client *client)
{
    struct list_walk *walk = context;
    if (walk->type != NULL && client_type(client) != *walk->type)
        return;
    walk->complete = walk->complete && write_line(walk->call, client, &walk->lines) &&
                     buffer_append_byte(&walk->lines, '\n');
}

static void list_by_ids(struct call *call)
{
    struct list_walk walk = { .call = call, .complete = true };
    for (uint32_t at = 3; at < call->argc; at++) {
        int64_t id = 0;
        if (!number_read_i64(call->argv[at], &id)) {
            buffer_release(&walk.lines);
            reply_error(call->reply, "ERR Invalid client ID");
            return;
        }
        struct client *client = id > 0 ? net_client_by_id(call->context->net, (uint64_t)id) : NULL;
        if (client != NULL)
            list_visit(&walk, client);
    }
    reply_lines(call, &walk.lines, walk.complete);
}

void client_list(struct call *call)
{
    struct list_walk walk = { .call = call, .complete = true };
    enum client_type type = CLIENT_NORMAL;
    if (call->argc == 4 && call_is(call, 2, "type")) {
        if (!client_type_read(call, 3, &type))
            return;
        walk.type = &type;
    } else if (call->argc > 3 && call_is(call, 2, "id")) {
        list_by_ids(call);
        return;
    } else if (call->argc != 2) {
        call_syntax_error(call);
        return;
    }
    net_each_client(call->context->net, list_visit, &walk);
    reply_lines(call, &walk.lines, walk.complete);
}
