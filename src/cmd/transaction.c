#include "cmd/transaction.h"

#include "base/memory.h"
#include "cmd/args.h"
#include "cmd/connection.h"
#include "cmd/dispatch.h"
#include "cmd/nested.h"
#include "cmd/scripting.h"
#include "cmd/watch.h"
#include "conf/config.h"

#include <string.h>

enum { SHOWN_MAX = 512 };

struct queued {
    struct queued *next;
    struct command_row *row;
    uint32_t argc;
    struct bytes argv[]; /* and their bytes behind */
};

struct transaction {
    struct queued *first, *last;
    uint32_t count;
    uint32_t flags_of_any, flags_of_all; /* of the queued commands */
    uint64_t bytes;                      /* of the queue */
    uint64_t argument_bytes;             /* as CLIENT LIST tells them */
    bool spoiled;
    struct watch_list watching;
};

/* --- made and dropped ------------------------------------------------------------------------- */

static uint64_t kept(const struct client *client)
{
    const struct transaction *transaction = client->transaction;
    return transaction == NULL
               ? 0
               : sizeof *transaction + transaction->bytes + transaction->watching.bytes;
}

static void count_kept(struct client *client, uint64_t before)
{
    client_hold(client, (int64_t)(kept(client) - before));
}

static struct transaction *transaction_of(struct call *call)
{
    struct client *client = call->client;
    if (client->transaction != NULL)
        return client->transaction;
    client->transaction = memory_take_zeroed(sizeof *client->transaction);
    if (client->transaction == NULL)
        call_memory_error(call);
    count_kept(client, 0);
    return client->transaction;
}

static void forget_queue(struct transaction *transaction)
{
    struct queued *next = NULL;
    for (struct queued *queued = transaction->first; queued != NULL; queued = next) {
        next = queued->next;
        memory_give(queued);
    }
    *transaction = (struct transaction){ .watching = transaction->watching };
}

void transaction_drop(struct cmd_context *context, struct client *client)
{
    struct transaction *transaction = client->transaction;
    if (transaction == NULL)
        return;
    uint64_t before = kept(client);
    forget_queue(transaction);
    unwatch_all(context->watchers, &transaction->watching);
    memory_give(transaction);
    client->transaction = NULL;
    client->flags &= ~(uint32_t)CLIENT_IN_MULTI;
    count_kept(client, before);
}

struct transaction_figures transaction_figures(const struct client *client)
{
    const struct transaction *transaction = client->transaction;
    bool open = (client->flags & CLIENT_IN_MULTI) != 0;
    if (transaction == NULL)
        return (struct transaction_figures){ .queued = -1 };
    return (struct transaction_figures){ .queued = open ? (int64_t)transaction->count : -1,
                                         .watched = transaction->watching.count,
                                         .queued_bytes = transaction->argument_bytes,
                                         .changed = transaction->watching.changed };
}

/* --- queueing --------------------------------------------------------------------------------- */

bool transaction_passes(const struct command_row *row)
{
    void (*run)(struct call *) = row->run;
    return run == cmd_exec || run == cmd_discard || run == cmd_multi || run == cmd_watch ||
           run == connection_quit || run == connection_reset;
}

void transaction_spoil(struct client *client)
{
    if ((client->flags & CLIENT_IN_MULTI) != 0)
        client->transaction->spoiled = true;
}

uint32_t transaction_flags(const struct client *client, const struct command_row *row)
{
    enum { FROM_ANY = CMD_WRITE | CMD_MAY_REPLICATE | CMD_DENYOOM, IF_ALL = CMD_LOADING };
    const struct transaction *transaction = client->transaction;
    if (row->run != cmd_exec || transaction == NULL || transaction->count == 0)
        return row->flags;
    return (row->flags | (transaction->flags_of_any & FROM_ANY)) &
           (transaction->flags_of_all | ~(uint32_t)IF_ALL);
}

static struct queued *copy_call(const struct call *call, struct command_row *row, size_t bytes)
{
    struct queued *queued = memory_take(bytes);
    if (queued == NULL)
        return NULL;
    *queued = (struct queued){ .row = row, .argc = call->argc };
    uint8_t *at = (uint8_t *)&queued->argv[call->argc];
    for (uint32_t i = 0; i < call->argc; i++) {
        struct bytes text = call->argv[i];
        if (text.count > 0)
            memcpy(at, text.at, text.count);
        queued->argv[i] = bytes_of(at, text.count);
        at += text.count;
    }
    return queued;
}

static void append(struct transaction *transaction, struct queued *queued, uint32_t flags,
                   uint64_t bytes)
{
    if (transaction->last == NULL)
        transaction->first = queued;
    else
        transaction->last->next = queued;
    transaction->last = queued;
    transaction->flags_of_all = transaction->count == 0 ? flags : transaction->flags_of_all & flags;
    transaction->flags_of_any |= flags;
    transaction->count++;
    transaction->bytes += bytes;
}

/* As a request that is too long: who sends more than client-query-buffer-limit is closed. */
static bool over_limit(const struct call *call, uint64_t bytes)
{
    uint64_t limit = call->context->config->client_query_buffer_limit;
    if (limit == 0 || call->client->transaction->bytes + bytes <= limit)
        return false;
    client_close(call->client, false);
    return true;
}

static void refuse(struct call *call, struct command_row *row, const char *error)
{
    reply_error(call->reply, error);
    transaction_spoil(call->client);
    dispatch_refused(call->context->dispatch, row, call->reply);
}

void transaction_queue(struct call *call, struct command_row *row)
{
    struct transaction *transaction = call->client->transaction;
    uint64_t before = kept(call->client), text_bytes = 0;
    if ((row->flags & CMD_NO_MULTI) != 0) {
        refuse(call, row, "ERR Command not allowed inside a transaction");
        return;
    }
    for (uint32_t i = 0; i < call->argc; i++)
        text_bytes += call->argv[i].count;
    uint64_t bytes = sizeof(struct queued) + call->argc * sizeof(struct bytes) + text_bytes;
    if (over_limit(call, bytes))
        return;
    struct queued *queued = copy_call(call, row, bytes);
    if (queued == NULL) {
        refuse(call, row, "OOM out of memory, the command was not queued");
        return;
    }
    append(transaction, queued, row->flags | scripting_queued_flags(call, row), bytes);
    transaction->argument_bytes += text_bytes + call->argc * sizeof(void *);
    count_kept(call->client, before);
    reply_status(call->reply, "QUEUED");
}

/* --- the commands ----------------------------------------------------------------------------- */

void cmd_multi(struct call *call)
{
    if ((call->client->flags & CLIENT_IN_MULTI) != 0) {
        reply_error(call->reply, "ERR MULTI calls can not be nested");
        return;
    }
    if (transaction_of(call) == NULL)
        return;
    call->client->flags |= CLIENT_IN_MULTI;
    reply_ok(call->reply);
}

void cmd_discard(struct call *call)
{
    if ((call->client->flags & CLIENT_IN_MULTI) == 0) {
        reply_error(call->reply, "ERR DISCARD without MULTI");
        return;
    }
    transaction_drop(call->context, call->client);
    reply_ok(call->reply);
}

static bool watch_argument(struct call *call, struct transaction *transaction, uint32_t at)
{
    struct key key = call_key(call, at - 1, at);
    return watch_key(call->context->watchers, &transaction->watching, call->db, &key);
}

void cmd_watch(struct call *call)
{
    if ((call->client->flags & CLIENT_IN_MULTI) != 0) {
        reply_error(call->reply, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    struct transaction *transaction = transaction_of(call);
    if (transaction == NULL)
        return;
    uint64_t before = kept(call->client);
    bool watched = true;
    for (uint32_t at = 1; at < call->argc && watched; at++)
        watched = transaction->watching.changed || watch_argument(call, transaction, at);
    count_kept(call->client, before);
    if (watched)
        reply_ok(call->reply);
    else
        call_memory_error(call);
}

/* Within EXEC it has nothing to do: there all is unwatched. */
void cmd_unwatch(struct call *call)
{
    if ((call->client->flags & CLIENT_IN_MULTI) == 0)
        transaction_drop(call->context, call->client);
    reply_ok(call->reply);
}

/* The bytes of a reply that nobody sends, as far as they fit. */
static struct bytes bytes_of_reply(struct reply *reply, uint8_t *at, size_t most)
{
    struct iovec parts[4];
    int count = reply_parts(reply, parts, 4);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        size_t fits = parts[i].iov_len < most - used ? parts[i].iov_len : most - used;
        memcpy(at + used, parts[i].iov_base, fits);
        used += fits;
    }
    return bytes_of(at, used);
}

/* An error reply's text: without its sign, its code if that is ERR, and the end of the line. */
static struct bytes error_of(struct reply *why, uint8_t *at, size_t most)
{
    static const struct bytes head = { (const uint8_t *)"-ERR ", 5 };
    struct bytes text = bytes_of_reply(why, at, most);
    while (text.count > 0 && (text.at[text.count - 1] == '\n' || text.at[text.count - 1] == '\r'))
        text.count--;
    size_t skipped = text.count > 0 ? 1 : 0;
    if (text.count >= head.count && memcmp(text.at, head.at, head.count) == 0)
        skipped = head.count;
    return bytes_of(text.at + skipped, text.count - skipped);
}

void transaction_abort(struct cmd_context *context, struct client *client, struct reply *why)
{
    uint8_t room[SHOWN_MAX];
    struct bytes error = error_of(why, room, sizeof room);
    transaction_drop(context, client);
    reply_errorf(&client->reply, "EXECABORT Transaction discarded because of: %.*s",
                 (int)error.count, (const char *)error.at);
}

/* --- EXEC ------------------------------------------------------------------------------------- */

/* Rights may have been taken away since the command was queued. */
static bool is_allowed_still(const struct call *call, const struct queued *queued)
{
    return dispatch_allows(call->context->dispatch, queued->row, call->client, queued->argv,
                           queued->argc, ACCESS_IN_EXEC, call->reply);
}

static void run_queued(struct call *call, struct queued *queued)
{
    uint32_t errors = call->reply->errors;
    if (is_allowed_still(call, queued)) {
        (void)nested_run_row(call, queued->row, queued->argv, queued->argc, 0, call->reply);
        return;
    }
    nested_refused(call, queued->row, call->reply);
    call->reply->errors = errors;
}

void cmd_exec(struct call *call)
{
    struct client *client = call->client;
    struct transaction *transaction = client->transaction;
    if ((client->flags & CLIENT_IN_MULTI) == 0) {
        reply_error(call->reply, "ERR EXEC without MULTI");
        return;
    }
    watch_look(call->context->watchers, &transaction->watching);
    if (transaction->spoiled) {
        reply_error(call->reply, "EXECABORT Transaction discarded because of previous errors.");
    } else if (transaction->watching.changed) {
        reply_nil_array(call->reply);
    } else {
        uint64_t before = kept(client);
        unwatch_all(call->context->watchers, &transaction->watching);
        count_kept(client, before);
        reply_array(call->reply, transaction->count);
        for (struct queued *queued = transaction->first; queued != NULL; queued = queued->next)
            run_queued(call, queued);
    }
    transaction_drop(call->context, client);
}
