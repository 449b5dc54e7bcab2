/* What was put aside, by value and number: two levels of open addressing. */
#include "struct/past.h"

#include "base/buffer.h"
#include "base/memory.h"

enum { SLOTS_MIN = 16, FREED_AT_ONCE = 100 };

/* A node as it was; `node` is NULL where the number's slot was empty. */
struct kept_node {
    uint32_t number; /* with NODE_SECOND, and 1 more, so that 0 is a free place */
    struct node *node;
};

struct kept_value {
    uint32_t id;
    uint32_t count, capacity;
    struct kept_node *nodes;
    struct buffer runs; /* references, 8 bytes each */
    uint64_t bytes;
    bool gone; /* the root is no more */
    /* Of one that has been read: */
    struct kept_value *next;
    uint32_t freed;   /* places of nodes */
    struct root root; /* and behind it what it has more */
};

struct past {
    struct space *space;
    struct kept_value **values; /* open addressing, by id */
    uint32_t count, capacity;   /* a power of two */
    uint64_t bytes, limit;
    uint32_t large; /* the id of the one value that is not counted against the limit; 0: none */
    bool spoiled;
};

/* --- finding ---------------------------------------------------------------------------------- */

static uint32_t spread(uint32_t number)
{
    return number * UINT32_C(2654435769);
}

static struct kept_value **value_place(const struct past *past, uint32_t id)
{
    uint32_t mask = past->capacity - 1, at = spread(id) & mask;
    while (past->values[at] != NULL && past->values[at]->id != id)
        at = (at + 1) & mask;
    return &past->values[at];
}

static struct kept_value *find_value(const struct past *past, uint32_t id)
{
    return past == NULL || past->count == 0 ? NULL : *value_place(past, id);
}

uint64_t past_large_bytes(const struct past *past)
{
    const struct kept_value *large = past->large == 0 ? NULL : find_value(past, past->large);
    return large == NULL ? 0 : large->bytes;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* One command may change all of a value that is larger than the limit, and be none the wiser. So
 * the value that would pass the limit is not counted, as long as there is only one of the kind. */
static bool fits(struct past *past, uint32_t id, uint64_t bytes)
{
    if (id == past->large || past->bytes - past_large_bytes(past) + bytes <= past->limit)
        return true;
    if (past->large != 0)
        return false;
    past->large = id;
    return true;
}

static void *take(struct past *past, struct kept_value *value, size_t bytes)
{
    void *at = fits(past, value->id, bytes) ? memory_take(bytes) : NULL;
    if (at == NULL) {
        past->spoiled = true;
        return NULL;
    }
    past->bytes += bytes;
    value->bytes += bytes;
    return at;
}

/* Gives back up to `most` of what is kept of the value; true: all is. */
static bool release_some(struct space *space, struct kept_value *value, uint32_t most)
{
    for (; value->freed < value->capacity && most > 0; most--)
        memory_give(value->nodes[value->freed++].node);
    for (; value->runs.count > 0 && most > 0; most--) {
        uint64_t ref;
        value->runs.count -= sizeof ref;
        memcpy(&ref, value->runs.at + value->runs.count, sizeof ref);
        void *run = space_at(space, ref);
        space->held.kept -= heap_block_bytes(space->heap, run);
        heap_give(space->heap, run);
    }
    if (value->freed < value->capacity || value->runs.count > 0)
        return false;
    memory_give(value->nodes);
    buffer_release(&value->runs);
    memory_give(value);
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool more_values(struct past *past)
{
    struct past wider = *past;
    wider.capacity = past->capacity == 0 ? SLOTS_MIN : past->capacity * 2;
    wider.values = memory_take_zeroed(wider.capacity * sizeof *wider.values);
    if (wider.values == NULL)
        return false;
    for (uint32_t i = 0; i < past->capacity; i++)
        if (past->values[i] != NULL)
            *value_place(&wider, past->values[i]->id) = past->values[i];
    memory_give(past->values);
    *past = wider;
    return true;
}

static size_t bytes_of_root(const struct root *root)
{
    return sizeof *root + root->sets * sizeof *root->nodes + root->more_bytes;
}

static struct kept_value *new_value(struct past *past, const struct root *root)
{
    size_t bytes = offsetof(struct kept_value, root) + bytes_of_root(root);
    bytes = bytes < sizeof(struct kept_value) ? sizeof(struct kept_value) : bytes;
    struct kept_value *value = fits(past, root->head.id, bytes) ? memory_take_zeroed(bytes) : NULL;
    if (value == NULL)
        return NULL;
    value->id = root->head.id;
    value->bytes = bytes;
    past->bytes += bytes;
    memcpy(&value->root, root, bytes_of_root(root));
    return value;
}

static struct kept_value *keep_value(struct past *past, const struct root *root)
{
    struct kept_value *value = find_value(past, root->head.id);
    if (value != NULL)
        return value;
    if (past->count < past->capacity / 4 * 3 || more_values(past))
        value = new_value(past, root);
    if (value == NULL) {
        past->spoiled = true;
        return NULL;
    }
    *value_place(past, value->id) = value;
    past->count++;
    return value;
}

/* It goes in steps (past_free_step). */
static void release_later(struct space *space, struct kept_value *value)
{
    value->next = space->past_rest;
    space->past_rest = value;
}

/* Takes a value out, and moves those behind it that may stand nearer now. */
static void forget_value(struct past *past, uint32_t id)
{
    struct kept_value **place = value_place(past, id);
    uint32_t mask = past->capacity - 1, hole = (uint32_t)(place - past->values);
    past->bytes -= (*place)->bytes;
    if (id == past->large)
        past->large = 0;
    release_later(past->space, *place);
    past->count--;
    for (uint32_t at = (hole + 1) & mask; past->values[at] != NULL; at = (at + 1) & mask) {
        uint32_t home = spread(past->values[at]->id) & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        past->values[hole] = past->values[at];
        hole = at;
    }
    past->values[hole] = NULL;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static struct kept_node *node_place(const struct kept_value *value, uint32_t number)
{
    uint32_t mask = value->capacity - 1, at = spread(number) & mask;
    while (value->nodes[at].number != 0 && value->nodes[at].number != number + 1)
        at = (at + 1) & mask;
    return &value->nodes[at];
}

static bool more_nodes(struct past *past, struct kept_value *value)
{
    struct kept_value wider = { .capacity =
                                    value->capacity == 0 ? SLOTS_MIN : value->capacity * 2 };
    size_t bytes = wider.capacity * sizeof *wider.nodes;
    size_t before = value->capacity * sizeof *value->nodes;
    wider.nodes = take(past, value, bytes);
    if (wider.nodes == NULL)
        return false;
    memset(wider.nodes, 0, bytes);
    for (uint32_t i = 0; i < value->capacity; i++)
        if (value->nodes[i].number != 0)
            *node_place(&wider, value->nodes[i].number - 1) = value->nodes[i];
    memory_give(value->nodes);
    value->nodes = wider.nodes;
    value->capacity = wider.capacity;
    past->bytes -= before;
    value->bytes -= before;
    return true;
}

/* The place for what the number led to, or NULL where it is known, or was not there. */
static struct kept_node *place_to_keep(struct past *past, const struct root *root, uint32_t number,
                                       struct kept_value **value)
{
    *value = keep_value(past, root);
    if (*value == NULL)
        return NULL;
    unsigned set = (number & NODE_SECOND) != 0;
    if ((number & ~NODE_SECOND) >= (*value)->root.nodes[set].count)
        return NULL;
    if ((*value)->count >= (*value)->capacity / 4 * 3 && !more_nodes(past, *value))
        return NULL;
    struct kept_node *place = node_place(*value, number);
    return place->number != 0 ? NULL : place;
}

static bool is_unread(const struct space *space, const struct root *root)
{
    return root->epoch != space->epoch && !space->past->spoiled;
}

void past_keep_root(struct space *space, struct root *root)
{
    if (is_unread(space, root))
        (void)keep_value(space->past, root);
}

void past_keep_dropped(struct space *space, const struct root *root)
{
    struct kept_value *value = is_unread(space, root) ? keep_value(space->past, root) : NULL;
    if (value != NULL)
        value->gone = true;
}

void past_keep_node(struct space *space, struct root *root, unsigned set, const struct node *node)
{
    struct past *past = space->past;
    struct kept_value *value;
    if (!is_unread(space, root))
        return;
    DCHECK(set == ((node->head.number & NODE_SECOND) != 0));
    (void)set;
    struct kept_node *place = place_to_keep(past, root, node->head.number, &value);
    if (place == NULL)
        return;
    struct node *copy = take(past, value, NODE_HEADER + node->used);
    if (copy == NULL)
        return;
    memcpy(copy, node, NODE_HEADER + node->used);
    *place = (struct kept_node){ node->head.number + 1, copy };
    value->count++;
}

void past_keep_empty(struct space *space, struct root *root, unsigned set, uint32_t number)
{
    struct kept_value *value;
    if (!is_unread(space, root))
        return;
    uint32_t named = number | (set == 0 ? 0 : NODE_SECOND);
    struct kept_node *place = place_to_keep(space->past, root, named, &value);
    if (place == NULL)
        return;
    *place = (struct kept_node){ named + 1, NULL };
    value->count++;
}

bool past_keep_run(struct space *space, const struct root *root, uint64_t ref)
{
    struct past *past = space->past;
    if (past == NULL || !is_unread(space, root))
        return false;
    struct kept_value *value = keep_value(past, root);
    uint64_t bytes = heap_block_bytes(space->heap, space_at(space, ref));
    if (value == NULL || !fits(past, value->id, bytes) ||
        !buffer_append(&value->runs, bytes_of(&ref, sizeof ref))) {
        past->spoiled = true;
        return false;
    }
    past->bytes += bytes;
    value->bytes += bytes;
    space->held.kept += bytes;
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

bool past_wants(const struct space *space, uint32_t id)
{
    return space->past != NULL && is_unread(space, root_of(space, id));
}

const struct root *past_root(const struct space *space, uint32_t id)
{
    const struct kept_value *value = find_value(space->past, id);
    return value != NULL ? &value->root : root_of(space, id);
}

const struct node *past_node(const struct space *space, const struct root *root, unsigned set,
                             uint32_t number)
{
    uint32_t id = root->head.id;
    const struct kept_value *value = find_value(space->past, id);
    if (value == NULL)
        return node_of(space, &root->nodes[set], number);
    if (value->count > 0) {
        const struct kept_node *kept = node_place(value, number | (set == 0 ? 0 : NODE_SECOND));
        if (kept->number != 0)
            return kept->node;
    }
    if (value->gone)
        return NULL;
    const struct nodes *now = &root_of(space, id)->nodes[set];
    return number < now->count ? node_of(space, now, number) : NULL;
}

void past_done(struct space *space, uint32_t id)
{
    if (find_value(space->past, id) != NULL)
        forget_value(space->past, id);
    if (space->past != NULL && roots_has(&space->roots, id))
        root_of(space, id)->epoch = space->epoch;
}

/* --- beginning and end ------------------------------------------------------------------------ */

struct past *past_open(struct space *space, uint64_t memory_limit)
{
    ENSURE(space->past == NULL);
    struct past *past = memory_take_zeroed(sizeof *past);
    if (past == NULL)
        return NULL;
    past->space = space;
    past->limit = memory_limit;
    space->past = past;
    space->epoch++;
    return past;
}

void past_close(struct space *space)
{
    struct past *past = space->past;
    if (past == NULL)
        return;
    for (uint32_t i = 0; i < past->capacity; i++)
        if (past->values[i] != NULL)
            release_later(space, past->values[i]);
    memory_give(past->values);
    memory_give(past);
    space->past = NULL;
}

void past_spoil(struct past *past)
{
    past->spoiled = true;
}

bool past_is_spoiled(const struct past *past)
{
    return past->spoiled;
}

uint64_t past_bytes(const struct past *past)
{
    return past->bytes;
}

bool past_free_step(struct space *space)
{
    struct kept_value *value = space->past_rest;
    if (value == NULL)
        return true;
    struct kept_value *next = value->next;
    if (release_some(space, value, FREED_AT_ONCE))
        space->past_rest = next;
    return space->past_rest == NULL;
}

static void each_run(const struct kept_value *value, void (*visit)(void *context, uint64_t ref),
                     void *context)
{
    for (size_t at = 0; at < value->runs.count; at += sizeof(uint64_t)) {
        uint64_t ref;
        memcpy(&ref, value->runs.at + at, sizeof ref);
        visit(context, ref);
    }
}

void past_each_run(const struct space *space, void (*visit)(void *context, uint64_t ref),
                   void *context)
{
    const struct past *past = space->past;
    for (uint32_t i = 0; past != NULL && i < past->capacity; i++)
        if (past->values[i] != NULL)
            each_run(past->values[i], visit, context);
    for (const struct kept_value *value = space->past_rest; value != NULL; value = value->next)
        each_run(value, visit, context);
}
