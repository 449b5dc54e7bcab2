#include "net/internal.h"
#include "os/log.h"
#include "os/net.h"

#include <errno.h>
#include <string.h>

enum {
    ACCEPTS_PER_TURN = 128, /* so that a storm of connections does not starve who is served */
    ACCEPT_LOG_MS = 1000,
};

static uintptr_t tagged(const struct listener *listener)
{
    return (uintptr_t)listener | 1;
}

/* A listener keeps its place for good, since epoll holds its address; a closed one is -1. */
static struct listener *free_place(struct net *net)
{
    for (uint32_t i = 0; i < net->listener_count; i++) {
        if (net->listeners[i].fd < 0)
            return &net->listeners[i];
    }
    if (net->listener_count == NET_LISTENERS_MAX)
        return NULL;
    return &net->listeners[net->listener_count++];
}

bool net_listen(struct net *net, int listener, enum net_door door)
{
    struct listener *place = free_place(net);
    if (place == NULL)
        return false;
    *place = (struct listener){ listener, door };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = (void *)tagged(place) };
    if (epoll_ctl(net->epoll, EPOLL_CTL_ADD, listener, &event) == 0)
        return true;
    place->fd = -1;
    return false;
}

void net_unlisten(struct net *net, enum net_door door)
{
    for (uint32_t i = 0; i < net->listener_count; i++) {
        struct listener *listener = &net->listeners[i];
        if (listener->fd < 0 || listener->door != door)
            continue;
        net->seam->close(net->seam->context, listener->fd);
        listener->fd = -1;
    }
}

static void listener_asks_for(struct net *net, struct listener *listener, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = (void *)tagged(listener) };
    if (listener->fd >= 0)
        epoll_ctl(net->epoll, EPOLL_CTL_MOD, listener->fd, &event);
    net->listeners_rest = events == 0;
}

/* What cannot be accepted would be reported at once again, and the loop would spin. */
static void listeners_ask_for(struct net *net, uint32_t events)
{
    for (uint32_t i = 0; i < net->listener_count; i++)
        listener_asks_for(net, &net->listeners[i], events);
}

void net_wake_listeners(struct net *net)
{
    if (net->listeners_rest)
        listeners_ask_for(net, EPOLLIN);
}

static void accept_failed(struct net *net, int error)
{
    listeners_ask_for(net, 0);
    if (net->logged_accept_ms != 0 && net->clock.wall_ms - net->logged_accept_ms < ACCEPT_LOG_MS)
        return;
    net->logged_accept_ms = net->clock.wall_ms;
    net_log(net, LOG_LEVEL_WARNING, "Accepting client connection: %s", strerror(error));
}

/* One attempt: the socket is new and its buffer empty, and nobody waits for it if not. To who
 * speaks TLS nothing can be said yet. */
static void refuse(struct net *net, int fd, enum net_door door, const char *text)
{
    struct iovec part = { (void *)(uintptr_t)text, strlen(text) };
    if (door != NET_TLS) {
        ssize_t sent = net->seam->send(net->seam->context, fd, &part, 1);
        (void)sent;
    }
    net->seam->close(net->seam->context, fd);
    net->figures.rejected++;
}

static const char denied[] =
    "-DENIED Snug is running in protected mode: no password is set for the default user, and "
    "protected-mode is enabled, so that only connections from this machine are served. To be "
    "reached from elsewhere, set a password (requirepass), or, if nobody else can reach the "
    "server, turn protected-mode off: in the configuration file, by --protected-mode no when it "
    "is started, or by CONFIG SET protected-mode no from this machine.\r\n";

static bool from_elsewhere(const struct net *net, int fd)
{
    return net->limits.protected_mode_blocks && !socket_peer_is_local(fd);
}

bool net_denies(const struct net *net, const struct connection *connection, struct bytes *reason)
{
    *reason = bytes_of_text(denied);
    return from_elsewhere(net, connection->client.fd);
}

static void welcome(struct net *net, int fd, enum net_door door)
{
    if (net->limits.clients_max != 0 && net->open >= net->limits.clients_max) {
        refuse(net, fd, door, "-ERR max number of clients reached\r\n");
        return;
    }
    if (door == NET_TCP && from_elsewhere(net, fd)) {
        refuse(net, fd, door, denied);
        return;
    }
    if (door == NET_TLS && net->tls == NULL) {
        refuse(net, fd, door, "");
        return;
    }
    if (door != NET_UNIX) {
        (void)socket_set_no_delay(fd);
        if (net->limits.keepalive_seconds != 0)
            (void)socket_set_keepalive(fd, net->limits.keepalive_seconds);
    }
    if (connection_new(net, fd, door) == NULL) {
        net->seam->close(net->seam->context, fd);
        net_log(net, LOG_LEVEL_WARNING, "Error registering fd event for the new client: %s",
                strerror(errno));
        return;
    }
    net->figures.accepted++;
}

void net_accept(struct net *net, struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && listener->fd >= 0; i++) {
        if (listener->door == NET_TLS && !secure_has_room(net)) {
            listener_asks_for(net, listener, 0);
            return;
        }
        int fd = net->seam->accept(net->seam->context, listener->fd, NULL, NULL);
        if (fd >= 0) {
            welcome(net, fd, listener->door);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            accept_failed(net, errno);
            return;
        }
    }
}
