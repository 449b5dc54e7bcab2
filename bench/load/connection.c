#include "load/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_unix(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const struct address *address)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(address->port) };
    if (inet_pton(AF_INET, address->host, &name.sin_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        close(fd);
        return -1;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

bool connection_open(struct connection *connection, const struct address *address, size_t out_size)
{
    *connection = (struct connection){ .fd = -1, .out_size = out_size };
    reply_stream_init(&connection->replies);
    connection->out = malloc(out_size);
    if (connection->out == NULL) {
        return false;
    }
    connection->fd =
        address->unixpath != NULL ? connect_unix(address->unixpath) : connect_tcp(address);
    return connection->fd >= 0 && fcntl(connection->fd, F_SETFL, O_NONBLOCK) == 0;
}

void connection_close(struct connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    free(connection->out);
    *connection = (struct connection){ .fd = -1 };
}

uint8_t *connection_room(struct connection *connection, size_t bytes)
{
    if (connection->out_sent == connection->out_end) {
        connection->out_sent = connection->out_end = 0;
    }
    return connection->out_size - connection->out_end >= bytes
               ? connection->out + connection->out_end
               : NULL;
}

void connection_commit(struct connection *connection, size_t bytes)
{
    connection->out_end += bytes;
    connection->awaited++;
}

bool connection_send(struct connection *connection)
{
    while (connection_has_unsent(connection)) {
        ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
                            connection->out_end - connection->out_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        connection->out_sent += (size_t)sent;
    }
    return true;
}

bool connection_receive(struct connection *connection, uint8_t *scratch, size_t scratch_bytes,
                        const struct reply_sink *sink, uint64_t *replies)
{
    *replies = 0;
    ssize_t received = recv(connection->fd, scratch, scratch_bytes, 0);
    if (received <= 0) {
        errno = received == 0 ? 0 : errno;
        return received < 0 && (errno == EAGAIN || errno == EINTR);
    }
    *replies = reply_stream_feed(&connection->replies, scratch, (size_t)received, sink);
    if (connection->replies.broken || *replies > connection->awaited) {
        errno = EPROTO;
        return false;
    }
    connection->awaited -= *replies;
    return true;
}
