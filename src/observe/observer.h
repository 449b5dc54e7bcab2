/* observe/observer.h - what the server knows of itself, sampled over time.
 * Model:    pointers to the rooms it reads, and what must be remembered between two questions:
 *           peaks, the memory at the start, latency events.
 * Owner:    server/ makes one.
 * Pointers: to the rooms, set once; they outlive it.
 * Threads:  the executing thread.
 * Failure:  observer_new says NULL when memory fails.
 * Cost:     a sample each cron tick, about 5 us. */
#ifndef OBSERVE_OBSERVER_H
#define OBSERVE_OBSERVER_H

#include "base/buffer.h"
#include "base/seam.h"
#include "observe/latency.h"
#include "observe/slices.h"
#include "store/defrag.h"
#include "store/store.h"

struct config;
struct net;

/* Bytes, malloc'ed. */
struct memory_others {
    uint64_t replication, log_buffers, scripts, functions;
    uint64_t cached_scripts; /* count */
    uint64_t snapshot_held;  /* at most, by the one under way or the last one */
    bool snapshot_failed;    /* the last one */
};

/* Of the machine and the control group, looked at once a second at the most. */
struct machine_facts {
    uint64_t looked_ns;
    uint64_t memory, limit;                             /* of both */
    uint64_t cgroup_limit, cgroup_high, cgroup_current; /* 0: none */
    bool huge_pages_always, counts_reservations;
};

struct observer {
    const struct seam *seam;
    struct store *store;
    const struct defrag *defrag;
    struct net *net;
    const struct config *config;

    int64_t start_wall_us;
    uint64_t start_ns;
    char run_id[41];       /* 40 hexadecimal digits and NUL */
    char replid[41];       /* the same, of the data's history */
    uint64_t startup_used; /* bytes, before any data */
    uint64_t peak_used;
    int64_t peak_wall_ms;
    /* For memory_now: what the kernel said is resident beyond what is counted, at the last sample;
     * and what evicting must not chase, counted by those who have it. */
    int64_t beside_bytes;
    uint64_t resident_bytes, used_bytes; /* at the last sample */
    int64_t start_beside; /* static data and stacks, less what malloc gave and nobody touched yet */
    /* What rooms that this one does not know hold; NULL: nothing. */
    void (*others)(void *context, struct memory_others *others);
    void *others_context;
    struct machine_facts machine;
    uint64_t not_counted_bytes;
    uint64_t watching_bytes;              /* what server/ keeps for who watches over HTTP */
    uint64_t expire_ns, expire_cut_short; /* in steps of expiry, and those that ran out of time */
    struct slice_histogram slices;        /* of defragmentation */
    struct latency latency;
};

MUST_CHECK struct observer *observer_new(const struct seam *seam, struct store *store,
                                         const struct defrag *defrag, struct net *net,
                                         const struct config *config);
void observer_drop(struct observer *observer);

/* Each cron tick. */
void observer_sample(struct observer *observer);
/* Draws a new replid (DEBUG CHANGE-REPL-ID). */
void observer_change_replid(struct observer *observer);
/* CONFIG RESETSTAT: what is counted begins anew; peaks stay, as in Redis. */
void observer_reset(struct observer *observer);

#endif
