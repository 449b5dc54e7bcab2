#include "net/internal.h"
#include "os/log.h"

#include <errno.h>

static const struct net_output_limit *limit_of(const struct connection *connection)
{
    return &connection->client.net->limits.output[connection->client.class_of_limits];
}

void output_set_limit(struct connection *connection)
{
    bool known = (connection->client.flags & CLIENT_AUTHENTICATED) != 0;
    connection->client.reply.bytes_max =
        known ? limit_of(connection)->hard : NET_OUTPUT_UNKNOWN_MAX;
}

/* There is no net where commands are tried without one. */
void client_set_class(struct client *client, enum client_class class)
{
    client->class_of_limits = (uint8_t) class;
    if (client->net != NULL)
        output_set_limit(connection_of(client));
}

static void log_output(struct connection *connection, const char *why)
{
    char peer[128];
    client_peer(&connection->client, peer, sizeof(peer));
    net_log(connection->client.net, LOG_LEVEL_WARNING, "Closing client %llu (%s): %s",
            (unsigned long long)connection->client.id, peer, why);
}

static void close_for_output(struct connection *connection)
{
    connection->client.net->figures.output_buffer_disconnections++;
    if (connection->client.flags & CLIENT_AUTHENTICATED)
        log_output(connection, "its unsent replies pass client-output-buffer-limit");
    else
        unknown_log(connection, "it does not read its replies");
    connection_close(connection);
}

/* Over the soft limit for too long, or over the hard one now. */
bool output_over_limits(struct connection *connection)
{
    struct net *net = connection->client.net;
    const struct net_output_limit *limit = limit_of(connection);
    uint64_t unsent = reply_unsent(&connection->client.reply);
    if (limit->soft == 0 || unsent <= limit->soft)
        connection->soft_since_ms = 0;
    else if (connection->soft_since_ms == 0)
        connection->soft_since_ms = net->clock.wall_ms;
    bool soft = connection->soft_since_ms != 0 && net->clock.wall_ms - connection->soft_since_ms >
                                                      (int64_t)limit->soft_seconds * 1000;
    bool hard = limit->hard != 0 && unsent > limit->hard;
    if (soft || hard)
        close_for_output(connection);
    return soft || hard;
}

/* Bytes taken by the system; 0: none now. The connection may be closed. */
static size_t send_parts(struct connection *connection, const struct iovec *parts, int count)
{
    struct client *client = &connection->client;
    struct net *net = client->net;
    ssize_t sent = LIKELY(connection->tls == NULL)
                       ? net->seam->send(net->seam->context, client->fd, parts, count)
                       : secure_send(connection, parts, count);
    net->figures.writes++;
    if (LIKELY(sent > 0)) {
        reply_sent(&client->reply, (uint64_t)sent);
        client->active_ms = net->clock.wall_ms; /* who waited long was not idle */
        client->output_bytes += (uint64_t)sent;
        net->figures.output_bytes += (uint64_t)sent;
        return (size_t)sent;
    }
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        connection_close(connection);
    return 0;
}

static size_t parts_bytes(const struct iovec *parts, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

/* As much as goes, up to NET_SEND_MAX. */
static void send_some(struct connection *connection)
{
    enum { PARTS_MAX = 64 };
    struct iovec parts[PARTS_MAX];
    size_t total = 0;
    while (total < NET_SEND_MAX) {
        int count = reply_parts(&connection->client.reply, parts, PARTS_MAX);
        if (count == 0 && connection_unsent(connection) == 0)
            return;
        size_t asked = parts_bytes(parts, count);
        size_t sent = send_parts(connection, parts, count);
        total += sent;
        if (sent < asked)
            return;
        if (LIKELY(reply_unsent(&connection->client.reply) == 0))
            return;
    }
}

static void keep_unsent(struct connection *connection)
{
    struct client *client = &connection->client;
    reply_keep(&client->reply);
    if (client->reply.failed) {
        connection_close(connection);
        return;
    }
    if (output_over_limits(connection))
        return;
    if (UNLIKELY(!unknown_fits(connection))) {
        unknown_close(connection);
        return;
    }
    net_note_peaks(client->net, 0, reply_unsent(&client->reply));
    connection->choked = true;
    connection_interest(connection);
}

void connection_send(struct connection *connection)
{
    send_some(connection);
    if (connection->closing)
        return;
    if (UNLIKELY(connection_unsent(connection) != 0)) {
        keep_unsent(connection);
    } else if (connection->client.flags & CLIENT_CLOSE_AFTER_REPLY) {
        connection_close(connection);
    } else {
        connection->soft_since_ms = 0;
        connection->choked = false;
        unknown_count(connection);
        connection_interest(connection);
    }
}

/* A reply that failed has lost bytes: what follows would be read as something else. */
static void close_failed(struct connection *connection)
{
    if (connection->client.reply.over_limit)
        close_for_output(connection);
    else {
        log_output(connection, "no memory for its replies");
        connection_close(connection);
    }
}

static void send_written(struct connection *connection)
{
    const struct reply *reply = &connection->client.reply;
    if (connection->closing)
        return;
    if (UNLIKELY(reply->failed))
        close_failed(connection);
    else if (UNLIKELY(connection->choked))
        keep_unsent(connection); /* epoll says when there is room */
    else
        connection_send(connection);
}

/* The one whose requests are still being parsed goes on writing, unless it has much already. */
void net_send_written(struct net *net)
{
    const struct connection *current = net->batch.current;
    struct reply *reply, *later = NULL;
    if (net->handler.sending != NULL)
        net->handler.sending(net->handler.context);
    while ((reply = reply_pool_next_written(&net->pool)) != NULL) {
        struct connection *connection = reply->owner;
        if (connection == current && !reply->failed && reply_unsent(reply) < NET_SEND_CURRENT)
            later = reply;
        else
            send_written(connection);
    }
    if (later != NULL)
        reply_list_written(later);
}
