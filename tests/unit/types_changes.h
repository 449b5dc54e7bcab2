/* tests/unit/types_changes.h - one value of any type, changed at random as commands would.
 * Model:    a step draws one of the type's own changes and its elements: integers, short and long
 *           strings, some with a run of their own. A value that has become empty goes; the next
 *           step makes a new one.
 * Owner:    the struct owns the value; the world is the test's.
 * Pointers: the value's body is the struct's.
 * Threads:  one.
 * Failure:  a failed check.
 * Cost:     a step is some microseconds. */
#ifndef TESTS_UNIT_TYPES_CHANGES_H
#define TESTS_UNIT_TYPES_CHANGES_H

#include "types/edit.h"
#include "types_conformance.h"

struct changes {
    struct type_world *world;
    unsigned type;
    unsigned spread; /* elements are drawn from so many */
    unsigned growth; /* percent of the steps that add */
    bool runs;       /* some elements are longer than PACKED_INSIDE_MAX */
    bool there;
    struct value value;
    struct buffer body;
    uint64_t ms;      /* of a stream's last entry */
    uint8_t *room[2]; /* for an element, and what it is paired with */
};

void changes_init(struct changes *changes, struct type_world *world, unsigned type);
void changes_release(struct changes *changes);
void changes_step(struct changes *changes);
/* The whole value goes. */
void changes_drop(struct changes *changes);
/* Steps until there is a big value with about `elements`. */
void changes_grow(struct changes *changes, uint64_t elements);

#endif
