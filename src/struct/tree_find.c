/* From keys and ranks to leaves, and back. */
#include "struct/tree_parts.h"

#include "base/prefetch.h"

/* --- by key ----------------------------------------------------------------------------------- */

/* How many of `count` sorted numbers are less than `sought`. Without branches: which way it goes is
 * a coin's throw. */
static uint32_t count_less(const uint64_t *sorted, uint32_t count, uint64_t sought)
{
    const uint64_t *from = sorted;
    while (count > 1) {
        uint32_t half = count / 2;
        from += from[half - 1] < sought ? half : 0;
        count -= half;
    }
    return (uint32_t)(from - sorted) + (count == 1 && *from < sought);
}

static uint32_t count_up_to(const uint64_t *sorted, uint32_t count, uint64_t sought)
{
    return sought == UINT64_MAX ? count : count_less(sorted, count, sought + 1);
}

static struct node *first_below(const struct tree *tree, struct node *node)
{
    while (!tree_is_leaf(node))
        node = tree_node(tree, inner_of(node).number[0]);
    return node;
}

/* Children from `from` to `to` have the key that is sought: the first one that begins behind. What
 * may be compared next is asked for before it is known which. */
static uint32_t compare_ties(const struct tree *tree, const struct inner *inner, uint32_t from,
                             uint32_t to, const void *sought)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        prefetch(tree_node(tree, inner->number[from + (middle - from) / 2]));
        prefetch(tree_node(tree, inner->number[middle + (to - middle) / 2]));
        struct node *leaf = first_below(tree, tree_node(tree, inner->number[middle]));
        if (tree->ops->compare(tree, sought, leaf) < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

/* The first child that begins behind what is sought, `count` if none does. */
static uint32_t first_behind(const struct tree *tree, const struct inner *inner,
                             struct tree_key key, const void *sought)
{
    uint32_t count = inner->head->count;
    uint32_t from = count_less(inner->high, count, key.high);
    if (from == count || inner->high[from] != key.high)
        return from;
    uint32_t to = from + count_up_to(inner->high + from, count - from, key.high);
    uint32_t same = from + count_less(inner->low + from, to - from, key.low);
    uint32_t behind = same + count_up_to(inner->low + same, to - same, key.low);
    if (tree->ops->compare == NULL)
        return behind;
    return compare_ties(tree, inner, same, behind, sought);
}

/* All lines of the first array at once: a search would ask for one after the other. */
static void prefetch_keys(const struct node *node)
{
    const uint8_t *at = (const uint8_t *)node;
    for (size_t offset = 0; offset < NODE_HEADER + TREE_FAN * sizeof(uint64_t); offset += 64)
        prefetch(at + offset);
}

struct node *tree_find(const struct tree *tree, struct tree_key key, const void *sought)
{
    if (tree->state->depth == 0)
        return NULL;
    struct node *node = tree_node(tree, tree->state->top);
    for (uint32_t depth = tree->state->depth; depth > 1; depth--) {
        prefetch_keys(node);
        struct inner inner = inner_of(node);
        uint32_t behind = first_behind(tree, &inner, key, sought);
        node = tree_node(tree, inner.number[behind == 0 ? 0 : behind - 1]);
    }
    return node;
}

/* --- by rank ---------------------------------------------------------------------------------- */

struct node *tree_at(const struct tree *tree, uint64_t rank, uint64_t *within)
{
    DCHECK(rank < tree->state->count);
    struct node *node = tree_node(tree, tree->state->top);
    while (!tree_is_leaf(node)) {
        struct inner inner = inner_of(node);
        uint32_t index = 0;
        while (rank >= inner.below[index])
            rank -= inner.below[index++];
        DCHECK(index < inner.head->count);
        node = tree_node(tree, inner.number[index]);
    }
    *within = rank;
    return node;
}

uint64_t tree_rank(const struct tree *tree, const struct node *leaf)
{
    uint64_t rank = 0;
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        uint32_t index = inner_index(&parent, node_number(node));
        while (index > 0)
            rank += parent.below[--index];
        node = parent.node;
    }
    return rank;
}

uint64_t tree_leaf_count(const struct tree *tree, const struct node *leaf)
{
    if (tree_is_top(tree, leaf))
        return tree->state->count;
    struct inner parent = tree_parent(tree, leaf);
    return parent.below[inner_index(&parent, node_number(leaf))];
}

/* --- side by side ----------------------------------------------------------------------------- */

static struct node *last_below(const struct tree *tree, struct node *node)
{
    while (!tree_is_leaf(node)) {
        struct inner inner = inner_of(node);
        node = tree_node(tree, inner.number[inner.head->count - 1]);
    }
    return node;
}

bool tree_is_first(const struct tree *tree, const struct node *leaf)
{
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        if (parent.number[0] != node_number(node))
            return false;
        node = parent.node;
    }
    return true;
}

bool tree_is_last(const struct tree *tree, const struct node *leaf)
{
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        if (parent.number[parent.head->count - 1] != node_number(node))
            return false;
        node = parent.node;
    }
    return true;
}

struct node *tree_first(const struct tree *tree)
{
    const struct tree_state *state = tree->state;
    return state->depth == 0 ? NULL : first_below(tree, tree_node(tree, state->top));
}

struct node *tree_last(const struct tree *tree)
{
    const struct tree_state *state = tree->state;
    return state->depth == 0 ? NULL : last_below(tree, tree_node(tree, state->top));
}

struct node *tree_next(const struct tree *tree, const struct node *leaf)
{
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        uint32_t index = inner_index(&parent, node_number(node)) + 1;
        if (index < parent.head->count)
            return first_below(tree, tree_node(tree, parent.number[index]));
        node = parent.node;
    }
    return NULL;
}

struct node *tree_previous(const struct tree *tree, const struct node *leaf)
{
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        uint32_t index = inner_index(&parent, node_number(node));
        if (index > 0)
            return last_below(tree, tree_node(tree, parent.number[index - 1]));
        node = parent.node;
    }
    return NULL;
}
