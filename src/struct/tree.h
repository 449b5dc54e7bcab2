/* struct/tree.h - a counted B+tree of leaves: sorted sets, lists, streams.
 * Model:    a set of nodes (struct/nodes.h). Leaves hold the owner's elements, in any form; inner
 *           nodes hold, for each child, its number, how many elements are below it, and the key of
 *           its first element. A key is 16 bytes that sort as the elements do; where it cannot tell
 *           two elements apart (long members) the owner compares. Lists have no keys: all 0.
 *           Every node's link is its parent's number. Numbers are dense: when a node goes, the last
 *           one takes its number, and the owner is told if that is a leaf.
 * Owner:    the root.
 * Pointers: a leaf's address dies with the next change of that leaf: what changes other leaves may
 *           give it another number, but not another address.
 * Threads:  the heap's.
 * Failure:  NULL or false: no memory, no element and no leaf has changed.
 * Cost:     O(log n) by rank, by key, and from a leaf to its rank. 28 bytes a leaf in inner nodes,
 *           and what those have spare: some 36 in all. */
#ifndef STRUCT_TREE_H
#define STRUCT_TREE_H

#include "struct/nodes.h"

/* In a node's link: it is an inner node. */
#define TREE_INNER (UINT32_C(1) << 31)

struct tree_key {
    uint64_t high, low;
};

/* What the type keeps of a tree in its root (root_more). All zero: an empty one. */
struct tree_state {
    uint64_t count;       /* elements in all leaves */
    uint32_t top;         /* number of the top node */
    uint32_t depth;       /* 0: no node at all; 1: the top is a leaf */
    struct tree_key only; /* of the top's first element, where the top is a leaf */
};

struct tree;
struct tree_ops {
    /* Where keys are equal: what is sought compared with the first element of a leaf; <0: before
     * it. NULL: keys tell all elements apart. */
    int (*compare)(const struct tree *tree, const void *sought, const struct node *leaf);
    /* The elements of `leaf` from `offset` of its payload on were in the leaf that had the number
     * `before` until now. So the leaf has got another number (offset 0), has got elements by
     * tree_split (offset is `prefix`, which is not written yet) or by tree_join. What is told is
     * told in order: who keeps a leaf's number beside each element (a sorted set) changes it from
     * `before` to the leaf's. Nothing of the tree may be changed here. May be NULL. */
    void (*moved)(const struct tree *tree, const struct node *leaf, size_t offset, uint32_t before);

    /* For struct/leaves.h alone, see there; NULL and 0 else. */
    size_t (*bytes)(const uint8_t *element);
    struct tree_key (*key)(const struct tree *tree, const uint8_t *element);
    uint32_t leaf_bytes;
};

/* A tree as a call works on it; nothing of it is stored. */
struct tree {
    struct space *space;
    struct root *root;
    unsigned set;
    struct tree_state *state;
    const struct tree_ops *ops;
    void *context; /* the owner's */
};

/* Whether a node of a tree is a leaf: for who walks nodes by number. */
static inline bool tree_is_leaf(const struct node *node)
{
    return (node->link & TREE_INNER) == 0;
}

/* The leaf where an element of this key is, or belongs: the last one that does not begin behind it;
 * else the first. NULL: the tree is empty. `sought` is passed on to ops->compare. */
struct node *tree_find(const struct tree *tree, struct tree_key key, const void *sought);
/* The leaf that holds element `rank`, and its place among the leaf's. pre: rank < count. */
struct node *tree_at(const struct tree *tree, uint64_t rank, uint64_t *within);
/* Elements before the leaf's first, and in the leaf. */
uint64_t tree_rank(const struct tree *tree, const struct node *leaf);
uint64_t tree_leaf_count(const struct tree *tree, const struct node *leaf);
bool tree_is_first(const struct tree *tree, const struct node *leaf);
bool tree_is_last(const struct tree *tree, const struct node *leaf);
/* NULL: there is none. */
struct node *tree_first(const struct tree *tree);
struct node *tree_last(const struct tree *tree);
struct node *tree_next(const struct tree *tree, const struct node *leaf);
struct node *tree_previous(const struct tree *tree, const struct node *leaf);
/* Leaves by number: leaf or inner node, for who keeps numbers. */
static inline struct node *tree_node(const struct tree *tree, uint32_t number)
{
    return node_of(tree->space, &tree->root->nodes[tree->set], number);
}

/* A new leaf behind `after` (NULL: the first of an empty tree, or in front of all), with `used`
 * bytes of payload to be written, and no elements counted (tree_add). Leaves that are put in order
 * at either end leave full inner nodes behind. */
MUST_CHECK struct node *tree_insert(const struct tree *tree, const struct node *after, size_t used,
                                    struct tree_key key);
/* Counts `delta` elements more or fewer in the leaf. */
void tree_add(const struct tree *tree, const struct node *leaf, int64_t delta);
/* Cuts a leaf in two: payload from `offset` on, `moved` elements, goes to a new leaf behind it,
 * whose key is given; its first bytes may get a prefix of `prefix` bytes to be written by the
 * caller (streams; else 0). Returns the new leaf; *leaf is updated. */
MUST_CHECK struct node *tree_split(const struct tree *tree, struct node **leaf, size_t offset,
                                   uint64_t moved, struct tree_key key, size_t prefix);
/* Changes the leaf's payload as node_splice does, and its count by `delta`; the leaf must not be
 * left without elements (tree_remove). Never fails where the leaf does not grow. */
MUST_CHECK struct node *tree_splice(const struct tree *tree, struct node *leaf, size_t offset,
                                    size_t remove, size_t insert, int64_t delta);
/* The leaf's first element has changed. */
void tree_rekey(const struct tree *tree, const struct node *leaf, struct tree_key key);
/* Takes the leaf away with all that is counted in it. Returns the one behind, or NULL. */
struct node *tree_remove(const struct tree *tree, struct node *leaf);
/* Appends the payload of the next leaf, from its offset `skip` on, to this one, and removes that
 * leaf. pre: there is one. Returns the leaf. */
MUST_CHECK struct node *tree_join(const struct tree *tree, struct node *leaf, size_t skip);

/* Links, depths, sums, the order of keys; every number is of one node of the tree; no leaf is
 * without elements. Walks everything. What leaves hold is the owner's to check. */
bool tree_valid(const struct tree *tree);

#endif
