/* struct/past_tree.h - the leaves of a tree as it was, in order.
 * Model:    a walk holds numbers only, and reads nodes by struct/past.h: it goes on whatever has
 *           happened to the tree since. Where no past is open it reads the tree as it is.
 * Owner:    the caller.
 * Pointers: a leaf holds as past_node's.
 * Threads:  the heap's.
 * Failure:  none.
 * Cost:     a lookup for each leaf. */
#ifndef STRUCT_PAST_TREE_H
#define STRUCT_PAST_TREE_H

#include "struct/past.h"
#include "struct/tree.h"

enum { PAST_TREE_DEPTH_MAX = 40 };

struct past_tree_walk {
    uint32_t id, set, depth; /* of the tree; 0: it is empty */
    uint32_t level;          /* inner nodes on the way, from the top */
    struct {
        uint32_t number, index; /* of the next child */
    } way[PAST_TREE_DEPTH_MAX];
};

/* `state` is of past_root's root_more. */
void past_tree_begin(struct past_tree_walk *walk, const struct root *root, unsigned set,
                     const struct tree_state *state);
/* NULL: there is none any more. */
const struct node *past_tree_next(struct past_tree_walk *walk, const struct space *space);

#endif
