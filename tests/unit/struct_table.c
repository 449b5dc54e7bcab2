/* A table of pairs beside a naive model: an array that says what each key's value is. */
#include "harness.h"
#include "struct/packed.h"
#include "struct/table.h"
#include "struct_world.h"

#include <stdlib.h>

enum { IDS_MAX = 4000, TEXT_MAX = 40 * 1024, SCANS = 3 };

/* One SCAN under way: what has to be seen, and what was. */
struct walk {
    bool running;
    uint64_t cursor;
    bool owed[IDS_MAX]; /* in the table since the walk began, not yet seen */
};

struct model {
    struct struct_world world;
    struct root *root;
    uint32_t id;
    struct table table;
    bool there[IDS_MAX];
    uint32_t value_bytes[IDS_MAX];
    uint32_t key_bytes[IDS_MAX]; /* the same as long as the model lives */
    uint32_t salt;               /* of keys */
    uint64_t count;
    struct walk walks[SCANS];
    struct walk *visited;
    uint64_t seen[IDS_MAX];
    uint8_t key[TEXT_MAX], value[TEXT_MAX];
    bool refusing;
};

static size_t pair_bytes(const uint8_t *at)
{
    const uint8_t *value = packed_next(at);
    return (size_t)(packed_next(value) - at);
}

static const struct table_ops ops = { pair_bytes, packed_hash };

static size_t random_bytes(struct rng *rng, size_t least)
{
    switch (rng_below(rng, 64)) {
    case 0:
        return 4 + rng_below(rng, TEXT_MAX - 4);
    case 1:
    case 2:
        return 4 + rng_below(rng, 2000);
    default:
        return least + rng_below(rng, 40);
    }
}

/* A root may have moved. */
static void refresh(struct model *model)
{
    model->root = root_of(&model->world.space, model->id);
    model->table = (struct table){
        .space = &model->world.space, .root = model->root, .ops = &ops, .count = &model->root->count
    };
}

/* With `mixed` keys and values of 1 B to 40 KB, else 16 bytes each. */
static struct model *model_new(bool mixed)
{
    struct model *model = calloc(1, sizeof *model);
    CHECK(model != NULL);
    struct_world_init(&model->world);
    struct rng *rng = &model->world.rng;
    model->salt = (uint32_t)rng_next(rng);
    for (int i = 0; i < IDS_MAX; i++)
        model->key_bytes[i] = mixed ? (uint32_t)random_bytes(rng, 4) : 16;
    model->root = root_new(&model->world.space, 0, 1, 0);
    CHECK(model->root != NULL);
    model->id = model->root->head.id;
    refresh(model);
    CHECK(table_begin(&model->table));
    return model;
}

static void empty_node(struct space *space, struct root *root, const struct node *node)
{
    for (const uint8_t *at = node->at; at < node->at + node->used; at = packed_next(at))
        packed_empty(space, root, at);
}

static void model_drop(struct model *model)
{
    struct_world_refuse(&model->world, false);
    refresh(model);
    struct_world_drop(&model->world, model->root, empty_node);
    struct_world_release(&model->world);
    free(model);
}

/* Keys differ in their first four bytes; the rest follows from them. */
static struct bytes key_of(struct model *model, uint32_t id)
{
    memset(model->key, (int)(id & 0x7f), model->key_bytes[id]);
    uint32_t first = id ^ model->salt;
    memcpy(model->key, &first, sizeof first);
    return bytes_of(model->key, model->key_bytes[id]);
}

static struct bytes value_of(struct model *model, uint32_t id, uint32_t bytes)
{
    memset(model->value, (int)(id * 7 & 0xff), bytes);
    return bytes_of(model->value, bytes);
}

static uint32_t id_of(const struct model *model, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes key = packed_view(&model->world.space, at, digits);
    uint32_t first;
    CHECK(key.count >= sizeof first);
    memcpy(&first, key.at, sizeof first);
    uint32_t id = first ^ model->salt;
    CHECK(id < IDS_MAX && model->there[id]);
    CHECK_EQ(key.count, model->key_bytes[id]);
    return id;
}

/* Leads to the key's place, or to where it belongs. */
static bool find(struct model *model, uint32_t id, struct table_place *place)
{
    struct packed_item sought;
    struct bytes key = key_of(model, id);
    packed_sought(key, &sought);
    uint64_t hash = hash_bytes(&model->world.space.seed, key);
    size_t used;
    const uint8_t *payload = table_bucket(&model->table, hash, place, &used);
    for (size_t offset = 0; offset < used; offset += pair_bytes(payload + offset)) {
        if (!packed_is(&model->world.space, payload + offset, &sought))
            continue;
        table_stand(place, payload, offset);
        return true;
    }
    return false;
}

static void check_value(struct model *model, uint32_t id, const uint8_t *at)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes value = packed_view(&model->world.space, packed_next(at), digits);
    CHECK_BYTES(value, value_of(model, id, model->value_bytes[id]));
}

static size_t new_value(struct model *model)
{
    return model->key_bytes[0] == 16 && model->key_bytes[1] == 16
               ? 16
               : random_bytes(&model->world.rng, 0);
}

/* Both items of a pair; false without memory, and nothing is taken then. */
static bool prepare(struct model *model, uint32_t id, size_t bytes, struct packed_item pair[2])
{
    struct space *space = &model->world.space;
    if (packed_prepare(space, model->root, key_of(model, id), &pair[0]) != ERR_NONE)
        return false;
    if (packed_prepare(space, model->root, value_of(model, id, (uint32_t)bytes), &pair[1]) ==
        ERR_NONE)
        return true;
    packed_item_empty(space, model->root, &pair[0]);
    return false;
}

static void insert(struct model *model, uint32_t id)
{
    struct table_place place;
    struct packed_item pair[2];
    size_t bytes = new_value(model);
    if (!prepare(model, id, bytes, pair)) {
        CHECK(model->refusing);
        return;
    }
    CHECK(!find(model, id, &place));
    uint8_t *at =
        table_add(&model->table, &place, packed_item_bytes(&pair[0]) + packed_item_bytes(&pair[1]));
    if (at == NULL) {
        CHECK(model->refusing);
        packed_item_empty(&model->world.space, model->root, &pair[0]);
        packed_item_empty(&model->world.space, model->root, &pair[1]);
        return;
    }
    packed_write(packed_write(at, &pair[0]), &pair[1]);
    model->there[id] = true;
    model->value_bytes[id] = (uint32_t)bytes;
    model->count++;
    table_settle(&model->table);
}

static void change(struct model *model, uint32_t id)
{
    struct table_place place;
    struct packed_item pair[2];
    size_t bytes = new_value(model);
    if (!prepare(model, id, bytes, pair))
        return;
    CHECK(find(model, id, &place));
    uint8_t before[2 * PACKED_HEAD_MAX];
    size_t pair_was = pair_bytes(place.at);
    memcpy(before, place.at, pair_was < sizeof before ? pair_was : sizeof before);
    uint64_t run[2] = { packed_run(place.at), packed_run(packed_next(place.at)) };
    uint8_t runs[2][PACKED_HEAD_MAX];
    memcpy(runs[0], place.at, run[0] != 0 ? PACKED_HEAD_MAX : 0);
    memcpy(runs[1], packed_next(place.at), run[1] != 0 ? PACKED_HEAD_MAX : 0);
    uint8_t *at = table_resize(&model->table, &place,
                               packed_item_bytes(&pair[0]) + packed_item_bytes(&pair[1]));
    if (at == NULL) {
        CHECK(model->refusing);
        packed_item_empty(&model->world.space, model->root, &pair[0]);
        packed_item_empty(&model->world.space, model->root, &pair[1]);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (run[i] != 0)
            packed_empty(&model->world.space, model->root, runs[i]);
    packed_write(packed_write(at, &pair[0]), &pair[1]);
    model->value_bytes[id] = (uint32_t)bytes;
    table_settle(&model->table);
}

static void remove_id(struct model *model, uint32_t id)
{
    struct table_place place;
    CHECK(find(model, id, &place));
    packed_empty(&model->world.space, model->root, place.at);
    packed_empty(&model->world.space, model->root, packed_next(place.at));
    table_remove(&model->table, &place);
    table_settle(&model->table);
    model->there[id] = false;
    model->count--;
    for (int i = 0; i < SCANS; i++)
        model->walks[i].owed[id] = false;
}

static void see(void *context, const uint8_t *element)
{
    struct model *model = context;
    model->visited->owed[id_of(model, element)] = false;
}

static void walk_step(struct model *model, struct walk *walk)
{
    if (!walk->running) {
        walk->running = true;
        walk->cursor = 0;
        memcpy(walk->owed, model->there, sizeof walk->owed);
    }
    model->visited = walk;
    walk->cursor = table_scan(&model->table, walk->cursor, see, model);
    if (walk->cursor != 0)
        return;
    walk->running = false;
    for (int i = 0; i < IDS_MAX; i++)
        CHECKF(!walk->owed[i], "element %d was never visited", i);
}

static bool count_one(void *context, const uint8_t *element)
{
    struct model *model = context;
    uint32_t id = id_of(model, element);
    CHECK_EQ(model->seen[id]++, 0);
    check_value(model, id, element);
    return true;
}

static void check_all(struct model *model, uint64_t ids)
{
    CHECK(table_valid(&model->table));
    CHECK(root_valid(&model->world.space, model->root));
    CHECK(heap_valid(model->world.heap));
    CHECK_EQ(model->root->count, model->count);
    memset(model->seen, 0, sizeof model->seen);
    table_each(&model->table, count_one, model);
    for (uint32_t id = 0; id < ids; id++) {
        struct table_place place;
        CHECK_EQ(model->seen[id], model->there[id]);
        CHECK_EQ(find(model, id, &place), model->there[id]);
        if (model->there[id])
            check_value(model, id, place.at);
    }
}

/* One random step; `insert_share` of 100 are inserts. */
static void random_step(struct model *model, uint64_t ids, unsigned insert_share)
{
    uint32_t id = (uint32_t)rng_below(&model->world.rng, ids);
    uint64_t choice = rng_below(&model->world.rng, 100);
    struct table_place place;
    if (!model->there[id] && choice < insert_share)
        insert(model, id);
    else if (model->there[id] && choice >= insert_share)
        remove_id(model, id);
    else if (model->there[id])
        change(model, id);
    else
        CHECK(!find(model, id, &place));
    if (choice % 3 == 0)
        walk_step(model, &model->walks[rng_below(&model->world.rng, SCANS)]);
    if (choice == 77) {
        struct_world_move(&model->world, rng_below(&model->world.rng, 60));
        refresh(model);
    }
}

static void storms(bool mixed, uint64_t ids, int phases, bool faults)
{
    struct model *model = model_new(mixed);
    for (int phase = 0; phase < phases; phase++) {
        unsigned share = phase % 2 == 0 ? 85 : 15;
        for (uint64_t i = 0; i < ids * 4; i++) {
            if (faults && i % 200 == 0) {
                model->refusing = rng_below(&model->world.rng, 3) != 0;
                struct_world_refuse(&model->world, model->refusing);
            }
            random_step(model, ids, share);
            if (i % 397 == 0 || ids <= 20)
                check_all(model, ids);
        }
        check_all(model, ids);
    }
    model_drop(model);
}

TEST(table_as_the_model_small)
{
    storms(false, 12, 40, false);
    storms(true, 60, 10, false);
}

TEST(table_as_the_model_large)
{
    storms(false, IDS_MAX, 4, false);
    storms(true, IDS_MAX, 2, false);
}

TEST(table_as_the_model_without_memory)
{
    storms(false, IDS_MAX, 2, true);
    storms(true, 1500, 4, true);
}

/* At whatever size, one element coming and going neither splits nor merges, but for splits that are
 * due still. */
TEST(table_does_not_thrash)
{
    struct model *model = model_new(false);
    const struct nodes *nodes = &model->root->nodes[0];
    for (uint32_t id = 0; id + 1 < 2000; id++) {
        insert(model, id);
        CHECK(nodes->used <= ((uint64_t)nodes->count + 1) * TABLE_BUCKET_BYTES);
        for (int i = 0; i < 2; i++) {
            insert(model, IDS_MAX - 1);
            remove_id(model, IDS_MAX - 1);
        }
        uint32_t buckets = nodes->count;
        for (int i = 0; i < 3; i++) {
            insert(model, IDS_MAX - 1);
            CHECK_EQ(nodes->count, buckets);
            remove_id(model, IDS_MAX - 1);
            CHECK_EQ(nodes->count, buckets);
        }
    }
    for (uint32_t id = 0; id + 1 < 2000; id++)
        remove_id(model, id);
    CHECK(nodes->count <= 2);
    CHECK_EQ(nodes->used, 0);
    model_drop(model);
}

/* What elements cost: buckets do not leave holes behind as they grow through the classes of sizes,
 * though nothing moves but by the table's own doing. */
TEST(table_leaves_few_holes)
{
    enum { COUNT = 200000, EVERY = 10000, LEAST = 50000 };
    struct model *model = model_new(false);
    uint8_t text[16] = "member:         ";
    for (uint32_t i = 1; i <= COUNT; i++) {
        struct table_place place;
        struct packed_item item;
        size_t used;
        memcpy(text + 8, &i, sizeof i);
        packed_sought(bytes_of(text, sizeof text), &item);
        uint64_t hash = hash_bytes(&model->world.space.seed, bytes_of(text, sizeof text));
        (void)table_bucket(&model->table, hash, &place, &used);
        uint8_t *at = table_add(&model->table, &place, 2 * packed_item_bytes(&item));
        CHECK(at != NULL);
        packed_write(packed_write(at, &item), &item);
        table_settle(&model->table);
        struct heap_figures figures;
        heap_figures(model->world.heap, &figures);
        if (i < LEAST || i % EVERY != 0)
            continue;
        CHECKF(figures.allocated < i * (2 * sizeof text + 6), "%u bytes for %u elements",
               (unsigned)figures.allocated, i);
        CHECKF(figures.active < figures.allocated + (2 << 20) + figures.allocated / 16,
               "%u bytes active, %u in use", (unsigned)figures.active, (unsigned)figures.allocated);
    }
    CHECK(table_valid(&model->table));
    model_drop(model);
}

/* Every element is drawn, none much more often than others. */
static void draw(bool mixed, uint32_t ids)
{
    enum { DRAWS_EACH = 200 };
    struct model *model = model_new(mixed);
    struct table_place place;
    CHECK(!table_random(&model->table, &model->world.rng, &place));
    for (uint32_t id = 0; id < ids; id++)
        insert(model, id);
    memset(model->seen, 0, sizeof model->seen);
    for (uint32_t i = 0; i < ids * DRAWS_EACH; i++) {
        CHECK(table_random(&model->table, &model->world.rng, &place));
        uint32_t id = id_of(model, place.at);
        struct table_place found;
        model->seen[id]++;
        if (i % 97 != 0)
            continue;
        CHECK(find(model, id, &found));
        CHECK(found.at == place.at && found.bucket == place.bucket);
        CHECK_EQ(found.offset, place.offset);
    }
    for (uint32_t id = 0; id < ids; id++)
        CHECKF(model->seen[id] > DRAWS_EACH / 2 && model->seen[id] < DRAWS_EACH * 2,
               "element %u of %u was drawn %u times", id, ids, (unsigned)model->seen[id]);
    model_drop(model);
}

TEST(table_random_is_fair)
{
    draw(false, 1);
    draw(false, 150);
    draw(false, 1000);
    draw(true, 300);
}
