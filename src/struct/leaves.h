/* struct/leaves.h - elements of a tree whose leaves are plain sequences: lists, sorted sets.
 * Model:    a tree (struct/tree.h) with these operations: `bytes` tells how long the element at an
 *           address is (never 0); `key` its key, NULL for lists; `leaf_bytes` is what a leaf's
 *           payload is meant to be at most. Leaves split where they would pass that and join with
 *           a neighbour where they are sparse. What grows at an end leaves full leaves behind; an
 *           element of more than half a leaf has one of its own.
 * Owner:    the root.
 * Pointers: a place, and an element's address, die with the next change of the tree, but for the
 *           place that was given to the function that made the change, which follows.
 * Threads:  the heap's.
 * Failure:  NULL: no memory, no element has changed. Cutting never fails.
 * Cost:     the tree's, and a walk along a leaf. A change copies one leaf at most. */
#ifndef STRUCT_LEAVES_H
#define STRUCT_LEAVES_H

#include "struct/tree.h"

/* Where an element stands, or where one is to be put: then `offset` may be the leaf's end. */
struct leaf_place {
    struct node *leaf; /* NULL: behind all */
    size_t offset;     /* in its payload */
    uint64_t within;   /* elements of the leaf before it */
};

/* pre: an element stands there. */
static inline uint8_t *leaf_element(const struct leaf_place *place)
{
    return place->leaf->at + place->offset;
}

/* Element `rank`; with one that is not there, place->leaf is NULL. */
void leaves_at(const struct tree *tree, uint64_t rank, struct leaf_place *place);
/* pre: an element stands there. */
uint64_t leaves_rank(const struct tree *tree, const struct leaf_place *place);

/* The element behind, and the one before; false: there is none, and the place is as it was. The way
 * back walks the leaf from its start. pre: an element stands there. */
bool leaves_next(const struct tree *tree, struct leaf_place *place);
bool leaves_previous(const struct tree *tree, struct leaf_place *place);

/* A gap of `bytes` for a new element before what stands at `place` (or at the leaf's end; NULL for
 * the leaf of an empty tree): to be written by the caller before anything else is asked of the
 * tree. It is counted already. `key` is the new element's; any, where there are no keys. */
MUST_CHECK uint8_t *leaves_put(const struct tree *tree, struct leaf_place *place, size_t bytes,
                               struct tree_key key);
/* The element at `place` is made `bytes` long, to be written whole by the caller; its key is `key`
 * then, which must not move it past its neighbours. */
MUST_CHECK uint8_t *leaves_resize(const struct tree *tree, struct leaf_place *place, size_t bytes,
                                  struct tree_key key);
/* Elements of the leaf from `place` on: what leaves_cut can take at once. */
uint64_t leaves_left(const struct tree *tree, const struct leaf_place *place);
/* Takes `count` elements out, all of one leaf; the place is that of the next one then, or behind
 * all. pre: 0 < count <= leaves_left. */
void leaves_cut(const struct tree *tree, struct leaf_place *place, uint64_t count);

/* Fills a tree from its end with full leaves; nothing else may be asked of the tree until it is
 * finished. Begins all zero but for the tree. */
struct leaves_builder {
    const struct tree *tree;
    struct node *leaf;
    size_t used;    /* of its payload */
    uint64_t count; /* of elements in it */
};
/* Where the next element, of this many bytes, is to be written. NULL: no memory; to be finished all
 * the same. */
MUST_CHECK uint8_t *leaves_append(struct leaves_builder *builder, size_t bytes,
                                  struct tree_key key);
void leaves_finish(struct leaves_builder *builder);

#endif
