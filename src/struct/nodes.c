#include "struct/nodes.h"

#include "base/prefetch.h"
#include "struct/kinds.h"
#include "struct/past.h"

enum { DIRECTORY_SLOTS_MIN = 4 };

/* --- directories ------------------------------------------------------------------------------ */

static uint32_t set_bit(unsigned set)
{
    return set == 0 ? 0 : NODE_SECOND;
}

static void set_slot(const struct space *space, const struct nodes *nodes, uint32_t number,
                     uint64_t ref)
{
    memcpy(nodes_slot(space, nodes, number), &ref, DIRECTORY_SLOT);
}

/* Both sums wrap where less is held than before. */
static void count(struct space *space, const struct root *root, uint64_t held, uint64_t asked)
{
    space->held.by_type[root->type] += held;
    space->held.asked += asked;
}

static size_t directory_bytes(uint32_t slots)
{
    return DIRECTORY_HEADER + (size_t)slots * DIRECTORY_SLOT;
}

/* Gives the directory room for `slots`, and whatever else its block then has room for. */
static bool resize_directory(struct space *space, struct root *root, unsigned set, uint32_t slots)
{
    struct nodes *nodes = &root->nodes[set];
    struct node_head *directory = nodes->directory == 0 ? NULL : space_at(space, nodes->directory);
    uint64_t before = directory == NULL ? 0 : heap_block_bytes(space->heap, directory);
    size_t held = heap_round_up(space->heap, directory_bytes(slots));
    directory = directory == NULL ? heap_take(space->heap, held, BLOCK_NODE)
                                  : heap_resize(space->heap, directory, held, BLOCK_NODE);
    if (directory == NULL)
        return false;
    DCHECK(heap_block_bytes(space->heap, directory) == held);
    *directory = (struct node_head){ root->head.id, NODE_DIRECTORY | set_bit(set) };
    nodes->directory = space_ref(space, directory);
    nodes->capacity = (uint32_t)((held - DIRECTORY_HEADER) / DIRECTORY_SLOT);
    nodes->held += held - before;
    count(space, root, held - before, held - before); /* all of it is room for slots */
    return true;
}

/* A small directory grows by a quarter, a big one by a page or two: it is a run. */
static bool widen(struct space *space, struct root *root, unsigned set)
{
    const struct nodes *nodes = &root->nodes[set];
    uint32_t more = nodes->count / 4 < 1024 ? nodes->count / 4 : 1024;
    if (nodes->count >= NODE_NUMBER_MAX)
        return false;
    return resize_directory(space, root, set, nodes->count + DIRECTORY_SLOTS_MIN + more);
}

bool nodes_extend(struct space *space, struct root *root, unsigned set)
{
    struct nodes *nodes = &root->nodes[set];
    if (nodes->count == nodes->capacity && !widen(space, root, set))
        return false;
    set_slot(space, nodes, nodes->count++, 0);
    return true;
}

static void drop_directory(struct space *space, const struct root *root, struct nodes *nodes)
{
    if (nodes->directory == 0)
        return;
    void *directory = space_at(space, nodes->directory);
    uint64_t held = heap_block_bytes(space->heap, directory);
    nodes->held -= held;
    count(space, root, -held, -held);
    nodes->directory = 0;
    nodes->capacity = 0;
    heap_give(space->heap, directory);
}

void nodes_cut(struct space *space, struct root *root, unsigned set, uint32_t count)
{
    struct nodes *nodes = &root->nodes[set];
    DCHECK(count <= nodes->count);
    nodes->count = count;
    if (count == 0) {
        drop_directory(space, root, nodes);
        return;
    }
    uint32_t spare = nodes->capacity - count;
    uint32_t fair = count / 2 < 4096 ? count / 2 : 4096;
    if (spare > fair + 4 * DIRECTORY_SLOTS_MIN)
        (void)resize_directory(space, root, set, count + fair / 2 + DIRECTORY_SLOTS_MIN);
}

/* --- roots ------------------------------------------------------------------------------------ */

static size_t root_bytes(unsigned sets, size_t more_bytes)
{
    return sizeof(struct root) + sets * sizeof(struct nodes) + more_bytes;
}

struct root *root_new(struct space *space, unsigned type, unsigned sets, size_t more_bytes)
{
    size_t bytes = root_bytes(sets, more_bytes);
    struct root *root = heap_take(space->heap, bytes, BLOCK_NODE);
    if (root == NULL)
        return NULL;
    memset(root, 0, bytes);
    uint32_t id = roots_take(&space->roots, space_ref(space, root));
    if (id == 0) {
        heap_give(space->heap, root);
        return NULL;
    }
    root->head = (struct node_head){ id, NODE_ROOT };
    root->type = (uint8_t)type;
    root->sets = sets & 0x7fu;
    root->more_bytes = (uint32_t)more_bytes;
    root->epoch = space->epoch;
    count(space, root, heap_block_bytes(space->heap, root), bytes);
    return root;
}

void root_drop(struct space *space, struct root *root)
{
    for (unsigned set = 0; set < root->sets; set++)
        DCHECK(root->nodes[set].directory == 0);
    if (UNLIKELY(space->past != NULL))
        past_keep_dropped(space, root);
    space->doomed -= root->doomed;
    roots_give(&space->roots, root->head.id);
    count(space, root, -(uint64_t)heap_block_bytes(space->heap, root),
          -(uint64_t)root_bytes(root->sets, root->more_bytes));
    heap_give(space->heap, root);
}

void root_doom(struct space *space, struct root *root)
{
    space->doomed += !root->doomed;
    root->doomed = true;
}

uint64_t root_held(const struct space *space, const struct root *root)
{
    uint64_t held = heap_block_bytes(space->heap, root) + root->outside_bytes;
    for (unsigned set = 0; set < root->sets; set++)
        held += root->nodes[set].held;
    return held;
}

/* --- nodes ------------------------------------------------------------------------------------ */

struct node *node_make(struct space *space, struct root *root, unsigned set, uint32_t number,
                       size_t used)
{
    struct nodes *nodes = &root->nodes[set];
    DCHECK(number < nodes->count && nodes_ref(space, nodes, number) == 0);
    if (used > UINT32_MAX)
        return NULL;
    past_slot_fills(space, root, set, number);
    struct node *node = heap_take(space->heap, NODE_HEADER + used, BLOCK_NODE);
    if (node == NULL)
        return NULL;
    node->head = (struct node_head){ root->head.id, number | set_bit(set) };
    node->used = (uint32_t)used;
    node->link = 0;
    uint64_t held = heap_block_bytes(space->heap, node);
    nodes->used += used;
    nodes->held += held;
    count(space, root, held, NODE_HEADER + used);
    set_slot(space, nodes, number, space_ref(space, node));
    return node;
}

/* Another block with the gap where it shall be: each byte is copied once. */
static struct node *splice_anew(struct space *space, const struct root *root, struct nodes *nodes,
                                struct node *node, size_t offset, size_t remove, size_t insert)
{
    size_t used = node->used - remove + insert;
    struct node *made = heap_take(space->heap, NODE_HEADER + used, BLOCK_NODE);
    if (made == NULL)
        return NULL;
    *made = *node;
    made->used = (uint32_t)used;
    memcpy(made->at, node->at, offset);
    memcpy(made->at + offset + insert, node->at + offset + remove, node->used - offset - remove);
    uint64_t held = heap_block_bytes(space->heap, made) - heap_block_bytes(space->heap, node);
    nodes->held += held;
    count(space, root, held, 0);
    heap_give(space->heap, node);
    set_slot(space, nodes, node_number(made), space_ref(space, made));
    return made;
}

static void shift(struct node *node, size_t offset, size_t remove, size_t insert)
{
    if (remove != insert)
        memmove(node->at + offset + insert, node->at + offset + remove,
                node->used - offset - remove);
    node->used = (uint32_t)(node->used - remove + insert);
}

/* In the block as it is: a test build poisons what is not in use. */
static void splice_inside(struct space *space, struct node *node, size_t offset, size_t remove,
                          size_t insert)
{
    size_t bytes = NODE_HEADER + node->used - remove + insert;
    if (insert > remove)
        heap_refit(space->heap, node, bytes);
    shift(node, offset, remove, insert);
    if (insert < remove)
        heap_refit(space->heap, node, bytes);
}

/* A run: its pages grow before the payload is shifted, and shrink after. */
static struct node *splice_run(struct space *space, const struct root *root, struct nodes *nodes,
                               struct node *node, size_t offset, size_t remove, size_t insert)
{
    size_t used = node->used - remove + insert;
    uint64_t before = heap_block_bytes(space->heap, node);
    struct node *made = node;
    if (insert < remove)
        shift(made, offset, remove, insert);
    made = heap_resize(space->heap, made, NODE_HEADER + used, BLOCK_NODE);
    if (made == NULL && insert >= remove)
        return NULL;
    if (made == NULL)
        made = node; /* smaller it need not become */
    if (insert >= remove)
        shift(made, offset, remove, insert);
    uint64_t held = heap_block_bytes(space->heap, made) - before;
    nodes->held += held;
    count(space, root, held, 0);
    set_slot(space, nodes, node_number(made), space_ref(space, made));
    return made;
}

struct node *node_splice(struct space *space, struct root *root, unsigned set, struct node *node,
                         size_t offset, size_t remove, size_t insert)
{
    struct nodes *nodes = &root->nodes[set];
    DCHECK(offset + remove <= node->used);
    size_t used = node->used - remove + insert;
    if (used > UINT32_MAX)
        return NULL;
    past_node_changes(space, root, set, node);
    size_t was = node->used;
    struct node *made = node;
    if (heap_fits(space->heap, node, NODE_HEADER + used)) {
        splice_inside(space, node, offset, remove, insert);
    } else if (heap_block_bytes(space->heap, node) > HEAP_CELL_MAX &&
               NODE_HEADER + used > HEAP_CELL_MAX) {
        made = splice_run(space, root, nodes, node, offset, remove, insert);
    } else {
        made = splice_anew(space, root, nodes, node, offset, remove, insert);
        if (made == NULL && insert <= remove) { /* it stays in its block, which is too big */
            shift(node, offset, remove, insert);
            made = node;
        }
    }
    if (made == NULL)
        return NULL;
    nodes->used += used - was;
    count(space, root, 0, (uint64_t)used - was);
    return made;
}

/* Test builds move every node that may be. */
static bool is_sparse(const struct space *space, const struct node *node)
{
#ifdef SNUG_MOVE_ALL
    return heap_block_bytes(space->heap, node) <= HEAP_CELL_MAX;
#else
    return heap_is_sparse(space->heap, node);
#endif
}

void node_tidy(struct space *space, struct root *root, unsigned set, struct node *node)
{
    if (!is_sparse(space, node))
        return;
    struct node *made = heap_take(space->heap, heap_block_bytes(space->heap, node), BLOCK_NODE);
    if (made == NULL)
        return;
    if (heap_fits(space->heap, made, NODE_HEADER + node->used)) /* a block may be too big */
        heap_refit(space->heap, made, NODE_HEADER + node->used);
    memcpy(made, node, NODE_HEADER + node->used);
    heap_give(space->heap, node);
    set_slot(space, &root->nodes[set], node_number(made), space_ref(space, made));
}

void node_drop(struct space *space, struct root *root, unsigned set, struct node *node)
{
    struct nodes *nodes = &root->nodes[set];
    past_node_changes(space, root, set, node);
    uint64_t held = heap_block_bytes(space->heap, node);
    nodes->used -= node->used;
    nodes->held -= held;
    count(space, root, -held, -(uint64_t)(NODE_HEADER + node->used));
    set_slot(space, nodes, node_number(node), 0);
    heap_give(space->heap, node);
}

struct finding {
    const struct space *space;
    uint32_t id;
    struct node **found;
    unsigned most, count, seen;
};

/* While a snapshot is open others than its owner leave a root alone: it may want a copy first. */
static bool goes_with(const struct finding *finding, const struct node_head *head)
{
    const struct space *space = finding->space;
    if ((head->number & ~NODE_SECOND) >= NODE_NUMBER_MAX)
        return false;
    if (head->id == finding->id)
        return true;
    if (space->doomed <= 1 || space->past != NULL)
        return false;
    const struct root *root = root_of(space, head->id);
    return root->doomed && root->outside == 0;
}

static void find_node(void *context, void *block)
{
    struct finding *finding = context;
    finding->seen++;
    if (finding->count < finding->most && goes_with(finding, block))
        finding->found[finding->count++] = block;
}

unsigned nodes_in_span(const struct space *space, uint32_t id, uint32_t row, struct node **found,
                       unsigned most, unsigned *seen)
{
    struct finding finding = { space, id, found, most, 0, 0 };
    heap_show(space->heap, row, 1u << BLOCK_NODE, find_node, &finding);
    *seen = finding.seen;
    return finding.count;
}

void node_renumber(struct space *space, struct root *root, unsigned set, struct node *node,
                   uint32_t number)
{
    const struct nodes *nodes = &root->nodes[set];
    DCHECK(number < nodes->count && nodes_ref(space, nodes, number) == 0);
    past_node_changes(space, root, set, node);
    past_slot_fills(space, root, set, number);
    set_slot(space, nodes, node_number(node), 0);
    node->head.number = number | set_bit(set);
    set_slot(space, nodes, number, space_ref(space, node));
}

/* --- moving, freeing, walking ----------------------------------------------------------------- */

/* Blocks move many at once: what a root or directory refers to may have been repointed since its
 * copy was made, so that it is copied anew when its turn comes. */
static bool repoint_in_root(struct space *space, struct root *root, uint32_t number,
                            const void *from, void *to)
{
    uint64_t ref = space_ref(space, from);
    unsigned set = (number & NODE_SECOND) != 0;
    uint32_t slot = number & ~NODE_SECOND;
    if (set >= root->sets)
        return false;
    struct nodes *nodes = &root->nodes[set];
    if (slot == NODE_DIRECTORY) {
        if (nodes->directory != ref)
            return false;
        memcpy(to, from, directory_bytes(nodes->count));
        nodes->directory = space_ref(space, to);
        return true;
    }
    if (slot >= nodes->count || nodes_ref(space, nodes, slot) != ref)
        return false;
    set_slot(space, nodes, slot, space_ref(space, to));
    return true;
}

bool nodes_repoint(struct space *space, const void *from, void *to)
{
    struct node_head head;
    memcpy(&head, to, sizeof head);
    if (!roots_has(&space->roots, head.id))
        return false;
    struct root *root = root_of(space, head.id);
    if (head.number != NODE_ROOT)
        return repoint_in_root(space, root, head.number, from, to);
    if (root != from)
        return false;
    memcpy(to, from, root_bytes(root->sets, root->more_bytes));
    roots_repoint(&space->roots, head.id, space_ref(space, to));
    return true;
}

void nodes_prefetch_id(const struct space *space, const void *to)
{
    const struct node_head *head = to;
    if (roots_may_have(&space->roots, head->id))
        prefetch(roots_place(&space->roots, head->id));
}

void nodes_prefetch_root(const struct space *space, const void *to)
{
    const struct node_head *head = to;
    if (roots_has(&space->roots, head->id))
        prefetch(root_of(space, head->id));
}

void nodes_prefetch_slot(const struct space *space, const void *to)
{
    const struct node_head *head = to;
    uint32_t number = head->number & ~NODE_SECOND;
    unsigned set = (head->number & NODE_SECOND) != 0;
    if (number >= NODE_NUMBER_MAX || !roots_has(&space->roots, head->id))
        return;
    const struct root *root = root_of(space, head->id);
    if (set < root->sets && number < root->nodes[set].count)
        prefetch(nodes_slot(space, &root->nodes[set], number));
}

void root_each_ref(const struct space *space, const struct root *root,
                   void (*visit)(void *context, uint64_t ref), void *context)
{
    visit(context, space_ref(space, root));
    for (unsigned set = 0; set < root->sets; set++) {
        const struct nodes *nodes = &root->nodes[set];
        if (nodes->directory != 0)
            visit(context, nodes->directory);
        for (uint32_t number = 0; number < nodes->count; number++) {
            uint64_t ref = nodes_ref(space, nodes, number);
            if (ref != 0)
                visit(context, ref);
        }
    }
}

static bool head_is(const struct space *space, const void *block, uint32_t id, uint32_t number)
{
    const struct node_head *head = block;
    return heap_block_kind(space->heap, block) == BLOCK_NODE && head->id == id &&
           head->number == number;
}

static bool set_valid(const struct space *space, const struct root *root, unsigned set)
{
    const struct nodes *nodes = &root->nodes[set];
    if (nodes->directory == 0)
        return nodes->count == 0 && nodes->capacity == 0 && nodes->used == 0 && nodes->held == 0;
    const void *directory = space_at(space, nodes->directory);
    uint64_t used = 0, held = heap_block_bytes(space->heap, directory);
    if (nodes->count > nodes->capacity || directory_bytes(nodes->capacity) > held ||
        !head_is(space, directory, root->head.id, NODE_DIRECTORY | set_bit(set)))
        return false;
    for (uint32_t number = 0; number < nodes->count; number++) {
        const struct node *node = node_of(space, nodes, number);
        if (node == NULL)
            continue;
        if (!head_is(space, node, root->head.id, number | set_bit(set)) ||
            heap_block_bytes(space->heap, node) < NODE_HEADER + (size_t)node->used)
            return false;
        used += node->used;
        held += heap_block_bytes(space->heap, node);
    }
    return used == nodes->used && held == nodes->held;
}

bool root_valid(const struct space *space, const struct root *root)
{
    if (!roots_has(&space->roots, root->head.id) || root_of(space, root->head.id) != root ||
        !head_is(space, root, root->head.id, NODE_ROOT) || root->sets > NODES_SETS)
        return false;
    for (unsigned set = 0; set < root->sets; set++)
        if (!set_valid(space, root, set))
            return false;
    return true;
}
