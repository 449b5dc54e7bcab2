/* observe/memory_now.h - what the process holds of the machine now, for whoever must keep a limit.
 * Model:    what changes from command to command (heap, indexes, what malloc gave) is counted
 *           exactly as it goes; the rest (code, stacks, malloc's own slack) is what the kernel said
 *           beyond that at the last tick of the cron, and changes slowly:
 *
 *             held = heap committed + indexes + malloc'ed + (resident - these) of the last sample
 *
 *           so that at each tick `held` is the resident set as the kernel counts it, and between
 *           two ticks it follows every block. Pages that malloc keeps when large blocks go are
 *           missing until the next tick.
 * Owner:    the caller has the struct; struct observer keeps the last sample.
 * Pointers: none.
 * Threads:  the executing thread.
 * Failure:  where the kernel tells nothing, the rest is 0.
 * Cost:     some 20 ns and no system call, but a load for each database: fit for once a batch. */
#ifndef OBSERVE_MEMORY_NOW_H
#define OBSERVE_MEMORY_NOW_H

#include "observe/observer.h"

struct memory_now {
    uint64_t held;        /* of the machine, by the process as a whole */
    uint64_t holes;       /* of it: free cells between live ones, that moving could give back */
    uint64_t spare;       /* of it: free spans and pages that go back by heap_tidy_step */
    uint64_t not_counted; /* of it: mem_not_counted_for_evict (buffers of replicas and the log) */
};

void memory_now(const struct observer *observer, struct memory_now *now);

/* What maxmemory is compared with: a buffer that grows because keys are removed must not have more
 * keys removed. */
static inline uint64_t memory_now_counted(const struct memory_now *now)
{
    return now->held > now->not_counted ? now->held - now->not_counted : 0;
}

/* Asks the kernel, for memory_now. observer_sample does it; whoever has given much back at once
 * (MEMORY PURGE) may do it too. Costs a system call or three. */
void memory_now_sample(struct observer *observer);

#endif
