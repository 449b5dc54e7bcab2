#include "types/big.h"

#include "base/prefetch.h"
#include "struct/table.h"

#include <limits.h>

/* A step: some tens of microseconds. It ends after a node with so many strings outside, and when so
 * many spans were begun: the pages of each that is emptied may go back at once. */
enum { FREE_NODES = 32, FREE_RUNS = 32, FREE_SPANS = 4, FREE_EMPTY = 512 };
/* So many blocks are looked at for each node that goes, on the average and at the most. */
enum { SPARSE_SHARE = 8 };

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

static void drop_node(struct space *space, struct root *root, const struct big_ops *ops,
                      struct node *node)
{
    unsigned set = (node->head.number & NODE_SECOND) != 0;
    if (root->outside > 0) {
        struct emptying emptying = { space, root };
        ops->walk(space, set, node, empty_element, &emptying);
    }
    node_drop(space, root, set, node);
}

/* The last node of the last set that has one, behind which empty slots are cut off, at once, as the
 * directory may get another block; NULL: there is none, or none among so many slots. */
static struct node *last_node(struct space *space, struct root *root, unsigned slots)
{
    for (unsigned set = root->sets; set-- > 0;) {
        const struct nodes *nodes = &root->nodes[set];
        uint32_t count = nodes->count;
        for (; count > 0 && slots > 0 && nodes_ref(space, nodes, count - 1) == 0; slots--)
            count--;
        if (count < nodes->count)
            nodes_cut(space, root, set, count);
        if (count > 0)
            return node_of(space, nodes, count - 1);
    }
    return NULL;
}

static bool has_slots(const struct root *root)
{
    for (unsigned set = 0; set < root->sets; set++)
        if (root->nodes[set].count > 0)
            return true;
    return false;
}

/* Where freeing is, in *cursor: which span is being emptied, and how many nodes go before spans are
 * looked at again. */
struct free_place {
    uint32_t row, alone;
};
_Static_assert(sizeof(struct free_place) == sizeof(uint64_t), "it is kept in a cursor");

/* Nodes lie in their spans in no order, so that in the order of their numbers the last would hold
 * every span: a span is emptied before another one is begun. Where most in it are of values that
 * stay it will not be empty, and looking is a waste: the next nodes go alone. The nodes to go now;
 * none: all have gone, or only so many empty slots were passed. */
static unsigned find_some(struct space *space, struct root *root, struct free_place *place,
                          struct node **found, unsigned most)
{
    unsigned seen = 0, count = 0;
    if (place->row != 0)
        count = nodes_in_span(space, root->head.id, place->row, found, most, &seen);
    if (count == 0)
        place->row = 0;
    if (count > 0 && count < most && count * SPARSE_SHARE < seen)
        place->alone = seen / SPARSE_SHARE - count;
    if (count > 0)
        return count;
    found[0] = last_node(space, root, FREE_EMPTY);
    if (found[0] == NULL)
        return 0;
    if (place->alone > 0)
        place->alone--;
    else
        place->row = heap_row(space->heap, found[0]);
    return 1;
}

/* What a step may give back still; negative: it has given more. */
struct free_left {
    int nodes, runs, spans;
};

static bool may_go_on(const struct free_left *left)
{
    return left->nodes > 0 && left->runs > 0 && left->spans > 0;
}

static void drop_some(struct space *space, struct root *root, const struct big_ops *ops,
                      struct node **found, unsigned count, struct free_left *left)
{
    for (unsigned at = 0; at < count && may_go_on(left); at++) {
        uint64_t outside = root->outside;
        left->nodes--;
        drop_node(space, root_of(space, found[at]->head.id), ops, found[at]);
        left->runs -= (int)(outside - root->outside);
    }
}

bool big_free_step(struct space *space, const struct value *value, const struct big_ops *ops,
                   uint64_t *cursor)
{
    struct node *found[FREE_NODES];
    struct root *root = big_root(space, value);
    struct free_place place;
    struct free_left left = { FREE_NODES, FREE_RUNS, FREE_SPANS };
    bool done = false;
    memcpy(&place, cursor, sizeof place);
    while (may_go_on(&left)) {
        uint32_t row = place.row;
        unsigned count = find_some(space, root, &place, found, (unsigned)left.nodes);
        done = count == 0 && !has_slots(root);
        if (count == 0)
            break;
        drop_some(space, root, ops, found, count, &left);
        left.spans -= place.row != row;
    }
    memcpy(cursor, &place, sizeof place);
    if (done)
        root_drop(space, root);
    return done;
}

void big_drop(struct space *space, struct root *root, const struct big_ops *ops)
{
    struct node *node;
    while ((node = last_node(space, root, UINT_MAX)) != NULL)
        drop_node(space, root, ops, node);
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
