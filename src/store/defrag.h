/* store/defrag.h - active defragmentation: the state between the policy and the mover.
 * Model:    a duty cycle. While the policy says run, the time since the last slice earns credit at
 *           the effort's rate; credit is spent in slices no longer than cycle_us.
 * Owner:    server/ keeps one struct defrag; the settings come from the configuration.
 * Pointers: call at safe points only: entries move.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     a few tens of ns when there is nothing to do. */
#ifndef STORE_DEFRAG_H
#define STORE_DEFRAG_H

#include "heap/move_policy.h"
#include "store/store.h"

struct defrag {
    struct store *store;
    const struct seam *seam;
    struct move_limits limits;
    uint64_t cycle_ns; /* longest slice */

    bool running;
    unsigned effort; /* active_defrag_running */
    double least;    /* percent of fragmentation, of this run */
    enum move_reason reason;
    uint64_t decided_ns, last_ns;
    uint32_t pack_row;             /* defrag_press packs from here on; 0: the round is over */
    bool pack_whole;               /* that round began since the last defrag_relax */
    uint64_t pack_holes;           /* free cells when it began */
    int64_t credit_ns;             /* negative after a slice that took longer */
    uint64_t started_ns, total_ns; /* wall time with defragmentation running */
    uint64_t slices, slice_max_ns, slice_total_ns;
    /* The same in CPU time of the thread, which does not count what others took of the processor;
     * and how many slices were longer than cycle_ns in that time. */
    uint64_t slice_cpu_max_ns, slice_cpu_total_ns, slices_over;
};

void defrag_init(struct defrag *defrag, struct store *store, const struct seam *seam);
void defrag_configure(struct defrag *defrag, const struct move_limits *limits, uint64_t cycle_us);

/* Between two commands or batches: runs at most one slice. Returns in how many ns it wants to be
 * called again at the latest (UINT64_MAX: whenever). */
uint64_t defrag_step(struct defrag *defrag);

/* For who is short of memory: moves until the deadline whatever the thresholds say, in slices as
 * ever, and then packs what is left in spans that are partly filled. False: nothing is left to
 * move, or nothing may be; then *stuck are the free cells that no moving gives back. */
MUST_CHECK bool defrag_press(struct defrag *defrag, uint64_t deadline_ns, uint64_t *stuck);
/* Whoever pressed has enough. Pressed again, packing goes on where it is; but what it has passed by
 * then tells nothing any more: only a whole round behind it says that nothing is left. */
void defrag_relax(struct defrag *defrag);

/* Build for tests: moves every movable block (up to a bound) now. Nothing unless SNUG_MOVE_ALL. */
void defrag_move_all(struct defrag *defrag);

/* Moves every movable block now, however long it takes (DEBUG MOVE-ALL). Returns how many blocks
 * there are. pre: nobody holds the address of an entry. */
uint64_t defrag_move_every(struct defrag *defrag);

/* A word for the reason: "disabled", "below-ignore-bytes", "running" ... */
const char *defrag_reason_name(enum move_reason reason);

uint64_t defrag_current_ms(const struct defrag *defrag);
uint64_t defrag_total_ms(const struct defrag *defrag);
void defrag_reset_counters(struct defrag *defrag);

#endif
