/* observe/latency.h - events that took long, as LATENCY tells them.
 * Model:    a row for each kind of event: the last 160 seconds in which it took at least
 *           latency-monitor-threshold ms, the worst of each second; the worst of all time.
 * Owner:    the observer.
 * Pointers: names are static.
 * Threads:  the executing thread.
 * Failure:  none: fixed size.
 * Cost:     O(1) an event; 16 bytes a kept second. */
#ifndef OBSERVE_LATENCY_H
#define OBSERVE_LATENCY_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum latency_event {
    LATENCY_COMMAND,
    LATENCY_FAST_COMMAND,
    LATENCY_DEFRAG,        /* active-defrag-cycle */
    LATENCY_UNBLOCKING,    /* command-unblocking: who waited is served */
    LATENCY_WHILE_BLOCKED, /* while-blocked-cron: clients, during a long script or a loading */
    LATENCY_EXPIRE,        /* expire-cycle */
    LATENCY_FREE,          /* while giving back what was removed: lazyfree-step, our own */
    LATENCY_TIDY,          /* while giving pages back to the system: tidy-step, our own */
    LATENCY_LOG,           /* aof-write: the append-only log is written, whatever is beside it */
    LATENCY_LOG_ALONE,     /* aof-write-alone: nothing is beside it */
    LATENCY_LOG_SYNCING,   /* aof-write-pending-fsync: the log's worker syncs it */
    LATENCY_LOG_SAVING,    /* aof-write-active-child: a snapshot or a rewrite is written */
    LATENCY_LOG_SYNC,      /* aof-fsync-always */
    LATENCY_EVICT,         /* eviction-cycle: making room under maxmemory */
    LATENCY_EVICT_DEL,     /* eviction-del: one key of it */
    LATENCY_EVENTS,
};

enum { LATENCY_KEPT = 160 };

struct latency_sample {
    uint32_t seconds; /* since 1970 */
    uint32_t ms;
};

struct latency_row {
    struct latency_sample samples[LATENCY_KEPT]; /* a ring */
    uint32_t next, count;
    uint32_t max_ms;
};

struct latency {
    struct latency_row rows[LATENCY_EVENTS];
};

const char *latency_name(enum latency_event event);
/* LATENCY_EVENTS when there is no such event. */
enum latency_event latency_by_name(struct bytes name);

/* Keeps the event if it took `threshold_ms` or longer; a threshold of 0 is off. */
void latency_add(struct latency *latency, enum latency_event event, uint64_t ns,
                 int64_t threshold_ms, int64_t wall_ms);
/* Forgets one event's samples, or all (LATENCY_EVENTS); how many events had any. */
unsigned latency_reset(struct latency *latency, enum latency_event event);
/* The sample at `index` from the oldest. pre: index < row->count */
struct latency_sample latency_at(const struct latency_row *row, uint32_t index);

#endif
