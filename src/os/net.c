#include "os/net.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Closes after a failure without losing its errno. */
static int give_up(int socket)
{
    int error = errno;
    close(socket);
    errno = error;
    return -1;
}

static bool set_option(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

/* IPv6 sockets take IPv6 alone, or else "::*" would collide with "*". */
static int listen_on(const struct addrinfo *info, int backlog)
{
    int type = info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int made = socket(info->ai_family, type, info->ai_protocol);
    if (made < 0)
        return -1;
    if ((info->ai_family == AF_INET6 && !set_option(made, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        !set_option(made, SOL_SOCKET, SO_REUSEADDR, 1) ||
        bind(made, info->ai_addr, info->ai_addrlen) != 0 || listen(made, backlog) != 0)
        return give_up(made);
    return made;
}

/* The errno nearest to what the resolver says, so that callers need to know errno alone. */
static int error_of_resolver(int result)
{
    switch (result) {
    case EAI_SYSTEM:
        return errno;
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_FAMILY:
        return EAFNOSUPPORT;
    default:
        return EADDRNOTAVAIL;
    }
}

/* The socket that `open` makes of the first address of the name that it can; -1 with errno. */
static int first_that_opens(const char *name, uint16_t port, const struct addrinfo *hints,
                            int (*open)(const struct addrinfo *info, int argument), int argument)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo *found = NULL;
    int result = getaddrinfo(name, service, hints, &found);
    if (result != 0) {
        errno = error_of_resolver(result);
        return -1;
    }
    int made = -1;
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *info = found; info != NULL && made < 0; info = info->ai_next)
        made = open(info, argument);
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    return made;
}

int socket_listen_tcp(const char *address, uint16_t port, int backlog)
{
    bool six = strchr(address, ':') != NULL;
    bool every = strcmp(address, "*") == 0 || strcmp(address, "::*") == 0;
    const struct addrinfo hints = {
        .ai_family = six ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    return first_that_opens(every ? NULL : address, port, &hints, listen_on, backlog);
}

/* ---- connections to others ------------------------------------------------------------------- */

static int64_t clock_ms(void)
{
    struct timespec time = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool socket_wait(int socket, short events, int timeout_ms)
{
    int64_t end_ms = clock_ms() + timeout_ms, left_ms = timeout_ms;
    struct pollfd asked = { .fd = socket, .events = events };
    for (;;) {
        int ready = poll(&asked, 1, (int)left_ms);
        if (ready > 0)
            return true;
        left_ms = end_ms - clock_ms();
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready == 0 || left_ms <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

static bool finish_connecting(int socket, int timeout_ms)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    if (!socket_wait(socket, POLLOUT, timeout_ms) ||
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        return false;
    errno = error;
    return error == 0;
}

static int connect_to(const struct addrinfo *info, int timeout_ms)
{
    int type = info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int made = socket(info->ai_family, type, info->ai_protocol);
    if (made < 0)
        return -1;
    if (connect(made, info->ai_addr, info->ai_addrlen) != 0 &&
        (errno != EINPROGRESS || !finish_connecting(made, timeout_ms)))
        return give_up(made);
    socket_set_no_delay(made);
    return made;
}

int socket_connect_tcp(const char *host, uint16_t port, int timeout_ms)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };
    return first_that_opens(host, port, &hints, connect_to, timeout_ms);
}

/* ---- listening on several -------------------------------------------------------------------- */

static bool family_is_lacking(int error)
{
    return error == EAFNOSUPPORT || error == EPFNOSUPPORT || error == EPROTONOSUPPORT ||
           error == ESOCKTNOSUPPORT || error == ENOPROTOOPT;
}

/* Listens on one address; -1 with the outcome told. */
static int listen_bind(struct socket_bind *bind, uint16_t port, int backlog)
{
    bool optional = bind->address[0] == '-';
    int made = socket_listen_tcp(bind->address + optional, port, backlog);
    bind->error = made < 0 ? errno : 0;
    bind->outcome = SOCKET_LISTENS;
    if (made < 0) {
        bool skip = (optional && bind->error == EADDRNOTAVAIL) || family_is_lacking(bind->error);
        bind->outcome = skip ? SOCKET_SKIPPED : SOCKET_FAILED;
    }
    return made;
}

bool socket_listen_all(struct socket_listeners *listeners, struct socket_bind *binds, size_t count,
                       uint16_t port, int backlog)
{
    listeners->count = 0;
    for (size_t i = 0; i < count; i++) {
        int made = -1;
        if (listeners->count < SOCKET_LISTENERS_MAX)
            made = listen_bind(&binds[i], port, backlog);
        else
            binds[i] = (struct socket_bind){ binds[i].address, SOCKET_FAILED, E2BIG };
        if (made >= 0)
            listeners->sockets[listeners->count++] = made;
        if (binds[i].outcome == SOCKET_FAILED) {
            socket_close_all(listeners);
            errno = binds[i].error;
            return false;
        }
    }
    return listeners->count > 0;
}

void socket_close_all(struct socket_listeners *listeners)
{
    while (listeners->count > 0)
        close(listeners->sockets[--listeners->count]);
}

/* A file that is no socket stays, and bind then says that the address is in use. */
static void remove_socket(const char *path)
{
    struct stat found;
    if (lstat(path, &found) == 0 && S_ISSOCK(found.st_mode))
        unlink(path);
}

int socket_listen_unix(const char *path, unsigned mode, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t count = strlen(path);
    if (count == 0 || count >= sizeof(address.sun_path)) {
        errno = count == 0 ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, count);
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    remove_socket(path);
    /* Bound with too many rights and then changed, it would be open to anyone in between. */
    mode_t before = umask(0);
    umask(mode == 0 ? before : (mode_t)(~mode & 0777));
    int bound = bind(made, (const struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (bound != 0 || (mode != 0 && chmod(path, (mode_t)mode) != 0) || listen(made, backlog) != 0)
        return give_up(made);
    return made;
}

bool socket_set_no_delay(int socket)
{
    return set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

bool socket_set_keepalive(int socket, unsigned seconds)
{
    enum { SECONDS_MAX = 32767, ASKINGS = 3 }; /* the kernel's bound */
    if (seconds == 0)
        return set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 0);
    int idle = seconds > SECONDS_MAX ? SECONDS_MAX : (int)seconds;
    int apart = idle / ASKINGS > 0 ? idle / ASKINGS : 1;
    return set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle) &&
           set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, apart) &&
           set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, ASKINGS);
}

/* Room for every kind of address we make sockets of. */
union any_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un path;
};

static bool address_of(int socket, enum socket_side side, union any_address *address)
{
    socklen_t bytes = sizeof(*address) - 1; /* so that a path always ends in NUL */
    memset(address, 0, sizeof(*address));
    int result = side == SOCKET_PEER ? getpeername(socket, &address->any, &bytes)
                                     : getsockname(socket, &address->any, &bytes);
    return result == 0;
}

void socket_text(int socket, enum socket_side side, char *at, size_t bytes)
{
    union any_address address;
    char text[INET6_ADDRSTRLEN] = "?";
    if (!address_of(socket, side, &address)) {
        snprintf(at, bytes, "?:0");
    } else if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.four.sin_addr, text, sizeof(text));
        snprintf(at, bytes, "%s:%u", text, (unsigned)ntohs(address.four.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.six.sin6_addr, text, sizeof(text));
        snprintf(at, bytes, "[%s]:%u", text, (unsigned)ntohs(address.six.sin6_port));
    } else if (address.any.sa_family == AF_UNIX) {
        /* A client's end has no name; both ends are known by the listener's. */
        if (side == SOCKET_PEER && address.path.sun_path[0] == '\0')
            address_of(socket, SOCKET_LOCAL, &address);
        snprintf(at, bytes, "%s:0", address.path.sun_path);
    } else {
        snprintf(at, bytes, "?:0");
    }
}

bool socket_peer_is_local(int socket)
{
    union any_address address;
    if (!address_of(socket, SOCKET_PEER, &address))
        return false;
    if (address.any.sa_family == AF_UNIX)
        return true;
    if (address.any.sa_family == AF_INET)
        return (ntohl(address.four.sin_addr.s_addr) >> 24) == 127;
    if (address.any.sa_family != AF_INET6)
        return false;
    const struct in6_addr *six = &address.six.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}
