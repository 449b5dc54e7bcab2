/* tests/unit/struct_world.h - a heap and a space for the tests of big values' structures.
 * Model:    the real seam, behind one that fails on demand; a heap with the store's kinds; the
 *           mover that only knows nodes.
 * Owner:    the test keeps the struct.
 * Pointers: the space points at the struct.
 * Threads:  one.
 * Failure:  pages fail while struct_world_refuse(world, true), but what spans have is still given
 *           out; malloc fails too.
 * Cost:     a heap's. */
#ifndef TESTS_UNIT_STRUCT_WORLD_H
#define TESTS_UNIT_STRUCT_WORLD_H

#include "base/fault.h"
#include "struct/nodes.h"

struct struct_world {
    struct seam real;
    struct fault_seam fault;
    struct rng rng;
    struct heap *heap;
    struct space space;
};

void struct_world_init(struct struct_world *world);
/* pre: every value is gone; checks that nothing is left. */
void struct_world_release(struct struct_world *world);
void struct_world_refuse(struct struct_world *world, bool refuse);
/* Moves up to `blocks` blocks elsewhere, each of which must be repointed. */
void struct_world_move(struct struct_world *world, uint64_t blocks);
/* Gives back all nodes of a value and its root; `empty` (may be NULL) sees each node before. */
void struct_world_drop(struct struct_world *world, struct root *root,
                       void (*empty)(struct space *space, struct root *root,
                                     const struct node *node));
/* Blocks of the heap, runs among them. */
uint64_t struct_world_blocks(const struct struct_world *world);

#endif
