/* struct/tree_parts.h - inner nodes of trees, shared by tree_*.c.
 * Model:    an inner node's payload is a head and four arrays of `capacity` places, of which the
 *           first `count` are taken, one for each child, in order:
 *
 *             [ count capacity ][ high ... ][ low ... ][ below ... ][ number ... ]
 *                                 key of the child's     elements     of the child
 *                                 first element          below it
 *
 *           capacity is a multiple of TREE_STEP, so that nodes are as large as they have children.
 *           Invariants: the top has two children or more; every other inner node has one or more;
 *           a key is that of the child's own first child; below is the sum of the child's own.
 *           Nodes are left sparse where memory for joining them was refused.
 * Owner:    struct/tree_*.c.
 * Pointers: struct inner dies when the node is widened, narrowed or dropped.
 * Threads:  the heap's.
 * Failure:  as said.
 * Cost:     28 bytes a place. */
#ifndef STRUCT_TREE_PARTS_H
#define STRUCT_TREE_PARTS_H

#include "struct/tree.h"

enum {
#ifdef SNUG_MOVE_ALL
    TREE_FAN = 4, /* deep trees of few leaves */
    TREE_STEP = 2,
#else
    TREE_FAN = 64,
    TREE_STEP = 8,
#endif
    TREE_PLACE = 3 * sizeof(uint64_t) + sizeof(uint32_t),
};

struct inner_head {
    uint32_t count, capacity;
};

/* An inner node with its arrays. */
struct inner {
    struct node *node;
    struct inner_head *head;
    uint64_t *high, *low, *below;
    uint32_t *number;
};

/* One child as its parent knows it. */
struct tree_child {
    struct tree_key key;
    uint64_t below;
    uint32_t number;
};

static inline size_t inner_bytes(uint32_t capacity)
{
    return sizeof(struct inner_head) + (size_t)capacity * TREE_PLACE;
}

static inline struct inner inner_of(struct node *node)
{
    struct inner inner = { .node = node, .head = (struct inner_head *)(void *)node->at };
    uint32_t capacity = inner.head->capacity;
    inner.high = (uint64_t *)(void *)(inner.head + 1);
    inner.low = inner.high + capacity;
    inner.below = inner.low + capacity;
    inner.number = (uint32_t *)(void *)(inner.below + capacity);
    return inner;
}

static inline struct tree_key inner_key(const struct inner *inner, uint32_t index)
{
    return (struct tree_key){ inner->high[index], inner->low[index] };
}

static inline bool tree_is_top(const struct tree *tree, const struct node *node)
{
    return node_number(node) == tree->state->top;
}

static inline uint32_t tree_parent_number(const struct node *node)
{
    return node->link & ~TREE_INNER;
}

/* pre: not the top. */
static inline struct inner tree_parent(const struct tree *tree, const struct node *node)
{
    return inner_of(tree_node(tree, tree_parent_number(node)));
}

static inline void tree_set_parent(struct node *node, uint32_t number)
{
    node->link = (node->link & TREE_INNER) | number;
}

/* Which child of `inner` has this number. pre: one has. The last is looked at first: who appends
 * always asks for it. */
static inline uint32_t inner_index(const struct inner *inner, uint32_t number)
{
    uint32_t index = inner->head->count - 1;
    if (inner->number[index] == number)
        return index;
    index = 0;
    while (inner->number[index] != number)
        index++;
    DCHECK(index < inner->head->count);
    return index;
}

/* --- tree_inner.c: making and dropping nodes, room for children ------------------------------- */

/* A leaf that nobody refers to yet, with the last number. NULL: no memory. */
MUST_CHECK struct node *tree_take_leaf(const struct tree *tree, size_t used);
/* Gives back a node that no parent refers to any more; the last number takes its place. */
void tree_drop_node(const struct tree *tree, struct node *node);
/* Makes room for one more child in the parent of `child`, which it gets if it has none; its place
 * would be before or `behind` it. False: no memory, and the tree is valid. */
MUST_CHECK bool tree_make_room(const struct tree *tree, const struct node *child, bool behind);
/* Puts a child in at `index`, where there is room, and tells it. Sums above are left as they are,
 * keys above follow. */
void tree_put(const struct tree *tree, struct inner *parent, uint32_t index,
              struct tree_child child);
/* Takes a node, of which nothing is counted any more, out of its parent and drops it; parents that
 * become empty go too, and sparse ones are joined. */
void tree_take_out(const struct tree *tree, struct node *node);
/* While the top has one child only, that becomes the top. */
void tree_shrink_top(const struct tree *tree);
/* The first child of `node` has this key now: tells all who are above and begin with it. */
void tree_rekey_above(const struct tree *tree, const struct node *node, struct tree_key key);

#endif
