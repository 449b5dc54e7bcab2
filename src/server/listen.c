#include "os/net.h"

#include "server/server.h"

#include <string.h>
#include <unistd.h>

static void log_binds(struct server *server, const struct socket_bind *binds, size_t count,
                      int64_t port)
{
    for (size_t at = 0; at < count; at++) {
        if (binds[at].outcome == SOCKET_LISTENS)
            continue;
        bool failed = binds[at].outcome == SOCKET_FAILED;
        log_write(&server->log, failed ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
                  "%sCould not create server TCP listening socket %s:%lld: %s",
                  failed ? "Warning: " : "", binds[at].address, (long long)port,
                  strerror(binds[at].error));
    }
}

static bool hand_over(struct server *server, struct socket_listeners *listeners, enum net_door door)
{
    for (size_t at = 0; at < listeners->count; at++)
        if (!net_listen(server->net, listeners->sockets[at], door))
            return false;
    return true;
}

static bool listen_on(struct server *server, const struct config *config, enum net_door door)
{
    struct socket_bind binds[CONFIG_BIND_MAX];
    struct socket_listeners listeners = { .count = 0 };
    int64_t port = door == NET_TLS ? config->tls_port : config->port;
    if (port == 0)
        return true;
    memset(binds, 0, sizeof binds);
    for (size_t at = 0; at < config->bind.count; at++)
        binds[at].address = config->bind.addresses[at].at;
    bool ok = socket_listen_all(&listeners, binds, config->bind.count, (uint16_t)port,
                                (int)config->tcp_backlog);
    log_binds(server, binds, config->bind.count, port);
    if (ok && hand_over(server, &listeners, door))
        return true;
    log_write(&server->log, LOG_LEVEL_WARNING, "Failed listening on port %lld (%s), aborting.",
              (long long)port, door == NET_TLS ? "tls" : "tcp");
    return false;
}

bool server_listen_tcp(struct server *server, const struct config *config)
{
    return listen_on(server, config, NET_TCP);
}

bool server_listen_tls(struct server *server, const struct config *config)
{
    return listen_on(server, config, NET_TLS);
}

bool server_listen_unix(struct server *server, const struct config *config)
{
    if (config->unixsocket.count == 0)
        return true;
    int listener = socket_listen_unix(config->unixsocket.at, (unsigned)config->unixsocketperm,
                                      (int)config->tcp_backlog);
    if (listener >= 0 && net_listen(server->net, listener, NET_UNIX))
        return true;
    log_write(&server->log, LOG_LEVEL_WARNING, "Failed opening Unix socket: bind: %s",
              config->unixsocket.at);
    return false;
}

bool server_listen(struct server *server)
{
    const struct config *config = &server->config;
    if (!server_listen_tcp(server, config) || !server_listen_tls(server, config) ||
        !server_listen_unix(server, config))
        return false;
    if (config->port != 0 || config->tls_port != 0 || config->unixsocket.count != 0)
        return true;
    log_write(&server->log, LOG_LEVEL_WARNING,
              "Configured to not listen anywhere, exiting. Set port, tls-port or unixsocket.");
    return false;
}
