/* The invariants of trees (struct/tree_parts.h), checked. */
#include "struct/tree_parts.h"

struct check {
    const struct tree *tree;
    struct tree_key last; /* of the leaf before */
    uint32_t nodes;       /* seen */
};

static bool keys_in_order(struct tree_key a, struct tree_key b)
{
    return a.high < b.high || (a.high == b.high && a.low <= b.low);
}

static bool same_key(struct tree_key a, struct tree_key b)
{
    return a.high == b.high && a.low == b.low;
}

static bool number_taken(const struct check *check, uint32_t number)
{
    const struct nodes *nodes = &check->tree->root->nodes[check->tree->set];
    return number < nodes->count && nodes_ref(check->tree->space, nodes, number) != 0;
}

static bool inner_shape(const struct check *check, const struct node *node)
{
    struct inner_head head;
    if (node->used < sizeof head)
        return false;
    memcpy(&head, node->at, sizeof head);
    uint32_t least = tree_is_top(check->tree, node) ? 2 : 1;
    return head.count >= least && head.count <= head.capacity && head.capacity <= TREE_FAN &&
           head.capacity % TREE_STEP == 0 && node->used == inner_bytes(head.capacity);
}

/* `depth` is that of the node; `known` what its parent has of it. */
static bool node_valid(struct check *check, const struct tree_child *known, uint32_t parent,
                       uint32_t depth)
{
    if (!number_taken(check, known->number) || depth == 0)
        return false;
    struct node *node = tree_node(check->tree, known->number);
    check->nodes++;
    bool top = tree_is_top(check->tree, node);
    if (tree_is_leaf(node) != (depth == 1) || (!top && tree_parent_number(node) != parent))
        return false;
    if (depth == 1) {
        bool sorted = keys_in_order(check->last, known->key);
        check->last = known->key;
        return sorted && known->below > 0;
    }
    if (!inner_shape(check, node))
        return false;
    struct inner inner = inner_of(node);
    uint64_t below = 0;
    for (uint32_t index = 0; index < inner.head->count; index++) {
        struct tree_child child = { inner_key(&inner, index), inner.below[index],
                                    inner.number[index] };
        if (!node_valid(check, &child, known->number, depth - 1))
            return false;
        below += child.below;
    }
    return below == known->below && (top || same_key(known->key, inner_key(&inner, 0)));
}

bool tree_valid(const struct tree *tree)
{
    const struct tree_state *state = tree->state;
    const struct nodes *nodes = &tree->root->nodes[tree->set];
    if (state->depth == 0)
        return state->count == 0 && nodes->count == 0;
    struct check check = { .tree = tree };
    struct tree_child top = { state->only, state->count, state->top };
    return node_valid(&check, &top, 0, state->depth) && check.nodes == nodes->count;
}
