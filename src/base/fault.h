/* base/fault.h - a seam that makes calls fail, for tests of what happens then.
 * Model:    passes every call on to another seam, counts it by class, and fails the nth of the
 *           chosen classes with the chosen errno, once or from then on.
 * Owner:    the test; the struct must outlive all who hold its seam.
 * Pointers: `inner` is kept.
 * Threads:  counting is atomic; the plan is changed only while nobody calls.
 * Failure:  that is the point. Clocks, chance and unreserving never fail.
 * Cost:     an indirect call and an atomic addition. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/seam.h"

#include <stdatomic.h>

enum fault_class {
    FAULT_PAGES = 1u << 0,   /* reserve, commit, move; touch and merge, which then do nothing */
    FAULT_SOCKETS = 1u << 1, /* accept, receive, send, connect, wait */
    FAULT_FILES = 1u << 2,   /* all that take a file or a path */
    FAULT_ANY = FAULT_PAGES | FAULT_SOCKETS | FAULT_FILES,
};

struct fault_plan {
    uint32_t classes; /* of enum fault_class; 0: nothing fails */
    uint64_t after;   /* this many calls of the classes succeed first */
    int error;        /* the errno to fail with */
    bool always;      /* all calls from then on, not one */
    bool trickle;     /* sockets and files move one byte a call, as the system may */
};

struct fault_seam {
    struct seam seam; /* hand this out */
    const struct seam *inner;
    struct fault_plan plan;
    _Atomic uint64_t planned;  /* calls of the plan's classes since it was set */
    _Atomic uint64_t failed;   /* calls failed since then */
    _Atomic uint64_t calls[3]; /* all calls of pages, sockets, files, in this order */
};

/* Passes everything on until a plan is set. */
void fault_seam_init(struct fault_seam *fault, const struct seam *inner);
void fault_seam_plan(struct fault_seam *fault, const struct fault_plan *plan);
/* Calls so far of these classes together, to know how many turns a test needs. */
uint64_t fault_seam_calls(const struct fault_seam *fault, uint32_t classes);

#endif
