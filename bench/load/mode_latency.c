/* The open loop. Request i is due at start + i / rate whatever the server does, and its latency
 * counts from then, so that a stall is seen by every request that it held up. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "load/clock.h"
#include "load/histogram.h"
#include "load/modes.h"

enum {
    SCRATCH_BYTES = 1 << 18,
    OUT_BYTES = 1 << 20,
    OWED_MAX = 1 << 16, /* requests of one client under way; more are sent late, not dropped */
    EVENTS = 64,
    DRAIN_MAX_S = 5,
    IDLE_MAX_NS = 1000000,
};

/* One client: its socket, and when each reply it is owed was due. */
struct lane {
    struct connection connection;
    uint64_t *due_ns; /* a ring of OWED_MAX */
    uint64_t head;
    uint64_t tail;
};

/* A row of the series: a stretch of interval_ms. */
struct stretch {
    uint64_t start_ns;
    uint64_t count;
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t max_ns;
};

struct meter {
    struct histogram all;
    struct histogram stretch;
    struct histogram send_lag; /* how late requests left here: the generator's own stalls */
    struct stretch *series;
    size_t series_count;
    size_t series_size;
    uint64_t segment;
    uint64_t segment_start_ns;
    uint64_t stretch_start_ns;
    uint64_t interval_ns;
};

struct open_loop {
    const struct options *options;
    struct request_plan plan;
    struct picker picker;
    struct lane *lanes;
    unsigned lanes_open;
    uint8_t *scratch;
    struct meter *meter;
    size_t request_bytes;
    int epoll_fd;
    int signal_fd;
    uint64_t start_ns;
    uint64_t sent;
    bool ending;
};

/* ---- figures ----------------------------------------------------------------------------------
 */

static void keep_stretch(struct meter *meter)
{
    if (meter->series_count == meter->series_size) {
        size_t size = meter->series_size * 2 + 64;
        struct stretch *grown = realloc(meter->series, size * sizeof *grown);
        if (grown == NULL) {
            return; /* a shorter series; the sums are unharmed */
        }
        meter->series = grown;
        meter->series_size = size;
    }
    meter->series[meter->series_count++] = (struct stretch){
        meter->stretch_start_ns,
        meter->stretch.count,
        histogram_quantile(&meter->stretch, 0.5),
        histogram_quantile(&meter->stretch, 0.99),
        meter->stretch.max_ns,
    };
}

static void turn_stretch(struct meter *meter, uint64_t now_ns)
{
    while (now_ns >= meter->stretch_start_ns + meter->interval_ns) {
        keep_stretch(meter);
        histogram_clear(&meter->stretch);
        meter->stretch_start_ns += meter->interval_ns;
    }
}

static double us(uint64_t ns)
{
    return (double)ns * 1e-3;
}

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

static void print_series(const struct meter *meter)
{
    printf("\"series\": [");
    for (size_t i = 0; i < meter->series_count; i++) {
        const struct stretch *row = &meter->series[i];
        printf("%s[%.3f, %llu, %.1f, %.1f, %.1f]", i > 0 ? ", " : "", seconds(row->start_ns),
               (unsigned long long)row->count, us(row->p50_ns), us(row->p99_ns), us(row->max_ns));
    }
    printf("]");
}

static void print_segment(const struct open_loop *loop, uint64_t now_ns)
{
    const struct meter *meter = loop->meter;
    uint64_t errors = 0;
    uint64_t owed = 0;
    for (unsigned i = 0; i < loop->lanes_open; i++) {
        errors += loop->lanes[i].connection.replies.errors;
        owed += loop->lanes[i].connection.awaited;
    }
    printf("{\"mode\": \"latency\", \"segment\": %llu, \"start_s\": %.6f, \"end_s\": %.6f, "
           "\"count\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
           "\"max_us\": %.1f, \"send_lag_p99_us\": %.1f, \"send_lag_max_us\": %.1f, "
           "\"errors\": %llu, \"owed\": %llu, ",
           (unsigned long long)meter->segment, seconds(meter->segment_start_ns), seconds(now_ns),
           (unsigned long long)meter->all.count, us(histogram_quantile(&meter->all, 0.5)),
           us(histogram_quantile(&meter->all, 0.99)), us(histogram_quantile(&meter->all, 0.999)),
           us(meter->all.max_ns), us(histogram_quantile(&meter->send_lag, 0.99)),
           us(meter->send_lag.max_ns), (unsigned long long)errors, (unsigned long long)owed);
    print_series(meter);
    puts("}");
    fflush(stdout);
}

/* Prints what was measured since the last mark and begins anew. */
static void mark(struct open_loop *loop, uint64_t now_ns)
{
    struct meter *meter = loop->meter;
    if (meter->stretch.count > 0) {
        keep_stretch(meter);
    }
    print_segment(loop, now_ns);
    meter->segment++;
    meter->series_count = 0;
    meter->segment_start_ns = meter->stretch_start_ns = now_ns;
    histogram_clear(&meter->all);
    histogram_clear(&meter->stretch);
    histogram_clear(&meter->send_lag);
}

static void record(struct meter *meter, uint64_t latency_ns)
{
    histogram_add(&meter->all, latency_ns);
    histogram_add(&meter->stretch, latency_ns);
}

/* ---- sending and receiving --------------------------------------------------------------------
 */

static uint64_t due_at(const struct open_loop *loop, uint64_t request)
{
    uint64_t rate = loop->options->rate;
    return loop->start_ns + request / rate * NS_PER_S + request % rate * NS_PER_S / rate;
}

static bool has_room(const struct open_loop *loop, struct lane *lane)
{
    return lane->tail - lane->head < OWED_MAX &&
           connection_room(&lane->connection, loop->request_bytes) != NULL;
}

/* Renders all that is due, and says when the next is; a full lane holds up the rest. */
static uint64_t render_due(struct open_loop *loop, uint64_t now_ns)
{
    uint64_t due_ns;
    while ((due_ns = due_at(loop, loop->sent)) <= now_ns) {
        struct lane *lane = &loop->lanes[loop->sent % loop->lanes_open];
        if (!has_room(loop, lane)) {
            return now_ns + IDLE_MAX_NS;
        }
        uint8_t *room = connection_room(&lane->connection, loop->request_bytes);
        connection_commit(&lane->connection, request_render(&loop->plan, &loop->picker, room));
        lane->due_ns[lane->tail++ % OWED_MAX] = due_ns;
        histogram_add(&loop->meter->send_lag, now_ns - due_ns);
        loop->sent++;
    }
    return due_ns;
}

static bool send_all(struct open_loop *loop)
{
    for (unsigned i = 0; i < loop->lanes_open; i++) {
        struct connection *connection = &loop->lanes[i].connection;
        if (connection_has_unsent(connection) && !connection_send(connection)) {
            return false;
        }
    }
    return true;
}

static bool receive(struct open_loop *loop, struct lane *lane)
{
    uint64_t replies;
    if (!connection_receive(&lane->connection, loop->scratch, SCRATCH_BYTES, NULL, &replies)) {
        return false;
    }
    uint64_t now_ns = clock_ns();
    for (; replies > 0; replies--) {
        record(loop->meter, now_ns - lane->due_ns[lane->head++ % OWED_MAX]);
    }
    return true;
}

static void take_signal(struct open_loop *loop)
{
    int number = signals_read(loop->signal_fd);
    if (number == SIGUSR1) {
        mark(loop, clock_ns());
    } else if (number != 0) {
        loop->ending = true;
    }
}

static bool serve_until(struct open_loop *loop, uint64_t wake_ns)
{
    struct epoll_event events[EVENTS];
    uint64_t now_ns = clock_ns();
    uint64_t wait_ns = loop->options->spin || wake_ns <= now_ns ? 0 : wake_ns - now_ns;
    struct timespec timeout = { .tv_nsec = (long)(wait_ns % NS_PER_S),
                                .tv_sec = (time_t)(wait_ns / NS_PER_S) };
    int count = epoll_pwait2(loop->epoll_fd, events, EVENTS, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        struct lane *lane = events[i].data.ptr;
        if (lane == NULL) {
            take_signal(loop);
        } else if (!receive(loop, lane)) {
            return false;
        }
    }
    turn_stretch(loop->meter, clock_ns());
    return count >= 0 || errno == EINTR;
}

static bool all_answered(const struct open_loop *loop)
{
    for (unsigned i = 0; i < loop->lanes_open; i++) {
        if (loop->lanes[i].connection.awaited > 0) {
            return false;
        }
    }
    return true;
}

static bool drive(struct open_loop *loop)
{
    double limit_s = loop->options->seconds > 0 ? loop->options->seconds : 1e9;
    uint64_t end_ns = loop->start_ns + (uint64_t)(limit_s * 1e9);
    while (!loop->ending && clock_ns() < end_ns) {
        uint64_t next_ns = render_due(loop, clock_ns());
        if (!send_all(loop) || !serve_until(loop, next_ns < end_ns ? next_ns : end_ns)) {
            return false;
        }
    }
    uint64_t drain_end_ns = clock_ns() + DRAIN_MAX_S * NS_PER_S;
    while (!all_answered(loop) && clock_ns() < drain_end_ns) {
        if (!send_all(loop) || !serve_until(loop, clock_ns() + IDLE_MAX_NS)) {
            return false;
        }
    }
    return true;
}

/* ---- beginning and end --------------------------------------------------------------------------
 */

static bool watch(struct open_loop *loop, int fd, struct lane *lane)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = lane };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_lane(struct open_loop *loop, const struct address *address)
{
    struct lane *lane = &loop->lanes[loop->lanes_open++];
    lane->due_ns = calloc(OWED_MAX, sizeof *lane->due_ns);
    size_t out_bytes = loop->request_bytes > OUT_BYTES ? loop->request_bytes : (size_t)OUT_BYTES;
    return lane->due_ns != NULL && connection_open(&lane->connection, address, out_bytes) &&
           watch(loop, lane->connection.fd, lane);
}

static bool open_loop(struct open_loop *loop)
{
    const struct options *options = loop->options;
    struct address address = options_address(options);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->signal_fd = signals_open();
    loop->lanes = calloc(options->clients, sizeof *loop->lanes);
    loop->scratch = malloc(SCRATCH_BYTES);
    loop->meter = calloc(1, sizeof *loop->meter);
    if (loop->epoll_fd < 0 || loop->signal_fd < 0 || loop->lanes == NULL || loop->scratch == NULL ||
        loop->meter == NULL || !watch(loop, loop->signal_fd, NULL)) {
        return false;
    }
    while (loop->lanes_open < options->clients) {
        if (!open_lane(loop, &address)) {
            return false;
        }
    }
    return true;
}

static void close_loop(struct open_loop *loop)
{
    for (unsigned i = 0; i < loop->lanes_open; i++) {
        free(loop->lanes[i].due_ns);
        connection_close(&loop->lanes[i].connection);
    }
    if (loop->meter != NULL) {
        free(loop->meter->series);
    }
    free(loop->meter);
    free(loop->lanes);
    free(loop->scratch);
    close(loop->epoll_fd);
    close(loop->signal_fd);
    values_release(&loop->plan.values);
    picker_release(&loop->picker);
}

static void start_clock(struct open_loop *loop)
{
    struct meter *meter = loop->meter;
    prctl(PR_SET_TIMERSLACK, 1); /* wake when asked, not up to 50 us later */
    loop->start_ns = clock_ns();
    meter->interval_ns = loop->options->interval_ms * 1000000;
    meter->segment_start_ns = meter->stretch_start_ns = loop->start_ns;
    printf("{\"mode\": \"latency\", \"ready_s\": %.6f}\n", seconds(loop->start_ns));
    fflush(stdout);
}

int mode_latency(const struct options *options)
{
    struct open_loop loop = { .options = options, .epoll_fd = -1, .signal_fd = -1 };
    if (!options_plan(options, &loop.plan) || !options_picker(options, &loop.picker)) {
        return 1;
    }
    loop.request_bytes = request_bytes_max(&loop.plan);
    bool done = open_loop(&loop);
    if (done) {
        start_clock(&loop);
        done = drive(&loop);
        mark(&loop, clock_ns());
    }
    if (!done) {
        fprintf(stderr, "snug-load: latency: %s\n",
                errno == 0 ? "the server closed the connection" : strerror(errno));
    }
    close_loop(&loop);
    return done ? 0 : 1;
}
