/* Elements in leaves beside a naive model: an array of them. */
#include "struct/leaves.h"

#include "base/rng.h"
#include "harness.h"
#include "struct_world.h"

#include <stdlib.h>

enum { ELEMENTS_MAX = 20000, LEAF_BYTES = 400, HOMES = 200000 };

/* How an element begins; filler follows. */
struct head {
    uint16_t bytes; /* in all */
    uint8_t key[2]; /* high ones first; few, so that many are equal */
    uint32_t id;
};

struct model {
    struct struct_world world;
    struct root *root;
    struct tree_ops ops;
    struct tree tree;
    struct rng *rng;
    bool sorted, failing; /* by key; refused blocks on the way */
    struct head order[ELEMENTS_MAX];
    uint32_t count, next_id, refused;
    uint32_t home[HOMES]; /* by id: the leaf's number, as told by ops->moved */
};

/* --- the tree's owner ------------------------------------------------------------------------- */

static struct head head_at(const uint8_t *at)
{
    struct head head;
    memcpy(&head, at, sizeof head);
    return head;
}

static size_t bytes_of_element(const uint8_t *element)
{
    return head_at(element).bytes;
}

static struct tree_key key_of_head(struct head head)
{
    return (struct tree_key){ head.key[0], head.key[1] };
}

static struct tree_key key_of_element(const struct tree *tree, const uint8_t *element)
{
    (void)tree;
    return key_of_head(head_at(element));
}

/* Among equal keys a new element goes behind: no order but that of coming. */
static int compare(const struct tree *tree, const void *sought, const struct node *leaf)
{
    (void)tree;
    (void)sought;
    CHECK(tree_is_leaf(leaf));
    return 1;
}

static void moved(const struct tree *tree, const struct node *leaf, size_t offset, uint32_t before)
{
    struct model *model = tree->context;
    for (size_t at = offset; at < leaf->used; at += bytes_of_element(leaf->at + at)) {
        uint32_t id = head_at(leaf->at + at).id;
        CHECK_EQ(model->home[id], before);
        model->home[id] = node_number(leaf);
    }
}

static struct model *model_new(bool sorted, bool failing)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    struct_world_init(&model->world);
    struct space *space = &model->world.space;
    model->rng = &model->world.rng;
    model->root = root_new(space, 0, 1, sizeof(struct tree_state));
    CHECK(model->root != NULL);
    model->sorted = sorted;
    model->failing = failing && heap_refuse_after(model->world.heap, UINT64_MAX, false);
    model->ops = (struct tree_ops){ .compare = sorted ? compare : NULL,
                                    .moved = moved,
                                    .bytes = bytes_of_element,
                                    .key = sorted ? key_of_element : NULL,
                                    .leaf_bytes = LEAF_BYTES };
    model->tree =
        (struct tree){ space, model->root, 0, root_more(model->root), &model->ops, model };
    return model;
}

static void drop_nodes(struct model *model)
{
    const struct nodes *nodes = &model->root->nodes[0];
    while (nodes->count > 0) {
        node_drop(&model->world.space, model->root, 0, tree_node(&model->tree, nodes->count - 1));
        nodes_cut(&model->world.space, model->root, 0, nodes->count - 1);
    }
    *model->tree.state = (struct tree_state){ 0 };
}

static void model_drop(struct model *model)
{
    CHECK(!model->failing || model->refused > 0);
    drop_nodes(model);
    root_drop(&model->world.space, model->root);
    struct_world_release(&model->world);
    free(model);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_element(const uint8_t *at, struct head head)
{
    CHECK(memcmp(at, &head, sizeof head) == 0);
    for (size_t i = sizeof head; i < head.bytes; i++)
        CHECK_EQ(at[i], (uint8_t)(head.id + i));
}

static void check_back(const struct model *model, struct leaf_place place)
{
    for (uint32_t i = model->count; i > 0; i--) {
        CHECK_EQ(head_at(leaf_element(&place)).id, model->order[i - 1].id);
        CHECK(leaves_previous(&model->tree, &place) == (i > 1));
    }
}

static void check_all(const struct model *model)
{
    const struct tree *tree = &model->tree;
    CHECK(tree_valid(tree) && root_valid(&model->world.space, model->root));
    CHECK_EQ(tree->state->count, model->count);
    struct leaf_place place, last = { 0 };
    leaves_at(tree, 0, &place);
    for (uint32_t i = 0; i < model->count; i++) {
        check_element(leaf_element(&place), model->order[i]);
        CHECK_EQ(model->home[model->order[i].id], node_number(place.leaf));
        CHECK(place.leaf->used <= LEAF_BYTES || tree_leaf_count(tree, place.leaf) == 1);
        last = place;
        CHECK(leaves_next(tree, &place) == (i + 1 < model->count));
    }
    check_back(model, last);
}

static void check_place(const struct model *model, const struct leaf_place *place, uint32_t rank)
{
    struct leaf_place same;
    leaves_at(&model->tree, rank, &same);
    CHECK(same.leaf == place->leaf);
    if (same.leaf == NULL)
        return;
    CHECK_EQ(same.offset, place->offset);
    CHECK_EQ(same.within, place->within);
    CHECK_EQ(leaves_rank(&model->tree, place), rank);
}

/* --- steps ------------------------------------------------------------------------------------ */

static uint16_t random_bytes(struct model *model)
{
    uint64_t choice = rng_below(model->rng, 40);
    uint64_t more = choice == 0 ? 3 * LEAF_BYTES : choice < 3 ? LEAF_BYTES : 30;
    return (uint16_t)(sizeof(struct head) + rng_below(model->rng, more));
}

static void write_element(struct model *model, const struct leaf_place *place, uint8_t *at,
                          struct head head)
{
    CHECK(at == leaf_element(place));
    memcpy(at, &head, sizeof head);
    for (size_t i = sizeof head; i < head.bytes; i++)
        at[i] = (uint8_t)(head.id + i);
    model->home[head.id] = node_number(place->leaf);
}

static bool before(struct head a, struct head b)
{
    return memcmp(a.key, b.key, sizeof a.key) < 0;
}

/* Where an element is to be put: by its key, or at `rank` where that is allowed. */
static uint32_t find_place(struct model *model, struct head head, uint32_t rank,
                           struct leaf_place *place)
{
    const struct tree *tree = &model->tree;
    if (!model->sorted) {
        leaves_at(tree, rank, place);
        if (place->leaf == NULL && rank > 0) {
            place->leaf = tree_last(tree);
            place->offset = place->leaf->used;
            place->within = tree_leaf_count(tree, place->leaf);
        }
        return rank;
    }
    *place = (struct leaf_place){ .leaf = tree_find(tree, key_of_head(head), &head) };
    if (place->leaf == NULL)
        return 0;
    uint64_t left = leaves_left(tree, place);
    for (; left > 0 && !before(head, head_at(leaf_element(place))); left--) {
        place->offset += bytes_of_element(leaf_element(place));
        place->within++;
        if (left == 1)
            break;
    }
    return (uint32_t)leaves_rank(tree, place);
}

/* Refuses a block after `takes`, when failures are tried. */
static void refuse(struct model *model, uint64_t takes)
{
    if (model->failing)
        heap_refuse_after(model->world.heap, takes, rng_below(model->rng, 2) == 0);
}

/* After a step that was refused or not: true when it is done. */
static bool settled(struct model *model, bool done)
{
    heap_refuse_after(model->world.heap, UINT64_MAX, false);
    if (done)
        return true;
    CHECK(model->failing);
    model->refused++;
    if (model->count < 300 || rng_below(model->rng, 50) == 0)
        check_all(model);
    return false;
}

static void put(struct model *model, uint32_t rank)
{
    struct head head = { .bytes = random_bytes(model), .id = model->next_id++ };
    head.key[0] = (uint8_t)rng_below(model->rng, 4);
    head.key[1] = (uint8_t)rng_below(model->rng, 20);
    CHECK(model->next_id < HOMES && model->count < ELEMENTS_MAX);
    struct leaf_place place;
    rank = find_place(model, head, rank, &place);
    uint8_t *at = NULL;
    for (uint64_t takes = 0; at == NULL; takes++) {
        refuse(model, takes);
        at = leaves_put(&model->tree, &place, head.bytes, key_of_head(head));
        (void)settled(model, at != NULL);
    }
    write_element(model, &place, at, head);
    memmove(&model->order[rank + 1], &model->order[rank], (model->count - rank) * sizeof head);
    model->order[rank] = head;
    model->count++;
    check_place(model, &place, rank);
}

static void resize(struct model *model, uint32_t rank)
{
    struct leaf_place place;
    leaves_at(&model->tree, rank, &place);
    struct head head = model->order[rank];
    head.bytes = random_bytes(model);
    uint8_t *at = NULL;
    for (uint64_t takes = 0; at == NULL; takes++) {
        refuse(model, takes);
        at = leaves_resize(&model->tree, &place, head.bytes, key_of_head(head));
        (void)settled(model, at != NULL);
    }
    write_element(model, &place, at, head);
    model->order[rank] = head;
    check_place(model, &place, rank);
}

static void cut(struct model *model, uint32_t rank, uint64_t most)
{
    struct leaf_place place;
    leaves_at(&model->tree, rank, &place);
    uint64_t left = leaves_left(&model->tree, &place);
    uint64_t count = most < left ? most : left;
    refuse(model, rng_below(model->rng, 3));
    leaves_cut(&model->tree, &place, count);
    (void)settled(model, true);
    model->count -= (uint32_t)count;
    memmove(&model->order[rank], &model->order[rank + count],
            (model->count - rank) * sizeof model->order[0]);
    check_place(model, &place, rank);
}

static void move_blocks(struct model *model)
{
    uint32_t id = model->root->head.id;
    struct_world_move(&model->world, 20);
    model->root = root_of(&model->world.space, id);
    model->tree.root = model->root;
    model->tree.state = root_more(model->root);
}

static uint32_t any_rank(struct model *model, uint32_t bound)
{
    uint64_t choice = rng_below(model->rng, 4);
    return choice == 0 ? 0 : choice == 1 ? bound - 1 : (uint32_t)rng_below(model->rng, bound);
}

static void step(struct model *model, unsigned grow_share)
{
    uint64_t choice = rng_below(model->rng, 100);
    if (model->count == 0 || choice < grow_share)
        put(model, any_rank(model, model->count + 1));
    else if (choice % 4 == 0)
        resize(model, any_rank(model, model->count));
    else
        cut(model, any_rank(model, model->count),
            choice % 16 == 1 ? 1 + rng_below(model->rng, 100) : 1);
    if (rng_below(model->rng, 8) == 0)
        move_blocks(model);
}

static void storm(bool sorted, bool failing, uint32_t elements, int phases)
{
    struct model *model = model_new(sorted, failing);
    uint32_t every = elements / 10 + 1, steps = 0;
    for (int phase = 0; phase < phases; phase++) {
        bool growing = phase % 2 == 0;
        while (growing ? model->count < elements : model->count > 0) {
            step(model, growing ? 80 : 20);
            if (++steps % every == 0)
                check_all(model);
        }
        check_all(model);
    }
    model_drop(model);
}

TEST(leaves_as_the_model_in_any_order)
{
    storm(false, false, 20, 40);
    storm(false, false, 3000, 2);
}

TEST(leaves_as_the_model_sorted)
{
    storm(true, false, 20, 40);
    storm(true, false, 3000, 2);
}

TEST(leaves_lose_nothing_where_memory_is_refused)
{
    storm(true, true, 20, 20);
    storm(false, true, 200, 4);
    storm(false, true, 1000, 2);
}

/* What grows at either end leaves full leaves behind. */
TEST(leaves_that_grow_at_an_end_are_full)
{
    for (int end = 0; end < 2; end++) {
        struct model *model = model_new(false, false);
        for (uint32_t i = 0; i < 2000; i++) {
            struct leaf_place place;
            uint32_t rank = end == 0 ? 0 : model->count;
            struct head head = { .bytes = 20, .id = i };
            find_place(model, head, rank, &place);
            uint8_t *at = leaves_put(&model->tree, &place, 20, (struct tree_key){ 0 });
            CHECK(at != NULL);
            write_element(model, &place, at, head);
            model->count++;
        }
        for (const struct node *leaf = tree_first(&model->tree); leaf != NULL;
             leaf = tree_next(&model->tree, leaf))
            CHECK_EQ(leaf->used, LEAF_BYTES);
        model_drop(model);
    }
}

TEST(leaves_are_built_full)
{
    struct model *model = model_new(true, true);
    for (uint64_t takes = 0, done = 0; !done; takes += 1 + takes / 4) {
        struct leaves_builder builder = { .tree = &model->tree };
        refuse(model, takes);
        drop_nodes(model);
        model->count = 0;
        for (uint32_t i = 0; i < 3000; i++) {
            struct head head = { random_bytes(model), { (uint8_t)(i >> 8), (uint8_t)i }, i };
            uint8_t *at = leaves_append(&builder, head.bytes, key_of_head(head));
            if (at == NULL)
                break;
            struct leaf_place place = { builder.leaf, (size_t)(at - builder.leaf->at), 0 };
            write_element(model, &place, at, head);
            model->order[model->count++] = head;
        }
        leaves_finish(&builder);
        done = settled(model, model->count == 3000);
        check_all(model);
    }
    model_drop(model);
}
