/* HTTP by the configuration, and what the executing thread publishes for it: an edition when one
 * was asked for; while somebody watches, the picture of the heap and the biggest keys, in steps. */
#include "base/memory.h"
#include "cmd/command_log.h"
#include "cmd/info.h"
#include "cmd/memory.h"
#include "cmd/table.h"
#include "conf/options.h"
#include "http/http.h"
#include "observe/memory_now.h"
#include "observe/published.h"
#include "os/part.h"
#include "os/process.h"
#include "server/server.h"

#include <stdio.h>
#include <string.h>

enum {
    MS = 1000 * 1000,
    WATCH_EVERY_NS = 5 * MS,
    SWEEP_REST_NS = 100 * MS,     /* between two whole sweeps */
    SWEEP_SLICE_NS = 50 * 1000,   /* of the spans: with the pause 1 % of the time */
    BIGGEST_SLICE_NS = 50 * 1000, /* of the keys: the same */
    MACHINE_EVERY_NS = 1000 * MS,
};

/* --- figures ---------------------------------------------------------------------------------- */

/* What the machine allows is read from files, so not each time. */
static void write_machine(struct info *info, struct server *server)
{
    uint64_t now_ns = seam_now_ns(&server->seam);
    if (server->machine_limit == 0 || now_ns - server->machine_ns > MACHINE_EVERY_NS) {
        server->machine_ns = now_ns;
        server->machine_limit = machine_memory_limit();
    }
    info_count(info, "snug_system_limit", server->machine_limit);
}

static void write_heap(struct info *info, struct server *server, const struct heap_figures *heap)
{
    struct store_figures store;
    store_figures(server->store, &store);
    info_count(info, "snug_heap_allocated", heap->allocated);
    info_count(info, "snug_heap_active", heap->active);
    info_count(info, "snug_heap_committed", heap->committed);
    info_count(info, "snug_heap_free_spans", heap->free_spans);
    info_count(info, "snug_heap_tables", heap->tables);
    info_count(info, "snug_heap_reclaimable", heap_reclaimable(store_heap(server->store)));
    info_count(info, "snug_heap_blocks", heap->blocks);
    info_count(info, "snug_heap_runs", heap->runs);
    info_count(info, "snug_heap_run_bytes", heap->run_bytes);
    info_count(info, "snug_heap_run_slack", heap->run_slack);
    info_count(info, "snug_index_bytes", store.index_bytes);
    info_count(info, "snug_malloc_allocated", memory_held());
}

static void write_mover(struct info *info, const struct server *server,
                        const struct heap_figures *heap)
{
    const struct defrag *defrag = &server->defrag;
    info_count(info, "snug_defrag_enabled", defrag->limits.enabled);
    info_count(info, "snug_defrag_running", defrag->running);
    info_count(info, "snug_defrag_effort", defrag->running ? defrag->effort : 0);
    info_line(info, "snug_defrag_reason:%s", defrag_reason_name(defrag->reason));
    info_count(info, "snug_defrag_total_ms", defrag_total_ms(defrag));
    info_count(info, "snug_defrag_cpu_us", defrag->slice_cpu_total_ns / 1000);
    info_count(info, "snug_defrag_slices", defrag->slices);
    info_count(info, "snug_defrag_slices_over", defrag->slices_over);
    info_count(info, "snug_defrag_slice_max_us", defrag->slice_max_ns / 1000);
    info_count(info, "snug_heap_moved_blocks", heap->moved_blocks);
    info_count(info, "snug_heap_moved_bytes", heap->moved_bytes);
    info_count(info, "snug_heap_missed_blocks", heap->missed_blocks);
    info_count(info, "snug_heap_drained_spans", heap->drained_spans);
    info_count(info, "snug_heap_returned", heap->returned_bytes);
}

static void write_slow_log(struct info *info, const struct command_logs *logs)
{
    uint64_t id = 0, amount = 0;
    info_count(info, "snug_slowlog_length", logs->kinds[LOG_SLOW].count);
    if (!command_log_last(logs, LOG_SLOW, &id, &amount))
        id = amount = 0;
    info_count(info, "snug_slowlog_last_id", id);
    info_count(info, "snug_slowlog_last_us", amount);
}

/* redis_exporter asks CONFIG GET for it. */
static void write_io_threads(struct info *info, const struct config *config)
{
    struct buffer value = { 0 };
    const struct option *option = option_find(BYTES("io-threads"));
    if (option == NULL || !option_get(option, config, &value))
        info->failed = true;
    info_line(info, "snug_config_io_threads:%.*s", (int)value.count, (const char *)value.at);
    buffer_release(&value);
}

/* As INFO everything; test_http.py compares them. */
static const char *const sections[] = {
    "server",  "clients",      "memory",     "persistence",  "stats",   "replication", "cpu",
    "modules", "commandstats", "errorstats", "latencystats", "cluster", "keyspace",
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void write_section(struct server *server, struct edition *edition, unsigned at)
{
    struct info info = { .context = &server->context, .text = edition->figures };
    struct bytes name = bytes_of_text(sections[at]);
    info_write(&info, &name, 1);
    edition->figures = info.text;
    edition->failed |= info.failed;
}

static void write_own(struct server *server, struct edition *edition)
{
    struct info info = { .context = &server->context, .text = edition->figures };
    struct heap_figures heap;
    heap_figures(store_heap(server->store), &heap);
    info_line(&info, "\r\n# Snug");
    info_count(&info, "snug_databases", store_databases(server->store));
    write_io_threads(&info, &server->config);
    write_machine(&info, server);
    write_heap(&info, server, &heap);
    write_mover(&info, server, &heap);
    write_slow_log(&info, server->context.command_logs);
    edition->figures = info.text;
    edition->failed |= info.failed;
}

/* --- the rest of an edition ------------------------------------------------------------------- */

/* MEMORY DOCTOR as if somebody had asked, in RESP2: "$count\r\nwords\r\n". */
static void write_doctor(struct server *server, struct edition *edition)
{
    struct reply_pool pool = { .free_max = 0 };
    struct reply reply;
    struct iovec parts[16];
    reply_init(&reply, &pool);
    reply.resp = 2;
    struct call call = { .context = &server->context,
                         .store = server->store,
                         .heap = store_heap(server->store),
                         .space = store_space(server->store),
                         .reply = &reply,
                         .arena = &server->diagnosis };
    memory_doctor(&call);
    int count = reply_parts(&reply, parts, 16);
    for (int at = 0; at < count; at++)
        edition->failed |=
            !buffer_append(&edition->doctor, bytes_of(parts[at].iov_base, parts[at].iov_len));
    reply_release(&reply);
    reply_pool_release(&pool);
    arena_reset(&server->diagnosis);
    struct buffer *words = &edition->doctor;
    const uint8_t *end = words->count > 0 ? memchr(words->at, '\n', words->count) : NULL;
    if (end == NULL || words->at[0] != '$') {
        words->count = 0;
        return;
    }
    buffer_consume(words, (size_t)(end - words->at) + 1);
    words->count -= words->count >= 2 ? 2 : words->count;
}

enum { FIRST_CEILING_BIT = 10 }; /* as LATENCY HISTOGRAM: 1,024 ns, and twice that for each more */

static void know_ceilings(uint64_t ns[PUBLISHED_CEILINGS], uint32_t us[PUBLISHED_CEILINGS])
{
    for (unsigned at = 0; at < PUBLISHED_CEILINGS; at++) {
        ns[at] = histogram_ceiling_ns((uint64_t)1 << (FIRST_CEILING_BIT + at));
        us[at] = (uint32_t)(ns[at] / 1000);
    }
}

static void write_command(const struct command_row *row, const uint64_t *ceilings_ns,
                          struct edition *edition)
{
    const struct command_counters *counters = &row->counters;
    struct published_command command = { .name = row->full_name,
                                         .calls = counters->calls,
                                         .ns = counters->ns,
                                         .rejected = counters->rejected,
                                         .failed = counters->failed };
    if (counters->latency != NULL) {
        command.timed = counters->latency->total;
        histogram_add_within(counters->latency, ceilings_ns, PUBLISHED_CEILINGS, command.within);
    }
    edition->failed |= !buffer_append(&edition->commands, bytes_of(&command, sizeof command));
}

static void write_commands(struct server *server, struct edition *edition)
{
    uint64_t ceilings_ns[PUBLISHED_CEILINGS];
    know_ceilings(ceilings_ns, edition->ceilings_us);
    for (uint32_t at = 0; at < cmd_table_count(server->table); at++) {
        const struct command_row *row = cmd_table_at(server->table, at);
        if (row->counters.calls > 0 || row->counters.rejected > 0)
            write_command(row, ceilings_ns, edition);
    }
}

static void write_lanes(struct server *server, struct edition *edition)
{
    const struct heap *heap = store_heap(server->store);
    for (uint32_t kind = 0; kind < edition->kinds; kind++)
        for (uint32_t class = 0; class < edition->classes; class ++) {
            struct published_lane lane = { .kind = kind, .size_class = class };
            if (heap_picture_lane(server->published->picture, heap, kind, class, &lane.figures))
                edition->failed |= !buffer_append(&edition->lanes, bytes_of(&lane, sizeof lane));
        }
}

static void write_biggest(struct server *server, struct edition *edition)
{
    biggest_found(server->biggest, &edition->biggest);
    edition->biggest_visited = server->biggest->visited;
    edition->biggest_rounds = server->biggest->rounds;
}

/* A piece at each safe point, so that commands wait for no more than one; false after the last. */
static bool write_piece(struct server *server, struct edition *edition, unsigned piece)
{
    if (piece < SECTIONS) {
        write_section(server, edition, piece);
        return true;
    }
    switch (piece - SECTIONS) {
    case 0:
        write_own(server, edition);
        return true;
    case 1:
        write_commands(server, edition);
        return true;
    case 2:
        write_lanes(server, edition);
        edition->slices = server->observer->slices;
        return true;
    default:
        write_biggest(server, edition);
        if (published_is_watched(server->published, edition->made_ns))
            write_doctor(server, edition); /* the metrics have no place for words */
        return false;
    }
}

/* False: the edition is whole, and was handed over. */
static bool publish_piece(struct server *server)
{
    uint64_t began_ns = seam_now_ns(&server->seam);
    if (server->edition == NULL) {
        server->edition = published_begin(server->published);
        server->edition_piece = 0;
    }
    struct edition *edition = server->edition;
    bool more = write_piece(server, edition, server->edition_piece++);
    uint64_t spent_ns = seam_now_ns(&server->seam) - began_ns;
    edition->cost_ns += spent_ns;
    edition->piece_ns = spent_ns > edition->piece_ns ? spent_ns : edition->piece_ns;
    if (more)
        return true;
    published_end(server->published);
    server->edition = NULL;
    return false;
}

/* --- the history ------------------------------------------------------------------------------ */

static void read_commands(const struct server *server, struct history_reading *reading)
{
    uint64_t ceilings_ns[HISTORY_CEILINGS];
    know_ceilings(ceilings_ns, reading->ceilings_us);
    for (uint32_t at = 0; at < cmd_table_count(server->table); at++) {
        const struct command_counters *counters = &cmd_table_at(server->table, at)->counters;
        reading->calls += counters->calls;
        reading->calls_ns += counters->ns;
        if (counters->latency == NULL)
            continue;
        reading->timed += counters->latency->total;
        histogram_add_within(counters->latency, ceilings_ns, HISTORY_CEILINGS, reading->within);
    }
}

/* In how many ns there is more to remember. */
static uint64_t remember(struct server *server, uint64_t now_ns)
{
    struct history *history = &server->published->history;
    uint64_t wait_ns = history_wait(history, now_ns);
    if (LIKELY(wait_ns > 0))
        return wait_ns;
    struct heap_figures heap;
    struct memory_now now;
    heap_figures(store_heap(server->store), &heap);
    memory_now(server->observer, &now);
    struct history_reading reading = { .time_ns = now_ns,
                                       .resident = server->observer->resident_bytes,
                                       .committed = now.held,
                                       .used = server->observer->used_bytes,
                                       .allocated = heap.allocated,
                                       .active = heap.active,
                                       .mover_us = server->defrag.slice_cpu_total_ns / 1000,
                                       .moved = heap.moved_bytes,
                                       .returned = heap.returned_bytes,
                                       .commands = cmd_table_figures(server->table)->commands };
    read_commands(server, &reading);
    history_note(history, &reading);
    server->observer->watching_bytes = published_bytes(server->published) + sizeof *server->biggest;
    return history_wait(history, now_ns);
}

/* --- at safe points --------------------------------------------------------------------------- */

static uint64_t watch(struct server *server, uint64_t now_ns)
{
    if (!published_is_watched(server->published, now_ns))
        return UINT64_MAX;
    if (now_ns < server->watch_ns)
        return server->watch_ns - now_ns;
    if (now_ns >= server->sweep_ns &&
        heap_picture_step(server->published->picture, store_heap(server->store),
                          now_ns + SWEEP_SLICE_NS))
        server->sweep_ns = now_ns + SWEEP_REST_NS;
    if (server->persistence->loading == NULL)
        (void)biggest_step(server->biggest, server->store, &server->seam,
                           seam_now_ns(&server->seam) + BIGGEST_SLICE_NS);
    server->watch_ns = now_ns + WATCH_EVERY_NS;
    return WATCH_EVERY_NS;
}

uint64_t server_publish(struct server *server, uint64_t now_ns)
{
    if (LIKELY(server->http == NULL))
        return UINT64_MAX;
    if ((server->edition != NULL || published_is_asked(server->published, now_ns)) &&
        publish_piece(server))
        return 0;
    uint64_t wait_ns = remember(server, now_ns), watch_ns = watch(server, now_ns);
    return wait_ns < watch_ns ? wait_ns : watch_ns;
}

/* --- by the configuration --------------------------------------------------------------------- */

static void wake(void *context)
{
    net_wake(context);
}

static bool prepare(struct server *server)
{
    if (server->published == NULL) {
        server->published = published_new(&server->seam, store_heap(server->store));
        arena_init(&server->diagnosis);
    }
    if (server->biggest == NULL)
        server->biggest = memory_take_zeroed(sizeof *server->biggest);
    if (server->published == NULL || server->biggest == NULL)
        return false;
    published_open(server->published, true);
    server->published->wake = wake;
    server->published->wake_context = server->net;
    while (publish_piece(server))
        ;
    return true;
}

static bool load_part(struct server *server)
{
    char reason[256];
    if (server->http_part == NULL)
        server->http_part = part_load(HTTP_PART_FILE, HTTP_PART_SYMBOL, reason, sizeof reason);
    if (server->http_part == NULL)
        log_write(&server->log, LOG_LEVEL_WARNING, "%s", reason);
    return server->http_part != NULL;
}

static bool listen_on(struct server *server, const struct config *config,
                      struct socket_listeners *listeners)
{
    struct socket_bind binds[CONFIG_BIND_MAX];
    memset(binds, 0, sizeof binds);
    for (size_t at = 0; at < config->http_bind.count; at++)
        binds[at].address = config->http_bind.addresses[at].at;
    if (socket_listen_all(listeners, binds, config->http_bind.count, (uint16_t)config->http_port,
                          (int)config->tcp_backlog))
        return true;
    for (size_t at = 0; at < config->http_bind.count; at++)
        if (binds[at].outcome == SOCKET_FAILED)
            log_write(&server->log, LOG_LEVEL_WARNING,
                      "Cannot listen for HTTP on %s, port %lld: %s", binds[at].address,
                      (long long)config->http_port, strerror(binds[at].error));
    return false;
}

static void tell_serving(struct server *server, const struct config *config)
{
    log_write(&server->log, LOG_LEVEL_NOTICE, "HTTP: /metrics and the page on port %lld",
              (long long)config->http_port);
    if (config->http_password.count > 0 || config->http_token.count > 0)
        return;
    for (size_t at = 0; at < config->http_bind.count; at++) {
        const char *address = config->http_bind.addresses[at].at;
        address += *address == '-';
        if (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
            strcmp(address, "localhost") == 0)
            continue;
        log_write(
            &server->log, LOG_LEVEL_WARNING,
            "HTTP is open to whoever reaches %s: names and sizes of keys are shown there. Set "
            "http-password or http-token.",
            address);
    }
}

static void stop_serving(struct server *server)
{
    if (server->published != NULL)
        published_open(server->published, false);
    if (server->http != NULL)
        server->http_part->drop(server->http);
    server->http = NULL;
}

bool server_serve_http(struct server *server, const struct config *config)
{
    struct socket_listeners listeners = { .count = 0 };
    stop_serving(server);
    if (config->http_port == 0)
        return true;
    if (!load_part(server) || !prepare(server) || !listen_on(server, config, &listeners))
        return false;
    struct http_options options = { .seam = &server->seam,
                                    .published = server->published,
                                    .password = config_text_view(&config->http_password),
                                    .token = config_text_view(&config->http_token) };
    server->http = server->http_part->make(&options, &listeners);
    if (server->http == NULL) {
        log_write(&server->log, LOG_LEVEL_WARNING, "The thread that serves HTTP cannot start: %m");
        socket_close_all(&listeners);
        return false;
    }
    tell_serving(server, config);
    return true;
}

static bool apply_http(void *context, const struct config *before, struct config *after,
                       struct option_reason *reason)
{
    struct server *server = context;
    if (server_serve_http(server, after))
        return true;
    if (!server_serve_http(server, before))
        log_write(&server->log, LOG_LEVEL_WARNING, "Nor can HTTP be served as before.");
    snprintf(reason->text, sizeof reason->text,
             "Unable to serve HTTP on this port. Check server logs.");
    return false;
}

void server_hook_http(struct server *server)
{
    static const char *const options[] = { "http-port", "http-bind", "http-password", "http-token",
                                           NULL };
    const struct conf_hook hook = { options, apply_http, server };
    conf_runtime_hook(server->runtime, &hook);
}

void server_drop_http(struct server *server)
{
    stop_serving(server);
    if (server->published != NULL)
        arena_release(&server->diagnosis);
    published_drop(server->published);
    memory_give(server->biggest);
    server->published = NULL;
    server->edition = NULL;
}
