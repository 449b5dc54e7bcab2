/* Nodes beside a naive model: for each number of both sets a copy of its payload. */
#include "harness.h"
#include "struct_world.h"

#include <stdlib.h>

enum { NUMBERS_MAX = 200, PAYLOAD_MAX = 200 * 1024, MORE_BYTES = 24 };

struct model_node {
    uint8_t *payload; /* NULL: an empty slot */
    size_t used;
    uint32_t link;
};

struct model {
    struct struct_world world;
    struct root *root;
    uint32_t id;
    uint32_t count[NODES_SETS];
    struct model_node nodes[NODES_SETS][NUMBERS_MAX];
    bool refusing;
};

static struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    struct_world_init(&model->world);
    model->root = root_new(&model->world.space, 3, NODES_SETS, MORE_BYTES);
    CHECK(model->root != NULL);
    model->id = model->root->head.id;
    CHECK_EQ(model->root->type, 3);
    CHECK_EQ((uintptr_t)root_more(model->root) % 8, 0);
    memset(root_more(model->root), 0x5a, MORE_BYTES);
    return model;
}

static void model_drop(struct model *model)
{
    struct_world_refuse(&model->world, false);
    struct_world_drop(&model->world, model->root, NULL);
    struct_world_release(&model->world);
    for (unsigned set = 0; set < NODES_SETS; set++)
        for (uint32_t number = 0; number < model->count[set]; number++)
            free(model->nodes[set][number].payload);
    free(model);
}

static struct node *node_at(const struct model *model, unsigned set, uint32_t number)
{
    return node_of(&model->world.space, &model->root->nodes[set], number);
}

static void count_block(void *context, uint64_t ref)
{
    uint64_t *blocks = context;
    CHECK(ref != 0);
    ++*blocks;
}

static void check_node(const struct model *model, unsigned set, uint32_t number)
{
    const struct model_node *wanted = &model->nodes[set][number];
    const struct node *node = node_at(model, set, number);
    CHECK_EQ(node != NULL, wanted->payload != NULL);
    if (node == NULL)
        return;
    CHECK_EQ(node_number(node), number);
    CHECK_EQ(node->link, wanted->link);
    CHECK_BYTES(bytes_of(node->at, node->used), bytes_of(wanted->payload, wanted->used));
}

/* The heap holds this value alone. */
static void check_all(const struct model *model)
{
    const struct space *space = &model->world.space;
    CHECK(root_valid(space, model->root));
    CHECK(heap_valid(model->world.heap));
    for (unsigned set = 0; set < NODES_SETS; set++) {
        CHECK_EQ(model->root->nodes[set].count, model->count[set]);
        for (uint32_t number = 0; number < model->count[set]; number++)
            check_node(model, set, number);
    }
    for (int i = 0; i < MORE_BYTES; i++)
        CHECK_EQ(((const uint8_t *)root_more(model->root))[i], 0x5a);
    uint64_t blocks = 0;
    root_each_ref(space, model->root, count_block, &blocks);
    CHECK_EQ(blocks, struct_world_blocks(&model->world));
    struct heap_figures figures;
    heap_figures(model->world.heap, &figures);
    CHECK_EQ(root_held(space, model->root), figures.allocated);
}

static size_t random_bytes(struct rng *rng)
{
    switch (rng_below(rng, 20)) {
    case 0:
        return rng_below(rng, PAYLOAD_MAX);
    case 1: /* where cells end and runs begin */
        return HEAP_CELL_MAX - NODE_HEADER - 20 + rng_below(rng, 40);
    case 2:
    case 3:
        return rng_below(rng, 5000);
    default:
        return rng_below(rng, 200);
    }
}

static void fill(struct rng *rng, uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)rng_next(rng);
}

static void extend(struct model *model, unsigned set)
{
    if (model->count[set] == NUMBERS_MAX)
        return;
    if (!nodes_extend(&model->world.space, model->root, set)) {
        CHECK(model->refusing);
        return;
    }
    model->nodes[set][model->count[set]++] = (struct model_node){ NULL, 0, 0 };
}

static void make(struct model *model, unsigned set, uint32_t number)
{
    struct model_node *wanted = &model->nodes[set][number];
    size_t bytes = random_bytes(&model->world.rng);
    struct node *node = node_make(&model->world.space, model->root, set, number, bytes);
    if (node == NULL) {
        CHECK(model->refusing);
        return;
    }
    CHECK_EQ(node->used, bytes);
    wanted->payload = malloc(bytes + 1);
    wanted->used = bytes;
    wanted->link = (uint32_t)rng_next(&model->world.rng);
    fill(&model->world.rng, wanted->payload, bytes);
    memcpy(node->at, wanted->payload, bytes);
    node->link = wanted->link;
}

static void drop(struct model *model, unsigned set, uint32_t number)
{
    struct model_node *wanted = &model->nodes[set][number];
    node_drop(&model->world.space, model->root, set, node_at(model, set, number));
    free(wanted->payload);
    *wanted = (struct model_node){ NULL, 0, 0 };
}

static void splice(struct model *model, unsigned set, uint32_t number)
{
    struct rng *rng = &model->world.rng;
    struct model_node *wanted = &model->nodes[set][number];
    size_t offset = rng_below(rng, wanted->used + 1);
    size_t remove = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, wanted->used - offset + 1);
    size_t insert = rng_below(rng, 3) == 0 ? 0 : random_bytes(rng);
    if (wanted->used - remove + insert > PAYLOAD_MAX)
        insert = 0;
    struct node *node = node_splice(&model->world.space, model->root, set,
                                    node_at(model, set, number), offset, remove, insert);
    if (node == NULL) {
        CHECK(model->refusing && insert > remove);
        return;
    }
    CHECK(node == node_at(model, set, number));
    size_t used = wanted->used - remove + insert, rest = wanted->used - remove - offset;
    uint8_t *payload = malloc(used + 1);
    CHECK(payload != NULL);
    memcpy(payload, wanted->payload, offset);
    fill(rng, payload + offset, insert);
    memcpy(payload + offset + insert, wanted->payload + offset + remove, rest);
    memcpy(node->at + offset, payload + offset, insert);
    free(wanted->payload);
    wanted->payload = payload;
    wanted->used = used;
}

/* To an empty slot, if the one that was drawn is empty. */
static void renumber(struct model *model, unsigned set, uint32_t number)
{
    uint32_t to = (uint32_t)rng_below(&model->world.rng, model->count[set]);
    struct model_node *nodes = model->nodes[set];
    if (nodes[to].payload != NULL)
        return;
    node_renumber(&model->world.space, model->root, set, node_at(model, set, number), to);
    nodes[to] = nodes[number];
    nodes[number] = (struct model_node){ NULL, 0, 0 };
}

static void cut(struct model *model, unsigned set)
{
    uint32_t left = model->count[set] - (uint32_t)rng_below(&model->world.rng, model->count[set]);
    if (rng_below(&model->world.rng, 8) == 0)
        left = 0;
    for (uint32_t number = left; number < model->count[set]; number++)
        if (model->nodes[set][number].payload != NULL)
            drop(model, set, number);
    nodes_cut(&model->world.space, model->root, set, left);
    model->count[set] = left;
}

static void random_step(struct model *model)
{
    struct rng *rng = &model->world.rng;
    unsigned set = (unsigned)rng_below(rng, NODES_SETS);
    uint64_t choice = rng_below(rng, 200);
    if (model->count[set] == 0 || choice < 20) {
        extend(model, set);
        return;
    }
    uint32_t number = (uint32_t)rng_below(rng, model->count[set]);
    if (choice == 20)
        cut(model, set);
    else if (model->nodes[set][number].payload == NULL)
        make(model, set, number);
    else if (choice < 60)
        drop(model, set, number);
    else if (choice < 80)
        renumber(model, set, number);
    else
        splice(model, set, number);
    if (choice % 10 == 9) {
        struct_world_move(&model->world, rng_below(rng, 100));
        model->root = root_of(&model->world.space, model->id);
    }
}

static void steps(bool faults)
{
    enum { STEPS = 12000 };
    struct model *model = model_new();
    for (int i = 0; i < STEPS; i++) {
        if (faults && i % 100 == 0) {
            model->refusing = rng_below(&model->world.rng, 3) != 0;
            struct_world_refuse(&model->world, model->refusing);
        }
        random_step(model);
        if (i % 199 == 0)
            check_all(model);
    }
    check_all(model);
    model_drop(model);
}

TEST(nodes_as_the_model)
{
    steps(false);
}

TEST(nodes_as_the_model_without_memory)
{
    steps(true);
}

/* A directory grows from a cell to a run and back, holding little more than its slots. */
TEST(nodes_directory_follows_its_count)
{
    enum { COUNT = 40000, EVERY = 1000 };
    struct struct_world world;
    struct_world_init(&world);
    struct root *root = root_new(&world.space, 0, 1, 0);
    CHECK(root != NULL);
    const struct nodes *nodes = &root->nodes[0];
    for (uint32_t number = 0; number < COUNT; number++) {
        CHECK(nodes_extend(&world.space, root, 0));
        if (number % EVERY == 0)
            CHECK(node_make(&world.space, root, 0, number, 8) != NULL);
        CHECK(nodes->capacity <= nodes->count + nodes->count / 4 + 2048);
    }
    CHECK(root_valid(&world.space, root));
    for (uint32_t number = COUNT; number-- > 0;) {
        struct node *node = node_of(&world.space, nodes, number);
        CHECK_EQ(node != NULL, number % EVERY == 0);
        if (node != NULL)
            node_drop(&world.space, root, 0, node);
        nodes_cut(&world.space, root, 0, number);
        CHECK(nodes->capacity <= nodes->count + nodes->count / 2 + 6000);
        if (number % 5000 == 0)
            CHECK(root_valid(&world.space, root));
    }
    CHECK_EQ(nodes->directory, 0);
    CHECK_EQ(nodes->held, 0);
    root_drop(&world.space, root);
    struct_world_release(&world);
}

/* One number coming and going at the edge of a directory's room does not resize it each time. */
TEST(nodes_directory_does_not_thrash)
{
    struct struct_world world;
    struct_world_init(&world);
    struct root *root = root_new(&world.space, 0, 1, 0);
    CHECK(root != NULL);
    const struct nodes *nodes = &root->nodes[0];
    for (uint32_t number = 0; number < 3000; number++) {
        CHECK(nodes_extend(&world.space, root, 0));
        CHECK(nodes_extend(&world.space, root, 0));
        uint32_t capacity = nodes->capacity;
        nodes_cut(&world.space, root, 0, number + 1);
        CHECK(number == 0 || nodes->capacity == capacity);
    }
    nodes_cut(&world.space, root, 0, 0);
    root_drop(&world.space, root);
    struct_world_release(&world);
}

/* What nobody refers to is not repointed, whatever its head says. */
TEST(nodes_repoint_refuses_strangers)
{
    struct struct_world world;
    struct_world_init(&world);
    struct root *root = root_new(&world.space, 0, 1, 0);
    CHECK(root != NULL && nodes_extend(&world.space, root, 0));
    struct node *node = node_make(&world.space, root, 0, 0, 8);
    CHECK(node != NULL);
    struct {
        struct node_head head;
        uint64_t rest;
    } copy;
    const struct node_head heads[] = {
        { 0, 0 },
        { 77, 0 },
        { UINT32_MAX, NODE_ROOT },
        { node->head.id, NODE_ROOT },
        { node->head.id, NODE_DIRECTORY },
        { node->head.id, NODE_SECOND },
        { node->head.id, NODE_DIRECTORY | NODE_SECOND },
        { node->head.id, 1 },
        { node->head.id, NODE_NUMBER_MAX },
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        copy.head = heads[i];
        CHECK(!nodes_repoint(&world.space, node, &copy));
    }
    CHECK(root_valid(&world.space, root));
    struct_world_drop(&world, root, NULL);
    struct_world_release(&world);
}

/* --- ids -------------------------------------------------------------------------------------- */

enum { IDS = 6000 };

static uint64_t random_ref(struct rng *rng)
{
    return 1 + rng_below(rng, (UINT64_C(1) << 40) - 1);
}

static void check_ids(const struct roots *roots, const uint32_t *ids, const uint64_t *refs)
{
    uint64_t live = 0;
    for (int i = 0; i < IDS; i++) {
        if (ids[i] == 0)
            continue;
        live++;
        CHECK(roots_has(roots, ids[i]));
        CHECK_EQ(roots_ref(roots, ids[i]), refs[i]);
    }
    CHECK_EQ(roots->live, live);
    CHECK(!roots_has(roots, 0) && !roots_has(roots, UINT32_MAX));
}

static void id_step(struct struct_world *world, uint32_t *id, uint64_t *ref, bool grow)
{
    struct roots *roots = &world->space.roots;
    if (*id == 0 && grow) {
        *ref = random_ref(&world->rng);
        *id = roots_take(roots, *ref);
    } else if (*id != 0 && rng_below(&world->rng, 8) == 0) {
        *ref = random_ref(&world->rng);
        roots_repoint(roots, *id, *ref);
    } else if (*id != 0 && !grow) {
        roots_give(roots, *id);
        CHECK(!roots_has(roots, *id));
        *id = 0;
    }
}

static void ids_come_and_go(bool faults)
{
    struct struct_world world;
    struct_world_init(&world);
    struct roots *roots = &world.space.roots;
    uint32_t *ids = calloc(IDS, sizeof *ids);
    uint64_t *refs = calloc(IDS, sizeof *refs);
    CHECK(ids != NULL && refs != NULL);
    for (int phase = 0; phase < 6; phase++) {
        for (int i = 0; i < IDS * 3; i++) {
            uint64_t at = rng_below(&world.rng, IDS);
            if (faults && i % 50 == 0)
                struct_world_refuse(&world, rng_below(&world.rng, 2) == 0);
            id_step(&world, &ids[at], &refs[at], phase % 2 == 0);
        }
        check_ids(roots, ids, refs);
        struct_world_refuse(&world, false);
    }
    for (int i = 0; i < IDS; i++)
        if (ids[i] != 0)
            roots_give(roots, ids[i]);
    CHECK_EQ(roots->count, 0);
    CHECK(roots_bytes(roots) <= 16 * sizeof(void *));
    free(ids);
    free(refs);
    struct_world_release(&world);
}

TEST(roots_ids_as_the_model)
{
    ids_come_and_go(false);
}

TEST(roots_ids_without_memory)
{
    ids_come_and_go(true);
}

/* Ids are reused, so that the table is as large as what lives asks for. */
TEST(roots_table_stays_dense)
{
    struct roots roots = { 0 };
    uint32_t first = roots_take(&roots, 5);
    CHECK_EQ(first, 1);
    for (int i = 0; i < 5000; i++) {
        uint32_t id = roots_take(&roots, 6);
        CHECK(id > 1 && id <= ROOTS_CHUNK);
        roots_give(&roots, id);
    }
    CHECK_EQ(roots.count, 1);
    roots_give(&roots, first);
    CHECK_EQ(roots.count, 0);
    space_release(&(struct space){ .roots = roots });
}
