/* What is done between two batches of commands: the only place where entries move. Work is cut into
 * slices that end by the clock; whoever has more to do says when to be called again. */
#include "base/memory.h"
#include "cmd/scripting.h"
#include "observe/observer.h"
#include "server/server.h"

#include <signal.h>

enum {
    MS = 1000 * 1000,
    SLICE_NS = 200 * 1000,     /* of expiry or freeing, before clients are served again */
    SLICE_MAX_NS = 100 * MS,   /* where clients take as long */
    EXPIRE_IDLE_NS = 100 * MS, /* hz 10: between two rounds */
    EXPIRE_REST_NS = 250 * MS, /* from its begin, where rounds are costly */
    EXPIRE_REST_SHARE = 20,    /* so many times what a round took */
    LATE_NS = 120 * MS,        /* of a round: no key shall outlive its time by a second */
    TOO_LATE_NS = 250 * MS,
    FAR_TOO_LATE_NS = 350 * MS,
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- what LATENCY is told -----------------------------------------------------------------------
 * Without a threshold no clock is read for it. */

static uint64_t step_began(const struct server *server)
{
    return server->config.latency_monitor_threshold > 0 ? seam_now_ns(&server->seam) : 0;
}

static void tell(struct server *server, enum latency_event event, uint64_t ns)
{
    int64_t threshold_ms = server->config.latency_monitor_threshold;
    if (threshold_ms > 0 && ns >= MS)
        latency_add(&server->observer->latency, event, ns, threshold_ms,
                    seam_wall_ms(&server->seam));
}

static void step_ended(struct server *server, enum latency_event event, uint64_t began_ns)
{
    if (server->config.latency_monitor_threshold > 0)
        tell(server, event, seam_now_ns(&server->seam) - began_ns);
}

/* --- the steps -------------------------------------------------------------------------------- */

/* Batches of commands may be longer than a slice: a share of the time is not one of the turns. */
static uint64_t slice_ns(uint64_t share_ns)
{
    return share_ns < SLICE_NS ? SLICE_NS : least(share_ns, SLICE_MAX_NS);
}

/* Expired keys take a quarter of the time; half of it where a round takes long, as much as commands
 * where it takes too long, and then more than they, who may bring as many keys as go. */
static uint64_t expire_share_ns(const struct server *server, uint64_t now_ns, uint64_t round_ns)
{
    uint64_t since_ns = now_ns - server->expire_left_ns;
    if (server->expire_round_ns == 0)
        return 0;
    if (round_ns >= FAR_TOO_LATE_NS)
        return since_ns * 4;
    return since_ns / (round_ns >= TOO_LATE_NS ? 1 : round_ns >= LATE_NS ? 2 : 4);
}

/* More often with active-expire-effort. */
static uint64_t expire_pause_ns(const struct server *server, uint64_t round_ns)
{
    uint64_t pause = (uint64_t)SLICE_NS * 4 / (uint64_t)server->config.active_expire_effort;
    if (round_ns >= LATE_NS)
        pause = least(pause, SLICE_NS);
    return round_ns >= TOO_LATE_NS ? 0 : pause;
}

/* A round visits every span with something due: where they are many it is worth its while to let
 * more come due in each. */
static uint64_t expire_rest_ns(struct server *server, uint64_t round_ns)
{
    uint64_t rest = least(server->expire_spent_ns * EXPIRE_REST_SHARE, EXPIRE_REST_NS);
    server->expire_spent_ns = 0;
    if (rest < EXPIRE_IDLE_NS)
        return EXPIRE_IDLE_NS;
    return rest > round_ns + SLICE_NS ? rest - round_ns : SLICE_NS;
}

static uint64_t expire(struct server *server, uint64_t now_ns)
{
    if (now_ns < server->expire_ns)
        return server->expire_ns - now_ns;
    uint64_t began_ns = seam_now_ns(&server->seam);
    uint64_t round_ns = server->expire_round_ns != 0 ? now_ns - server->expire_round_ns : 0;
    uint64_t share_ns = expire_share_ns(server, now_ns, round_ns);
    bool done = store_expire_step(server->store, began_ns + slice_ns(share_ns));
    server->expire_left_ns = seam_now_ns(&server->seam);
    uint64_t spent_ns = server->expire_left_ns - began_ns;
    tell(server, LATENCY_EXPIRE, spent_ns);
    server->observer->expire_ns += spent_ns;
    server->observer->expire_cut_short += !done;
    server->expire_spent_ns += spent_ns;
    if (done)
        server->expire_round_ns = 0;
    else if (server->expire_round_ns == 0)
        server->expire_round_ns = now_ns;
    uint64_t pause = done ? expire_rest_ns(server, round_ns) : expire_pause_ns(server, round_ns);
    server->expire_ns = now_ns + pause;
    return pause;
}

static uint64_t tidy(struct server *server, uint64_t now_ns)
{
    if (now_ns < server->tidy_ns)
        return server->tidy_ns - now_ns;
    uint64_t began_ns = seam_now_ns(&server->seam);
    bool done = heap_tidy_step(store_heap(server->store), began_ns + SLICE_NS / 4);
    step_ended(server, LATENCY_TIDY, began_ns);
    uint64_t pause = done ? 50 * MS : SLICE_NS / 2;
    server->tidy_ns = now_ns + pause;
    return pause;
}

/* What is being freed goes back to the system meanwhile, not when all has been freed. */
static uint64_t free_and_tidy(struct server *server, uint64_t now_ns)
{
    uint64_t began_ns = step_began(server);
    uint64_t share_ns = server->free_left_ns != 0 ? (now_ns - server->free_left_ns) / 4 : 0;
    bool free = store_free_step(server->store, now_ns + slice_ns(share_ns));
    server->free_left_ns = free ? 0 : seam_now_ns(&server->seam);
    step_ended(server, LATENCY_FREE, began_ns);
    uint64_t pause = tidy(server, now_ns);
    return free ? pause : 0;
}

/* The slice measures itself. */
static uint64_t defrag(struct server *server)
{
    uint64_t spent_ns = server->defrag.slice_total_ns;
    uint64_t slices = server->defrag.slices, wait = defrag_step(&server->defrag);
    spent_ns = server->defrag.slice_total_ns - spent_ns;
    if (server->defrag.slices > slices)
        slice_add(&server->observer->slices, spent_ns);
    tell(server, LATENCY_DEFRAG, spent_ns);
    return wait;
}

static uint64_t cron(struct server *server, uint64_t now_ns)
{
    uint64_t period = 1000 * (uint64_t)MS / (uint64_t)server->config.hz;
    if (now_ns - server->cron_ns >= period) {
        server->cron_ns = now_ns;
        observer_sample(server->observer);
        persist_cron(server->persistence);
        memory_age();
    }
    return server->cron_ns + period - now_ns;
}

static uint64_t work(struct server *server, uint64_t now_ns)
{
    defrag_move_all(&server->defrag);
    uint64_t wait = defrag(server);
    /* What a command has left to be freed begins to go now. */
    if (now_ns < server->cron_due_ns && store_free_step(server->store, 0))
        return least(wait, server->cron_due_ns - now_ns);
    store_set_now_ms(server->store, seam_wall_ms(&server->seam));
    uint64_t due = least(expire(server, now_ns), free_and_tidy(server, now_ns));
    due = least(due, cron(server, now_ns));
    server->cron_due_ns = now_ns + due;
    return least(wait, due);
}

/* As SHUTDOWN, with what the options say of the signal. */
static void end_by_signal(struct server *server, int number)
{
    static const struct {
        enum config_shutdown word;
        enum shutdown_flags flag;
    } words[] = { { CONFIG_SHUTDOWN_SAVE, SHUTDOWN_SAVE },
                  { CONFIG_SHUTDOWN_NOSAVE, SHUTDOWN_NOSAVE },
                  { CONFIG_SHUTDOWN_NOW, SHUTDOWN_NOW },
                  { CONFIG_SHUTDOWN_FORCE, SHUTDOWN_FORCE } };
    unsigned chosen =
        number == SIGINT ? server->config.shutdown_on_sigint : server->config.shutdown_on_sigterm;
    unsigned flags = 0;
    for (size_t at = 0; at < sizeof words / sizeof *words; at++)
        if ((chosen & (unsigned)words[at].word) != 0)
            flags |= (unsigned)words[at].flag;
    const char *refusal;
    if (!server_shutdown(server, flags, &refusal))
        log_write(&server->log, LOG_LEVEL_WARNING,
                  "The signal asked for the end, but a last snapshot could not be written: the "
                  "server goes on.");
}

/* While a file is loaded, nothing moves and nothing expires: values are being made. */
static uint64_t while_loading(struct server *server)
{
    int number;
    if (server_end_was_asked(server, &number))
        end_by_signal(server, number);
    return 0;
}

/* What has expired may have been waited for. */
uint64_t server_between(void *context)
{
    struct server *server = context;
    uint64_t now_ns = seam_now_ns(&server->seam);
    int number;
    uint64_t wait_published = server_publish(server, now_ns);
    if (server->persistence->loading != NULL)
        return while_loading(server);
    if (server_end_was_asked(server, &number))
        end_by_signal(server, number);
    uint64_t wait = least(wait_published, work(server, now_ns));
    wait = least(wait, server_ease_memory(server, now_ns));
    wait = least(wait, persist_step(server->persistence, now_ns));
    wait = least(wait, scripting_step(server->context.scripting));
    return least(wait, dispatch_between(server->dispatch, now_ns));
}
