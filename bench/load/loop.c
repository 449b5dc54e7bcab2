#include "load/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "load/clock.h"

enum {
    SCRATCH_BYTES = 1 << 18,
    OUT_BYTES_MAX = 4 << 20,
    EVENTS = 128,
    SILENCE_MAX_MS = 60000,
};

struct loop {
    const struct loop_limits *limits;
    const struct loop_job *job;
    struct connection *clients;
    uint8_t *scratch;
    int epoll_fd;
    int signal_fd;
    unsigned opened; /* clients whose connection was begun */
    unsigned busy;   /* clients with replies owed */
    bool ending;     /* no further batches */
};

int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_read(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static bool complain(const char *what)
{
    const char *why = errno == 0        ? "the server closed the connection"
                      : errno == EPROTO ? "the reply is not RESP"
                                        : strerror(errno);
    fprintf(stderr, "snug-load: %s: %s\n", what, why);
    return false;
}

/* epoll's user data: a client's index, or this. */
#define SIGNAL_DATA UINT64_MAX

static bool watch(struct loop *loop, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { .events = events, .data.u64 = data };
    return epoll_ctl(loop->epoll_fd, operation, fd, &event) == 0;
}

static size_t out_bytes(const struct loop_limits *limits)
{
    size_t all = limits->pipeline * limits->request_bytes_max;
    size_t most = limits->request_bytes_max > OUT_BYTES_MAX ? limits->request_bytes_max
                                                            : (size_t)OUT_BYTES_MAX;
    return all < most ? all : most;
}

static bool open_all(struct loop *loop, const struct address *address)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->signal_fd = signals_open();
    loop->scratch = malloc(SCRATCH_BYTES);
    loop->clients = calloc(loop->limits->clients, sizeof *loop->clients);
    if (loop->epoll_fd < 0 || loop->signal_fd < 0 || loop->scratch == NULL ||
        loop->clients == NULL ||
        !watch(loop, EPOLL_CTL_ADD, loop->signal_fd, EPOLLIN, SIGNAL_DATA)) {
        return complain("start");
    }
    for (; loop->opened < loop->limits->clients; loop->opened++) {
        struct connection *client = &loop->clients[loop->opened];
        if (!connection_open(client, address, out_bytes(loop->limits)) ||
            !watch(loop, EPOLL_CTL_ADD, client->fd, EPOLLIN, loop->opened)) {
            loop->opened++;
            return complain("connect");
        }
    }
    return true;
}

static void close_all(struct loop *loop)
{
    for (unsigned i = 0; i < loop->opened; i++) {
        connection_close(&loop->clients[i]);
    }
    free(loop->clients);
    free(loop->scratch);
    close(loop->epoll_fd);
    close(loop->signal_fd);
}

/* Sends what the socket takes, and asks to be told of room for the rest. */
static bool send_some(struct loop *loop, unsigned index)
{
    struct connection *client = &loop->clients[index];
    if (!connection_send(client)) {
        return complain("send");
    }
    bool wants_write = connection_has_unsent(client);
    if (wants_write != client->wants_write) {
        client->wants_write = wants_write;
        uint32_t events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
        return watch(loop, EPOLL_CTL_MOD, client->fd, events, index) || complain("epoll");
    }
    return true;
}

static void render_batch(struct loop *loop, unsigned index)
{
    struct connection *client = &loop->clients[index];
    for (unsigned i = 0; i < loop->limits->pipeline; i++) {
        uint8_t *room = connection_room(client, loop->limits->request_bytes_max);
        size_t bytes = room == NULL ? 0 : loop->job->next(loop->job->state, index, room);
        if (bytes == 0) {
            return;
        }
        connection_commit(client, bytes);
    }
}

/* pre: the client owes nothing and is owed nothing. */
static bool start_batch(struct loop *loop, unsigned index)
{
    if (loop->ending) {
        return true;
    }
    render_batch(loop, index);
    if (loop->clients[index].awaited == 0) {
        return true;
    }
    loop->busy++;
    return send_some(loop, index);
}

static bool serve_client(struct loop *loop, unsigned index, uint32_t events)
{
    struct connection *client = &loop->clients[index];
    if ((events & EPOLLOUT) != 0 && !send_some(loop, index)) {
        return false;
    }
    if ((events & ~(uint32_t)EPOLLOUT) == 0) {
        return true;
    }
    const struct reply_sink *sink = loop->job->sinks == NULL ? NULL : &loop->job->sinks[index];
    uint64_t replies;
    if (!connection_receive(client, loop->scratch, SCRATCH_BYTES, sink, &replies)) {
        return complain("receive");
    }
    if (replies == 0 || client->awaited > 0) {
        return true;
    }
    loop->busy--;
    return start_batch(loop, index);
}

static bool serve_events(struct loop *loop)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS, SILENCE_MAX_MS);
    if (count == 0) {
        errno = ETIMEDOUT;
        return complain("no reply for a minute");
    }
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == SIGNAL_DATA) {
            loop->ending = signals_read(loop->signal_fd) != SIGUSR1 || loop->ending;
        } else if (!serve_client(loop, (unsigned)events[i].data.u64, events[i].events)) {
            return false;
        }
    }
    return count >= 0 || errno == EINTR || complain("epoll");
}

static bool drive(struct loop *loop, uint64_t deadline_ns)
{
    for (unsigned i = 0; i < loop->limits->clients; i++) {
        if (!start_batch(loop, i)) {
            return false;
        }
    }
    while (loop->busy > 0) {
        if (!serve_events(loop)) {
            return false;
        }
        loop->ending = loop->ending || clock_ns() >= deadline_ns;
    }
    return true;
}

static void sum_up(const struct loop *loop, struct loop_result *result)
{
    for (unsigned i = 0; i < loop->opened; i++) {
        const struct reply_stream *replies = &loop->clients[i].replies;
        result->ops += replies->replies;
        result->errors += replies->errors;
        result->nulls += replies->nulls;
        if (replies->errors > 0 && result->first_error[0] == '\0') {
            memcpy(result->first_error, replies->text, replies->text_bytes);
        }
    }
}

bool loop_run(const struct address *address, const struct loop_limits *limits,
              const struct loop_job *job, struct loop_result *result)
{
    struct loop loop = { .limits = limits, .job = job, .epoll_fd = -1, .signal_fd = -1 };
    *result = (struct loop_result){ 0 };
    bool done = open_all(&loop, address);
    if (done) {
        uint64_t start_ns = clock_ns();
        uint64_t deadline_ns =
            limits->seconds > 0 ? start_ns + (uint64_t)(limits->seconds * 1e9) : UINT64_MAX;
        done = drive(&loop, deadline_ns);
        result->elapsed_ns = clock_ns() - start_ns;
        sum_up(&loop, result);
    }
    close_all(&loop);
    return done;
}

void loop_print(const struct loop_result *result)
{
    double seconds = (double)result->elapsed_ns * 1e-9;
    printf("\"ops\": %" PRIu64 ", \"elapsed_s\": %.6f, \"ops_per_s\": %.0f, \"errors\": %" PRIu64
           ", \"nulls\": %" PRIu64 ", \"first_error\": \"%s\"",
           result->ops, seconds, seconds > 0 ? (double)result->ops / seconds : 0.0, result->errors,
           result->nulls, result->first_error);
}
