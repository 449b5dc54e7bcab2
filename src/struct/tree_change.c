/* What changes leaves: the inner nodes follow. Whatever needs memory comes first, so that a change
 * that cannot be made leaves every leaf as it was. */
#include "struct/tree_parts.h"

void tree_add(const struct tree *tree, const struct node *leaf, int64_t delta)
{
    tree->state->count += (uint64_t)delta;
    for (const struct node *node = leaf; !tree_is_top(tree, node);) {
        struct inner parent = tree_parent(tree, node);
        parent.below[inner_index(&parent, node_number(node))] += (uint64_t)delta;
        node = parent.node;
    }
}

/* The first leaf of all: it is the top. */
static struct node *insert_only(const struct tree *tree, struct node *leaf, struct tree_key key)
{
    *tree->state = (struct tree_state){ .top = node_number(leaf), .depth = 1, .only = key };
    return leaf;
}

struct node *tree_insert(const struct tree *tree, const struct node *after, size_t used,
                         struct tree_key key)
{
    struct node *leaf = tree_take_leaf(tree, used);
    if (leaf == NULL)
        return NULL;
    if (tree->state->depth == 0)
        return insert_only(tree, leaf, key);
    const struct node *beside = after != NULL ? after : tree_first(tree);
    if (!tree_make_room(tree, beside, after != NULL)) {
        tree_drop_node(tree, leaf);
        return NULL;
    }
    struct inner parent = tree_parent(tree, beside);
    uint32_t index = inner_index(&parent, node_number(beside)) + (after != NULL);
    tree_put(tree, &parent, index, (struct tree_child){ key, 0, node_number(leaf) });
    return leaf;
}

/* The payload from `offset` on goes to the new leaf, behind its prefix. */
static struct node *cut_payload(const struct tree *tree, struct node *leaf, size_t offset,
                                struct node *made, size_t prefix)
{
    size_t bytes = leaf->used - offset;
    memcpy(made->at + prefix, leaf->at + offset, bytes);
    leaf = node_splice(tree->space, tree->root, tree->set, leaf, offset, bytes, 0);
    ENSURE(leaf != NULL); /* it has not grown */
    return leaf;
}

struct node *tree_split(const struct tree *tree, struct node **leaf, size_t offset, uint64_t moved,
                        struct tree_key key, size_t prefix)
{
    DCHECK(offset <= (*leaf)->used && moved < tree_leaf_count(tree, *leaf));
    struct node *made = tree_take_leaf(tree, prefix + (*leaf)->used - offset);
    if (made == NULL)
        return NULL;
    if (!tree_make_room(tree, *leaf, true)) {
        tree_drop_node(tree, made);
        return NULL;
    }
    *leaf = cut_payload(tree, *leaf, offset, made, prefix);
    struct inner parent = tree_parent(tree, *leaf);
    uint32_t index = inner_index(&parent, node_number(*leaf));
    parent.below[index] -= moved;
    tree_put(tree, &parent, index + 1, (struct tree_child){ key, moved, node_number(made) });
    if (tree->ops->moved != NULL)
        tree->ops->moved(tree, made, prefix, node_number(*leaf));
    return made;
}

struct node *tree_splice(const struct tree *tree, struct node *leaf, size_t offset, size_t remove,
                         size_t insert, int64_t delta)
{
    leaf = node_splice(tree->space, tree->root, tree->set, leaf, offset, remove, insert);
    if (leaf != NULL && delta != 0)
        tree_add(tree, leaf, delta);
    return leaf;
}

void tree_rekey(const struct tree *tree, const struct node *leaf, struct tree_key key)
{
    if (tree_is_top(tree, leaf))
        tree->state->only = key;
    else
        tree_rekey_above(tree, leaf, key);
}

struct node *tree_remove(const struct tree *tree, struct node *leaf)
{
    struct node *next = tree_next(tree, leaf);
    tree_add(tree, leaf, -(int64_t)tree_leaf_count(tree, leaf));
    tree_take_out(tree, leaf);
    return next;
}

struct node *tree_join(const struct tree *tree, struct node *leaf, size_t skip)
{
    struct node *next = tree_next(tree, leaf);
    DCHECK(next != NULL && skip <= next->used);
    size_t offset = leaf->used, bytes = next->used - skip;
    leaf = node_splice(tree->space, tree->root, tree->set, leaf, offset, 0, bytes);
    if (leaf == NULL)
        return NULL;
    memcpy(leaf->at + offset, next->at + skip, bytes);
    int64_t count = (int64_t)tree_leaf_count(tree, next);
    tree_add(tree, next, -count);
    tree_add(tree, leaf, count);
    if (tree->ops->moved != NULL)
        tree->ops->moved(tree, leaf, offset, node_number(next));
    tree_take_out(tree, next);
    return leaf;
}
