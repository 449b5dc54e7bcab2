/* Copies of big values, node by node. */
#include "types/big.h"

#include "types/edit.h"

/* The strings of one copied node that have runs: first each refers to the original's. */
struct run_copy {
    struct space *space;
    struct root *root; /* the copy's */
    uint64_t copied;   /* so many have a run of their own */
    uint64_t seen;
    bool failed;
};

static void copy_run(void *context, const uint8_t *element)
{
    struct run_copy *copy = context;
    struct packed_item item;
    uint8_t digits[NUMBER_I64_MAX];
    if (packed_run(element) == 0 || copy->failed)
        return;
    struct bytes content = packed_view(copy->space, element, digits);
    if (packed_prepare(copy->space, copy->root, content, &item) != ERR_NONE) {
        copy->failed = true;
        return;
    }
    packed_write((uint8_t *)(uintptr_t)element, &item);
    copy->copied++;
}

static void empty_copied(void *context, const uint8_t *element)
{
    struct run_copy *copy = context;
    if (packed_run(element) != 0 && copy->seen++ < copy->copied)
        packed_empty(copy->space, copy->root, element);
}

/* On failure the node is gone, and what was taken for it. */
static bool copy_runs(struct space *space, struct root *root, unsigned set, struct node *node,
                      const struct big_ops *ops)
{
    struct run_copy copy = { .space = space, .root = root };
    ops->walk(space, set, node, copy_run, &copy);
    if (!copy.failed)
        return true;
    ops->walk(space, set, node, empty_copied, &copy);
    node_drop(space, root, set, node);
    return false;
}

static bool copy_node(struct space *space, const struct root *from, struct root *to, unsigned set,
                      uint32_t number, const struct big_ops *ops)
{
    const struct node *node = node_of(space, &from->nodes[set], number);
    if (!nodes_extend(space, to, set))
        return false;
    if (node == NULL)
        return true;
    struct node *made = node_make(space, to, set, number, node->used);
    if (made == NULL)
        return false;
    made->link = node->link;
    memcpy(made->at, node->at, node->used);
    return from->outside == 0 || copy_runs(space, to, set, made, ops);
}

static bool copy_nodes(struct space *space, const struct root *from, struct root *to,
                       const struct big_ops *ops)
{
    for (unsigned set = 0; set < from->sets; set++)
        for (uint32_t number = 0; number < from->nodes[set].count; number++)
            if (!copy_node(space, from, to, set, number, ops))
                return false;
    return true;
}

enum err big_copy(struct space *space, const struct value *value, const struct big_ops *ops,
                  struct value *copy, struct buffer *body)
{
    const struct root *from = big_root(space, value);
    struct root *to = root_new(space, from->type, from->sets, from->more_bytes);
    if (to == NULL)
        return ERR_MEMORY;
    to->flags = from->flags;
    to->count = from->count;
    memcpy(root_more(to), root_more(from), from->more_bytes);
    if (!copy_nodes(space, from, to, ops) ||
        !buffer_append(body, bytes_of(&to->head.id, BIG_BODY_BYTES))) {
        big_drop(space, to, ops);
        return ERR_MEMORY;
    }
    *copy = (struct value){ value->type, value->encoding,
                            bytes_of(body->at + (body->count - BIG_BODY_BYTES), BIG_BODY_BYTES) };
    return ERR_NONE;
}
