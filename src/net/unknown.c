/* Before authentication a connection may hold little, and all such together not much more: there
 * may be thousands of them, and nobody knows whose they are. */
#include "net/internal.h"
#include "os/log.h"

enum { UNKNOWN_LOG_MS = 1000 };

static bool is_known(const struct connection *connection)
{
    return (connection->client.flags & CLIENT_AUTHENTICATED) != 0;
}

static uint64_t held_by(const struct connection *connection)
{
    if (is_known(connection))
        return 0;
    return connection->client.input.capacity + client_output_memory(&connection->client);
}

void unknown_count(struct connection *connection)
{
    if (LIKELY(is_known(connection) && connection->unknown_bytes == 0))
        return;
    uint64_t held = connection->closing ? 0 : held_by(connection);
    connection->client.net->unknown_held += held - connection->unknown_bytes; /* may wrap back */
    connection->unknown_bytes = held;
}

bool unknown_fits(struct connection *connection)
{
    unknown_count(connection);
    uint64_t held = connection->unknown_bytes;
    if (LIKELY(held == 0))
        return true;
    if (connection->client.input.count > NET_INPUT_UNKNOWN_MAX)
        return false;
    return held <= NET_UNKNOWN_FREE || connection->client.net->unknown_held <= NET_UNKNOWN_MAX;
}

void unknown_log(struct connection *connection, const char *why)
{
    struct net *net = connection->client.net;
    char peer[128];
    if (net->logged_unknown_ms != 0 &&
        net->clock.wall_ms - net->logged_unknown_ms < UNKNOWN_LOG_MS) {
        net->unknown_not_logged++;
        return;
    }
    client_peer(&connection->client, peer, sizeof(peer));
    net_log(net, LOG_LEVEL_WARNING,
            "Closing client %llu (%s) before authentication: %s; and %llu not told of",
            (unsigned long long)connection->client.id, peer, why,
            (unsigned long long)net->unknown_not_logged);
    net->logged_unknown_ms = net->clock.wall_ms;
    net->unknown_not_logged = 0;
}

void unknown_close(struct connection *connection)
{
    unknown_log(connection, "it holds too much");
    connection->client.net->figures.query_buffer_disconnections++;
    connection_close(connection);
}
