#include "observe/latency.h"

#include <string.h>

static const char *const names[LATENCY_EVENTS] = {
    [LATENCY_COMMAND] = "command",
    [LATENCY_FAST_COMMAND] = "fast-command",
    [LATENCY_DEFRAG] = "active-defrag-cycle",
    [LATENCY_UNBLOCKING] = "command-unblocking",
    [LATENCY_WHILE_BLOCKED] = "while-blocked-cron",
    [LATENCY_EXPIRE] = "expire-cycle",
    [LATENCY_FREE] = "lazyfree-step",
    [LATENCY_TIDY] = "tidy-step",
    [LATENCY_LOG] = "aof-write",
    [LATENCY_LOG_ALONE] = "aof-write-alone",
    [LATENCY_LOG_SYNCING] = "aof-write-pending-fsync",
    [LATENCY_LOG_SAVING] = "aof-write-active-child",
    [LATENCY_LOG_SYNC] = "aof-fsync-always",
    [LATENCY_EVICT] = "eviction-cycle",
    [LATENCY_EVICT_DEL] = "eviction-del",
};

const char *latency_name(enum latency_event event)
{
    return names[event];
}

enum latency_event latency_by_name(struct bytes name)
{
    for (unsigned event = 0; event < LATENCY_EVENTS; event++)
        if (bytes_is(name, names[event]))
            return (enum latency_event)event;
    return LATENCY_EVENTS;
}

static struct latency_sample *newest(struct latency_row *row)
{
    return &row->samples[(row->next + LATENCY_KEPT - 1) % LATENCY_KEPT];
}

void latency_add(struct latency *latency, enum latency_event event, uint64_t ns,
                 int64_t threshold_ms, int64_t wall_ms)
{
    uint64_t ms = ns / 1000000;
    struct latency_row *row = &latency->rows[event];
    if (threshold_ms <= 0 || ms < (uint64_t)threshold_ms)
        return;
    uint32_t kept = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
    uint32_t seconds = (uint32_t)(wall_ms / 1000);
    if (kept > row->max_ms)
        row->max_ms = kept;
    if (row->count > 0 && newest(row)->seconds == seconds) {
        if (kept > newest(row)->ms)
            newest(row)->ms = kept;
        return;
    }
    row->samples[row->next] = (struct latency_sample){ seconds, kept };
    row->next = (row->next + 1) % LATENCY_KEPT;
    if (row->count < LATENCY_KEPT)
        row->count++;
}

unsigned latency_reset(struct latency *latency, enum latency_event event)
{
    unsigned reset = 0;
    for (unsigned at = 0; at < LATENCY_EVENTS; at++) {
        if (event != LATENCY_EVENTS && event != at)
            continue;
        reset += latency->rows[at].count > 0;
        memset(&latency->rows[at], 0, sizeof latency->rows[at]);
    }
    return reset;
}

struct latency_sample latency_at(const struct latency_row *row, uint32_t index)
{
    return row->samples[(row->next + LATENCY_KEPT - row->count + index) % LATENCY_KEPT];
}
