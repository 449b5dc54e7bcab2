/* A server that sends back what it gets: the least that a server can cost. A RESP request is a
 * RESP array too, so every mode that only counts replies runs against it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/modes.h"

enum { SCRATCH_BYTES = 1 << 18, EVENTS = 128, BACKLOG = 511 };

static int listen_on(const struct options *options)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)options->port) };
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, options->host, &name.sin_addr) != 1) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, BACKLOG) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
    }
}

static void accept_one(int epoll_fd, int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1;
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll_fd, fd);
    }
}

/* A client that does not read its echo loses its connection: this server keeps nothing. */
static void echo_once(int fd, uint8_t *scratch)
{
    ssize_t received = recv(fd, scratch, SCRATCH_BYTES, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (received <= 0 || send(fd, scratch, (size_t)received, MSG_NOSIGNAL) != received) {
        close(fd);
    }
}

static void serve(int epoll_fd, int listen_fd, int signal_fd, uint8_t *scratch)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == signal_fd) {
                return;
            }
            if (fd == listen_fd) {
                accept_one(epoll_fd, listen_fd);
            } else {
                echo_once(fd, scratch);
            }
        }
    }
}

int mode_echo(const struct options *options)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd = listen_on(options);
    int signal_fd = signals_open();
    uint8_t *scratch = malloc(SCRATCH_BYTES);
    if (epoll_fd < 0 || listen_fd < 0 || signal_fd < 0 || scratch == NULL) {
        fprintf(stderr, "snug-load: echo: %s\n", strerror(errno));
        return 1;
    }
    watch(epoll_fd, listen_fd);
    watch(epoll_fd, signal_fd);
    serve(epoll_fd, listen_fd, signal_fd, scratch);
    free(scratch);
    close(signal_fd);
    close(listen_fd);
    close(epoll_fd);
    return 0;
}
