#include "observe/history.h"

enum { FINE, COARSE };

enum word {
    TIME_MS, /* the low half: what is told is not older than an hour */
    INTERVAL_MS,
    RESIDENT, /* in KiB from here */
    COMMITTED,
    USED,
    ALLOCATED,
    ACTIVE,
    MOVED,
    RETURNED, /* to here */
    MOVER_US,
    COMMANDS,
    MEAN_NS,
    P99_US,
    WORDS_USED,
};
_Static_assert((int)WORDS_USED == (int)HISTORY_WORDS, "a sample's words");

enum { MS = 1000 * 1000, TOLD_MS = 3700 * 1000 };
static const uint32_t nothing = UINT32_MAX;

static const struct {
    uint64_t step_ns;
    uint32_t samples;
} shape[HISTORY_RINGS] = {
    [FINE] = { (uint64_t)1000 * MS, HISTORY_FINE },
    [COARSE] = { (uint64_t)10000 * MS, HISTORY_COARSE },
};

void history_init(struct history *history)
{
    history->rings[FINE].words = history->fine;
    history->rings[COARSE].words = history->coarse;
}

/* --- the writer ------------------------------------------------------------------------------- */

static uint64_t due_ns(const struct history_ring *ring, unsigned at)
{
    return ring->before.time_ns == 0 ? 0 : ring->before.time_ns + shape[at].step_ns;
}

uint64_t history_wait(const struct history *history, uint64_t now_ns)
{
    uint64_t due = due_ns(&history->rings[FINE], FINE);
    return due > now_ns ? due - now_ns : 0;
}

/* Counters that were reset begin anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now >= before ? now - before : now;
}

static uint32_t narrow(uint64_t value)
{
    return value < nothing ? (uint32_t)value : nothing - 1;
}

static uint32_t kib(uint64_t bytes)
{
    return narrow((bytes + 512) / 1024);
}

/* Nothing: there were none, or they took longer than is told apart. */
static uint32_t p99_of(const struct history_reading *now, const struct history_reading *before)
{
    uint64_t timed = now->timed - before->timed;
    if (now->timed <= before->timed)
        return nothing;
    for (uint32_t at = 0; at < HISTORY_CEILINGS; at++)
        if (grown(now->within[at], before->within[at]) * 100 >= timed * 99)
            return now->ceilings_us[at];
    return nothing;
}

static void make_sample(uint32_t sample[HISTORY_WORDS], const struct history_reading *now,
                        const struct history_reading *before)
{
    uint64_t calls = grown(now->calls, before->calls);
    sample[TIME_MS] = (uint32_t)(now->time_ns / MS);
    sample[INTERVAL_MS] = narrow((now->time_ns - before->time_ns) / MS);
    sample[RESIDENT] = kib(now->resident);
    sample[COMMITTED] = kib(now->committed);
    sample[USED] = kib(now->used);
    sample[ALLOCATED] = kib(now->allocated);
    sample[ACTIVE] = kib(now->active);
    sample[MOVED] = kib(grown(now->moved, before->moved));
    sample[RETURNED] = kib(grown(now->returned, before->returned));
    sample[MOVER_US] = narrow(grown(now->mover_us, before->mover_us));
    sample[COMMANDS] = narrow(grown(now->commands, before->commands));
    sample[MEAN_NS] = calls == 0 ? nothing : narrow(grown(now->calls_ns, before->calls_ns) / calls);
    sample[P99_US] = p99_of(now, before);
}

/* Who sees a word of this sample sees that all before it were written (`release`), and so that the
 * one it stands in the place of is gone. */
static void append(struct history_ring *ring, unsigned at, const uint32_t sample[HISTORY_WORDS])
{
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    _Atomic uint32_t *words = ring->words[written % shape[at].samples];
    for (unsigned word = 0; word < HISTORY_WORDS; word++)
        atomic_store_explicit(&words[word], sample[word], memory_order_release);
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
}

void history_note(struct history *history, const struct history_reading *reading)
{
    for (unsigned at = 0; at < HISTORY_RINGS; at++) {
        struct history_ring *ring = &history->rings[at];
        uint32_t sample[HISTORY_WORDS];
        if (reading->time_ns < due_ns(ring, at))
            continue;
        if (ring->before.time_ns != 0) {
            make_sample(sample, reading, &ring->before);
            append(ring, at, sample);
        }
        ring->before = *reading;
    }
}

/* --- readers ---------------------------------------------------------------------------------- */

static bool read_sample(const struct history_ring *ring, unsigned at, uint64_t number,
                        uint32_t sample[HISTORY_WORDS])
{
    const _Atomic uint32_t *words = ring->words[number % shape[at].samples];
    for (unsigned word = 0; word < HISTORY_WORDS; word++)
        sample[word] = atomic_load_explicit(&words[word], memory_order_acquire);
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    return written < number + shape[at].samples;
}

void history_walk(const struct history *history, struct history_walk *walk)
{
    *walk = (struct history_walk){ .fine_from_ns = 0 };
    for (unsigned at = 0; at < HISTORY_RINGS; at++) {
        uint64_t written = atomic_load_explicit(&history->rings[at].written, memory_order_acquire);
        walk->end[at] = written;
        walk->next[at] = written < shape[at].samples ? 0 : written - shape[at].samples + 1;
    }
}

static uint64_t bytes_of_kib(uint32_t value)
{
    return (uint64_t)value * 1024;
}

static void widen(const uint32_t words[HISTORY_WORDS], uint64_t now_ns,
                  struct history_sample *sample)
{
    uint32_t age_ms = (uint32_t)(now_ns / MS) - words[TIME_MS];
    *sample = (struct history_sample){ .time_ns = now_ns - (uint64_t)age_ms * MS,
                                       .interval_ms = words[INTERVAL_MS],
                                       .resident = bytes_of_kib(words[RESIDENT]),
                                       .committed = bytes_of_kib(words[COMMITTED]),
                                       .used = bytes_of_kib(words[USED]),
                                       .allocated = bytes_of_kib(words[ALLOCATED]),
                                       .active = bytes_of_kib(words[ACTIVE]),
                                       .moved = bytes_of_kib(words[MOVED]),
                                       .returned = bytes_of_kib(words[RETURNED]),
                                       .mover_us = words[MOVER_US],
                                       .commands = words[COMMANDS],
                                       .mean_ns = words[MEAN_NS],
                                       .p99_us = words[P99_US] };
}

static bool next_of(const struct history *history, struct history_walk *walk, unsigned at,
                    uint64_t now_ns, struct history_sample *sample)
{
    uint32_t words[HISTORY_WORDS];
    while (walk->next[at] < walk->end[at])
        if (read_sample(&history->rings[at], at, walk->next[at]++, words) &&
            (uint32_t)(now_ns / MS) - words[TIME_MS] <= TOLD_MS) {
            widen(words, now_ns, sample);
            return true;
        }
    return false;
}

bool history_next(const struct history *history, struct history_walk *walk, uint64_t now_ns,
                  struct history_sample *sample)
{
    struct history_walk ahead = *walk;
    if (walk->fine_from_ns == 0 && next_of(history, &ahead, FINE, now_ns, sample))
        walk->fine_from_ns = sample->time_ns;
    while (next_of(history, walk, COARSE, now_ns, sample))
        if (sample->time_ns < walk->fine_from_ns)
            return true;
    return next_of(history, walk, FINE, now_ns, sample);
}
