/* tests/unit/types_conformance.h - what every type must do, checked on one value at a time.
 * Model:    a value goes through all of struct type_ops; the heap around it is counted.
 * Owner:    the caller keeps the value and what it refers to.
 * Pointers: none kept.
 * Threads:  one.
 * Failure:  a failed check ends the test.
 * Cost:     a few copies of the value. */
#ifndef TESTS_UNIT_TYPES_CONFORMANCE_H
#define TESTS_UNIT_TYPES_CONFORMANCE_H

#include "base/arena.h"
#include "base/rng.h"
#include "types/limits.h"
#include "types/value.h"

/* A heap and a space for values alone, on the real seam. */
struct type_world {
    struct seam seam;
    struct heap *heap;
    struct rng rng;
    struct type_limits limits;
    struct space space;
    struct arena arena;
};
void type_world_init(struct type_world *world);
void type_world_release(struct type_world *world);

/* Blocks and bytes that live in the heap. */
uint64_t type_blocks(const struct type_world *world);
uint64_t type_allocated(const struct type_world *world);

/* Checks the value against the interface. `blocks` and `bytes` of the heap are its own. */
void type_conforms(struct type_world *world, const struct value *value, uint64_t blocks,
                   uint64_t bytes);

/* Both hold the same. */
void type_same_digest(struct type_world *world, const struct value *a, const struct value *b,
                      bool wanted);

/* Gives `rounds` images of random bytes, and of `seed` with bytes changed, to decode. */
void type_hostile_images(struct type_world *world, enum value_type type, struct bytes seed,
                         unsigned rounds);

#endif
