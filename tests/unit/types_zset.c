/* Sorted sets beside an array in order, in both forms, with ties and members of all sizes. */
#include "types/zset.h"

#include "base/memory.h"
#include "harness.h"
#include "types/big.h"
#include "types/zset_big.h"
#include "types_conformance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEMBERS = 6000, LONG_BYTES = 40000, MEMBER_MAX = LONG_BYTES + 16 };

/* --- the value, as commands hold it between two changes --------------------------------------- */

struct world {
    struct type_world types;
    struct value value;
    uint8_t body[VALUE_SMALL_MAX];
    struct value_edit edit;

    /* The model: in order. */
    struct zset_item items[MEMBERS];
    uint32_t ids[MEMBERS];
    uint32_t count;
    uint8_t *members[MEMBERS]; /* by id; made when first asked for */
    size_t member_bytes[MEMBERS];
};

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof *world);
    CHECK(world != NULL);
    type_world_init(&world->types);
    world->value = (struct value){ VALUE_ZSET, ZSET_LISTPACK, bytes_of(world->body, 0) };
    return world;
}

static void world_empty(struct world *world)
{
    if (world->value.body.count > 0)
        value_drop(&world->types.space, &world->value);
    world->value = (struct value){ VALUE_ZSET, ZSET_LISTPACK, bytes_of(world->body, 0) };
    world->count = 0;
}

static void world_drop(struct world *world)
{
    world_empty(world);
    for (unsigned i = 0; i < MEMBERS; i++)
        memory_give(world->members[i]);
    type_world_release(&world->types);
    free(world);
}

static void begin(struct world *world)
{
    struct type_world *types = &world->types;
    if (world->value.body.count == 0)
        edit_new(&world->edit, &types->space, &types->arena, VALUE_ZSET, ZSET_LISTPACK);
    else
        edit_open(&world->edit, &types->space, &types->arena, &world->value,
                  world->value.encoding == ZSET_BIG);
}

static void commit(struct world *world)
{
    struct value value = world->edit.value;
    CHECK(value.body.count <= sizeof world->body);
    memmove(world->body, value.body.at, value.body.count);
    world->value = value;
    world->value.body.at = world->body;
    arena_reset(&world->types.arena);
}

static struct zset view(struct world *world)
{
    return zset_view(&world->types.space, &world->value);
}

/* --- members and scores ----------------------------------------------------------------------- */

/* Integers, short ones, some that share a long beginning, zero bytes, and a few that need a run. */
static size_t write_member(uint8_t *at, uint32_t id)
{
    int bytes;
    char *text = (char *)at;
    switch (id % 8) {
    case 0:
        bytes = snprintf(text, MEMBER_MAX, "%d", (int)id - 2000);
        break;
    case 1:
        bytes = snprintf(text, MEMBER_MAX, "a rather long beginning of a member %u", id);
        break;
    case 2:
        at[0] = 0;
        bytes = 1 + snprintf(text + 1, MEMBER_MAX - 1, "%u", id);
        break;
    case 3:
        memset(at, 'x', 8 + id % 7);
        bytes = (int)(8 + id % 7) + snprintf(text + 8 + id % 7, 64, "%u", id);
        break;
    case 4:
        memset(at, 0, id % 13);
        bytes = (int)(id % 13) + snprintf(text + id % 13, 64, ":%u", id);
        break;
    case 5:
        memset(at, 'l', 100 + id % 900);
        bytes = (int)(100 + id % 900) + snprintf(text + 100 + id % 900, 64, "%u", id);
        break;
    default:
        bytes = snprintf(text, MEMBER_MAX, "m%u", id * 2654435761u);
        break;
    }
    if (id % 997 == 5) {
        memset(at, 'r', LONG_BYTES);
        bytes = LONG_BYTES + snprintf(text + LONG_BYTES, 16, "%u", id);
    }
    return (size_t)bytes;
}

static struct bytes member_of(struct world *world, uint32_t id)
{
    if (world->members[id] == NULL) {
        static uint8_t room[MEMBER_MAX];
        size_t bytes = write_member(room, id);
        world->members[id] = memory_take(bytes + 1);
        CHECK(world->members[id] != NULL);
        memcpy(world->members[id], room, bytes);
        world->member_bytes[id] = bytes;
    }
    return bytes_of(world->members[id], world->member_bytes[id]);
}

static double score_of(struct world *world, unsigned kinds)
{
    static const double edges[] = { 0.0, -0.0, INFINITY, -INFINITY, 1e300, -1e-300, 0.1, 3e15 };
    uint64_t drawn = rng_next(&world->types.rng);
    switch (drawn % kinds) {
    case 0:
        return 7;
    case 1:
        return (double)(drawn >> 32 & 7) - 3;
    case 2:
        return edges[drawn >> 32 & 7];
    default:
        return (double)(int64_t)(drawn >> 8) / 1e6 - 3e10;
    }
}

/* --- the model -------------------------------------------------------------------------------- */

static bool model_find(const struct world *world, uint32_t id, uint32_t *rank)
{
    for (*rank = 0; *rank < world->count; ++*rank)
        if (world->ids[*rank] == id)
            return true;
    return false;
}

static void model_remove(struct world *world, uint32_t rank, uint32_t count)
{
    size_t left = world->count - rank - count;
    memmove(world->items + rank, world->items + rank + count, left * sizeof world->items[0]);
    memmove(world->ids + rank, world->ids + rank + count, left * sizeof world->ids[0]);
    world->count -= count;
}

static void model_put(struct world *world, uint32_t id, double score)
{
    struct zset_item item = { score, member_of(world, id) };
    uint32_t rank = 0;
    while (rank < world->count && zset_compare(&world->items[rank], &item) < 0)
        rank++;
    size_t left = world->count - rank;
    memmove(world->items + rank + 1, world->items + rank, left * sizeof item);
    memmove(world->ids + rank + 1, world->ids + rank, left * sizeof world->ids[0]);
    world->items[rank] = item;
    world->ids[rank] = id;
    world->count++;
}

/* --- what both do ----------------------------------------------------------------------------- */

static void add(struct world *world, uint32_t id, double score, unsigned conditions)
{
    struct zset_result result;
    uint32_t rank;
    begin(world);
    CHECK_EQ(zset_add(&world->edit, member_of(world, id), score, conditions, &result), ERR_NONE);
    bool known = model_find(world, id, &rank);
    double before = known ? world->items[rank].score : 0;
    double now = known && (conditions & ZSET_ADD_UP) != 0 ? before + score : score;
    enum zset_outcome wanted = ZSET_ADDED;
    if (!known)
        wanted = (conditions & ZSET_KNOWN_ONLY) != 0 ? ZSET_REFUSED : ZSET_ADDED;
    else if ((conditions & ZSET_NEW_ONLY) != 0)
        wanted = ZSET_REFUSED;
    else if (isnan(now))
        wanted = ZSET_NAN;
    else if (((conditions & ZSET_GREATER) != 0 && !(now > before)) ||
             ((conditions & ZSET_LESS) != 0 && !(now < before)))
        wanted = ZSET_REFUSED;
    else
        wanted = now == before ? ZSET_SAME : ZSET_CHANGED;
    CHECK_EQ(result.outcome, wanted);
    if (wanted == ZSET_CHANGED)
        model_remove(world, rank, 1);
    if (wanted == ZSET_CHANGED || wanted == ZSET_ADDED) {
        model_put(world, id, now);
        CHECK(result.score == now);
    }
    commit(world);
}

static void remove_one(struct world *world, uint32_t id)
{
    uint32_t rank;
    bool removed, known = model_find(world, id, &rank);
    begin(world);
    CHECK_EQ(zset_remove(&world->edit, member_of(world, id), &removed), ERR_NONE);
    CHECK_EQ(removed, known);
    commit(world);
    if (known)
        model_remove(world, rank, 1);
    if (world->count == 0)
        world_empty(world);
}

static void remove_some(struct world *world)
{
    struct rng *rng = &world->types.rng;
    if (world->count < 2)
        return;
    uint32_t rank = (uint32_t)rng_below(rng, world->count);
    uint32_t most = world->count - rank;
    uint32_t count = 1 + (uint32_t)rng_below(rng, rng_below(rng, 4) == 0 ? most : (most + 9) / 10);
    if (count == world->count)
        count--;
    begin(world);
    CHECK_EQ(zset_remove_ranks(&world->edit, rank, count), ERR_NONE);
    commit(world);
    model_remove(world, rank, count);
}

/* --- checks ----------------------------------------------------------------------------------- */

struct walking {
    const struct world *world;
    uint32_t rank;
    int step;
    uint64_t left, seen;
};

static bool check_item(void *context, const struct zset_item *item, bool passing)
{
    struct walking *walking = context;
    const struct zset_item *wanted = &walking->world->items[walking->rank];
    (void)passing;
    CHECK(walking->left-- > 0);
    CHECK(item->score == wanted->score);
    CHECK_BYTES(item->member, wanted->member);
    walking->rank = (uint32_t)((int)walking->rank + walking->step);
    walking->seen++;
    return true;
}

static void check_walk(struct world *world, uint32_t rank, uint64_t count, bool reverse)
{
    struct zset zset = view(world);
    struct walking walking = { world, rank, reverse ? -1 : 1, count, 0 };
    zset_walk(&zset, rank, count, reverse, &(struct zset_visitor){ check_item, &walking });
    CHECK_EQ(walking.seen, count);
}

static uint64_t model_before(const struct world *world, const struct zset_bound *bound)
{
    uint64_t rank = 0;
    for (; rank < world->count; rank++) {
        const struct zset_item *item = &world->items[rank];
        double score = bound->kind == ZSET_BY_SCORE ? bound->score : world->items[0].score;
        int order = item->score != score           ? (item->score < score ? -1 : 1)
                    : bound->kind == ZSET_BY_SCORE ? 0
                                                   : bytes_compare(item->member, bound->member);
        if (order > 0 || (order == 0 && !bound->behind))
            break;
    }
    return rank;
}

static void check_bounds(struct world *world)
{
    struct zset zset = view(world);
    for (unsigned i = 0; i < 4; i++) {
        struct zset_bound bound = { .kind = i % 2 == 0 ? ZSET_BY_SCORE : ZSET_BY_MEMBER,
                                    .behind = rng_next(&world->types.rng) & 1,
                                    .score = score_of(world, 4) };
        bound.member = member_of(world, (uint32_t)rng_below(&world->types.rng, MEMBERS));
        CHECK_EQ(zset_before(&zset, &bound), model_before(world, &bound));
    }
    CHECK_EQ(zset_before(&zset, &(struct zset_bound){ .kind = ZSET_FROM_START }), 0);
    CHECK_EQ(zset_before(&zset, &(struct zset_bound){ .kind = ZSET_FROM_END }), world->count);
}

static void check_member(struct world *world, uint32_t id)
{
    struct zset zset = view(world);
    uint32_t wanted;
    uint64_t rank;
    double score, again;
    bool known = model_find(world, id, &wanted);
    CHECK_EQ(zset_rank(&zset, member_of(world, id), &rank, &score), known);
    CHECK_EQ(zset_score(&zset, member_of(world, id), &again), known);
    if (known) {
        CHECK_EQ(rank, wanted);
        CHECK(score == world->items[wanted].score && again == score);
    }
}

static void check_all(struct world *world)
{
    struct zset zset = view(world);
    CHECK_EQ(zset.count, world->count);
    if (world->count == 0)
        return;
    check_walk(world, 0, world->count, false);
    check_walk(world, world->count - 1, world->count, true);
    uint32_t rank = (uint32_t)rng_below(&world->types.rng, world->count);
    check_walk(world, rank, rng_below(&world->types.rng, world->count - rank + 1), false);
    check_walk(world, rank, rng_below(&world->types.rng, rank + 2), true);
    CHECK(zset_ops.valid(&world->types.space, &world->value));
}

static uint64_t blocks_of(struct world *world)
{
    return world->value.encoding == ZSET_BIG ? type_blocks(&world->types) : 0;
}

static void check_conforms(struct world *world)
{
    if (world->count > 0)
        type_conforms(&world->types, &world->value, blocks_of(world),
                      type_allocated(&world->types));
}

struct seen {
    const struct world *world;
    bool *there; /* by rank */
};

static bool mark_seen(void *context, const struct zset_item *item, bool passing)
{
    struct seen *seen = context;
    (void)passing;
    for (uint32_t rank = 0; rank < seen->world->count; rank++)
        if (bytes_equal(seen->world->items[rank].member, item->member)) {
            CHECK(seen->world->items[rank].score == item->score);
            seen->there[rank] = true;
            return true;
        }
    CHECK(false);
    return true;
}

static void check_scan(struct world *world)
{
    struct zset zset = view(world);
    struct seen seen = { world, calloc(MEMBERS, sizeof(bool)) };
    uint64_t cursor = 0;
    do
        cursor = zset_scan(&zset, cursor, &(struct zset_visitor){ mark_seen, &seen });
    while (cursor != 0);
    for (uint32_t rank = 0; rank < world->count; rank++)
        CHECK(seen.there[rank]);
    free(seen.there);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void run_model(unsigned steps, uint32_t members, unsigned kinds)
{
    struct world *world = world_new();
    struct rng *rng = &world->types.rng;
    for (unsigned step = 0; step < steps; step++) {
        uint32_t id = (uint32_t)rng_below(rng, members);
        bool shrinking = step / (members * 2) % 3 == 2;
        uint64_t choice = rng_below(rng, 100);
        if (choice < (shrinking ? 30 : 70))
            add(world, id, score_of(world, kinds), 0);
        else if (choice < (shrinking ? 35 : 80))
            add(world, id, score_of(world, kinds), (unsigned)rng_below(rng, 32));
        else if (choice < 97)
            remove_one(world, id);
        else if (choice < 98)
            remove_some(world);
        check_member(world, (uint32_t)rng_below(rng, members));
        if (step % 16 == 0 && world->count > 0)
            check_bounds(world);
        if (step % 512 == 0)
            check_all(world);
        if (step % 2048 == 0) {
            check_scan(world);
            check_conforms(world);
        }
    }
    check_all(world);
    world_drop(world);
}

TEST(zset_small_model)
{
    run_model(8000, 40, 4);
}

TEST(zset_model)
{
    run_model(20000, 2500, 5);
}

TEST(zset_model_of_ties)
{
    run_model(12000, 2500, 1);
}

TEST(zset_model_of_few_scores)
{
    run_model(12000, 1500, 3);
}

static const char *name_of(struct world *world)
{
    return zset_ops.encoding_name(&world->types.space, &world->value);
}

TEST(zset_names_follow_the_limits)
{
    struct world *world = world_new();
    world->types.limits.zset_listpack_entries = 5;
    world->types.limits.zset_listpack_value = 20;
    for (uint32_t id = 0; id < 5; id++)
        add(world, id * 8 + 6, 1, 0);
    CHECK(strcmp(name_of(world), "listpack") == 0);
    add(world, 6, 9, 0);
    CHECK(strcmp(name_of(world), "listpack") == 0);
    add(world, 86, 1, 0);
    CHECK(strcmp(name_of(world), "skiplist") == 0);
    remove_one(world, 86);
    CHECK(strcmp(name_of(world), "skiplist") == 0); /* never back */
    check_conforms(world);

    world_empty(world);
    add(world, 6, 1, 0);
    add(world, 1, 1, 0); /* longer than 20 bytes */
    CHECK(strcmp(name_of(world), "skiplist") == 0);

    world_empty(world);
    begin(world);
    zset_expect(&world->edit, 6, 1);
    CHECK_EQ(world->edit.value.encoding, ZSET_SKIPLIST);
    commit(world);
    world_drop(world);
}

/* A big value may still have the small name, and keeps it through image and copy. */
TEST(zset_names_are_not_forms)
{
    struct world *world = world_new();
    world->types.limits.zset_listpack_entries = 100000;
    world->types.limits.zset_listpack_value = 100000;
    for (uint32_t id = 0; id < 1000; id++)
        add(world, id, id % 10, 0);
    CHECK_EQ(world->value.encoding, ZSET_BIG);
    CHECK(strcmp(name_of(world), "listpack") == 0);
    check_conforms(world);
    struct buffer image = { 0 }, body = { 0 };
    struct value copy;
    CHECK_EQ(zset_ops.encode(&world->types.space, &world->value, &image), ERR_NONE);
    CHECK_EQ(zset_ops.decode(&world->types.space, buffer_view(&image), &copy, &body), ERR_NONE);
    CHECK(strcmp(zset_ops.encoding_name(&world->types.space, &copy), "listpack") == 0);
    value_drop(&world->types.space, &copy);
    buffer_release(&body);
    CHECK_EQ(zset_ops.copy(&world->types.space, &world->value, &copy, &body), ERR_NONE);
    CHECK(zset_ops.valid(&world->types.space, &copy));
    CHECK(strcmp(zset_ops.encoding_name(&world->types.space, &copy), "listpack") == 0);
    type_same_digest(&world->types, &world->value, &copy, true);
    value_drop(&world->types.space, &copy);
    buffer_release(&body);
    buffer_release(&image);
    world_drop(world);
}

/* In order, whichever way, leaves are left full; deleting from the front leaves nothing behind. */
TEST(zset_in_order)
{
    struct world *world = world_new();
    for (int way = -1; way <= 1; way += 2) {
        for (uint32_t id = 0; id < 3000; id++)
            add(world, id, way * (double)id, 0);
        check_all(world);
        while (world->count > 3) {
            begin(world);
            CHECK_EQ(zset_remove_ranks(&world->edit, 0, 3), ERR_NONE);
            commit(world);
            model_remove(world, 0, 3);
        }
        check_all(world);
        world_empty(world);
    }
    world_drop(world);
}

TEST(zset_filled_at_once)
{
    struct world *world = world_new();
    static const uint32_t counts[] = { 1, 2, 100, 128, 129, 700, 5000 };
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (uint32_t id = 0; id < counts[i]; id++)
            model_put(world, id, (double)(id * 7919 % 100));
        begin(world);
        CHECK_EQ(zset_fill(&world->edit, world->items, world->count, ZSET_LISTPACK), ERR_NONE);
        commit(world);
        bool small = counts[i] <= 2; /* of the first members the sixth is longer than 64 bytes */
        CHECK(strcmp(name_of(world), small ? "listpack" : "skiplist") == 0);
        check_all(world);
        check_conforms(world);
        add(world, 5500, 3, 0);
        remove_one(world, 0);
        check_all(world);
        world_empty(world);
    }
    world_drop(world);
}

/* Of the one member; whether it is a negative zero. */
static bool score_is_negative_zero(struct world *world)
{
    struct zset zset = zset_view(&world->types.space, &world->value);
    double score = 1;
    CHECK(zset_score(&zset, member_of(world, 0), &score));
    CHECK(score == 0);
    return signbit(score) != 0;
}

/* As in Redis, whose listpacks hold whole scores as integers. */
TEST(zset_listpack_has_one_zero)
{
    struct world *world = world_new();
    add(world, 0, -0.0, 0);
    CHECK(!score_is_negative_zero(world));
    add(world, 0, 5, 0);
    add(world, 0, -0.0, 0);
    CHECK(!score_is_negative_zero(world));
    begin(world);
    zset_expect(&world->edit, 1000, 1);
    commit(world);
    CHECK(strcmp(name_of(world), "skiplist") == 0);
    CHECK(!score_is_negative_zero(world));
    add(world, 0, 5, 0);
    add(world, 0, -0.0, 0);
    CHECK(score_is_negative_zero(world));
    world_empty(world);
    world_drop(world);
}

TEST(zset_hostile_images)
{
    struct world *world = world_new();
    for (uint32_t id = 0; id < 12; id++)
        add(world, id * 8 + (id % 2) * 6, id < 6 ? 1.5 : id, 0);
    struct buffer image = { 0 };
    CHECK_EQ(zset_ops.encode(&world->types.space, &world->value, &image), ERR_NONE);
    type_hostile_images(&world->types, VALUE_ZSET, buffer_view(&image), 20000);
    buffer_release(&image);
    world_drop(world);
}

/* What is too large for an entry is read pair by pair into leaves. */
TEST(zset_hostile_big_images)
{
    struct world *world = world_new();
    struct rng *rng = &world->types.rng;
    for (uint32_t id = 0; id < 300; id++)
        add(world, id, (double)(id % 50) / 8, 0);
    CHECK_EQ(world->value.encoding, ZSET_BIG);
    struct buffer image = { 0 }, body = { 0 };
    CHECK_EQ(zset_ops.encode(&world->types.space, &world->value, &image), ERR_NONE);
    uint64_t before = type_allocated(&world->types);
    for (unsigned round = 0; round < 600; round++) {
        struct value value;
        uint64_t at = rng_below(rng, image.count);
        uint8_t was = image.at[at];
        size_t count = rng_below(rng, 4) == 0 ? (size_t)at : image.count;
        image.at[at] = (uint8_t)rng_next(rng);
        enum err err =
            zset_ops.decode(&world->types.space, bytes_of(image.at, count), &value, &body);
        if (err == ERR_NONE) {
            CHECK(zset_ops.valid(&world->types.space, &value));
            value_drop(&world->types.space, &value);
        } else {
            CHECK_EQ(err, ERR_SYNTAX);
        }
        body.count = 0;
        image.at[at] = was;
        CHECK_EQ(type_allocated(&world->types), before);
    }
    buffer_release(&body);
    buffer_release(&image);
    world_drop(world);
}

static void refused(struct world *world, const char *bytes, size_t count)
{
    struct buffer body = { 0 };
    struct value value;
    CHECK_EQ(zset_ops.decode(&world->types.space, bytes_of(bytes, count), &value, &body),
             ERR_SYNTAX);
    CHECK_EQ(body.count, 0);
    buffer_release(&body);
}

TEST(zset_images_refused)
{
    struct world *world = world_new();
    refused(world, "", 0);
    refused(world, "\0", 1);                   /* nothing in it */
    refused(world, "\2\xe1\1\1a", 5);          /* no such name */
    refused(world, "\0\xe1\1", 3);             /* no member */
    refused(world, "\0\xe1\2\1a\xe1\1\1b", 9); /* not in order */
    refused(world, "\0\xe1\1\1b\xe1\1\1a", 9); /* members neither */
    refused(world, "\0\xe1\1\1a\xe1\2\1a", 9); /* twice */
    refused(world,
            "\0\1"
            "1"
            "\1a",
            5);                                          /* a score in letters */
    refused(world, "\0\xf1\0\0\0\0\0\0\xf0\x3f\1a", 12); /* 1 as a double */
    refused(world, "\0\xf1\0\0\0\0\0\0\xf8\x7f\1a", 12); /* not a number */
    refused(world, "\0\xe1\1\xf0\1\0\0\0\0\0\0\0a", 13); /* a run of one byte */
    world_drop(world);
}
