#include "types/big.h"

#include "base/prefetch.h"
#include "struct/table.h"

/* A step: some tens of microseconds. It ends after a node with so many strings outside, too. */
enum { FREE_NODES = 32, FREE_RUNS = 32 };

struct run_visit {
    void (*visit)(void *context, uint64_t ref);
    void *context;
};

static void visit_run(void *context, const uint8_t *element)
{
    const struct run_visit *run = context;
    uint64_t ref = packed_run(element);
    if (ref != 0)
        run->visit(run->context, ref);
}

void big_each_ref(const struct space *space, const struct value *value, const struct big_ops *ops,
                  void (*visit)(void *context, uint64_t ref), void *context)
{
    const struct root *root = big_root(space, value);
    struct run_visit run = { visit, context };
    root_each_ref(space, root, visit, context);
    if (root->outside == 0)
        return;
    for (unsigned set = 0; set < root->sets; set++) {
        for (uint32_t number = 0; number < root->nodes[set].count; number++) {
            const struct node *node = node_of(space, &root->nodes[set], number);
            if (node != NULL)
                ops->walk(space, set, node, visit_run, &run);
        }
    }
}

struct emptying {
    struct space *space;
    struct root *root;
};

static void empty_element(void *context, const uint8_t *element)
{
    const struct emptying *emptying = context;
    packed_empty(emptying->space, emptying->root, element);
}

/* The last node of the last set that has one; true when there is none left. */
static bool drop_last_node(struct space *space, struct root *root, const struct big_ops *ops)
{
    for (unsigned set = root->sets; set-- > 0;) {
        uint32_t count = root->nodes[set].count;
        if (count == 0)
            continue;
        struct node *node = node_of(space, &root->nodes[set], count - 1);
        if (node != NULL && root->outside > 0) {
            struct emptying emptying = { space, root };
            ops->walk(space, set, node, empty_element, &emptying);
        }
        if (node != NULL)
            node_drop(space, root, set, node);
        nodes_cut(space, root, set, count - 1);
        return false;
    }
    return true;
}

bool big_free_step(struct space *space, const struct value *value, const struct big_ops *ops)
{
    struct root *root = big_root(space, value);
    uint64_t outside = root->outside;
    for (unsigned i = 0; i < FREE_NODES && outside - root->outside < FREE_RUNS; i++) {
        if (!drop_last_node(space, root, ops))
            continue;
        root_drop(space, root);
        return true;
    }
    return false;
}

void big_drop(struct space *space, struct root *root, const struct big_ops *ops)
{
    while (!drop_last_node(space, root, ops))
        continue;
    root_drop(space, root);
}

bool big_prefetch(const struct space *space, const struct value *value, unsigned set, uint64_t hash,
                  unsigned stage)
{
    enum { ID, ROOT, SLOT, BUCKET };
    if (stage == ID) {
        prefetch(roots_place(&space->roots, big_id(value)));
        return true;
    }
    const struct root *root = big_root(space, value);
    const struct nodes *nodes = &root->nodes[set];
    if (stage == ROOT) {
        prefetch(root);
        prefetch(nodes + 1);
        return true;
    }
    uint32_t bucket = linear_bucket(hash, nodes->count);
    if (stage == SLOT)
        prefetch(nodes_slot(space, nodes, bucket));
    else if (stage == BUCKET)
        table_prefetch_node(node_of(space, nodes, bucket));
    return stage < BUCKET;
}

bool big_valid(const struct space *space, const struct value *value)
{
    if (value->body.count != sizeof(uint32_t) || !roots_has(&space->roots, big_id(value)))
        return false;
    const struct root *root = big_root(space, value);
    return root->type == value->type && root_valid(space, root);
}
