/* The tree beside a naive model: arrays that say which elements each leaf holds, in order. */
#include "struct/tree_parts.h"

#include "base/rng.h"
#include "harness.h"
#include "struct_world.h"

#include <stdlib.h>

enum { ELEMENTS_MAX = 40000, LEAVES_MAX = 20000, LEAF_MOST = 6 };

/* What a leaf's payload is an array of. */
struct element {
    struct tree_key key;
    uint64_t tie; /* tells elements of one key apart */
    uint64_t id;
};

struct model {
    struct struct_world world;
    struct space *space;
    struct rng *rng;
    struct root *root;
    struct tree_ops ops;
    struct tree tree;
    bool sorted;  /* elements have keys */
    bool moving;  /* blocks, now and then */
    bool failing; /* each block that a step asks for is refused once */
    uint64_t refused;
    uint64_t key_range; /* the smaller, the more ties */

    struct element order[ELEMENTS_MAX]; /* all of them, in order */
    uint32_t in_leaf[LEAVES_MAX];       /* how many in each */
    uint32_t count, leaves;
    uint64_t next_id;
    uint32_t *home; /* by id: the number of the leaf, as told by ops->moved */
    uint64_t homes;
};

/* --- the tree's owner ------------------------------------------------------------------------- */

static int order_of(const struct element *a, const struct element *b)
{
    if (a->key.high != b->key.high)
        return a->key.high < b->key.high ? -1 : 1;
    if (a->key.low != b->key.low)
        return a->key.low < b->key.low ? -1 : 1;
    return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static struct element element_at(const struct node *leaf, uint64_t index)
{
    struct element element;
    CHECK((index + 1) * sizeof element <= leaf->used);
    memcpy(&element, leaf->at + index * sizeof element, sizeof element);
    return element;
}

static int compare(const struct tree *tree, const void *sought, const struct node *leaf)
{
    const struct model *model = tree->context;
    CHECK(model->sorted && tree_is_leaf(leaf));
    struct element first = element_at(leaf, 0);
    const struct element *wanted = sought;
    CHECK(wanted->key.high == first.key.high && wanted->key.low == first.key.low);
    return order_of(wanted, &first);
}

static void moved(const struct tree *tree, const struct node *leaf, size_t offset, uint32_t before)
{
    struct model *model = tree->context;
    CHECK(tree_is_leaf(leaf) && before != node_number(leaf));
    CHECK(tree_node(tree, node_number(leaf)) == leaf);
    for (size_t at = offset; at < leaf->used; at += sizeof(struct element)) {
        struct element element = element_at(leaf, at / sizeof element);
        CHECK_EQ(model->home[element.id], before);
        model->home[element.id] = node_number(leaf);
    }
}

static struct model *model_new(bool sorted, uint64_t key_range)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    struct_world_init(&model->world);
    model->space = &model->world.space;
    model->rng = &model->world.rng;
    model->root = root_new(model->space, 0, 1, sizeof(struct tree_state));
    CHECK(model->root != NULL);
    model->sorted = sorted;
    model->key_range = key_range;
    model->ops = (struct tree_ops){ .compare = compare, .moved = moved };
    model->tree =
        (struct tree){ model->space, model->root, 0, root_more(model->root), &model->ops, model };
    model->homes = 4 * ELEMENTS_MAX;
    model->home = calloc(model->homes, sizeof *model->home);
    CHECK(model->home != NULL);
    return model;
}

static void model_drop(struct model *model)
{
    CHECK(!model->failing || model->refused > 0);
    const struct nodes *nodes = &model->root->nodes[0];
    while (nodes->count > 0) {
        node_drop(model->space, model->root, 0, tree_node(&model->tree, nodes->count - 1));
        nodes_cut(model->space, model->root, 0, nodes->count - 1);
    }
    root_drop(model->space, model->root);
    struct_world_release(&model->world);
    free(model->home);
    free(model);
}

/* --- the model -------------------------------------------------------------------------------- */

static uint32_t start_of(const struct model *model, uint32_t leaf)
{
    uint32_t start = 0;
    for (uint32_t i = 0; i < leaf; i++)
        start += model->in_leaf[i];
    return start;
}

static void model_insert(struct model *model, uint32_t at, struct element element)
{
    CHECK(model->count < ELEMENTS_MAX);
    memmove(&model->order[at + 1], &model->order[at], (model->count - at) * sizeof element);
    model->order[at] = element;
    model->count++;
}

static void model_cut(struct model *model, uint32_t at, uint32_t count)
{
    model->count -= count;
    memmove(&model->order[at], &model->order[at + count],
            (model->count - at) * sizeof model->order[0]);
}

static void insert_leaf(struct model *model, uint32_t leaf, uint32_t count)
{
    CHECK(model->leaves < LEAVES_MAX);
    memmove(&model->in_leaf[leaf + 1], &model->in_leaf[leaf],
            (model->leaves - leaf) * sizeof model->in_leaf[0]);
    model->in_leaf[leaf] = count;
    model->leaves++;
}

static void cut_leaf(struct model *model, uint32_t leaf)
{
    model->leaves--;
    memmove(&model->in_leaf[leaf], &model->in_leaf[leaf + 1],
            (model->leaves - leaf) * sizeof model->in_leaf[0]);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_leaf(const struct model *model, const struct node *leaf, uint32_t number,
                       uint32_t start)
{
    uint32_t count = model->in_leaf[number];
    CHECK_EQ(leaf->used, count * sizeof(struct element));
    CHECK(memcmp(leaf->at, &model->order[start], leaf->used) == 0);
    CHECK_EQ(tree_leaf_count(&model->tree, leaf), count);
    CHECK_EQ(tree_rank(&model->tree, leaf), start);
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQ(model->home[model->order[start + i].id], node_number(leaf));
    uint64_t within, place = rng_below(model->rng, count);
    CHECK(tree_at(&model->tree, start + place, &within) == leaf);
    CHECK_EQ(within, place);
}

static void check_all(const struct model *model)
{
    const struct tree *tree = &model->tree;
    CHECK(root_valid(model->space, model->root));
    CHECK(tree_valid(tree));
    CHECK_EQ(tree->state->count, model->count);
    const struct node *leaf = tree_first(tree), *previous = NULL;
    uint32_t start = 0;
    for (uint32_t i = 0; i < model->leaves; i++) {
        CHECK(leaf != NULL && tree_previous(tree, leaf) == previous);
        check_leaf(model, leaf, i, start);
        start += model->in_leaf[i];
        previous = leaf;
        leaf = tree_next(tree, leaf);
    }
    CHECK(leaf == NULL && tree_last(tree) == previous);
    CHECK_EQ(start, model->count);
}

/* The leaf that the element belongs to: the last one that does not begin behind it. */
static uint32_t leaf_for(const struct model *model, const struct element *element)
{
    uint32_t found = 0, start = 0;
    for (uint32_t i = 0; i < model->leaves; i++) {
        if (order_of(&model->order[start], element) <= 0)
            found = i;
        start += model->in_leaf[i];
    }
    return found;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void move_blocks(struct model *model, uint64_t most)
{
    uint32_t id = model->root->head.id;
    struct_world_move(&model->world, most);
    model->root = root_of(model->space, id);
    model->tree.root = model->root;
    model->tree.state = root_more(model->root);
}

/* The next step's block after `takes` is refused, where failures are tried. */
static void refuse(struct model *model, uint64_t takes)
{
    if (model->failing)
        heap_refuse_after(model->world.heap, takes, rng_below(model->rng, 2) == 0);
}

/* True when the step is done; where it was refused, nothing has changed. */
static bool settled(struct model *model, const struct node *result)
{
    heap_refuse_after(model->world.heap, UINT64_MAX, false);
    if (result != NULL)
        return true;
    CHECK(model->failing);
    model->refused++;
    if (model->count < 200 || rng_below(model->rng, 64) == 0)
        check_all(model);
    return false;
}

static struct element new_element(struct model *model)
{
    CHECK(model->next_id < model->homes);
    struct element element = { .id = model->next_id++ };
    if (model->sorted) {
        element.key.high = rng_below(model->rng, model->key_range);
        element.key.low = rng_below(model->rng, model->key_range);
        element.tie = model->key_range < 100 ? rng_next(model->rng) : element.id;
    }
    return element;
}

static struct node *node_of_leaf(const struct model *model, uint32_t leaf)
{
    return tree_node(&model->tree, model->home[model->order[start_of(model, leaf)].id]);
}

/* Puts an element in as number `within` of a leaf that is there. */
static void put(struct model *model, uint32_t leaf, uint32_t within, struct element element)
{
    struct node *node = NULL;
    size_t offset = within * sizeof element;
    for (uint64_t takes = 0; node == NULL; takes++) {
        refuse(model, takes);
        node = tree_splice(&model->tree, node_of_leaf(model, leaf), offset, 0, sizeof element, 1);
        (void)settled(model, node);
    }
    memcpy(node->at + offset, &element, sizeof element);
    if (within == 0)
        tree_rekey(&model->tree, node, element.key);
    model->home[element.id] = node_number(node);
    model_insert(model, start_of(model, leaf) + within, element);
    model->in_leaf[leaf]++;
}

/* A leaf of one element behind leaf `after`, or in front of all when that is UINT32_MAX. */
static void put_alone(struct model *model, uint32_t after, struct element element)
{
    const struct node *beside = after == UINT32_MAX ? NULL : node_of_leaf(model, after);
    struct node *node = NULL;
    for (uint64_t takes = 0; node == NULL; takes++) {
        refuse(model, takes);
        node = tree_insert(&model->tree, beside, sizeof element, element.key);
        (void)settled(model, node);
    }
    memcpy(node->at, &element, sizeof element);
    tree_add(&model->tree, node, 1);
    model->home[element.id] = node_number(node);
    uint32_t leaf = after + 1;
    insert_leaf(model, leaf, 0);
    model_insert(model, start_of(model, leaf), element);
    model->in_leaf[leaf] = 1;
}

static void split_leaf(struct model *model, uint32_t leaf, uint32_t within)
{
    uint32_t count = model->in_leaf[leaf], start = start_of(model, leaf);
    struct node *node = node_of_leaf(model, leaf), *made = NULL;
    for (uint64_t takes = 0; made == NULL; takes++) {
        refuse(model, takes);
        made = tree_split(&model->tree, &node, within * sizeof(struct element), count - within,
                          model->order[start + within].key, 0);
        (void)settled(model, made);
    }
    CHECK(tree_next(&model->tree, node) == made);
    model->in_leaf[leaf] = within;
    insert_leaf(model, leaf + 1, count - within);
}

static void join_leaves(struct model *model, uint32_t leaf)
{
    struct node *node = NULL;
    for (uint64_t takes = 0; node == NULL; takes++) {
        refuse(model, takes);
        node = tree_join(&model->tree, node_of_leaf(model, leaf), 0);
        (void)settled(model, node);
    }
    model->in_leaf[leaf] += model->in_leaf[leaf + 1];
    cut_leaf(model, leaf + 1);
}

static void remove_leaf(struct model *model, uint32_t leaf)
{
    struct node *node = node_of_leaf(model, leaf);
    struct node *behind = tree_next(&model->tree, node);
    refuse(model, 0);
    CHECK(tree_remove(&model->tree, node) == behind);
    (void)settled(model, node);
    model_cut(model, start_of(model, leaf), model->in_leaf[leaf]);
    cut_leaf(model, leaf);
}

static void remove_element(struct model *model, uint32_t leaf, uint32_t within)
{
    if (model->in_leaf[leaf] == 1) {
        remove_leaf(model, leaf);
        return;
    }
    struct node *node = node_of_leaf(model, leaf);
    size_t bytes = sizeof(struct element);
    refuse(model, 0);
    node = tree_splice(&model->tree, node, within * bytes, bytes, 0, -1);
    CHECK(settled(model, node));
    model_cut(model, start_of(model, leaf) + within, 1);
    model->in_leaf[leaf]--;
    if (within == 0)
        tree_rekey(&model->tree, node, element_at(node, 0).key);
}

static void insert_sorted(struct model *model)
{
    struct element element = new_element(model);
    struct node *found = tree_find(&model->tree, element.key, &element);
    if (model->leaves == 0) {
        CHECK(found == NULL);
        put_alone(model, UINT32_MAX, element);
        return;
    }
    uint32_t leaf = leaf_for(model, &element);
    CHECK(found == node_of_leaf(model, leaf));
    uint32_t within = 0, start = start_of(model, leaf);
    while (within < model->in_leaf[leaf] && order_of(&model->order[start + within], &element) <= 0)
        within++;
    bool alone = rng_below(model->rng, 4) == 0;
    if (alone && within == model->in_leaf[leaf])
        put_alone(model, leaf, element);
    else if (alone && leaf == 0 && within == 0)
        put_alone(model, UINT32_MAX, element);
    else
        put(model, leaf, within, element);
}

static void insert_at_will(struct model *model)
{
    struct element element = new_element(model);
    uint32_t leaf = (uint32_t)rng_below(model->rng, model->leaves + 1) - 1;
    if (leaf == UINT32_MAX || rng_below(model->rng, 3) == 0)
        put_alone(model, leaf, element);
    else
        put(model, leaf, (uint32_t)rng_below(model->rng, model->in_leaf[leaf] + 1), element);
}

static void insert_one(struct model *model)
{
    if (model->sorted)
        insert_sorted(model);
    else
        insert_at_will(model);
}

static void grow(struct model *model)
{
    insert_one(model);
    uint32_t leaf = (uint32_t)rng_below(model->rng, model->leaves);
    uint32_t count = model->in_leaf[leaf];
    if (count > 1 && (count >= LEAF_MOST || rng_below(model->rng, 2) == 0))
        split_leaf(model, leaf, 1 + (uint32_t)rng_below(model->rng, count - 1));
}

static void shrink(struct model *model)
{
    uint32_t leaf = (uint32_t)rng_below(model->rng, model->leaves);
    uint64_t choice = rng_below(model->rng, 10);
    if (choice == 0)
        remove_leaf(model, leaf);
    else if (choice < 3 && leaf + 1 < model->leaves)
        join_leaves(model, leaf);
    else
        remove_element(model, leaf, (uint32_t)rng_below(model->rng, model->in_leaf[leaf]));
}

static void random_step(struct model *model, unsigned grow_share)
{
    if (model->leaves == 0 || rng_below(model->rng, 100) < grow_share)
        grow(model);
    else
        shrink(model);
    if (model->moving && rng_below(model->rng, 4) == 0)
        move_blocks(model, 20);
}

static void storm(struct model *model, uint32_t elements, int phases)
{
    uint32_t every = elements / 20 + 1;
    for (int phase = 0; phase < phases; phase++) {
        bool growing = phase % 2 == 0;
        for (uint32_t step = 1; growing ? model->count < elements : model->count > 0; step++) {
            random_step(model, growing ? 80 : 15);
            if (step % every == 0)
                check_all(model);
        }
        check_all(model);
    }
    model_drop(model);
}

static void storm_moving(bool sorted, uint64_t key_range, uint32_t elements, int phases)
{
    struct model *model = model_new(sorted, key_range);
    model->moving = true;
    storm(model, elements, phases);
}

TEST(tree_as_the_model_small)
{
    storm_moving(true, UINT64_MAX, 10, 40);
    storm_moving(true, 2, 60, 20);
    storm_moving(false, 1, 60, 20);
}

TEST(tree_as_the_model_large)
{
    storm(model_new(true, UINT64_MAX), 3000, 2);
    storm(model_new(false, 1), 3000, 3);
}

TEST(tree_as_the_model_while_blocks_move)
{
    storm_moving(true, 3, 2000, 3);
    storm_moving(false, 1, 1000, 3);
}

/* Every block that a step asks for is refused, it alone or it and all behind. */
static void storm_failing(bool sorted, uint32_t elements, int phases)
{
    struct model *model = model_new(sorted, 5);
    model->failing = heap_refuse_after(model->world.heap, UINT64_MAX, false);
    storm(model, elements, phases);
}

TEST(tree_loses_nothing_where_memory_is_refused)
{
    storm_failing(true, 60, 20);
    storm_failing(false, 60, 20);
    storm_failing(true, 1000, 2);
    storm_failing(false, 2000, 2);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void add_at_end(struct model *model, bool front)
{
    uint32_t after = front ? UINT32_MAX : model->leaves - 1;
    put_alone(model, after, (struct element){ .id = model->next_id++ });
}

/* Inner nodes that hold as many children as they can, but for one on each level. */
static void check_full(const struct model *model)
{
    uint32_t inner = model->root->nodes[0].count - model->leaves;
    CHECK(inner <= model->leaves / (TREE_FAN - 2) + model->tree.state->depth);
}

TEST(tree_that_grows_at_an_end_is_full)
{
    for (int front = 0; front < 2; front++) {
        struct model *model = model_new(false, 1);
        while (model->leaves < 5000)
            add_at_end(model, front != 0);
        check_all(model);
        check_full(model);
        while (model->leaves > 0) {
            remove_leaf(model, front != 0 ? model->leaves - 1 : 0);
            if (model->leaves % 500 == 0)
                check_all(model);
        }
        CHECK_EQ(root_held(model->space, model->root),
                 heap_block_bytes(model->world.heap, model->root));
        model_drop(model);
    }
}

/* What is put in at one end and taken at the other needs no more the longer it goes on. */
TEST(tree_as_a_queue_stays_small)
{
    struct model *model = model_new(false, 1);
    for (uint32_t i = 0; i < 20000; i++) {
        add_at_end(model, false);
        if (model->leaves > 300)
            remove_leaf(model, 0);
        if (i % 1000 == 999) {
            check_all(model);
            CHECK(model->root->nodes[0].count < 300 + 300 / (TREE_FAN / 4) + 10);
        }
    }
    model_drop(model);
}

/* A tree of as many leaves in any order is at most as deep as one of the sparsest nodes allowed. */
TEST(tree_is_never_deep_for_what_it_holds)
{
    struct model *model = model_new(false, 1);
    while (model->leaves < 6000)
        grow(model);
    check_all(model);
    while (model->leaves > TREE_FAN)
        remove_leaf(model, (uint32_t)rng_below(model->rng, model->leaves));
    check_all(model);
    CHECK(TREE_FAN < 64 || model->tree.state->depth <= 3);
    while (model->leaves > 1)
        remove_leaf(model, (uint32_t)rng_below(model->rng, model->leaves));
    CHECK_EQ(model->tree.state->depth, 1);
    CHECK_EQ(model->root->nodes[0].count, 1);
    model_drop(model);
}

/* --- leaves with a head of their own ---------------------------------------------------------- */

/* Streams: a split leaves room in front of what has moved, a join leaves that out. */
TEST(tree_splits_with_a_prefix_and_joins_without)
{
    struct model *model = model_new(false, 1);
    struct tree *tree = &model->tree;
    model->ops.moved = NULL;
    struct node *leaf = tree_insert(tree, NULL, 10, (struct tree_key){ 0 });
    CHECK(leaf != NULL);
    memcpy(leaf->at, "headabcdef", 10);
    tree_add(tree, leaf, 6);
    struct node *behind = tree_split(tree, &leaf, 7, 3, (struct tree_key){ 0, 3 }, 4);
    CHECK(behind != NULL);
    memcpy(behind->at, "HEAD", 4);
    CHECK_BYTES(bytes_of(leaf->at, leaf->used), BYTES("headabc"));
    CHECK_BYTES(bytes_of(behind->at, behind->used), BYTES("HEADdef"));
    CHECK(tree_valid(tree) && tree_leaf_count(tree, behind) == 3);
    leaf = tree_join(tree, leaf, 4);
    CHECK(leaf != NULL);
    CHECK_BYTES(bytes_of(leaf->at, leaf->used), BYTES("headabcdef"));
    CHECK(tree_valid(tree) && tree->state->depth == 1 && tree->state->count == 6);
    CHECK(tree_remove(tree, leaf) == NULL);
    CHECK(tree_valid(tree) && tree->state->depth == 0);
    model_drop(model);
}
