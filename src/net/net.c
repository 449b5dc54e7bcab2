#include "net/net.h"

#include "base/memory.h"
#include "net/internal.h"
#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    TURN_AREA_BYTES = 128 * 1024,
    POOL_FREE_CHUNKS = 32,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
};

/* What an event's data says when it is no connection: listeners carry a tag in the lowest bit. */
static const uintptr_t listener_tag = 1;

void net_log(struct net *net, int level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    net->handler.log(net->handler.context, level, text);
}

/* ---- making and dropping --------------------------------------------------------------------- */

static bool open_descriptors(struct net *net)
{
    net->epoll = epoll_create1(EPOLL_CLOEXEC);
    net->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    return net->epoll >= 0 && net->wake >= 0 &&
           epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->wake, &event) == 0;
}

static bool take_memory(struct net *net)
{
    net->shared = memory_take(NET_SHARED_BYTES);
    return net->shared != NULL && reply_pool_begin(&net->pool, TURN_AREA_BYTES, POOL_FREE_CHUNKS);
}

/* How many ticks a clock reading may be old: half a millisecond. */
static void start_clock(struct net *net)
{
    struct ticks_rate rate;
    ticks_rate_init(&rate, net->seam);
    uint64_t per_2_32 = rate.ns_per_2_32_ticks == 0 ? 1 : rate.ns_per_2_32_ticks;
    net->clock.ticks_stale = ((uint64_t)(NS_PER_MS / 2) << 32) / per_2_32;
    net->clock.ticks = ticks_now() - net->clock.ticks_stale;
    net_clock(net);
    net->cron_ns = net->sampled_ns = net->clock.now_ns;
}

struct net *net_new(const struct seam *seam, const struct net_handler *handler)
{
    struct net *net = memory_take_zeroed(sizeof(*net));
    if (net == NULL)
        return NULL;
    net->seam = seam;
    net->handler = *handler;
    net->epoll = net->wake = -1;
    arena_init(&net->batch.arena);
    if (!take_memory(net) || !open_descriptors(net)) {
        net_drop(net);
        return NULL;
    }
    start_clock(net);
    return net;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void drop_context(struct net *net)
{
    if (net->tls != NULL)
        net->tls_part->context_drop(net->tls);
}

void net_drop(struct net *net)
{
    for (struct connection *at = net->oldest; at != NULL; at = at->newer)
        connection_close(at);
    net_free_closing(net);
    net_unlisten(net, NET_TCP);
    net_unlisten(net, NET_UNIX);
    net_unlisten(net, NET_TLS);
    drop_context(net);
    close_descriptor(net->wake);
    close_descriptor(net->epoll);
    arena_release(&net->batch.arena);
    reply_pool_release(&net->pool);
    memory_give(net->shared);
    memory_give(net->ids);
    memory_give(net);
}

void net_set_tls(struct net *net, const struct tls_part *part, struct tls_context *context)
{
    drop_context(net);
    net->tls_part = part;
    net->tls = context;
}

void net_set_limits(struct net *net, const struct net_limits *limits)
{
    net->limits = *limits;
    for (struct connection *at = net->oldest; at != NULL; at = at->newer)
        output_set_limit(at);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

/* One cheap reading a turn; the real clocks are asked when it has become stale. */
void net_clock(struct net *net)
{
    uint64_t ticks = ticks_now();
    if (LIKELY(ticks - net->clock.ticks < net->clock.ticks_stale))
        return;
    net->clock.ticks = ticks;
    net->clock.now_ns = seam_now_ns(net->seam);
    net->clock.wall_ms = seam_wall_ms(net->seam);
}

/* The nearest of what the handler asks for, the cron and the end of a pause. */
static uint64_t wait_at_most(const struct net *net, uint64_t wait_ns)
{
    if (net->queues[QUEUE_READY].first != NULL || net->queues[QUEUE_MORE].first != NULL)
        return 0;
    uint64_t now = net->clock.now_ns;
    uint64_t cron = net->cron_ns > now ? net->cron_ns - now : 0;
    if (cron < wait_ns)
        wait_ns = cron;
    if (net->paused_until_ms == 0)
        return wait_ns;
    int64_t pause_ms = net->paused_until_ms - net->clock.wall_ms;
    uint64_t pause_ns = pause_ms <= 0 ? 0 : (uint64_t)pause_ms * NS_PER_MS;
    return pause_ns < wait_ns ? pause_ns : wait_ns;
}

/* In nanoseconds where the kernel (5.11) can; else in milliseconds, rounded up. */
static int wait_events(struct net *net, struct epoll_event *events, uint64_t wait_ns)
{
#ifdef SYS_epoll_pwait2
    if (wait_ns != 0 && !net->without_pwait2) {
        struct timespec wait = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
                                 .tv_nsec = (long)(wait_ns % NS_PER_S) };
        long count = syscall(SYS_epoll_pwait2, net->epoll, events, NET_EVENTS_MAX, &wait, NULL, 0);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)count;
        net->without_pwait2 = true;
    }
#endif
    uint64_t wait_ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);
    return epoll_wait(net->epoll, events, NET_EVENTS_MAX, (int)wait_ms);
}

static void handle_wake(struct net *net)
{
    uint64_t times;
    ssize_t got = read(net->wake, &times, sizeof(times));
    (void)got; /* it was only to end the wait */
}

static void handle_connection(struct connection *connection, uint32_t events)
{
    if (connection->closing)
        return;
    if (UNLIKELY(connection->queue == QUEUE_HANDSHAKE)) {
        connection_receive(connection);
        return;
    }
    if (events & EPOLLOUT)
        connection_send(connection);
    if ((events & ~(uint32_t)EPOLLOUT) == 0 || connection->closing)
        return;
    if (connection->interest & EPOLLIN)
        connection_receive(connection);
    else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        connection_close(connection); /* nothing is wanted of it but to know when its peer goes */
    /* else it has begun to wait in this turn, after the event was fetched */
}

static void handle_event(struct net *net, const struct epoll_event *event)
{
    uintptr_t data = (uintptr_t)event->data.ptr;
    if (data == 0)
        handle_wake(net);
    else if (data & listener_tag)
        net_accept(net, (struct listener *)(data - listener_tag));
    else
        handle_connection(event->data.ptr, event->events);
}

/* As many as were ready when the turn began; who becomes so again waits for the next one. */
static void serve_more(struct net *net)
{
    for (uint32_t left = net->queues[QUEUE_MORE].count; left > 0; left--) {
        struct connection *connection = net->queues[QUEUE_MORE].first;
        if (connection == NULL)
            return;
        queue_leave(connection);
        connection_receive(connection);
    }
}

static void serve_ready(struct net *net)
{
    for (uint32_t left = net->queues[QUEUE_READY].count; left > 0; left--) {
        struct connection *connection = net->queues[QUEUE_READY].first;
        if (connection == NULL)
            return;
        queue_leave(connection);
        connection_resume(connection);
    }
}

void net_serve_but(struct net *net, const struct connection *one, const struct connection *other)
{
    struct epoll_event events[NET_EVENTS_MAX];
    int count = wait_events(net, events, 0);
    net_clock(net);
    serve_ready(net);
    serve_more(net);
    for (int i = 0; i < count; i++) {
        const void *at = events[i].data.ptr;
        if (at == NULL || (at != one && at != other))
            handle_event(net, &events[i]);
    }
    batch_run(net);
    net_send_written(net);
}

/* Returns how long the next turn may wait. */
static uint64_t run_turn(struct net *net, uint64_t wait_ns)
{
    struct epoll_event events[NET_EVENTS_MAX];
    int count = wait_events(net, events, wait_at_most(net, wait_ns));
    uint64_t began = ticks_now();
    net->figures.polls++;
    net_clock(net);
    net_pause_check(net);
    serve_ready(net);
    serve_more(net);
    for (int i = 0; i < count; i++)
        handle_event(net, &events[i]);
    batch_run(net);
    net_send_written(net); /* first, so that nobody waits for the work between */
    wait_ns = net->handler.between(net->handler.context);
    net_send_written(net);
    net_evict(net);
    net_end_connections(net);
    if (net->clock.now_ns >= net->cron_ns)
        net_cron(net);
    net_free_closing(net);
    net->figures.busy_ticks += ticks_now() - began;
    return wait_ns;
}

void net_turn(struct net *net, uint64_t wait_ns)
{
    run_turn(net, wait_ns);
}

void net_run(struct net *net)
{
    uint64_t wait_ns = 0;
    while (!atomic_load_explicit(&net->stopping, memory_order_relaxed))
        wait_ns = run_turn(net, wait_ns);
    atomic_store(&net->stopping, false);
}

void net_stop(struct net *net)
{
    atomic_store(&net->stopping, true);
    net_wake(net);
}

void net_wake(struct net *net)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t put = write(net->wake, &one, sizeof(one));
    (void)put; /* a full counter wakes as well */
    errno = saved;
}
