#include "http/inside.h"

#include "base/memory.h"
#include "os/part.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TURN_MS_MAX = 1000,
    REST_MS_MAX = 50, /* while the listeners rest */
    STACK_BYTES = 256 * 1024,
    IDLE_S = 80,   /* without a byte; connections.c is stricter */
    NICENESS = 10, /* where one processor is all there is, commands go first */
};

/* In how many ms to look again at the latest. */
static int patience(struct http *http, bool resting)
{
    MHD_UNSIGNED_LONG_LONG wanted, most = resting ? REST_MS_MAX : TURN_MS_MAX;
    uint64_t now_ns = seam_now_ns(http->seam);
    uint64_t left_ns = http->sweep_ns > now_ns ? http->sweep_ns - now_ns : 0;
    if (left_ns / 1000000 < most)
        most = left_ns / 1000000 + 1; /* not before */
    if (MHD_get_timeout(http->daemon, &wanted) != MHD_YES || wanted > most)
        return (int)most;
    return (int)wanted;
}

/* False: the end was asked for. */
static bool turn(struct http *http)
{
    struct pollfd waits[SOCKET_LISTENERS_MAX + 2];
    size_t count = 0;
    bool resting = seam_now_ns(http->seam) < http->accept_ns;
    size_t listeners = resting ? 0 : http->listeners.count;
    waits[count++] = (struct pollfd){ .fd = http->stop, .events = POLLIN };
    waits[count++] = (struct pollfd){ .fd = http->poll, .events = POLLIN };
    for (size_t at = 0; at < listeners; at++)
        waits[count++] = (struct pollfd){ .fd = http->listeners.sockets[at], .events = POLLIN };
    if (poll(waits, count, patience(http, resting)) < 0 && errno != EINTR)
        return false;
    if (waits[0].revents != 0)
        return false;
    for (size_t at = 0; at < listeners; at++)
        if (waits[at + 2].revents != 0)
            connections_accept(http, http->listeners.sockets[at]);
    MHD_run(http->daemon);
    http->sweep_ns = connections_sweep(http, seam_now_ns(http->seam));
    return true;
}

static void *run(void *context)
{
    struct http *http = context;
    pthread_setname_np(pthread_self(), "snug-http");
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    while (turn(http))
        ;
    return NULL;
}

/* No path here needs a %: one that has it is another, whatever it would be read as. */
static size_t as_it_stands(void *context, struct MHD_Connection *connection, char *path)
{
    (void)context;
    (void)connection;
    return strlen(path);
}

static struct MHD_Daemon *start_daemon(struct http *http)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, http_answer,
                            http, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_EACH,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
                            connections_note, http, MHD_OPTION_NOTIFY_COMPLETED, connections_done,
                            http, MHD_OPTION_UNESCAPE_CALLBACK, as_it_stands, NULL, MHD_OPTION_END);
}

/* Signals are the executing thread's to receive. */
static bool start_thread(struct http *http)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    bool ready = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                 pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    bool started = ready && pthread_create(&http->thread, &attributes, run, http) == 0;
    if (ready)
        ENSURE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    pthread_attr_destroy(&attributes);
    return started;
}

static void release(struct http *http)
{
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    if (http->stop >= 0)
        close(http->stop);
    memory_give(http);
}

struct http *http_new(const struct http_options *options, struct socket_listeners *listeners)
{
    struct http *http = memory_take_zeroed(sizeof *http);
    if (http == NULL)
        return NULL;
    http->seam = options->seam;
    http->published = options->published;
    http->listeners = *listeners;
    guard_init(&http->guard, options->password, options->token);
    connections_init(http);
    http->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    http->daemon = http->stop < 0 ? NULL : start_daemon(http);
    if (http->daemon == NULL) {
        release(http);
        return NULL;
    }
    http->poll = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (!start_thread(http)) {
        release(http);
        return NULL;
    }
    listeners->count = 0;
    return http;
}

void http_drop(struct http *http)
{
    if (http == NULL)
        return;
    uint64_t one = 1;
    ENSURE(write(http->stop, &one, sizeof one) == sizeof one);
    ENSURE(pthread_join(http->thread, NULL) == 0);
    socket_close_all(&http->listeners);
    release(http);
}

PART_OF_SNUG;

__attribute__((visibility("default"))) const struct http_part http_part = {
    .make = http_new,
    .drop = http_drop,
};
