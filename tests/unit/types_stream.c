/* Streams beside a naive model: an array of entries, an array of what is pending. */
#include "base/memory.h"
#include "fault_site.h"
#include "harness.h"
#include "types/stream_group.h"
#include "types_conformance.h"

#include <stdio.h>

enum { ENTRIES_MAX = 3000, PAIRS_MAX = 4, GROUPS = 3, CONSUMERS = 4 };

struct model_entry {
    struct stream_id id;
    uint32_t fields, form; /* the strings follow from form and id */
};

struct model_pending {
    struct stream_id id;
    uint32_t consumer;
    int64_t time_ms;
    uint64_t count;
};

struct model {
    struct type_world world;
    struct root *root;
    struct stream stream;
    struct model_entry entries[ENTRIES_MAX];
    uint32_t count;
    struct model_pending pending[GROUPS][ENTRIES_MAX];
    uint32_t pending_count[GROUPS];
    struct stream_id last;
};

/* --- the strings of an entry, from its form --------------------------------------------------- */

struct texts {
    char at[2 * PAIRS_MAX][40];
    struct bytes strings[2 * PAIRS_MAX];
    uint8_t *big;
};

enum { BIG_BYTES = PACKED_INSIDE_MAX + 1000 };

static void make_texts(struct texts *texts, const struct model_entry *entry)
{
    for (uint32_t i = 0; i < entry->fields; i++) {
        int field = snprintf(texts->at[2 * i], 40, "field-%u", entry->form % 3 + i);
        int value = snprintf(texts->at[2 * i + 1], 40, entry->form % 2 == 0 ? "%llu" : "v%llu",
                             (unsigned long long)entry->id.seq + i);
        texts->strings[2 * i] = bytes_of(texts->at[2 * i], (size_t)field);
        texts->strings[2 * i + 1] = bytes_of(texts->at[2 * i + 1], (size_t)value);
    }
    if (entry->form % 50 == 7) {
        memset(texts->big, (int)entry->id.seq & 0xff, BIG_BYTES);
        texts->strings[1] = bytes_of(texts->big, BIG_BYTES);
    }
    if (entry->form % 97 == 11) {
        memset(texts->big, 'f', BIG_BYTES);
        texts->strings[0] = bytes_of(texts->big, BIG_BYTES);
    }
}

static void check_entry(const struct model *model, struct stream_entry *found,
                        const struct model_entry *wanted, struct texts *texts)
{
    const uint8_t *field, *value;
    uint8_t digits[NUMBER_I64_MAX];
    CHECK(stream_id_compare(found->id, wanted->id) == 0);
    CHECK_EQ(found->fields, wanted->fields);
    make_texts(texts, wanted);
    for (uint32_t i = 0; i < wanted->fields; i++) {
        CHECK(stream_entry_pair(found, &field, &value));
        CHECK_BYTES(packed_view(&model->world.space, field, digits), texts->strings[2 * i]);
        CHECK_BYTES(packed_view(&model->world.space, value, digits), texts->strings[2 * i + 1]);
    }
    CHECK(!stream_entry_pair(found, &field, &value));
}

/* --- steps ------------------------------------------------------------------------------------ */

static uint64_t below(struct model *model, uint64_t bound)
{
    return rng_below(&model->world.rng, bound);
}

static void append(struct model *model, struct texts *texts)
{
    if (model->count == ENTRIES_MAX)
        return;
    struct model_entry *entry = &model->entries[model->count];
    *entry = (struct model_entry){ .id = model->last,
                                   .fields = (uint32_t)(1 + below(model, PAIRS_MAX)),
                                   .form = (uint32_t)below(model, 1000) };
    if (below(model, 3) == 0)
        entry->id = (struct stream_id){ entry->id.ms + 1 + below(model, 100000), below(model, 3) };
    else
        entry->id.seq += 1 + below(model, 3);
    make_texts(texts, entry);
    CHECK_EQ(stream_append(&model->stream, &model->world.arena, entry->id, texts->strings,
                           entry->fields),
             ERR_NONE);
    arena_reset(&model->world.arena);
    model->last = entry->id;
    model->count++;
}

static struct stream_id some_id(struct model *model)
{
    if (model->count == 0 || below(model, 8) == 0)
        return (struct stream_id){ below(model, model->last.ms + 10), below(model, 5) };
    return model->entries[below(model, model->count)].id;
}

static uint32_t index_from(const struct model *model, struct stream_id id)
{
    uint32_t i = 0;
    while (i < model->count && stream_id_compare(model->entries[i].id, id) < 0)
        i++;
    return i;
}

static void take_out(struct model *model, uint32_t at, uint32_t count)
{
    memmove(&model->entries[at], &model->entries[at + count],
            (model->count - at - count) * sizeof model->entries[0]);
    model->count -= count;
}

static void remove_one(struct model *model)
{
    struct stream_id id = some_id(model);
    uint32_t at = index_from(model, id);
    bool there = at < model->count && stream_id_compare(model->entries[at].id, id) == 0;
    CHECK_EQ(stream_has(&model->stream, id), there);
    CHECK_EQ(stream_remove(&model->stream, id), there);
    if (there)
        take_out(model, at, 1);
}

static void trim(struct model *model)
{
    struct stream_trim trim = { .by = below(model, 2) == 0 ? STREAM_TRIM_LENGTH : STREAM_TRIM_ID,
                                .whole_nodes = below(model, 2) == 0,
                                .length = below(model, model->count + 2),
                                .id = some_id(model) };
    uint32_t most = trim.by == STREAM_TRIM_ID    ? index_from(model, trim.id)
                    : model->count > trim.length ? model->count - (uint32_t)trim.length
                                                 : 0;
    uint64_t removed = stream_trim(&model->stream, &trim);
    CHECK(trim.whole_nodes ? removed <= most : removed == most);
    take_out(model, 0, (uint32_t)removed);
}

static void walk(struct model *model, struct texts *texts)
{
    struct stream_walk walk;
    struct stream_entry entry;
    struct stream_id from = some_id(model), to = some_id(model);
    uint32_t at = index_from(model, from), end = index_from(model, to);
    end += end < model->count && stream_id_compare(model->entries[end].id, to) == 0;
    stream_walk_begin(&walk, &model->stream, from, to, false);
    for (uint32_t i = at; i < end && stream_id_compare(from, to) <= 0; i++) {
        CHECK(stream_walk_next(&walk, &entry));
        check_entry(model, &entry, &model->entries[i], texts);
    }
    CHECK(!stream_walk_next(&walk, &entry));
    stream_walk_begin(&walk, &model->stream, from, to, true);
    for (uint32_t i = end; i > at && stream_id_compare(from, to) <= 0; i--) {
        CHECK(stream_walk_next(&walk, &entry));
        check_entry(model, &entry, &model->entries[i - 1], texts);
    }
    CHECK(!stream_walk_next(&walk, &entry));
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct bytes consumer_text(uint32_t number)
{
    static const char *const names[CONSUMERS] = { "alice-with-a-long-name-1",
                                                  "alice-with-a-long-name-2", "", "bob" };
    return bytes_of_text(names[number]);
}

static struct bytes group_text(uint32_t number)
{
    static const char *const names[GROUPS] = { "g", "group-of-many-letters",
                                               "group-of-many-lette" };
    return bytes_of_text(names[number]);
}

static void open_group(struct model *model, uint32_t number, struct group *group)
{
    if (group_find(&model->stream, group_text(number), group))
        return;
    CHECK_EQ(group_create(&model->stream, group_text(number), STREAM_ID_ZERO, 0), ERR_NONE);
    CHECK_EQ(group_create(&model->stream, group_text(number), STREAM_ID_ZERO, 0), ERR_EXISTS);
    CHECK(group_find(&model->stream, group_text(number), group));
}

static uint32_t pending_index(const struct model *model, uint32_t group, struct stream_id id)
{
    uint32_t i = 0;
    while (i < model->pending_count[group] &&
           stream_id_compare(model->pending[group][i].id, id) < 0)
        i++;
    return i;
}

static void put_pending(struct model *model, uint32_t number)
{
    struct group group;
    struct consumer consumer;
    struct model_pending *all = model->pending[number];
    uint32_t *count = &model->pending_count[number];
    struct model_pending one = { some_id(model), (uint32_t)below(model, CONSUMERS),
                                 (int64_t)below(model, 1000000), below(model, 5) };
    if (*count == ENTRIES_MAX)
        return;
    open_group(model, number, &group);
    if (!consumer_find(&group, consumer_text(one.consumer), &consumer))
        CHECK_EQ(consumer_create(&group, consumer_text(one.consumer), 5, &consumer), ERR_NONE);
    struct pending pending = { one.id, consumer.root->head.id, one.time_ms, one.count };
    CHECK_EQ(pending_put(&group, &pending), ERR_NONE);
    uint32_t at = pending_index(model, number, one.id);
    if (at == *count || stream_id_compare(all[at].id, one.id) != 0) {
        memmove(&all[at + 1], &all[at], (*count - at) * sizeof *all);
        ++*count;
    }
    all[at] = one;
}

static void acknowledge(struct model *model, uint32_t number)
{
    struct group group;
    struct model_pending *all = model->pending[number];
    uint32_t *count = &model->pending_count[number];
    struct stream_id id =
        *count > 0 && below(model, 4) > 0 ? all[below(model, *count)].id : some_id(model);
    uint32_t at = pending_index(model, number, id);
    bool there = at < *count && stream_id_compare(all[at].id, id) == 0;
    open_group(model, number, &group);
    CHECK_EQ(pending_remove(&group, id), there);
    if (there)
        memmove(&all[at], &all[at + 1], (--*count - at) * sizeof *all);
}

static void drop_consumer(struct model *model, uint32_t number)
{
    struct group group;
    struct consumer consumer;
    uint32_t name = (uint32_t)below(model, CONSUMERS), kept = 0;
    struct model_pending *all = model->pending[number];
    open_group(model, number, &group);
    if (!consumer_find(&group, consumer_text(name), &consumer))
        return;
    for (uint32_t i = 0; i < model->pending_count[number]; i++) {
        if (all[i].consumer != name)
            all[kept++] = all[i];
    }
    CHECK_EQ(consumer_delete(&group, &consumer), model->pending_count[number] - kept);
    CHECK(!consumer_find(&group, consumer_text(name), &consumer));
    model->pending_count[number] = kept;
}

static void drop_group(struct model *model, uint32_t number)
{
    struct group group;
    struct value value;
    uint8_t body[sizeof(uint32_t)];
    open_group(model, number, &group);
    group_detach(&model->stream, group_text(number), &value, body);
    value_drop(&model->world.space, &value);
    CHECK(!group_find(&model->stream, group_text(number), &group));
    model->pending_count[number] = 0;
}

static void check_pending(struct model *model, uint32_t number)
{
    struct group group;
    struct pending found;
    struct stream_id from = STREAM_ID_ZERO;
    uint64_t by_consumer[CONSUMERS] = { 0 };
    open_group(model, number, &group);
    CHECK_EQ(group_pending_count(&group), model->pending_count[number]);
    for (uint32_t i = 0; i < model->pending_count[number]; i++) {
        const struct model_pending *wanted = &model->pending[number][i];
        CHECK(pending_from(&group, NULL, from, &found));
        CHECK(stream_id_compare(found.id, wanted->id) == 0);
        CHECK_EQ(found.time_ms, wanted->time_ms);
        CHECK_EQ(found.count, wanted->count);
        CHECK_BYTES(stream_name_of(&model->world.space, found.consumer),
                    consumer_text(wanted->consumer));
        by_consumer[wanted->consumer]++;
        from = found.id;
        CHECK(stream_id_next(&from));
    }
    CHECK(!pending_from(&group, NULL, from, &found));
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        struct consumer consumer;
        if (consumer_find(&group, consumer_text(i), &consumer))
            CHECK_EQ(consumer_pending_count(&consumer), by_consumer[i]);
        else
            CHECK_EQ(by_consumer[i], 0);
    }
}

/* --- all together ----------------------------------------------------------------------------- */

static void count_blocks(void *context, uint64_t ref)
{
    (void)ref;
    *(uint64_t *)context += 1;
}

static void check_whole(struct model *model)
{
    uint32_t id = model->root->head.id;
    struct value value = { VALUE_STREAM, 0, bytes_of(&id, sizeof id) };
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < GROUPS; i++)
        check_pending(model, i);
    stream_ops.each_ref(&model->world.space, &value, count_blocks, &blocks);
    CHECK_EQ(blocks, type_blocks(&model->world));
    type_conforms(&model->world, &value, blocks, type_allocated(&model->world));
    struct stream_id none = STREAM_ID_ZERO;
    CHECK_EQ(stream_count(&model->stream), model->count);
    CHECK(stream_id_compare(stream_first_id(&model->stream),
                            model->count > 0 ? model->entries[0].id : none) == 0);
    CHECK(stream_id_compare(stream_last_id(&model->stream),
                            model->count > 0 ? model->entries[model->count - 1].id : none) == 0);
}

static void step(struct model *model, struct texts *texts)
{
    uint64_t chance = below(model, 100);
    uint32_t group = (uint32_t)below(model, GROUPS);
    if (chance < 50)
        append(model, texts);
    else if (chance < 62)
        remove_one(model);
    else if (chance < 63)
        trim(model);
    else if (chance < 68)
        walk(model, texts);
    else if (chance < 86)
        put_pending(model, group);
    else if (chance < 97)
        acknowledge(model, group);
    else if (below(model, 20) == 0)
        drop_group(model, group);
    else if (below(model, 5) == 0)
        drop_consumer(model, group);
}

static void run_model(uint64_t node_bytes, int64_t node_entries, unsigned steps)
{
    struct model *model = memory_take_zeroed(sizeof *model);
    struct texts texts;
    texts.big = memory_take(BIG_BYTES);
    CHECK(model != NULL && texts.big != NULL);
    type_world_init(&model->world);
    model->world.limits.stream_node_bytes = node_bytes;
    model->world.limits.stream_node_entries = node_entries;
    model->root = stream_new(&model->world.space);
    CHECK(model->root != NULL);
    stream_open(&model->stream, &model->world.space, model->root);
    for (unsigned i = 0; i < steps; i++) {
        step(model, &texts);
        if (i % (steps / 10) == 0)
            check_whole(model);
    }
    check_whole(model);
    uint32_t id = model->root->head.id;
    struct value value = { VALUE_STREAM, 0, bytes_of(&id, sizeof id) };
    value_drop(&model->world.space, &value);
    type_world_release(&model->world);
    memory_give(texts.big);
    memory_give(model);
}

TEST(stream_as_a_model)
{
    run_model(4096, 100, 6000);
    run_model(0, 3, 3000);
    run_model(200, 0, 3000);
    run_model(0, 0, 2000);
}

/* Where nodes of Redis 7 begin and end, told by XINFO STREAM's radix-tree-keys. */
TEST(stream_nodes_end_where_a_listpack_would)
{
    static const struct {
        uint64_t bytes;
        int64_t entries;
        unsigned count;
        const char *value;
        uint32_t nodes;
    } rows[] = {
        { 4096, 100, 100, "v", 1 }, { 4096, 100, 101, "v", 2 },   { 4096, 0, 1000, "v", 3 },
        { 0, 0, 1000, "v", 1 },     { 60, 100, 50, "value", 25 }, { 1, 1, 10, "value", 10 },
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct type_world world;
        type_world_init(&world);
        world.limits.stream_node_bytes = rows[row].bytes;
        world.limits.stream_node_entries = rows[row].entries;
        struct stream stream;
        struct root *root = stream_new(&world.space);
        CHECK(root != NULL);
        stream_open(&stream, &world.space, root);
        struct bytes strings[] = { BYTES("field"), bytes_of_text(rows[row].value) };
        for (unsigned i = 0; i < rows[row].count; i++)
            CHECK_EQ(
                stream_append(&stream, &world.arena, (struct stream_id){ 1, i + 1 }, strings, 1),
                ERR_NONE);
        uint32_t leaves = 0;
        for (const struct node *node = tree_first(&stream.entries); node != NULL;
             node = tree_next(&stream.entries, node))
            leaves++;
        CHECKF(leaves == rows[row].nodes, "row %zu: %u", row, leaves);
        uint32_t id = root->head.id;
        value_drop(&world.space, &(struct value){ VALUE_STREAM, 0, bytes_of(&id, sizeof id) });
        type_world_release(&world);
    }
}

/* --- ids -------------------------------------------------------------------------------------- */

TEST(stream_ids_are_read_as_redis_does)
{
    static const struct {
        const char *text;
        unsigned form;
        bool good;
        struct stream_id id;
    } rows[] = {
        { "0-0", 0, true, { 0, 0 } },
        { "5", 0, true, { 5, 7 } },
        { "18446744073709551615-18446744073709551615", 0, true, { UINT64_MAX, UINT64_MAX } },
        { "18446744073709551616-0", 0, false, { 0, 0 } },
        { "1-18446744073709551616", 0, false, { 0, 0 } },
        { "-", 0, false, { 0, 0 } },
        { "+", 0, false, { 0, 0 } },
        { "-", STREAM_ID_ENDS, true, { 0, 0 } },
        { "+", STREAM_ID_ENDS, true, { UINT64_MAX, UINT64_MAX } },
        { "-1-1", 0, false, { 0, 0 } },
        { "1-", 0, false, { 0, 0 } },
        { "", 0, false, { 0, 0 } },
        { "1--1", 0, false, { 0, 0 } },
        { "1-*", 0, false, { 0, 0 } },
        { "1-*", STREAM_ID_AUTO, true, { 1, 0 } },
        { "007- +8", 0, true, { 7, 8 } },
        { "1-1x", 0, false, { 0, 0 } },
        { "1-1-1", 0, false, { 0, 0 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream_id id = { 0, 0 };
        bool given = false;
        bool good = stream_id_read(bytes_of_text(rows[i].text), 7, rows[i].form, &id, &given);
        CHECKF(good == rows[i].good && stream_id_compare(id, rows[i].id) == 0, "%s", rows[i].text);
        CHECK_EQ(given, good && rows[i].form != STREAM_ID_AUTO);
    }
    struct stream_id end = STREAM_ID_MAX, begin = STREAM_ID_ZERO, middle = { 1, UINT64_MAX };
    CHECK(!stream_id_next(&end) && !stream_id_previous(&begin) && stream_id_next(&middle));
    CHECK(middle.ms == 2 && middle.seq == 0 && stream_id_previous(&middle) && middle.ms == 1);
}

/* --- images from outside ---------------------------------------------------------------------- */

TEST(stream_hostile_images)
{
    struct type_world world;
    struct stream stream;
    struct group group;
    struct consumer consumer;
    struct buffer image = { 0 };
    type_world_init(&world);
    struct root *root = stream_new(&world.space);
    CHECK(root != NULL);
    stream_open(&stream, &world.space, root);
    struct bytes strings[] = { BYTES("a"), BYTES("12"), BYTES("b"), BYTES("x") };
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(stream_append(&stream, &world.arena, (struct stream_id){ 3, i + 1 },
                               strings + i / 2, 1),
                 ERR_NONE);
    CHECK_EQ(group_create(&stream, BYTES("g"), (struct stream_id){ 3, 2 }, 2), ERR_NONE);
    CHECK(group_find(&stream, BYTES("g"), &group));
    CHECK_EQ(consumer_create(&group, BYTES("c"), 9, &consumer), ERR_NONE);
    struct pending pending = { { 3, 1 }, consumer.root->head.id, 10, 1 };
    CHECK_EQ(pending_put(&group, &pending), ERR_NONE);
    uint32_t id = root->head.id;
    struct value value = { VALUE_STREAM, 0, bytes_of(&id, sizeof id) };
    CHECK_EQ(stream_ops.encode(&world.space, &value, &image), ERR_NONE);
    type_hostile_images(&world, VALUE_STREAM, buffer_view(&image), 20000);
    buffer_release(&image);
    value_drop(&world.space, &value);
    type_world_release(&world);
}
