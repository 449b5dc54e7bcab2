#include "server/demo.h"

#include "base/memory.h"
#include "base/rng.h"
#include "os/net.h"
#include "server/demo_link.h"
#include "server/demo_screen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define MS ((uint64_t)1000 * 1000)

enum {
    VALUE_LEAST = 48,
    VALUE_MAX = 800,
    LOOK_EVERY = 16,      /* batches between two looks at INFO */
    DELETED_AT_ONCE = 60, /* keys of one DEL */
    WAIT_WITHOUT_KEY_MS = 3000,
    HEAL_MS = 120 * 1000,
    SETTLE_MS = 3000,
    READS_AT_ONCE = 50,
    READS_A_LOOK = 10, /* so often between two looks at INFO, which costs more than they */
    HTTP_PORT = 8379,  /* where it is free */
};

struct demo {
    struct demo_start start;
    struct demo_link link;
    struct demo_screen screen;
    pthread_t thread;
    struct rng rng;
    uint64_t keys;
    uint64_t reads, slowest_read_ns;
    bool failed;
};

/* --- options ---------------------------------------------------------------------------------- */

/* A port that nobody listens on: the one preferred, or any. 0: none. */
static uint16_t free_port(uint16_t preferred)
{
    struct sockaddr_in address;
    socklen_t bytes = sizeof address;
    memset(&address, 0, sizeof address);
    int listener = socket_listen_tcp("127.0.0.1", preferred, 1);
    if (listener < 0 && preferred != 0)
        return free_port(0);
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &bytes) != 0)
        address.sin_port = 0;
    if (listener >= 0)
        close(listener);
    return ntohs(address.sin_port);
}

bool demo_options(struct buffer *options, char directory[DEMO_DIRECTORY_MAX])
{
    struct buffer all = { 0 };
    int count = snprintf(directory, DEMO_DIRECTORY_MAX, "/tmp/snug-demo-XXXXXX");
    if (count >= DEMO_DIRECTORY_MAX || mkdtemp(directory) == NULL)
        return false;
    uint16_t http_port = free_port(HTTP_PORT), port = free_port(0);
    bool good = buffer_printf(&all,
                              "bind 127.0.0.1\nport %u\nhttp-bind 127.0.0.1\nhttp-port %u\n"
                              "save \"\"\nappendonly no\ndir %s\n"
                              "loglevel nothing\nactivedefrag no\n"
                              "active-defrag-ignore-bytes 1mb\nactive-defrag-cycle-min 1\n"
                              "active-defrag-cycle-max 2\n",
                              port, http_port, directory) &&
                buffer_append(&all, buffer_view(options));
    if (!good) {
        buffer_release(&all);
        return false;
    }
    buffer_release(options);
    *options = all;
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

static struct bytes key_of(char at[32], uint64_t index)
{
    int count = snprintf(at, 32, "session:%08llu", (unsigned long long)index);
    return bytes_of(at, (size_t)count);
}

/* Values of sizes as sessions have them: many small ones, some larger. */
static struct bytes value_for(struct demo *demo, const char filling[VALUE_MAX])
{
    static const uint16_t sizes[] = { 48, 64, 90, 90, 120, 120, 180, 240, 320, 480, 640, 760 };
    uint64_t draw = rng_below(&demo->rng, sizeof sizes / sizeof *sizes);
    return bytes_of(filling, sizes[draw] + rng_below(&demo->rng, 16));
}

/* Beside the sessions a few keys that grow large, for the list of the biggest. */
static bool queue_large(struct demo *demo, const char *filling)
{
    char score[24], member[32];
    int digits = snprintf(score, sizeof score, "%llu", (unsigned long long)demo->keys * 7 % 100000);
    struct bytes name = key_of(member, demo->keys);
    struct bytes queue[] = { BYTES("RPUSH"), BYTES("queue:mail"), name, bytes_of(filling, 40) };
    struct bytes board[] = { BYTES("ZADD"), BYTES("leaderboard"), bytes_of(score, (size_t)digits),
                             name };
    struct bytes fields[] = { BYTES("HSET"), BYTES("catalogue"), name, bytes_of(filling, 64) };
    return demo_queue(&demo->link, queue, 4) && demo_queue(&demo->link, board, 4) &&
           demo_queue(&demo->link, fields, 4);
}

/* So many bytes more than are resident before. */
static bool load(struct demo *demo, uint64_t bytes, struct demo_figures *figures)
{
    char filling[VALUE_MAX], name[32];
    struct demo_figures begun;
    memset(filling, 's', sizeof filling);
    demo_begin(&demo->screen);
    if (!demo_figures(&demo->link, &begun))
        return false;
    *figures = begun;
    while (figures->resident < begun.resident + bytes && demo->keys < bytes / VALUE_LEAST) {
        struct bytes set[] = { BYTES("SET"), key_of(name, demo->keys), value_for(demo, filling) };
        if (!demo_queue(&demo->link, set, 3) ||
            (demo->keys % 64 == 0 && !queue_large(demo, filling)))
            return false;
        if (++demo->keys % (DEMO_BATCH_MAX * LOOK_EVERY) != 0)
            continue;
        if (!demo_flush(&demo->link) || !demo_figures(&demo->link, figures))
            return false;
        double loaded = (double)figures->resident - (double)begun.resident;
        demo_progress(&demo->screen, loaded / (double)bytes, "%llu keys, %llu MiB resident",
                      (unsigned long long)demo->keys,
                      (unsigned long long)(figures->resident / MIB));
    }
    return demo_flush(&demo->link) && demo_figures(&demo->link, figures);
}

/* Most keys go, here more, there less, as sessions end: each leaves a hole of its size. */
static bool is_deleted(struct demo *demo, uint64_t index)
{
    static const uint8_t shares[] = { 97, 62, 90, 78, 95, 70 };
    uint64_t part = index * 24 / (demo->keys + 1);
    return rng_below(&demo->rng, 100) < shares[part % sizeof shares];
}

static bool fragment(struct demo *demo, struct demo_figures *figures)
{
    char names[DELETED_AT_ONCE][32];
    struct bytes words[DELETED_AT_ONCE + 1] = { BYTES("DEL") };
    size_t count = 1;
    demo_begin(&demo->screen);
    for (uint64_t index = 0; index < demo->keys; index++) {
        if (!is_deleted(demo, index))
            continue;
        words[count] = key_of(names[count - 1], index);
        if (++count <= DELETED_AT_ONCE)
            continue;
        if (!demo_queue(&demo->link, words, count))
            return false;
        count = 1;
        demo_progress(&demo->screen, (double)index / (double)demo->keys, "keys deleted");
    }
    return demo_flush(&demo->link) && demo_figures(&demo->link, figures);
}

/* --- while it waits and heals ----------------------------------------------------------------- */

/* A few reads, so that there is somebody whose latency shows. */
static bool read_some(struct demo *demo)
{
    char name[32];
    uint64_t begun_ns = seam_now_ns(demo->start.seam);
    for (unsigned at = 0; at < READS_AT_ONCE; at++) {
        struct bytes get[] = { BYTES("GET"), key_of(name, rng_below(&demo->rng, demo->keys)) };
        if (!demo_queue(&demo->link, get, 2))
            return false;
    }
    if (!demo_flush(&demo->link))
        return false;
    uint64_t spent_ns = seam_now_ns(demo->start.seam) - begun_ns;
    demo->reads += READS_AT_ONCE;
    demo->slowest_read_ns = spent_ns > demo->slowest_read_ns ? spent_ns : demo->slowest_read_ns;
    return true;
}

/* Until a key, or for some seconds where there is no terminal; false: the end. */
static bool wait_for_key(struct demo *demo, int wait_ms)
{
    uint64_t end_ns = seam_now_ns(demo->start.seam) + (uint64_t)wait_ms * MS;
    bool listens = demo_listen(&demo->screen);
    while (listens || seam_now_ns(demo->start.seam) < end_ns) {
        if (demo_key(&demo->screen, demo->link.stop, 20))
            return true;
        if (!read_some(demo))
            return false;
    }
    return true;
}

/* What the memory is a tenth of a second on, with reads meanwhile. */
static bool look_later(struct demo *demo, struct demo_figures *figures)
{
    for (unsigned at = 0; at < READS_A_LOOK; at++) {
        if (!read_some(demo))
            return false;
        (void)demo_key(&demo->screen, demo->link.stop, 100 / READS_A_LOOK);
    }
    return demo_figures(&demo->link, figures);
}

static bool heal(struct demo *demo, const struct demo_figures *before, struct demo_figures *figures)
{
    uint64_t begun_ns = seam_now_ns(demo->start.seam), still_ns = begun_ns;
    uint64_t least = before->resident, whole = before->reclaimable;
    demo->reads = demo->slowest_read_ns = 0;
    demo_begin(&demo->screen);
    if (!demo_command(&demo->link, "CONFIG SET activedefrag yes"))
        return false;
    while (look_later(demo, figures)) {
        uint64_t now_ns = seam_now_ns(demo->start.seam);
        double left = whole > 0 ? (double)figures->reclaimable / (double)whole : 0;
        demo_progress(&demo->screen, 1 - left, "%llu MiB resident, ratio %.2f",
                      (unsigned long long)(figures->resident / MIB), figures->ratio);
        if (figures->resident + MIB < least || figures->running) {
            least = figures->resident < least ? figures->resident : least;
            still_ns = now_ns;
        }
        bool settled = figures->at_rest && now_ns - still_ns > 700 * MS;
        if (settled || now_ns - still_ns > SETTLE_MS * MS || now_ns - begun_ns > HEAL_MS * MS)
            return true;
    }
    return false;
}

/* --- the account ------------------------------------------------------------------------------ */

static double mib(uint64_t bytes)
{
    return (double)bytes / (double)MIB;
}

static void compare(struct demo *demo, const struct demo_figures *before,
                    const struct demo_figures *after)
{
    struct demo_screen *screen = &demo->screen;
    uint64_t returned = after->returned - before->returned, moved = after->moved - before->moved;
    /* Measured from a little further out, where a system call is in it. */
    uint64_t on_cpu_us = after->slice_cpu_max_us < after->slice_max_us ? after->slice_cpu_max_us
                                                                       : after->slice_max_us;
    demo_say(screen, "\n                          before       after");
    demo_say(screen, "    resident        %8.1f MiB %8.1f MiB", mib(before->resident),
             mib(after->resident));
    demo_say(screen, "    used            %8.1f MiB %8.1f MiB", mib(before->used),
             mib(after->used));
    demo_say(screen, "    ratio of both   %8.2f     %8.2f\n", before->ratio, after->ratio);
    demo_say(screen, "    given back      %8.1f MiB, by copying %.1f MiB", mib(returned),
             mib(moved));
    demo_say(screen, "    CPU spent       %8.1f ms",
             (double)(after->cpu_us - before->cpu_us) / 1000);
    demo_say(screen, "    longest slice   %8llu us, %llu us of it on the CPU",
             (unsigned long long)after->slice_max_us, (unsigned long long)on_cpu_us);
    demo_say(screen, "    meanwhile       %8llu reads, %d at a time; the slowest %d took %.1f ms\n",
             (unsigned long long)demo->reads, READS_AT_ONCE, READS_AT_ONCE,
             (double)demo->slowest_read_ns / (double)MS);
}

static bool tell(struct demo *demo)
{
    struct demo_screen *screen = &demo->screen;
    struct demo_figures loaded, before, after;
    unsigned long long megabytes = demo->start.megabytes;
    demo_say(screen, "Snug: memory that is fragmented, and healed while the server serves.\n");
    if (demo->start.http_port != 0)
        demo_say(screen, "    the page    http://127.0.0.1:%u/", demo->start.http_port);
    demo_say(screen, "    the server  redis-cli -p %u\n", demo->start.port);
    demo_say(screen, "1.  Loads %llu MiB.", megabytes);
    if (!load(demo, megabytes * MIB, &loaded)) {
        if (!demo_is_stopped(&demo->link))
            demo_say(screen,
                     "    No room after %llu keys: with less, `make demo MB=50` or --demo 50.",
                     (unsigned long long)demo->keys);
        return false;
    }
    demo_say(screen, "    %llu keys: %.0f MiB resident, %.0f MiB used, ratio %.2f.",
             (unsigned long long)demo->keys, mib(loaded.resident), mib(loaded.used), loaded.ratio);
    demo_say(screen, "2.  Deletes most of them, here and there. activedefrag is off.");
    if (!fragment(demo, &before))
        return false;
    demo_say(screen, "    %.0f MiB resident, %.0f MiB used, ratio %.2f: the rest are holes.",
             mib(before.resident), mib(before.used), before.ratio);
    /* Listened to before it is asked for: what was typed earlier is thrown away. */
    bool listens = demo_listen(screen);
    demo_say(screen, "3.  %s: CONFIG SET activedefrag yes.",
             listens ? "Press any key to heal it" : "Heals it");
    if (!wait_for_key(demo, WAIT_WITHOUT_KEY_MS) || !demo_figures(&demo->link, &before) ||
        !heal(demo, &before, &after))
        return false;
    compare(demo, &before, &after);
    if (!screen->input)
        return true;
    demo_say(screen, "The server goes on, and the page with it. Any key, or Ctrl-C, ends both.");
    return wait_for_key(demo, 0);
}

static void *run(void *context)
{
    struct demo *demo = context;
    bool told = demo_link_open(&demo->link, demo->start.port, demo->link.stop) && tell(demo);
    demo->failed = !told && !demo_is_stopped(&demo->link);
    if (demo->failed)
        demo_say(&demo->screen, "The server does not answer as it should; the demo ends.");
    else if (!told)
        demo_say(&demo->screen, "Ended.");
    if (!demo_is_stopped(&demo->link))
        kill(getpid(), SIGTERM); /* as anybody ends a server */
    return NULL;
}

struct demo *demo_begin_thread(const struct demo_start *start)
{
    sigset_t all, before;
    struct demo *demo = memory_take_zeroed(sizeof *demo);
    if (demo == NULL)
        return NULL;
    demo->start = *start;
    demo->link.socket = -1;
    demo->link.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rng_init(&demo->rng, 1);
    demo_screen_init(&demo->screen, start->seam);
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = demo->link.stop < 0 ? errno : pthread_create(&demo->thread, NULL, run, demo);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return demo;
    if (demo->link.stop >= 0)
        close(demo->link.stop);
    memory_give(demo);
    errno = failed;
    return NULL;
}

int demo_end_thread(struct demo *demo)
{
    uint64_t one = 1;
    ssize_t put = write(demo->link.stop, &one, sizeof one);
    (void)put;
    pthread_join(demo->thread, NULL);
    demo_screen_restore(&demo->screen);
    demo_link_close(&demo->link);
    close(demo->link.stop);
    int code = demo->failed ? 1 : 0;
    memory_give(demo);
    return code;
}
