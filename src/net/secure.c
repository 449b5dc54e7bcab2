/* What is different for a connection over TLS: it begins with a handshake, bytes may be ready where
 * epoll does not see them, and reading may have to wait for writing. */
#include "net/internal.h"
#include "os/log.h"
#include "os/net.h"

#include <errno.h>

enum { HANDSHAKE_LOG_MS = 1000 };

/* ---- memory ---------------------------------------------------------------------------------- */

static const struct tls_part *part_of(const struct connection *connection)
{
    return connection->client.net->tls_part;
}

static void count_memory(struct connection *connection)
{
    uint64_t bytes = connection->tls == NULL ? 0 : part_of(connection)->memory(connection->tls);
    connection->client.net->tls_held += bytes - connection->tls_bytes; /* may wrap: a subtraction */
    connection->tls_bytes = bytes;
}

/* ---- coming and going ------------------------------------------------------------------------ */

bool secure_begin(struct connection *connection)
{
    struct net *net = connection->client.net;
    if (net->tls == NULL)
        return false;
    connection->tls = net->tls_part->make(net->seam, connection->client.fd);
    if (connection->tls == NULL)
        return false;
    queue_put(connection, QUEUE_HANDSHAKE);
    count_memory(connection);
    return true;
}

void secure_end(struct connection *connection)
{
    if (connection->tls == NULL)
        return;
    queue_leave(connection);
    part_of(connection)->drop(connection->tls);
    connection->tls = NULL;
    count_memory(connection);
}

static int64_t waits_ms(const struct net *net, const struct connection *connection)
{
    return net->clock.wall_ms - connection->client.created_ms;
}

bool secure_has_room(struct net *net)
{
    struct connection *oldest = net->queues[QUEUE_HANDSHAKE].first;
    if (net->queues[QUEUE_HANDSHAKE].count < NET_HANDSHAKES_MAX)
        return true;
    if (waits_ms(net, oldest) < NET_HANDSHAKE_FAIR_MS)
        return false;
    connection_close(oldest);
    return true;
}

/* ---- the handshake --------------------------------------------------------------------------- */

/* Once a second at most, so that nobody can fill the log. */
static void log_failure(struct connection *connection, const char *why)
{
    struct net *net = connection->client.net;
    char peer[128], local[128];
    if (net->logged_handshake_ms != 0 &&
        net->clock.wall_ms - net->logged_handshake_ms < HANDSHAKE_LOG_MS) {
        net->handshakes_not_logged++;
        return;
    }
    client_peer(&connection->client, peer, sizeof(peer));
    client_local(&connection->client, local, sizeof(local));
    net_log(net, LOG_LEVEL_VERBOSE,
            "Error accepting a client connection: %s (addr=%s laddr=%s), and %llu not told of", why,
            peer, local, (unsigned long long)net->handshakes_not_logged);
    net->logged_handshake_ms = net->clock.wall_ms;
    net->handshakes_not_logged = 0;
}

void secure_end_slow(struct net *net)
{
    struct connection *oldest;
    while ((oldest = net->queues[QUEUE_HANDSHAKE].first) != NULL &&
           waits_ms(net, oldest) > NET_HANDSHAKE_MS) {
        log_failure(oldest, "its handshake takes too long");
        connection_close(oldest);
    }
}

/* Now it is known who is there, and something can be said. */
static void welcome(struct connection *connection)
{
    struct client *client = &connection->client;
    struct net *net = client->net;
    uint8_t at[TLS_NAME_MAX];
    struct bytes denial;
    client->active_ms = net->clock.wall_ms;
    if (net_denies(net, connection, &denial)) {
        reply_raw(&client->reply, denial);
        client_close(client, true);
        return;
    }
    struct bytes name = part_of(connection)->common_name(connection->tls, at);
    if (name.count > 0 && net->handler.certified != NULL)
        net->handler.certified(net->handler.context, client, name);
}

bool secure_may_receive(struct connection *connection)
{
    struct net *net = connection->client.net;
    struct tls_reason reason;
    if (connection->queue == QUEUE_MORE)
        queue_leave(connection);
    if (connection->queue != QUEUE_HANDSHAKE)
        return true;
    enum tls_progress progress = part_of(connection)->handshake(connection->tls, net->tls, &reason);
    count_memory(connection);
    if (progress == TLS_FAILED) {
        log_failure(connection, reason.text);
        connection_close(connection);
        return false;
    }
    if (progress == TLS_DONE) {
        queue_leave(connection);
        welcome(connection);
    }
    connection->choked = part_of(connection)->unsent(connection->tls) != 0;
    connection_interest(connection);
    if (connection->queue == QUEUE_MORE)
        queue_leave(connection); /* it is received from at once */
    return progress == TLS_DONE;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

ssize_t secure_receive(struct connection *connection, void *at, size_t room)
{
    ssize_t got = part_of(connection)->receive(connection->tls, at, room);
    int error = errno;
    count_memory(connection);
    if (part_of(connection)->wants_room(connection->tls)) {
        connection->choked = true;
        connection_interest(connection);
    }
    errno = error;
    return got;
}

ssize_t secure_send(struct connection *connection, const struct iovec *parts, int count)
{
    ssize_t sent = part_of(connection)->send(connection->tls, parts, count);
    int error = errno;
    count_memory(connection);
    errno = error;
    return sent;
}

uint32_t secure_interest(struct connection *connection, uint32_t wanted)
{
    if (part_of(connection)->wants_room(connection->tls))
        return (wanted & ~(uint32_t)EPOLLIN) | EPOLLOUT; /* reading again would bring nothing */
    if (part_of(connection)->has_more(connection->tls) && connection->queue == QUEUE_NONE &&
        !connection_stopped(connection) && !connection->closing)
        queue_put(connection, QUEUE_MORE);
    return wanted;
}
