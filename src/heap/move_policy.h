/* heap/move_policy.h - when to move, and how hard: a pure function of figures.
 * Model:    starts at ignore_bytes and threshold_lower, runs with an effort linear in the
 *           fragmentation, and with more while that grows in spite of it; stops under
 *           threshold_stop. See docs/decisions/0012.
 * Owner:    nobody; the running flag is the caller's.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     a few divisions. */
#ifndef HEAP_MOVE_POLICY_H
#define HEAP_MOVE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct move_limits {
    bool enabled;
    uint64_t ignore_bytes;
    unsigned threshold_lower, threshold_upper; /* percent of allocated */
    double threshold_stop;                     /* percent */
    unsigned cycle_min, cycle_max;             /* percent of one CPU */
};

struct move_figures {
    bool running;
    uint64_t allocated, active;
    uint64_t reclaimable; /* what moving can still give back; 0 ends a run */
    double least;         /* the least percent of fragmentation that this run has seen */
};

enum move_reason {
    MOVE_DISABLED,
    MOVE_BELOW_IGNORE,    /* fewer bytes than ignore_bytes */
    MOVE_BELOW_THRESHOLD, /* a lower share than threshold_lower, and not running */
    MOVE_HEALED,          /* was running, is under threshold_stop now */
    MOVE_NOTHING_LEFT,    /* what remains cannot be given back by moving */
    MOVE_RUN,
};

struct move_decision {
    enum move_reason reason;
    unsigned effort; /* percent of one CPU, 0 unless MOVE_RUN */
    double percent;  /* of fragmentation */
};

struct move_decision move_decide(const struct move_limits *limits,
                                 const struct move_figures *figures);

#endif
