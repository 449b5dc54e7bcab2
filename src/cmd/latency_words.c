/* The two answers of LATENCY that are made for people: a drawing, and a diagnosis. */
#include "base/buffer.h"
#include "cmd/latency.h"
#include "conf/config.h"
#include "observe/observer.h"

/* --- GRAPH ------------------------------------------------------------------------------------
 * One column for each sample, oldest first, four rows high; below each column how long ago, read
 * downwards. */

enum { GRAPH_ROWS = 4, GRAPH_COLUMNS = 80, AGE_DIGITS = 3 };

struct graph {
    struct latency_sample samples[GRAPH_COLUMNS];
    uint32_t count, least_ms, most_ms;
    uint32_t now_seconds;
};

static void fill_graph(struct graph *graph, const struct latency_row *row)
{
    uint32_t first = row->count > GRAPH_COLUMNS ? row->count - GRAPH_COLUMNS : 0;
    graph->least_ms = UINT32_MAX;
    for (uint32_t at = first; at < row->count; at++) {
        struct latency_sample sample = latency_at(row, at);
        graph->samples[graph->count++] = sample;
        if (sample.ms < graph->least_ms)
            graph->least_ms = sample.ms;
        if (sample.ms > graph->most_ms)
            graph->most_ms = sample.ms;
    }
}

/* 1 to GRAPH_ROWS: how high the column of a sample is. */
static unsigned height_of(const struct graph *graph, uint32_t ms)
{
    uint64_t range = (uint64_t)graph->most_ms - graph->least_ms + 1;
    return 1 + (unsigned)((uint64_t)(ms - graph->least_ms) * GRAPH_ROWS / range);
}

static char mark_at(const struct graph *graph, uint32_t column, unsigned height)
{
    unsigned top = height_of(graph, graph->samples[column].ms);
    return height < top ? '|' : height == top ? '#' : ' ';
}

/* "12s", "5m", "3h", "2d": three characters at the most. */
static void write_age(char age[AGE_DIGITS + 1], uint32_t seconds)
{
    static const struct {
        uint32_t seconds;
        char letter;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    unsigned unit = 0;
    while (unit < 3 && seconds < units[unit].seconds)
        unit++;
    uint32_t number = seconds / units[unit].seconds;
    if (number > 99)
        number = 99;
    unsigned at = 0;
    if (number > 9)
        age[at++] = (char)('0' + number / 10);
    age[at++] = (char)('0' + number % 10);
    age[at++] = units[unit].letter;
    while (at < AGE_DIGITS)
        age[at++] = ' ';
    age[at] = 0;
}

static bool draw_ages(const struct graph *graph, struct buffer *text)
{
    for (unsigned line = 0; line < AGE_DIGITS; line++) {
        for (uint32_t column = 0; column < graph->count; column++) {
            char age[AGE_DIGITS + 1];
            uint32_t seconds = graph->samples[column].seconds;
            write_age(age, graph->now_seconds > seconds ? graph->now_seconds - seconds : 0);
            if (!buffer_append_byte(text, (uint8_t)age[line]))
                return false;
        }
        if (!buffer_append_byte(text, '\n'))
            return false;
    }
    return true;
}

static bool draw(const struct graph *graph, struct buffer *text)
{
    for (unsigned height = GRAPH_ROWS; height > 0; height--) {
        for (uint32_t column = 0; column < graph->count; column++)
            if (!buffer_append_byte(text, (uint8_t)mark_at(graph, column, height)))
                return false;
        if (!buffer_append_byte(text, '\n'))
            return false;
    }
    return buffer_append_byte(text, '\n') && draw_ages(graph, text);
}

void latency_graph(struct call *call)
{
    enum latency_event event = latency_by_name(call->argv[2]);
    const struct latency_row *row =
        event == LATENCY_EVENTS ? NULL : &call->context->observer->latency.rows[event];
    struct buffer text = { 0 };
    if (row == NULL || row->count == 0) {
        reply_errorf(call->reply, "ERR No samples available for event '%.*s'",
                     (int)call->argv[2].count, (const char *)call->argv[2].at);
        return;
    }
    struct graph graph = { .now_seconds = (uint32_t)(seam_wall_ms(call->context->seam) / 1000) };
    fill_graph(&graph, row);
    bool drawn = buffer_printf(&text, "%s - high %u ms, low %u ms (all time high %u ms)\n",
                               latency_name(event), graph.most_ms, graph.least_ms, row->max_ms) &&
                 draw(&graph, &text);
    if (drawn)
        reply_verbatim(call->reply, "txt", buffer_view(&text));
    else
        call_memory_error(call);
    buffer_release(&text);
}

/* --- DOCTOR ----------------------------------------------------------------------------------- */

struct diagnosis {
    uint32_t count, span_seconds; /* samples, and the time from the first to now */
    uint64_t average_ms, deviation_ms;
};

static struct diagnosis diagnose(const struct latency_row *row, uint32_t now_seconds)
{
    struct diagnosis found = { .count = row->count };
    uint64_t sum = 0, deviations = 0;
    for (uint32_t at = 0; at < row->count; at++)
        sum += latency_at(row, at).ms;
    found.average_ms = sum / row->count;
    for (uint32_t at = 0; at < row->count; at++) {
        uint64_t ms = latency_at(row, at).ms;
        deviations += ms > found.average_ms ? ms - found.average_ms : found.average_ms - ms;
    }
    found.deviation_ms = deviations / row->count;
    uint32_t first = latency_at(row, 0).seconds;
    found.span_seconds = now_seconds > first ? now_seconds - first : 0;
    return found;
}

static bool tell_event(struct buffer *text, const struct latency_row *row, const char *name,
                       uint32_t now_seconds)
{
    struct diagnosis found = diagnose(row, now_seconds);
    return buffer_printf(text,
                         "%s: %u of the last %u seconds had one; on average %llu ms (give or take "
                         "%llu), the worst ever %u ms.\n",
                         name, found.count, found.span_seconds + 1,
                         (unsigned long long)found.average_ms,
                         (unsigned long long)found.deviation_ms, row->max_ms);
}

/* What helps; NULL: advise() has figures to tell with it. */
static const char *const advice[LATENCY_EVENTS] = {
    [LATENCY_COMMAND] =
        "  Some commands have much to do. INFO commandstats and LATENCY HISTOGRAM tell "
        "which: prefer SCAN to KEYS, FLUSHALL ASYNC to SYNC, and parts of big values to "
        "whole ones.\n",
    [LATENCY_FAST_COMMAND] =
        "  These commands do next to nothing, so the process was waiting: for the "
        "processor (others use it, or the host of a virtual machine does), or for "
        "memory that the system had swapped out.\n",
    [LATENCY_UNBLOCKING] =
        "  Clients that had waited for a key were served, and the command of one of them "
        "had much to do.\n",
    [LATENCY_WHILE_BLOCKED] =
        "  While a script runs or a file is loaded, clients are looked after now and "
        "then; that took long because there were many of them.\n",
    [LATENCY_FREE] =
        "  Memory of removed keys comes back in slices of a fraction of a millisecond; "
        "what takes "
        "longer was waiting for the processor or for the system to take pages.\n",
    [LATENCY_TIDY] =
        "  Giving pages back is a call of the system, which took long. Transparent huge "
        "pages and swap make it slower.\n",
    [LATENCY_LOG] = "  Writing the append-only log took long: the disk is busy, or the system has "
                    "no memory left for what waits to be written to it.\n",
    [LATENCY_LOG_ALONE] =
        "  Writing the append-only log took long: the disk is busy, or the system has "
        "no memory left for what waits to be written to it.\n",
    [LATENCY_LOG_SYNCING] =
        "  Writing the append-only log waited for its sync, which takes the disk longer "
        "than two seconds. appendfsync no leaves the syncing to the system.\n",
    [LATENCY_LOG_SAVING] =
        "  Writing the append-only log waited for the disk, to which a snapshot or a "
        "rewrite is written. no-appendfsync-on-rewrite yes leaves out syncs "
        "meanwhile.\n",
    [LATENCY_LOG_SYNC] =
        "  With appendfsync always each reply waits for the disk. everysec syncs beside "
        "the commands.\n",
    [LATENCY_EVICT_DEL] =
        "  Removing one key took long, though big values are given back in steps: the "
        "process was waiting for the processor, or those who are told of keys for "
        "theirs.\n",
};

static bool advise(struct buffer *text, enum latency_event event, const struct config *config)
{
    if (advice[event] != NULL)
        return buffer_append_text(text, advice[event]);
    if (event == LATENCY_DEFRAG)
        return buffer_printf(text,
                             "  A slice of compaction ends after %lld us (active-defrag-cycle-us); "
                             "what takes longer was waiting for the processor. "
                             "active-defrag-cycle-max (%lld%%) says how many slices there are.\n",
                             (long long)config->active_defrag_cycle_us,
                             (long long)config->active_defrag_cycle_max);
    if (event == LATENCY_EXPIRE)
        return buffer_printf(
            text,
            "  A slice of expiry ends after a fraction of a millisecond; what takes longer "
            "was waiting for the processor, or gave big values back. "
            "active-expire-effort (%lld) says how many slices there are.\n",
            (long long)config->active_expire_effort);
    if (event == LATENCY_EVICT)
        return buffer_printf(text,
                             "  Making room under maxmemory takes a fraction of a millisecond a "
                             "command (maxmemory-eviction-tenacity %lld), and up to 2 ms more for "
                             "each MB that was written: write in smaller pieces.\n",
                             (long long)config->maxmemory_eviction_tenacity);
    return true;
}

static bool tell_events(struct call *call, struct buffer *text)
{
    const struct latency *latency = &call->context->observer->latency;
    uint32_t now_seconds = (uint32_t)(seam_wall_ms(call->context->seam) / 1000);
    for (unsigned at = 0; at < LATENCY_EVENTS; at++) {
        const struct latency_row *row = &latency->rows[at];
        enum latency_event event = (enum latency_event)at;
        if (row->count == 0)
            continue;
        if (!tell_event(text, row, latency_name(event), now_seconds) ||
            !advise(text, event, call->context->config))
            return false;
    }
    return true;
}

void latency_doctor(struct call *call)
{
    const struct config *config = call->context->config;
    struct buffer text = { 0 };
    bool told = tell_events(call, &text);
    if (told && text.count == 0 && config->latency_monitor_threshold == 0)
        told = buffer_append_text(&text,
                                  "Nothing is kept: latency-monitor-threshold is 0. CONFIG SET "
                                  "latency-monitor-threshold <milliseconds> says from when on an "
                                  "event counts as slow.\n");
    else if (told && text.count == 0)
        told = buffer_printf(&text, "All is well: nothing has taken %lld ms or longer.\n",
                             (long long)config->latency_monitor_threshold);
    if (told)
        reply_verbatim(call->reply, "txt", buffer_view(&text));
    else
        call_memory_error(call);
    buffer_release(&text);
}
