#include "struct/past_tree.h"

#include "struct/tree_parts.h"

void past_tree_begin(struct past_tree_walk *walk, const struct root *root, unsigned set,
                     const struct tree_state *state)
{
    ENSURE(state->depth < PAST_TREE_DEPTH_MAX);
    *walk = (struct past_tree_walk){ .id = root->head.id, .set = set, .depth = state->depth };
    walk->way[0].number = state->top;
}

static const struct node *read(const struct past_tree_walk *walk, const struct space *space,
                               uint32_t number)
{
    const struct node *node = past_node(space, past_root(space, walk->id), walk->set, number);
    ENSURE(node != NULL); /* a tree's numbers are dense */
    return node;
}

/* The child that is next on the way, which goes on behind it; false: this level has no more. */
static bool next_child(struct past_tree_walk *walk, const struct space *space, uint32_t *child)
{
    uint32_t *index = &walk->way[walk->level].index;
    const struct node *node = read(walk, space, walk->way[walk->level].number);
    const struct inner inner = inner_of((struct node *)(uintptr_t)node);
    if (*index >= inner.head->count)
        return false;
    *child = inner.number[(*index)++];
    return true;
}

const struct node *past_tree_next(struct past_tree_walk *walk, const struct space *space)
{
    uint32_t child;
    if (walk->depth == 0)
        return NULL;
    if (walk->depth == 1) {
        walk->depth = 0;
        return read(walk, space, walk->way[0].number);
    }
    for (;;) {
        if (!next_child(walk, space, &child)) {
            if (walk->level == 0)
                return NULL;
            walk->level--;
            continue;
        }
        if (walk->level + 2 == walk->depth)
            return read(walk, space, child);
        walk->level++;
        walk->way[walk->level].number = child;
        walk->way[walk->level].index = 0;
    }
}
