/* What a stream is to everything generic. A stream, a group and a consumer are alike here: a root
 * whose second set of nodes, if it has one, leads to more of them. */
#include "struct/past.h"
#include "types/big.h"
#include "types/making.h"
#include "types/stream_group.h"
#include "types/stream_image.h"
#include "types/telling.h"

enum { FREE_STEP_BLOCKS = 32 };

static const char *encoding_name(const struct space *space, const struct value *value)
{
    (void)space;
    (void)value;
    return "stream";
}

/* The ids in a node of the second set; none in inner nodes. */
static uint32_t ids_in(const struct node *node)
{
    return node != NULL && tree_is_leaf(node) ? node->used / (uint32_t)sizeof(uint32_t) : 0;
}

static uint32_t id_in(const struct node *node, uint32_t index)
{
    return stream_name_id(node->at + (size_t)index * sizeof(uint32_t));
}

/* --- references and bytes --------------------------------------------------------------------- */

struct visiting {
    void (*visit)(void *context, uint64_t ref);
    void *context;
};

static void visit_run(void *context, const uint8_t *element)
{
    const struct visiting *visiting = context;
    uint64_t ref = packed_run(element);
    if (ref != 0)
        visiting->visit(visiting->context, ref);
}

static void visit_runs(const struct space *space, const struct root *root,
                       struct visiting *visiting)
{
    for (uint32_t number = 0; root->outside > 0 && number < root->nodes[0].count; number++) {
        const struct node *node = node_of(space, &root->nodes[0], number);
        if (node != NULL && tree_is_leaf(node))
            stream_node_walk(node, visit_run, visiting);
    }
}

/* Calls each for the root and all roots below: three levels, one below the other. */
static void each_root(const struct space *space, const struct root *root,
                      void (*each)(void *context, const struct space *space,
                                   const struct root *root),
                      void *context)
{
    each(context, space, root);
    for (uint32_t number = 0; root->sets > 1 && number < root->nodes[1].count; number++) {
        const struct node *node = node_of(space, &root->nodes[1], number);
        for (uint32_t i = 0; i < ids_in(node); i++)
            each_root(space, root_of(space, id_in(node, i)), each, context);
    }
}

static void visit_root(void *context, const struct space *space, const struct root *root)
{
    struct visiting *visiting = context;
    root_each_ref(space, root, visiting->visit, visiting->context);
    visit_runs(space, root, visiting);
}

static void each_ref(struct space *space, const struct value *value,
                     void (*visit)(void *context, uint64_t ref), void *context)
{
    struct visiting visiting = { visit, context };
    each_root(space, big_root(space, value), visit_root, &visiting);
}

static void add_bytes(void *context, const struct space *space, const struct root *root)
{
    uint64_t *bytes = context;
    *bytes += root_held(space, root);
}

static uint64_t held_bytes(const struct space *space, const struct value *value)
{
    uint64_t bytes = 0;
    each_root(space, big_root(space, value), add_bytes, &bytes);
    return bytes;
}

/* --- giving back ------------------------------------------------------------------------------ */

struct emptying {
    struct space *space;
    struct root *root;
};

static void empty_element(void *context, const uint8_t *element)
{
    const struct emptying *emptying = context;
    packed_empty(emptying->space, emptying->root, element);
}

static void drop_last(struct space *space, struct root *root, unsigned set)
{
    uint32_t number = root->nodes[set].count - 1;
    struct node *node = node_of(space, &root->nodes[set], number);
    if (node != NULL && set == 0 && root->outside > 0 && tree_is_leaf(node)) {
        struct emptying emptying = { space, root };
        stream_node_walk(node, empty_element, &emptying);
    }
    if (node != NULL)
        node_drop(space, root, set, node);
    nodes_cut(space, root, set, number);
}

/* What the second set leads to goes first, from the end; an id is cut off when its value is gone,
 * so that what is left is whole after every step. */
static bool free_root(struct space *space, struct root *root, unsigned *blocks_left);
static bool free_below(struct space *space, struct root *root, unsigned *blocks_left)
{
    while (root->sets > 1 && root->nodes[1].count > 0) {
        struct node *node = node_of(space, &root->nodes[1], root->nodes[1].count - 1);
        uint32_t ids = ids_in(node);
        if (*blocks_left == 0)
            return false;
        if (ids == 0) {
            drop_last(space, root, 1);
            --*blocks_left;
            continue;
        }
        uint32_t id = id_in(node, ids - 1);
        if (!past_wants(space, root->head.id) && past_wants(space, id))
            past_done(space, id); /* nobody will read what is below either */
        if (!free_root(space, root_of(space, id), blocks_left))
            return false;
        node = node_splice(space, root, 1, node, (ids - 1) * sizeof(uint32_t), sizeof(uint32_t), 0);
        ENSURE(node != NULL); /* it has not grown */
    }
    return true;
}

static bool free_root(struct space *space, struct root *root, unsigned *blocks_left)
{
    if (!free_below(space, root, blocks_left))
        return false;
    while (root->nodes[0].count > 0) {
        if (*blocks_left == 0)
            return false;
        uint64_t outside = root->outside;
        drop_last(space, root, 0);
        uint64_t given = 1 + outside - root->outside;
        *blocks_left -= given < *blocks_left ? (unsigned)given : *blocks_left;
    }
    if (*blocks_left == 0)
        return false;
    --*blocks_left;
    root_drop(space, root);
    return true;
}

static void walk_entries(const struct space *space, unsigned set, const struct node *node,
                         void (*visit)(void *context, const uint8_t *element), void *context)
{
    (void)space;
    if (set == 0 && tree_is_leaf(node))
        stream_node_walk(node, visit, context);
}

/* Groups first, then entries as every big value. */
static bool free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    static const struct big_ops entries = { walk_entries };
    unsigned blocks_left = FREE_STEP_BLOCKS;
    return free_below(space, big_root(space, value), &blocks_left) &&
           big_free_step(space, value, &entries, cursor);
}

/* Where there are groups, nodes own blocks. */
static bool has_plain_nodes(const struct space *space, const struct value *value)
{
    const struct root *root = big_root(space, value);
    if (root->sets == 1 || root->nodes[1].count == 0)
        return true;
    return root->nodes[1].count == 1 && ids_in(node_of(space, &root->nodes[1], 0)) == 0;
}

/* --- digest ----------------------------------------------------------------------------------- */

static void digest_element(struct digest *digest, const struct space *space, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    digest_mix(digest, packed_view(space, element, digits));
}

/* The id as Redis has it here: with a dot, where it is a dash everywhere else. */
static void digest_id(struct digest *digest, struct stream_id id)
{
    uint8_t text[2 * NUMBER_I64_MAX + 1];
    size_t count = number_write_u64(text, id.ms);
    text[count++] = '.';
    count += number_write_u64(text + count, id.seq);
    digest_mix(digest, bytes_of(text, count));
}

static void digest_entry(struct digest *digest, const struct space *space,
                         struct stream_entry *entry)
{
    const uint8_t *field, *value;
    digest_id(digest, entry->id);
    while (stream_entry_pair(entry, &field, &value)) {
        digest_element(digest, space, field);
        digest_element(digest, space, value);
    }
}

/* Entries alone: groups and counts are no part of it in Redis either. */
static void stream_digest(struct space *space, const struct value *value, struct digest *digest)
{
    struct stream stream;
    struct stream_walk walk;
    struct stream_entry entry;
    stream_open(&stream, space, big_root(space, value));
    stream_walk_begin(&walk, &stream, STREAM_ID_ZERO, STREAM_ID_MAX, false);
    while (stream_walk_next(&walk, &entry))
        digest_entry(digest, space, &entry);
}

/* --- verification ----------------------------------------------------------------------------- */

static void count_run(void *context, const uint8_t *element)
{
    uint64_t *runs = context;
    *runs += packed_run(element) != 0;
}

static bool entries_valid(const struct stream *stream)
{
    const struct tree *tree = &stream->entries;
    uint64_t count = 0, runs = 0;
    struct stream_id before = STREAM_ID_ZERO;
    if (!tree_valid(tree))
        return false;
    for (const struct node *node = tree_first(tree); node != NULL; node = tree_next(tree, node)) {
        const struct stream_head *head = stream_head_of(node);
        if (!stream_node_valid(node) || tree_leaf_count(tree, node) != 1 ||
            (node != tree_first(tree) &&
             (head->live == 0 || stream_id_compare(head->first, before) <= 0)))
            return false;
        before = head->last;
        count += head->live;
        stream_node_walk(node, count_run, &runs);
    }
    return count == stream_count(stream) && runs == stream->root->outside &&
           stream_id_compare(before, stream->state->last) <= 0;
}

static bool valid(const struct space *space, const struct value *value)
{
    struct stream stream;
    if (!big_valid(space, value))
        return false;
    stream_open(&stream, (struct space *)(uintptr_t)space, big_root(space, value));
    if (!entries_valid(&stream) || !sorted_valid(&stream.groups))
        return false;
    uint32_t id = stream_names_next(&stream.groups, 0);
    for (; id != 0 && group_valid(space, id); id = stream_names_next(&stream.groups, id))
        continue;
    return id == 0;
}

const struct type_ops stream_ops = {
    .name = "stream",
    .encoding_name = encoding_name,
    .encode = stream_encode,
    .decode = stream_decode,
    .each_ref = each_ref,
    .free_step = free_step,
    .has_plain_nodes = has_plain_nodes,
    .bytes = held_bytes,
    .digest = stream_digest,
    .valid = valid,
    .summarise = stream_summarise,
    .tell = stream_tell,
    .make_begin = stream_make_begin,
    .make_part = stream_make_part,
    .make_end = stream_make_end,
    .root_id = stream_root_id,
};
