/* observe/history.h - what the server was like until now: bounded, and read while it grows.
 * Model:    two rings of samples: one each second for the last five minutes, one each ten seconds
 *           for the last hour. Whoever has the figures hands over what they are now; a sample
 *           keeps them and what came to be since the sample before it.
 * Owner:    struct published.
 * Pointers: none handed out.
 * Threads:  the executing thread notes; any thread reads: what was overwritten meanwhile is left
 *           out, so nobody waits and every sample is whole.
 * Failure:  none: all memory is taken with the struct.
 * Cost:     35 KiB; of a note well under 1 us, once a second. */
#ifndef OBSERVE_HISTORY_H
#define OBSERVE_HISTORY_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTORY_CEILINGS = 21,
    HISTORY_FINE = 300,   /* samples, a second apart */
    HISTORY_COARSE = 360, /* ten seconds apart */
    HISTORY_WORDS = 13,
    HISTORY_RINGS = 2,
};

/* What is now: bytes, and counters since the start. */
struct history_reading {
    uint64_t time_ns; /* monotonic */
    uint64_t resident, committed, used;
    uint64_t allocated, active; /* the heap's */
    uint64_t mover_us, moved, returned, commands;
    uint64_t calls, calls_ns;          /* commands by their own counters: a rejected one is none */
    uint64_t timed;                    /* calls in `within` */
    uint64_t within[HISTORY_CEILINGS]; /* calls that took at most so long as... */
    uint32_t ceilings_us[HISTORY_CEILINGS];
};

/* A moment that was. What has no value, as the latency of no command, is UINT32_MAX. */
struct history_sample {
    uint64_t time_ns;
    uint32_t interval_ms; /* since the sample before: what follows `active` is of that time */
    uint64_t resident, committed, used, allocated, active;
    uint64_t moved, returned;
    uint32_t mover_us, commands, mean_ns;
    uint32_t p99_us; /* the ceiling that 99 of 100 did not pass */
};

struct history_ring {
    struct history_reading before;
    _Atomic uint64_t written; /* samples, ever */
    _Atomic uint32_t (*words)[HISTORY_WORDS];
};

struct history {
    struct history_ring rings[HISTORY_RINGS];
    _Atomic uint32_t fine[HISTORY_FINE][HISTORY_WORDS];
    _Atomic uint32_t coarse[HISTORY_COARSE][HISTORY_WORDS];
};

/* pre: all zero. */
void history_init(struct history *history);

/* In how many ns a reading is wanted; 0: now. */
uint64_t history_wait(const struct history *history, uint64_t now_ns);
void history_note(struct history *history, const struct history_reading *reading);

/* Any thread: goes through the last hour, oldest first, coarse samples until the fine begin. */
struct history_walk {
    uint64_t next[HISTORY_RINGS], end[HISTORY_RINGS];
    uint64_t fine_from_ns;
};
void history_walk(const struct history *history, struct history_walk *walk);
/* `now_ns` as of the monotonic clock, after the walk began. */
MUST_CHECK bool history_next(const struct history *history, struct history_walk *walk,
                             uint64_t now_ns, struct history_sample *sample);

#endif
