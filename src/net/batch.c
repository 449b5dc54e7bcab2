#include "net/internal.h"

bool batch_add(struct net *net, struct connection *connection, struct bytes *argv, uint32_t argc,
               size_t bytes)
{
    struct batch *batch = &net->batch;
    struct net_request *request = &batch->requests[batch->count];
    *request = (struct net_request){ &connection->client, argv, argc };
    if (UNLIKELY(net->paused_until_ms != 0) && net_holds(net, request)) {
        connection->cut = connection->hold = true;
        return false;
    }
    batch->starts[batch->count++] = connection->at;
    connection->at += bytes;
    return true;
}

/* ---- executing ------------------------------------------------------------------------------- */

/* Whether a request left in a batch that ended early is to be executed still. */
static bool goes_on(struct net *net, const struct net_request *request)
{
    struct connection *connection = connection_of(request->client);
    uint32_t flags = request->client->flags;
    if (connection->cut || (flags & CLIENT_STOPPED & ~(uint32_t)CLIENT_ASK_AGAIN))
        return false;
    if (!(flags & CLIENT_ASK_AGAIN) || !net_holds(net, request))
        return true;
    connection->hold = true;
    return false;
}

/* From here on the connection's bytes count as not parsed. */
void batch_cut(struct connection *connection, const uint8_t *start)
{
    if (connection->cut)
        return;
    connection->cut = true;
    connection->at = start;
    reader_reset(&connection->reader);
}

/* Leaves in the batch what can go on now, from `from`. */
static void look_again(struct net *net, uint32_t from)
{
    struct batch *batch = &net->batch;
    uint32_t kept = from;
    for (uint32_t i = from; i < batch->count; i++) {
        if (batch->requests[i].client == NULL)
            continue;
        if (goes_on(net, &batch->requests[i])) {
            batch->requests[kept] = batch->requests[i];
            batch->starts[kept++] = batch->starts[i];
        } else {
            batch_cut(connection_of(batch->requests[i].client), batch->starts[i]);
        }
    }
    batch->count = kept;
    for (uint32_t i = from; i < kept; i++)
        batch->requests[i].client->flags &= ~(uint32_t)CLIENT_ASK_AGAIN;
}

static void execute(struct net *net)
{
    struct batch *batch = &net->batch;
    uint32_t from = 0;
    while (from < batch->count) {
        struct net_request *requests = batch->requests + from;
        size_t done = net->handler.batch(net->handler.context, requests, batch->count - from);
        for (size_t i = 0; i < done; i++) {
            if (LIKELY(requests[i].client != NULL))
                requests[i].client->commands++;
        }
        net->figures.commands += done;
        from += (uint32_t)done;
        if (from == batch->count)
            break;
        ENSURE(batch->requests[from].client->flags & CLIENT_STOPPED);
        look_again(net, from);
    }
}

/* ---- settling -------------------------------------------------------------------------------- */

void batch_serve(struct net *net, struct connection *connection)
{
    struct batch *batch = &net->batch;
    connection->served = true;
    connection->next_served = NULL;
    if (batch->last_served == NULL)
        batch->first_served = connection;
    else
        batch->last_served->next_served = connection;
    batch->last_served = connection;
}

/* Where the connection stands until its next turn. */
static void wait_for_turn(struct connection *connection)
{
    struct client *client = &connection->client;
    if (connection->hold) {
        client->flags |= CLIENT_PAUSED;
        queue_put(connection, QUEUE_PAUSED);
    } else if (connection->cut && !(client->flags & CLIENT_BLOCKED)) {
        queue_put(connection, QUEUE_READY);
    }
    connection_interest(connection);
}

void batch_settle(struct connection *connection)
{
    struct client *client = &connection->client;
    client->flags &= ~(uint32_t)CLIENT_ASK_AGAIN;
    if (client->flags & CLIENT_CLOSE_NOW)
        connection_close(connection);
    else if (client->flags & CLIENT_CLOSE_AFTER_REPLY)
        client_close(client, true);
    else if (input_settle(connection))
        wait_for_turn(connection);
    else
        connection_close(connection);
}

static void settle_served(struct batch *batch)
{
    struct connection *connection = batch->first_served;
    batch->first_served = batch->last_served = NULL;
    while (connection != NULL) {
        struct connection *next = connection->next_served;
        connection->served = false;
        batch_settle(connection);
        connection = next;
    }
}

/* The one still being parsed keeps its bytes where they are. */
void batch_run(struct net *net)
{
    struct batch *batch = &net->batch;
    execute(net);
    settle_served(batch);
    if (batch->current != NULL)
        batch->current->client.flags &= ~(uint32_t)CLIENT_ASK_AGAIN;
    else
        net->shared_used = 0;
    batch->count = 0;
    batch->argv_used = 0;
    arena_reset(&batch->arena);
    net_send_written(net);
    net_evict(net);
}
