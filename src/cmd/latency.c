#include "cmd/latency.h"

#include "cmd/table.h"
#include "conf/config.h"
#include "observe/observer.h"

uint64_t latency_begin(const struct cmd_context *context)
{
    return context->config->latency_monitor_threshold > 0 ? seam_now_ns(context->seam) : 0;
}

void latency_end(const struct cmd_context *context, enum latency_event event, uint64_t began_ns)
{
    int64_t threshold_ms = context->config->latency_monitor_threshold;
    if (threshold_ms > 0 && began_ns != 0)
        latency_add(&context->observer->latency, event, seam_now_ns(context->seam) - began_ns,
                    threshold_ms, seam_wall_ms(context->seam));
}

void latency_help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Say in plain words what took long, and which option helps.",
        "GRAPH <event>",
        "    Draw the kept samples of an event.",
        "HISTOGRAM [<command> ...]",
        "    Tell how many calls of these commands, or of all, took at most how long.",
        "HISTORY <event>",
        "    List the kept samples of an event: a time in seconds, and milliseconds.",
        "LATEST",
        "    Show the latest sample and the worst of every event.",
        "RESET [<event> ...]",
        "    Forget the samples of these events, or of all.",
        NULL,
    };
    call_help(call, "LATENCY", lines);
}

static struct latency *events_of(const struct call *call)
{
    return &call->context->observer->latency;
}

static void reply_sample(struct call *call, struct latency_sample sample)
{
    reply_array(call->reply, 2);
    reply_i64(call->reply, sample.seconds);
    reply_i64(call->reply, sample.ms);
}

void latency_latest(struct call *call)
{
    const struct latency *latency = events_of(call);
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t told = 0;
    for (unsigned at = 0; at < LATENCY_EVENTS; at++) {
        const struct latency_row *row = &latency->rows[at];
        if (row->count == 0)
            continue;
        struct latency_sample last = latency_at(row, row->count - 1);
        reply_array(call->reply, 4);
        reply_bulk_text(call->reply, latency_name((enum latency_event)at));
        reply_i64(call->reply, last.seconds);
        reply_i64(call->reply, last.ms);
        reply_i64(call->reply, row->max_ms);
        told++;
    }
    reply_count(call->reply, mark, told);
}

void latency_history(struct call *call)
{
    enum latency_event event = latency_by_name(call->argv[2]);
    if (event == LATENCY_EVENTS) {
        reply_array(call->reply, 0);
        return;
    }
    const struct latency_row *row = &events_of(call)->rows[event];
    reply_array(call->reply, row->count);
    for (uint32_t at = 0; at < row->count; at++)
        reply_sample(call, latency_at(row, at));
}

void latency_reset_events(struct call *call)
{
    struct latency *latency = events_of(call);
    unsigned reset = 0;
    if (call->argc == 2)
        reset = latency_reset(latency, LATENCY_EVENTS);
    for (uint32_t at = 2; at < call->argc; at++) {
        enum latency_event event = latency_by_name(call->argv[at]);
        if (event != LATENCY_EVENTS)
            reset += latency_reset(latency, event);
    }
    reply_i64(call->reply, reset);
}

/* --- HISTOGRAM --------------------------------------------------------------------------------
 * Ceilings are powers of two microseconds (of 1,024 ns), each with the last step that counts as
 * equal, as Redis tells them: 1, 2, 4 ... 33, 66 ... Those that add nothing are left out. */

enum { FIRST_CEILING_BIT = 10, LAST_CEILING_BIT = 40 };

static void reply_distribution(struct call *call, const struct histogram *histogram)
{
    struct reply_mark mark = reply_map_later(call->reply);
    uint64_t told = 0, before = 0;
    for (unsigned bit = FIRST_CEILING_BIT; bit <= LAST_CEILING_BIT; bit++) {
        uint64_t ceiling_ns = histogram_ceiling_ns((uint64_t)1 << bit);
        uint64_t within = histogram_count_within(histogram, ceiling_ns);
        if (within == before)
            continue;
        reply_i64(call->reply, (int64_t)(ceiling_ns / 1000));
        reply_i64(call->reply, (int64_t)within);
        before = within;
        told++;
    }
    reply_count(call->reply, mark, told);
}

static bool reply_command(struct call *call, const struct command_row *row)
{
    if (row->counters.latency == NULL || row->counters.latency->total == 0)
        return false;
    reply_bulk_text(call->reply, row->full_name);
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "calls");
    reply_i64(call->reply, (int64_t)row->counters.latency->total);
    reply_bulk_text(call->reply, "histogram_usec");
    reply_distribution(call, row->counters.latency);
    return true;
}

/* A container stands for its subcommands too. */
static uint64_t reply_with_subcommands(struct call *call, const struct command_row *row)
{
    uint64_t told = reply_command(call, row);
    for (uint16_t at = 0; at < row->subcommand_count; at++)
        told += reply_command(call, &row->subcommands[at]);
    return told;
}

void latency_histogram(struct call *call)
{
    struct cmd_table *table = call->context->table;
    struct reply_mark mark = reply_map_later(call->reply);
    uint64_t told = 0;
    for (uint32_t at = 0; call->argc == 2 && at < cmd_table_count(table); at++)
        told += reply_command(call, cmd_table_at(table, at));
    for (uint32_t at = 2; at < call->argc; at++) {
        const struct command_row *row = cmd_table_by_full_name(table, call->argv[at]);
        if (row != NULL)
            told += reply_with_subcommands(call, row);
    }
    reply_count(call->reply, mark, told);
}
