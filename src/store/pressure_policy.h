/* store/pressure_policy.h - what to do about too much memory: a pure function of figures.
 * Model:    pages without blocks go back first, then what is on its way to be freed is freed; keys
 *           go only when what lives is too much; what does not live is then moved together.
 * Owner:    nobody.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     some additions. */
#ifndef STORE_PRESSURE_POLICY_H
#define STORE_PRESSURE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct pressure_figures {
    uint64_t limit;      /* of `held`; not 0 */
    uint64_t slack;      /* so much below it keys begin to go, so that there are cells to be used
                          * again, and pages need not be taken and given back in turn */
    uint64_t held;       /* by the process, as far as it counts */
    uint64_t free_pages; /* of it: pages of the heap without blocks, kept for later */
    uint64_t free_cells; /* of it: in pages that hold blocks */
    uint64_t stuck;      /* of free cells: what moving does not give back */
    bool freeing;        /* what was removed is being given back, in steps */
    bool may_move;       /* blocks may be moved */
    bool may_evict;      /* there are keys that may go */
};

enum pressure_action {
    PRESSURE_REST,      /* all is well */
    PRESSURE_GIVE_BACK, /* pages to the system */
    PRESSURE_FREE,      /* what was removed */
    PRESSURE_EVICT,     /* a key */
    PRESSURE_CLEAR,     /* a key of a sparse span: what lives is little enough, but may not move */
    PRESSURE_MOVE,      /* blocks, so that pages come free */
    PRESSURE_FAIL,      /* it is too much, and nothing can be done */
};

enum pressure_action pressure_decide(const struct pressure_figures *figures);

#endif
