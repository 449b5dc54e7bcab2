/* Families whose samples have labels, or whose value stands in no figure. */
#include "http/metrics_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void put_up(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", 1);
}

/* --- the server ------------------------------------------------------------------------------- */

void put_instance(struct exposition *exposition, const struct metric_row *row)
{
    static const char *const names[] = {
        "role", "redis_version",    "snug_version", "redis_build_id", "redis_mode",
        "os",   "maxmemory_policy", "tcp_port",     "run_id",         "process_id"
    };
    char labels[1536], value[LABEL_MAX];
    size_t used = 0;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        struct figure figure;
        if (!figures_find(&exposition->figures, names[at], &figure))
            continue;
        exposition_escape(figure.value, value);
        int more = snprintf(labels + used, sizeof labels - used, "%s%s=\"%s\"", used > 0 ? "," : "",
                            names[at], value);
        if (more < 0 || (size_t)more >= sizeof labels - used) {
            labels[used] = 0;
            break;
        }
        used += (size_t)more;
    }
    exposition_sample(exposition, row, "", used > 0 ? labels : "", 1);
}

static bool number_of(struct exposition *exposition, const char *name, double *value)
{
    struct figure figure;
    return figures_find(&exposition->figures, name, &figure) && figure_number(figure.value, value);
}

void put_start_time(struct exposition *exposition, const struct metric_row *row)
{
    double uptime;
    if (number_of(exposition, "uptime_in_seconds", &uptime))
        exposition_sample(exposition, row, "", "",
                          floor((double)exposition->edition->made_wall_ms / 1000) - uptime);
}

/* Every database has keys, if none; an average time to live only where there are keys. */
void put_keyspace(struct exposition *exposition, const struct metric_row *row)
{
    double databases = 0;
    if (!number_of(exposition, "snug_databases", &databases) ||
        !(databases >= 0 && databases <= 16384))
        return;
    for (unsigned db = 0; db < (unsigned)databases; db++) {
        char name[32], labels[48];
        struct figure figure;
        struct bytes part;
        double value = 0;
        snprintf(name, sizeof name, "db%u", db);
        snprintf(labels, sizeof labels, "db=\"db%u\"", db);
        bool there = figures_find(&exposition->figures, name, &figure) &&
                     figure_part(figure.value, row->source, &part) && figure_number(part, &value);
        if (there || strcmp(row->source, "avg_ttl") != 0)
            exposition_sample(exposition, row, "", labels,
                              row->scale == 0 ? value : value * row->scale);
    }
}

/* A sample for each figure that begins so, with the rest of its name as label; its value, or a part
 * of it. */
static void each_figure(struct exposition *exposition, const struct metric_row *row,
                        const char *prefix, const char *label, const char *wanted)
{
    struct figures figures = { .text = exposition->figures.text };
    struct figure figure;
    size_t skipped = strlen(prefix);
    while (figures_next(&figures, &figure)) {
        char rest[LABEL_MAX], labels[LABEL_MAX + 16];
        struct bytes value = figure.value;
        double number;
        if (figure.name.count <= skipped || memcmp(figure.name.at, prefix, skipped) != 0 ||
            (wanted != NULL && !figure_part(figure.value, wanted, &value)) ||
            !figure_number(value, &number))
            continue;
        exposition_escape(bytes_of(figure.name.at + skipped, figure.name.count - skipped), rest);
        snprintf(labels, sizeof labels, "%s=\"%s\"", label, rest);
        exposition_sample(exposition, row, "", labels, number);
    }
}

void put_errors(struct exposition *exposition, const struct metric_row *row)
{
    each_figure(exposition, row, "errorstat_", "err", "count");
}

void put_resident(struct exposition *exposition, const struct metric_row *row)
{
    each_figure(exposition, row, "resident_", "part", NULL);
}

/* --- commands --------------------------------------------------------------------------------- */

static void each_command(struct exposition *exposition, const struct metric_row *row,
                         double (*value)(const struct published_command *command))
{
    const struct buffer *buffer = &exposition->edition->commands;
    for (size_t at = 0; at + sizeof(struct published_command) <= buffer->count;
         at += sizeof(struct published_command)) {
        struct published_command command;
        char labels[128];
        memcpy(&command, buffer->at + at, sizeof command);
        snprintf(labels, sizeof labels, "cmd=\"%s\"", command.name);
        exposition_sample(exposition, row, "", labels, value(&command));
    }
}

static double calls_of(const struct published_command *command)
{
    return (double)command->calls;
}
static double seconds_of(const struct published_command *command)
{
    return (double)command->ns / 1e9;
}
static double rejected_of(const struct published_command *command)
{
    return (double)command->rejected;
}
static double failed_of(const struct published_command *command)
{
    return (double)command->failed;
}

void put_command_calls(struct exposition *exposition, const struct metric_row *row)
{
    each_command(exposition, row, calls_of);
}
void put_command_seconds(struct exposition *exposition, const struct metric_row *row)
{
    each_command(exposition, row, seconds_of);
}
void put_command_rejected(struct exposition *exposition, const struct metric_row *row)
{
    each_command(exposition, row, rejected_of);
}
void put_command_failed(struct exposition *exposition, const struct metric_row *row)
{
    each_command(exposition, row, failed_of);
}

/* The same ceilings in each, so that they can be summed. */
static void put_buckets(struct exposition *exposition, const struct metric_row *row,
                        const struct published_command *command)
{
    char labels[160];
    for (unsigned at = 0; at < PUBLISHED_CEILINGS; at++) {
        snprintf(labels, sizeof labels, "cmd=\"%s\",le=\"%u\"", command->name,
                 exposition->edition->ceilings_us[at]);
        exposition_sample(exposition, row, "_bucket", labels, (double)command->within[at]);
    }
    snprintf(labels, sizeof labels, "cmd=\"%s\",le=\"+Inf\"", command->name);
    exposition_sample(exposition, row, "_bucket", labels, (double)command->timed);
    snprintf(labels, sizeof labels, "cmd=\"%s\"", command->name);
    exposition_sample(exposition, row, "_sum", labels, (double)command->ns / 1000);
    exposition_sample(exposition, row, "_count", labels, (double)command->timed);
}

void put_command_latencies(struct exposition *exposition, const struct metric_row *row)
{
    const struct buffer *buffer = &exposition->edition->commands;
    for (size_t at = 0; at + sizeof(struct published_command) <= buffer->count;
         at += sizeof(struct published_command)) {
        struct published_command command;
        memcpy(&command, buffer->at + at, sizeof command);
        if (command.timed > 0)
            put_buckets(exposition, row, &command);
    }
}

/* --- the heap --------------------------------------------------------------------------------- */

/* Sums of one kind over its size classes; blocks over HEAP_CELL_MAX are of no span. */
static void each_kind(struct exposition *exposition, const struct metric_row *row,
                      uint64_t (*value)(const struct heap_lane_figures *lane))
{
    const struct edition *edition = exposition->edition;
    uint64_t sums[HEAP_KINDS_MAX] = { 0 };
    for (size_t at = 0; at + sizeof(struct published_lane) <= edition->lanes.count;
         at += sizeof(struct published_lane)) {
        struct published_lane lane;
        memcpy(&lane, edition->lanes.at + at, sizeof lane);
        sums[lane.kind] += value(&lane.figures);
    }
    for (uint32_t kind = 0; kind < edition->kinds; kind++) {
        char labels[64];
        snprintf(labels, sizeof labels, "kind=\"%s\"", edition->kind_names[kind]);
        exposition_sample(exposition, row, "", labels, (double)sums[kind]);
    }
}

static void put_large(struct exposition *exposition, const struct metric_row *row,
                      const char *figure)
{
    double value;
    if (number_of(exposition, figure, &value))
        exposition_sample(exposition, row, "", "kind=\"large\"", value);
}

static uint64_t allocated_of(const struct heap_lane_figures *lane)
{
    return lane->live * lane->cell_bytes;
}
static uint64_t spans_bytes_of(const struct heap_lane_figures *lane)
{
    return (uint64_t)lane->spans * lane->span_bytes;
}
static uint64_t reclaimable_of(const struct heap_lane_figures *lane)
{
    return lane->reclaimable;
}
static uint64_t spans_of(const struct heap_lane_figures *lane)
{
    return lane->spans;
}

void put_kind_allocated(struct exposition *exposition, const struct metric_row *row)
{
    each_kind(exposition, row, allocated_of);
    put_large(exposition, row, "snug_heap_run_bytes");
}
void put_kind_active(struct exposition *exposition, const struct metric_row *row)
{
    each_kind(exposition, row, spans_bytes_of);
    put_large(exposition, row, "snug_heap_run_bytes");
}
void put_kind_reclaimable(struct exposition *exposition, const struct metric_row *row)
{
    each_kind(exposition, row, reclaimable_of);
}
void put_kind_spans(struct exposition *exposition, const struct metric_row *row)
{
    each_kind(exposition, row, spans_of);
}

/* --- the mover -------------------------------------------------------------------------------- */

void put_slices(struct exposition *exposition, const struct metric_row *row)
{
    const struct slice_histogram *slices = &exposition->edition->slices;
    uint64_t within = 0;
    for (unsigned at = 0; at < SLICE_CEILINGS; at++) {
        char labels[48];
        within += slices->counts[at];
        snprintf(labels, sizeof labels, "le=\"%g\"", (double)slice_ceiling_us(at) / 1e6);
        exposition_sample(exposition, row, "_bucket", labels, (double)within);
    }
    exposition_sample(exposition, row, "_bucket", "le=\"+Inf\"", (double)slices->count);
    exposition_sample(exposition, row, "_sum", "", (double)slices->total_ns / 1e9);
    exposition_sample(exposition, row, "_count", "", (double)slices->count);
}

void put_mover_reason(struct exposition *exposition, const struct metric_row *row)
{
    struct figure figure;
    char value[LABEL_MAX], labels[LABEL_MAX + 16];
    if (!figures_find(&exposition->figures, row->source, &figure))
        return;
    exposition_escape(figure.value, value);
    snprintf(labels, sizeof labels, "reason=\"%s\"", value);
    exposition_sample(exposition, row, "", labels, 1);
}

/* --- this server's own thread ----------------------------------------------------------------- */

void put_http_requests(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->http->requests);
}
void put_http_connections(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->http->open);
}
void put_http_denied(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->http->denied);
}
void put_http_closed(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->http->closed);
}
void put_edition_age(struct exposition *exposition, const struct metric_row *row)
{
    uint64_t made_ns = exposition->edition->made_ns;
    uint64_t age_ns = exposition->now_ns > made_ns ? exposition->now_ns - made_ns : 0;
    exposition_sample(exposition, row, "", "", (double)age_ns / 1e9);
}
void put_edition_cost(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->edition->cost_ns / 1e9);
}

void put_edition_piece(struct exposition *exposition, const struct metric_row *row)
{
    exposition_sample(exposition, row, "", "", (double)exposition->edition->piece_ns / 1e9);
}

/* --- percentiles, as INFO latencystats has them ----------------------------------------------- */

static void put_quantiles(struct exposition *exposition, const struct metric_row *row,
                          const char *command, struct bytes list)
{
    for (size_t at = 0; at < list.count;) {
        const uint8_t *from = list.at + at, *end = memchr(from, ',', list.count - at);
        size_t count = end == NULL ? list.count - at : (size_t)(end - from);
        const uint8_t *equals = memchr(from, '=', count);
        char labels[192];
        double value;
        at += count + 1;
        if (equals == NULL || *from != 'p' ||
            !figure_number(bytes_of(equals + 1, count - (size_t)(equals + 1 - from)), &value))
            continue;
        snprintf(labels, sizeof labels, "cmd=\"%s\",quantile=\"%.*s\"", command,
                 (int)(equals - from - 1), (const char *)from + 1);
        exposition_sample(exposition, row, "", labels, value);
    }
}

void put_percentiles(struct exposition *exposition, const struct metric_row *row)
{
    const struct buffer *buffer = &exposition->edition->commands;
    for (size_t at = 0; at + sizeof(struct published_command) <= buffer->count;
         at += sizeof(struct published_command)) {
        struct published_command command;
        struct figure figure;
        char name[128], labels[128];
        memcpy(&command, buffer->at + at, sizeof command);
        snprintf(name, sizeof name, "latency_percentiles_usec_%s", command.name);
        if (!figures_find(&exposition->figures, name, &figure))
            continue;
        put_quantiles(exposition, row, command.name, figure.value);
        snprintf(labels, sizeof labels, "cmd=\"%s\"", command.name);
        exposition_sample(exposition, row, "_sum", labels, nearbyint((double)command.ns / 1000));
        exposition_sample(exposition, row, "_count", labels, (double)command.calls);
    }
}
