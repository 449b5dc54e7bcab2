/* os/net.h - sockets made and set up; what is read and written on them goes through the seam.
 * Model:    a socket is a descriptor, non-blocking and closed on exec.
 * Owner:    whoever it is returned to closes it.
 * Pointers: none kept.
 * Threads:  any; socket_listen_unix changes the umask of the process for a moment, so at start.
 * Failure:  -1 or false, and errno; errors of name resolution as EADDRNOTAVAIL.
 * Cost:     at start and once a connection; resolving a name may wait for DNS. */
#ifndef OS_NET_H
#define OS_NET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* "127.0.0.1", "::1", a host name, "*" for every IPv4 and "::*" for every IPv6 address. */
MUST_CHECK int socket_listen_tcp(const char *address, uint16_t port, int backlog);

enum { SOCKET_LISTENERS_MAX = 16 };
struct socket_listeners {
    int sockets[SOCKET_LISTENERS_MAX];
    size_t count;
};

/* What became of one address of a `bind`, for the log. */
enum socket_outcome {
    SOCKET_LISTENS,
    SOCKET_SKIPPED, /* optional ('-' in front) and not there, or a family the system lacks */
    SOCKET_FAILED,  /* errno is in `error`; all sockets are closed again */
};
struct socket_bind {
    const char *address; /* with the '-' still in front */
    enum socket_outcome outcome;
    int error;
};

/* Listens on every address, or on none: false after the first failure, or with none at all. */
MUST_CHECK bool socket_listen_all(struct socket_listeners *listeners, struct socket_bind *binds,
                                  size_t count, uint16_t port, int backlog);
void socket_close_all(struct socket_listeners *listeners);

/* A socket in the file system. What lies at the path is removed first if it is a socket. It is
 * born with no more rights than `mode` grants; 0: those the umask leaves. */
MUST_CHECK int socket_listen_unix(const char *path, unsigned mode, int backlog);

/* Tries each address that the host has, for so long each. */
MUST_CHECK int socket_connect_tcp(const char *host, uint16_t port, int timeout_ms);
/* Until one of poll's events is there; signals do not shorten it. ETIMEDOUT: none was. */
MUST_CHECK bool socket_wait(int socket, short events, int timeout_ms);

/* For connections. Both do nothing useful on a unix socket, and say false. */
bool socket_set_no_delay(int socket);
/* Asks a silent peer after `seconds`, and gives it up after three askings a third of that apart. */
bool socket_set_keepalive(int socket, unsigned seconds);

/* "127.0.0.1:5000", "[::1]:5000" or "/path:0", with NUL, cut to fit; "?:0" when unknown. */
enum socket_side { SOCKET_LOCAL, SOCKET_PEER };
void socket_text(int socket, enum socket_side side, char *at, size_t bytes);

/* Whether the peer is on this machine: loopback, IPv4 in IPv6 too, or a unix socket. */
bool socket_peer_is_local(int socket);

#endif
