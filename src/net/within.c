/* A turn within a batch: while one of its requests takes too long, the others are looked after. */
#include "base/memory.h"
#include "net/internal.h"

/* What the batch in the midst of which we are keeps, while another one is put together. */
struct outer_batch {
    struct batch batch;
    uint8_t *shared;
    size_t shared_used;
};

/* ---- what was parsed with it ----------------------------------------------------------------- */

/* Requests of others that come later go back to being bytes; places in the batch stay as they are,
 * without a client. */
static void take_back_requests(struct batch *batch, const struct net_request *running)
{
    for (uint32_t i = (uint32_t)(running - batch->requests) + 1; i < batch->count; i++) {
        struct net_request *request = &batch->requests[i];
        if (request->client == NULL || request->client == running->client)
            continue;
        batch_cut(connection_of(request->client), batch->starts[i]);
        request->client = NULL;
    }
}

/* Whoever else was served by the batch is as at its end. */
static void settle_others(struct batch *batch, const struct client *running)
{
    struct connection *connection = batch->first_served, *kept = NULL;
    batch->first_served = batch->last_served = NULL;
    while (connection != NULL) {
        struct connection *next = connection->next_served;
        if (&connection->client == running) {
            kept = connection;
        } else {
            connection->served = false;
            batch_settle(connection);
        }
        connection = next;
    }
    if (kept == NULL)
        return;
    kept->next_served = NULL;
    batch->first_served = batch->last_served = kept;
}

/* ---- the turn -------------------------------------------------------------------------------- */

static bool enter(struct net *net, struct outer_batch *outer)
{
    uint8_t *shared = memory_take(NET_SHARED_BYTES);
    if (shared == NULL)
        return false;
    outer->batch = net->batch;
    outer->shared = net->shared;
    outer->shared_used = net->shared_used;
    net->batch.count = net->batch.argv_used = 0;
    net->batch.first_served = net->batch.last_served = net->batch.current = NULL;
    arena_init(&net->batch.arena);
    net->shared = shared;
    net->shared_used = 0;
    return true;
}

static void leave(struct net *net, const struct outer_batch *outer)
{
    arena_release(&net->batch.arena);
    memory_give(net->shared);
    net->batch = outer->batch;
    net->shared = outer->shared;
    net->shared_used = outer->shared_used;
}

void net_turn_within(struct net *net, const struct net_request *running)
{
    struct outer_batch *outer = memory_take(sizeof *outer);
    if (outer == NULL)
        return;
    take_back_requests(&net->batch, running);
    settle_others(&net->batch, running->client);
    const struct connection *busy = connection_of(running->client);
    const struct connection *current = net->batch.current;
    if (enter(net, outer)) {
        net_serve_but(net, busy, current);
        leave(net, outer);
    }
    memory_give(outer);
}
