/* Lists beside a naive model, through both forms. */
#include "types/list.h"

#include "base/memory.h"
#include "harness.h"
#include "types_conformance.h"

#include <stdio.h>

enum { MODEL_MAX = 3000, TEXT_MAX = 40 * 1024 };

struct text {
    uint8_t *at;
    size_t count;
};

struct bench {
    struct type_world world;
    struct value value; /* body in `body` */
    struct buffer body;
    bool there;
    struct text model[MODEL_MAX + 1];
    size_t count;
    uint8_t *text;       /* drawn last */
    unsigned long_share; /* of a thousand */
    bool tiny;
};

static struct bench *bench_new(void)
{
    struct bench *bench = memory_take_zeroed(sizeof *bench);
    CHECK(bench != NULL);
    type_world_init(&bench->world);
    bench->text = memory_take(TEXT_MAX);
    CHECK(bench->text != NULL);
    bench->long_share = 5;
    return bench;
}

static uint64_t below(struct bench *bench, uint64_t bound)
{
    return rng_below(&bench->world.rng, bound);
}

static void model_insert(struct bench *bench, size_t rank, struct bytes text)
{
    CHECK(bench->count <= MODEL_MAX);
    memmove(&bench->model[rank + 1], &bench->model[rank],
            (bench->count - rank) * sizeof bench->model[0]);
    uint8_t *copy = memory_take(text.count + 1);
    CHECK(copy != NULL);
    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    bench->model[rank] = (struct text){ copy, text.count };
    bench->count++;
}

static void model_remove(struct bench *bench, size_t rank, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memory_give(bench->model[rank + i].at);
    memmove(&bench->model[rank], &bench->model[rank + count],
            (bench->count - rank - count) * sizeof bench->model[0]);
    bench->count -= count;
}

static struct bytes model_at(const struct bench *bench, size_t rank)
{
    return bytes_of(bench->model[rank].at, bench->model[rank].count);
}

/* --- an edit as a command makes it ------------------------------------------------------------ */

static void open_edit(struct bench *bench, struct value_edit *edit)
{
    struct type_world *world = &bench->world;
    if (bench->there)
        edit_open(edit, &world->space, &world->arena, &bench->value,
                  bench->value.encoding == LIST_BIG);
    else
        edit_new(edit, &world->space, &world->arena, VALUE_LIST, LIST_LISTPACK);
}

static void commit(struct bench *bench, struct value_edit *edit)
{
    struct buffer before = bench->body;
    struct list list;
    list_of_edit(edit, &list);
    CHECK_EQ(list.count, bench->count);
    bench->body = (struct buffer){ 0 };
    CHECK(buffer_append(&bench->body, edit->value.body));
    bench->value = edit->value;
    bench->value.body = buffer_view(&bench->body);
    bench->there = list.count > 0;
    buffer_release(&before);
    if (!bench->there)
        value_drop(&bench->world.space, &bench->value);
    arena_reset(&bench->world.arena);
}

static void bench_drop(struct bench *bench)
{
    if (bench->there)
        value_drop(&bench->world.space, &bench->value);
    model_remove(bench, 0, bench->count);
    buffer_release(&bench->body);
    memory_give(bench->text);
    type_world_release(&bench->world);
    memory_give(bench);
}

/* --- comparing -------------------------------------------------------------------------------- */

static void compare_at(const struct bench *bench, const struct list_cursor *cursor, size_t rank)
{
    uint8_t digits[NUMBER_I64_MAX];
    CHECK_BYTES(packed_view(&bench->world.space, cursor->at, digits), model_at(bench, rank));
}

static void compare(struct bench *bench)
{
    struct list list;
    struct list_cursor cursor;
    if (!bench->there)
        return;
    CHECK(list_ops.valid(&bench->world.space, &bench->value));
    list_open(&bench->world.space, &bench->value, &list);
    CHECK_EQ(list.count, bench->count);
    list_seek(&list, 0, &cursor);
    for (size_t rank = 0; rank < bench->count; rank++) {
        compare_at(bench, &cursor, rank);
        CHECK_EQ(list_forward(&cursor), rank + 1 < bench->count);
    }
    list_seek(&list, list.count - 1, &cursor);
    for (size_t rank = bench->count; rank-- > 0;) {
        compare_at(bench, &cursor, rank);
        CHECK_EQ(list_backward(&cursor), rank > 0);
    }
    size_t rank = (size_t)below(bench, bench->count);
    list_seek(&list, rank, &cursor);
    compare_at(bench, &cursor, rank);
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Few different ones, so that equal items meet; numbers, every kind of length. */
static struct bytes draw(struct bench *bench)
{
    static const size_t lengths[] = { 0,   1,    62,   63,   64,   125,  126,   127,   128,
                                      129, 2000, 2040, 2048, 4095, 4096, 16382, 32768, 32769 };
    if (below(bench, 1000) < bench->long_share) {
        size_t count = lengths[below(bench, sizeof lengths / sizeof *lengths)];
        memset(bench->text, 'a' + (int)below(bench, 3), count);
        return bytes_of(bench->text, count);
    }
    if (below(bench, 3) == 0) {
        int64_t number = (int64_t)(rng_next(&bench->world.rng) >> below(bench, 64));
        return bytes_of(bench->text, number_write_i64(bench->text, number));
    }
    size_t count = (size_t)below(bench, bench->tiny ? 3 : 20);
    memset(bench->text, 'a' + (int)below(bench, 2), count);
    return bytes_of(bench->text, count);
}

static void push_some(struct bench *bench, struct value_edit *edit)
{
    enum list_end end = below(bench, 2) == 0 ? LIST_HEAD : LIST_TAIL;
    for (uint64_t left = 1 + below(bench, 20); left > 0 && bench->count < MODEL_MAX; left--) {
        struct bytes text = draw(bench);
        list_name_growing(edit, text.count, 1);
        CHECK_EQ(list_push(edit, end, text), ERR_NONE);
        model_insert(bench, end == LIST_HEAD ? 0 : bench->count, text);
    }
}

static void remove_some(struct bench *bench, struct value_edit *edit)
{
    size_t count = (size_t)below(bench, below(bench, 20) == 0 ? bench->count + 1 : 12);
    size_t rank = (size_t)below(bench, bench->count + 1);
    unsigned where = (unsigned)below(bench, 3);
    if (count > bench->count)
        count = bench->count;
    if (where == 0)
        rank = 0;
    if (where == 1 || rank + count > bench->count)
        rank = bench->count - count;
    CHECK_EQ(list_remove(edit, rank, count), ERR_NONE);
    model_remove(bench, rank, count);
    if (bench->count > 0)
        list_name_shrunk(edit);
}

static void insert_one(struct bench *bench, struct value_edit *edit)
{
    if (bench->count == MODEL_MAX)
        return;
    size_t rank = (size_t)below(bench, bench->count + 1);
    struct bytes text = draw(bench);
    CHECK_EQ(list_insert(edit, rank, text), ERR_NONE);
    model_insert(bench, rank, text);
}

static void set_one(struct bench *bench, struct value_edit *edit)
{
    if (bench->count == 0)
        return;
    size_t rank = (size_t)below(bench, bench->count);
    struct bytes text = draw(bench);
    CHECK_EQ(list_set(edit, rank, text), ERR_NONE);
    model_remove(bench, rank, 1);
    model_insert(bench, rank, text);
}

static uint64_t model_remove_equal(struct bench *bench, struct bytes text, uint64_t most,
                                   enum list_end from)
{
    uint64_t removed = 0;
    for (size_t i = 0; i < bench->count && removed < most;) {
        size_t rank = from == LIST_HEAD ? i : bench->count - 1 - i;
        if (bytes_equal(model_at(bench, rank), text)) {
            model_remove(bench, rank, 1);
            removed++;
        } else {
            i++;
        }
    }
    return removed;
}

static void remove_equal(struct bench *bench, struct value_edit *edit)
{
    uint64_t removed = 0, most = below(bench, 10) == 0 ? UINT64_MAX : 1 + below(bench, 4);
    enum list_end from = below(bench, 2) == 0 ? LIST_HEAD : LIST_TAIL;
    struct bytes text = draw(bench);
    CHECK_EQ(list_remove_equal(edit, text, most, from, &removed), ERR_NONE);
    CHECK_EQ(removed, model_remove_equal(bench, text, most, from));
}

static void step(struct bench *bench, unsigned growth)
{
    struct value_edit edit;
    open_edit(bench, &edit);
    unsigned kind = (unsigned)below(bench, 12);
    if (kind < growth)
        push_some(bench, &edit);
    else if (kind < 8)
        remove_some(bench, &edit);
    else if (kind < 10)
        insert_one(bench, &edit);
    else if (kind == 10)
        set_one(bench, &edit);
    else
        remove_equal(bench, &edit);
    commit(bench, &edit);
}

static void run_steps(struct bench *bench, unsigned steps, unsigned growth)
{
    for (unsigned i = 0; i < steps; i++) {
        step(bench, growth);
        if (i % 8 == 0)
            compare(bench);
    }
    compare(bench);
}

static void conform(struct bench *bench)
{
    if (bench->there)
        type_conforms(&bench->world, &bench->value, type_blocks(&bench->world),
                      type_allocated(&bench->world));
}

TEST(list_is_as_the_model)
{
    struct bench *bench = bench_new();
    for (unsigned round = 0; round < 3; round++) {
        run_steps(bench, 400, 6);
        conform(bench);
        run_steps(bench, 400, 3);
        conform(bench);
    }
    bench_drop(bench);
}

TEST(list_of_tiny_items_is_as_the_model)
{
    struct bench *bench = bench_new();
    bench->tiny = true;
    bench->long_share = 0;
    run_steps(bench, 600, 7);
    conform(bench);
    run_steps(bench, 600, 2);
    conform(bench);
    bench_drop(bench);
}

TEST(list_of_long_items_is_as_the_model)
{
    struct bench *bench = bench_new();
    bench->long_share = 400;
    run_steps(bench, 200, 5);
    conform(bench);
    run_steps(bench, 200, 3);
    conform(bench);
    bench_drop(bench);
}

/* --- images ----------------------------------------------------------------------------------- */

TEST(list_refuses_hostile_images)
{
    static const uint8_t seed[] = { 1, 0, 0, 0, 'a', 2, 0, 0, 0, '1', '2', 0, 0, 0, 0 };
    struct type_world world;
    type_world_init(&world);
    type_hostile_images(&world, VALUE_LIST, bytes_of(seed, sizeof seed), 2000);
    type_world_release(&world);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Not with leaves made tiny. */
#ifndef SNUG_MOVE_ALL

/* What an item of 16 bytes takes over its own, all blocks counted. */
static void check_overhead(enum list_end end)
{
    enum { ITEMS = 200000, ITEM = 16 };
    struct bench *bench = bench_new();
    struct value_edit edit;
    char text[ITEM + 1];
    open_edit(bench, &edit);
    for (unsigned i = 0; i < ITEMS; i++) {
        snprintf(text, sizeof text, "item:%011u", i);
        CHECK_EQ(list_push(&edit, end, bytes_of(text, ITEM)), ERR_NONE);
    }
    bench->value = edit.value;
    double each = (double)list_ops.bytes(&bench->world.space, &bench->value) / ITEMS - ITEM;
    CHECKF(each < 2.25, "%.3f bytes an item", each);
    CHECK_EQ(list_remove(&edit, 10, ITEMS - 20), ERR_NONE);
    CHECK(list_ops.bytes(&bench->world.space, &bench->value) < 1024);
    value_drop(&bench->world.space, &edit.value);
    bench_drop(bench);
}

TEST(list_items_cost_two_bytes)
{
    check_overhead(LIST_HEAD);
    check_overhead(LIST_TAIL);
}

#endif

/* --- names ------------------------------------------------------------------------------------ */

static const char *name_after(struct bench *bench, unsigned items, size_t bytes)
{
    struct value_edit edit;
    open_edit(bench, &edit);
    memset(bench->text, 'x', bytes);
    for (unsigned i = 0; i < items; i++) {
        list_name_growing(&edit, bytes, 1);
        CHECK_EQ(list_push(&edit, LIST_TAIL, bytes_of(bench->text, bytes)), ERR_NONE);
        model_insert(bench, bench->count, bytes_of(bench->text, bytes));
    }
    commit(bench, &edit);
    return list_ops.encoding_name(&bench->world.space, &bench->value);
}

static const char *name_without(struct bench *bench, size_t items)
{
    struct value_edit edit;
    open_edit(bench, &edit);
    CHECK_EQ(list_remove(&edit, 0, items), ERR_NONE);
    model_remove(bench, 0, items);
    list_name_shrunk(&edit);
    commit(bench, &edit);
    return list_ops.encoding_name(&bench->world.space, &bench->value);
}

/* 7 bytes of frame and 18 an item of 16: 454 fill 8179, and one more adds its 16 bytes alone. */
TEST(list_name_goes_by_bytes)
{
    struct bench *bench = bench_new();
    CHECK(strcmp(name_after(bench, 454, 16), "listpack") == 0);
    CHECK(strcmp(name_after(bench, 1, 16), "quicklist") == 0);
    CHECK(strcmp(name_without(bench, 227), "quicklist") == 0); /* 228: 4111 */
    CHECK(strcmp(name_without(bench, 1), "listpack") == 0);    /* 227: 4093 */
    bench_drop(bench);
}

TEST(list_name_goes_by_count)
{
    struct bench *bench = bench_new();
    bench->world.limits.list_listpack_size = 10;
    CHECK(strcmp(name_after(bench, 10, 5), "listpack") == 0);
    CHECK(strcmp(name_after(bench, 1, 5), "quicklist") == 0);
    CHECK(strcmp(name_without(bench, 5), "quicklist") == 0);
    CHECK(strcmp(name_without(bench, 1), "listpack") == 0);
    CHECK(strcmp(name_after(bench, 1, 9000), "quicklist") == 0);
    bench_drop(bench);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The arena refuses from some point on: each change is made whole or not at all. */
TEST(list_without_memory_stays)
{
    struct bench *bench = bench_new();
    run_steps(bench, 100, 7);
    for (uint64_t fail = 0; fail < 3; fail++) {
        struct value_edit edit;
        struct list list;
        open_edit(bench, &edit);
        memory_fail_after(fail);
        enum err err = list_push(&edit, LIST_HEAD, BYTES("one more"));
        memory_fail_after(UINT64_MAX);
        list_of_edit(&edit, &list);
        if (err == ERR_NONE)
            model_insert(bench, 0, BYTES("one more"));
        commit(bench, &edit);
        compare(bench);
    }
    bench_drop(bench);
}

enum change_kind { PUSH_HEAD, PUSH_TAIL, INSERT, SET, REMOVE, REMOVE_EQUAL, CHANGE_KINDS };

struct change {
    enum change_kind kind;
    size_t rank, count;
    struct bytes text;
    uint64_t removed;
};

/* A change that the list as it is allows. */
static struct change draw_change(struct bench *bench)
{
    struct change change = { .kind = (enum change_kind)below(bench, CHANGE_KINDS) };
    if (bench->count == 0 || (bench->count < 1000 && below(bench, 3) == 0))
        change.kind = below(bench, 2) == 0 ? PUSH_HEAD : PUSH_TAIL;
    if (bench->count > 2000)
        change.kind = REMOVE;
    size_t places = bench->count + (change.kind == INSERT);
    change.rank = places == 0 ? 0 : (size_t)below(bench, places);
    change.count = 1 + (size_t)below(bench, 10);
    if (change.kind == REMOVE && change.count > bench->count - change.rank)
        change.count = bench->count - change.rank;
    change.text = draw(bench);
    return change;
}

static enum err apply(struct value_edit *edit, struct change *change)
{
    switch (change->kind) {
    case PUSH_HEAD:
        return list_push(edit, LIST_HEAD, change->text);
    case PUSH_TAIL:
        return list_push(edit, LIST_TAIL, change->text);
    case INSERT:
        return list_insert(edit, change->rank, change->text);
    case SET:
        return list_set(edit, change->rank, change->text);
    case REMOVE:
        return list_remove(edit, change->rank, change->count);
    case REMOVE_EQUAL:
    case CHANGE_KINDS:
    default:
        return list_remove_equal(edit, change->text, change->count, LIST_TAIL, &change->removed);
    }
}

static void apply_to_model(struct bench *bench, const struct change *change)
{
    if (change->kind == REMOVE_EQUAL)
        CHECK_EQ(change->removed,
                 model_remove_equal(bench, change->text, change->count, LIST_TAIL));
    if (change->kind == SET || change->kind == REMOVE)
        model_remove(bench, change->rank, change->kind == SET ? 1 : change->count);
    if (change->kind == PUSH_HEAD)
        model_insert(bench, 0, change->text);
    else if (change->kind == PUSH_TAIL)
        model_insert(bench, bench->count, change->text);
    else if (change->kind == INSERT || change->kind == SET)
        model_insert(bench, change->rank, change->text);
}

/* Each block that it asks for is refused in turn, alone or with all behind it; how many were. */
static unsigned change_refused(struct bench *bench)
{
    struct heap *heap = bench->world.heap;
    struct change change = draw_change(bench);
    for (unsigned takes = 0;; takes++) {
        struct value_edit edit;
        CHECK(takes < 100);
        open_edit(bench, &edit);
        heap_refuse_after(heap, takes, below(bench, 2) == 0);
        enum err err = apply(&edit, &change);
        heap_refuse_after(heap, UINT64_MAX, false);
        if (err == ERR_NONE) {
            apply_to_model(bench, &change);
            commit(bench, &edit);
            return takes;
        }
        CHECK_EQ(err, ERR_MEMORY);
        edit_abandon(&edit);
        arena_reset(&bench->world.arena);
        compare(bench);
    }
}

TEST(list_stays_where_the_heap_refuses)
{
    struct bench *bench = bench_new();
    unsigned refused = 0;
    bool checks = heap_refuse_after(bench->world.heap, UINT64_MAX, false);
    bench->long_share = 50;
    for (unsigned i = 0; i < 1200; i++) {
        refused += change_refused(bench);
        if (i % 16 == 0)
            compare(bench);
    }
    CHECK(!checks || refused > 50);
    bench_drop(bench);
}
