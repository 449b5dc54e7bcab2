/* Inner nodes: how children are put in and taken out, how nodes split and join, and how numbers
 * stay dense. What needs memory happens before anything else does. */
#include "struct/past.h"
#include "struct/tree_parts.h"

/* Children of an inner node come or go, which a snapshot has to know as they were. Sums, keys and
 * links are nothing to it. */
static void changes(const struct tree *tree, const struct node *node)
{
    past_node_changes(tree->space, tree->root, tree->set, node);
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* A node with the last number that nobody refers to yet. */
static struct node *take_node(const struct tree *tree, size_t used, uint32_t link)
{
    struct space *space = tree->space;
    const struct nodes *nodes = &tree->root->nodes[tree->set];
    if (!nodes_extend(space, tree->root, tree->set))
        return NULL;
    uint32_t number = nodes->count - 1;
    struct node *node = node_make(space, tree->root, tree->set, number, used);
    if (node == NULL) {
        nodes_cut(space, tree->root, tree->set, number);
        return NULL;
    }
    node->link = link;
    return node;
}

struct node *tree_take_leaf(const struct tree *tree, size_t used)
{
    return take_node(tree, used, 0);
}

static void adopt_all(const struct tree *tree, const struct inner *inner, uint32_t from)
{
    uint32_t number = node_number(inner->node);
    for (uint32_t index = from; index < inner->head->count; index++)
        tree_set_parent(tree_node(tree, inner->number[index]), number);
}

/* Everybody who knows the node by its number `before` learns its new one. */
static void tell_number(const struct tree *tree, struct node *node, uint32_t before)
{
    uint32_t number = node_number(node);
    if (tree->state->top == before) {
        tree->state->top = number;
    } else {
        struct inner parent = tree_parent(tree, node);
        changes(tree, parent.node);
        parent.number[inner_index(&parent, before)] = number;
    }
    if (!tree_is_leaf(node)) {
        struct inner inner = inner_of(node);
        adopt_all(tree, &inner, 0);
    } else if (tree->ops->moved != NULL) {
        tree->ops->moved(tree, node, 0, before);
    }
}

void tree_drop_node(const struct tree *tree, struct node *node)
{
    uint32_t hole = node_number(node);
    uint32_t last = tree->root->nodes[tree->set].count - 1;
    node_drop(tree->space, tree->root, tree->set, node);
    if (hole != last) {
        struct node *moving = tree_node(tree, last);
        node_renumber(tree->space, tree->root, tree->set, moving, hole);
        tell_number(tree, moving, last);
    }
    nodes_cut(tree->space, tree->root, tree->set, last);
}

/* --- capacity --------------------------------------------------------------------------------- */

static uint32_t capacity_for(uint32_t count)
{
    return (count + TREE_STEP - 1) / TREE_STEP * TREE_STEP;
}

/* Moves the arrays to where they begin with another capacity; the larger one's room is there. */
static void spread(struct node *node, uint32_t capacity)
{
    struct inner from = inner_of(node);
    size_t taken = (size_t)from.head->count;
    bool grows = capacity > from.head->capacity;
    from.head->capacity = capacity;
    struct inner to = inner_of(node);
    if (grows)
        memmove(to.number, from.number, taken * sizeof *to.number);
    if (grows)
        memmove(to.below, from.below, taken * sizeof *to.below);
    memmove(to.low, from.low, taken * sizeof *to.low);
    if (!grows) {
        memmove(to.below, from.below, taken * sizeof *to.below);
        memmove(to.number, from.number, taken * sizeof *to.number);
    }
}

/* The node may get another address. */
static bool widen(const struct tree *tree, struct node *node, uint32_t count)
{
    uint32_t before = inner_of(node).head->capacity, capacity = capacity_for(count);
    if (before >= count)
        return true;
    node = node_splice(tree->space, tree->root, tree->set, node, node->used, 0,
                       inner_bytes(capacity) - inner_bytes(before));
    if (node == NULL)
        return false;
    spread(node, capacity);
    return true;
}

/* Gives back what is spare, but for some room to come and go in. Returns where the node is. */
static struct node *narrow(const struct tree *tree, struct node *node)
{
    const struct inner_head *head = inner_of(node).head;
    uint32_t before = head->capacity, capacity = capacity_for(head->count + 1);
    if (before < capacity + TREE_STEP)
        return node;
    changes(tree, node);
    spread(node, capacity);
    size_t bytes = inner_bytes(capacity);
    node = node_splice(tree->space, tree->root, tree->set, node, bytes, node->used - bytes, 0);
    ENSURE(node != NULL); /* it has not grown */
    return node;
}

/* An inner node without children, that nobody refers to. */
static struct node *take_inner(const struct tree *tree, uint32_t count)
{
    uint32_t capacity = capacity_for(count);
    struct node *node = take_node(tree, inner_bytes(capacity), TREE_INNER);
    if (node != NULL) {
        struct inner_head head = { 0, capacity };
        memcpy(node->at, &head, sizeof head);
    }
    return node;
}

/* --- children --------------------------------------------------------------------------------- */

/* Opens or closes a gap of `count` places: what is at `from` and behind goes to `to`. */
static void shift(const struct inner *inner, uint32_t from, uint32_t to)
{
    size_t count = inner->head->count - from;
    memmove(inner->high + to, inner->high + from, count * sizeof *inner->high);
    memmove(inner->low + to, inner->low + from, count * sizeof *inner->low);
    memmove(inner->below + to, inner->below + from, count * sizeof *inner->below);
    memmove(inner->number + to, inner->number + from, count * sizeof *inner->number);
    inner->head->count = to + (uint32_t)count;
}

/* Appends the children of `from`, from its `index` on, to those of `to`, where there is room.
 * Returns how many elements are below them. */
static uint64_t hand_over(const struct tree *tree, const struct inner *from, uint32_t index,
                          const struct inner *to)
{
    uint32_t at = to->head->count, count = from->head->count - index;
    changes(tree, from->node);
    changes(tree, to->node);
    memcpy(to->high + at, from->high + index, count * sizeof *to->high);
    memcpy(to->low + at, from->low + index, count * sizeof *to->low);
    memcpy(to->below + at, from->below + index, count * sizeof *to->below);
    memcpy(to->number + at, from->number + index, count * sizeof *to->number);
    to->head->count = at + count;
    from->head->count = index;
    adopt_all(tree, to, at);
    uint64_t below = 0;
    for (uint32_t i = at; i < at + count; i++)
        below += to->below[i];
    return below;
}

void tree_rekey_above(const struct tree *tree, const struct node *node, struct tree_key key)
{
    while (!tree_is_top(tree, node)) {
        struct inner parent = tree_parent(tree, node);
        uint32_t index = inner_index(&parent, node_number(node));
        parent.high[index] = key.high;
        parent.low[index] = key.low;
        if (index != 0)
            return;
        node = parent.node;
    }
}

void tree_put(const struct tree *tree, struct inner *parent, uint32_t index,
              struct tree_child child)
{
    DCHECK(parent->head->count < parent->head->capacity);
    changes(tree, parent->node);
    shift(parent, index, index + 1);
    parent->high[index] = child.key.high;
    parent->low[index] = child.key.low;
    parent->below[index] = child.below;
    parent->number[index] = child.number;
    tree_set_parent(tree_node(tree, child.number), node_number(parent->node));
    if (index == 0)
        tree_rekey_above(tree, parent->node, child.key);
}

/* --- splitting -------------------------------------------------------------------------------- */

/* A new top above the one there is, which is its only child for now. */
static bool add_top(const struct tree *tree)
{
    struct node *node = take_inner(tree, 2);
    if (node == NULL)
        return false;
    struct tree_state *state = tree->state;
    struct tree_child child = { state->only, state->count, state->top };
    struct node *top = tree_node(tree, child.number);
    if (!tree_is_leaf(top)) {
        struct inner inner = inner_of(top);
        child.key = inner_key(&inner, 0);
    }
    state->top = node_number(node);
    state->depth++;
    struct inner inner = inner_of(node);
    tree_put(tree, &inner, 0, child);
    return true;
}

/* Where a full node is cut. At the edge towards which children are being put in, all but one stay
 * together: what grows in order leaves full nodes behind. */
static uint32_t cut_of(const struct inner *inner, uint32_t index, bool behind)
{
    uint32_t count = inner->head->count;
    if (behind && index == count - 1)
        return count - 1;
    return !behind && index == 0 ? 1 : count / 2;
}

/* Hands children from `cut` on to a new node behind; the parent of `inner` has room for it. */
static bool split(const struct tree *tree, struct inner inner, uint32_t cut)
{
    struct node *node = take_inner(tree, inner.head->count - cut + 1);
    if (node == NULL)
        return false;
    struct inner made = inner_of(node);
    struct tree_child child = { .number = node_number(node) };
    child.below = hand_over(tree, &inner, cut, &made);
    child.key = inner_key(&made, 0);
    struct inner parent = tree_parent(tree, inner.node);
    uint32_t index = inner_index(&parent, node_number(inner.node));
    parent.below[index] -= child.below;
    tree_put(tree, &parent, index + 1, child);
    (void)narrow(tree, inner.node);
    return true;
}

/* One call for each level at the most. */
static bool make_room(const struct tree *tree, const struct node *child, bool behind)
{
    if (tree_is_top(tree, child))
        return add_top(tree);
    struct inner parent = tree_parent(tree, child);
    if (parent.head->count < TREE_FAN)
        return widen(tree, parent.node, parent.head->count + 1);
    if (!make_room(tree, parent.node, behind))
        return false;
    uint32_t cut = cut_of(&parent, inner_index(&parent, node_number(child)), behind);
    return split(tree, parent, cut);
}

bool tree_make_room(const struct tree *tree, const struct node *child, bool behind)
{
    if (make_room(tree, child, behind))
        return true;
    tree_shrink_top(tree);
    return false;
}

/* --- joining ---------------------------------------------------------------------------------- */

void tree_shrink_top(const struct tree *tree)
{
    struct tree_state *state = tree->state;
    while (state->depth > 1) {
        struct inner top = inner_of(tree_node(tree, state->top));
        if (top.head->count > 1)
            return;
        state->only = inner_key(&top, 0);
        state->top = top.number[0];
        state->depth--;
        tree_drop_node(tree, top.node);
    }
}

/* Takes the child at `index` out of the arrays; keys above follow. */
static void cut_child(const struct tree *tree, struct inner *parent, uint32_t index)
{
    changes(tree, parent->node);
    shift(parent, index + 1, index);
    if (index == 0 && parent->head->count > 0)
        tree_rekey_above(tree, parent->node, inner_key(parent, 0));
}

/* Joins a sparse node with a neighbour, if both leave room to grow in. Returns the parent, NULL: it
 * stays. Two nodes side by side of which one is sparse then hold more than 3/4 of what one can, so
 * that the tree is never deep for what it holds, and taking over a part of a neighbour's children
 * would gain nothing. */
static struct node *join_sparse(const struct tree *tree, struct node *node)
{
    struct inner parent = tree_parent(tree, node);
    if (inner_of(node).head->count > TREE_FAN / 4 || parent.head->count < 2)
        return NULL;
    uint32_t index = inner_index(&parent, node_number(node));
    index -= index == parent.head->count - 1;
    struct node *left_node = tree_node(tree, parent.number[index]);
    struct inner right = inner_of(tree_node(tree, parent.number[index + 1]));
    uint32_t count = inner_of(left_node).head->count + right.head->count;
    if (count > TREE_FAN * 3 / 4 || !widen(tree, left_node, count))
        return NULL;
    struct inner left = inner_of(tree_node(tree, parent.number[index]));
    parent.below[index] += hand_over(tree, &right, 0, &left);
    cut_child(tree, &parent, index + 1);
    tree_drop_node(tree, right.node);
    return narrow(tree, parent.node);
}

void tree_take_out(const struct tree *tree, struct node *node)
{
    bool empty = true;
    while (empty) {
        if (tree_is_top(tree, node)) {
            *tree->state = (struct tree_state){ 0 };
            tree_drop_node(tree, node);
            return;
        }
        struct inner parent = tree_parent(tree, node);
        cut_child(tree, &parent, inner_index(&parent, node_number(node)));
        tree_drop_node(tree, node);
        node = parent.node;
        empty = parent.head->count == 0;
    }
    node = narrow(tree, node);
    while (node != NULL && !tree_is_top(tree, node))
        node = join_sparse(tree, node);
    tree_shrink_top(tree);
}
