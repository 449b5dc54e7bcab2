#include "net/internal.h"

void net_pause(struct net *net, int64_t until_ms, bool writes_only)
{
    if (net->paused_until_ms == 0)
        net->pause_writes_only = writes_only;
    else
        net->pause_writes_only = net->pause_writes_only && writes_only;
    if (until_ms > net->paused_until_ms)
        net->paused_until_ms = until_ms;
    for (uint32_t i = 0; i < net->batch.count; i++)
        net->batch.requests[i].client->flags |= CLIENT_ASK_AGAIN;
}

static void resume_all(struct net *net)
{
    struct connection *connection;
    while ((connection = net->queues[QUEUE_PAUSED].first) != NULL) {
        connection->client.flags &= ~(uint32_t)CLIENT_PAUSED;
        queue_put(connection, QUEUE_READY);
        connection_interest(connection);
    }
}

void net_unpause(struct net *net)
{
    net->paused_until_ms = 0;
    resume_all(net);
}

bool net_is_paused(const struct net *net)
{
    return net->paused_until_ms != 0;
}

void net_pause_check(struct net *net)
{
    if (UNLIKELY(net->paused_until_ms != 0) && net->clock.wall_ms >= net->paused_until_ms)
        net_unpause(net);
}

bool net_holds(struct net *net, const struct net_request *request)
{
    return net->paused_until_ms != 0 &&
           net->handler.held(net->handler.context, request, net->pause_writes_only);
}
