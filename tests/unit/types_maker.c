/* Values made of parts: what is refused, what they are called, and that nothing is left over. */
#include "base/memory.h"
#include "harness.h"
#include "persist_parts.h"
#include "types_changes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct part part_of(enum part_kind kind, const char *text)
{
    return (struct part){ .kind = kind,
                          .text = { (const uint8_t *)text, strlen(text) },
                          .expiry = VALUE_NEVER };
}

static struct part part_with_id(enum part_kind kind, uint64_t ms)
{
    return (struct part){ .kind = kind, .id = { ms, 1 } };
}

/* Makes a value of the parts; where that is ERR_NONE it is dropped again, and `name`, unless NULL,
 * is its encoding's. */
static void check_make(struct type_world *world, unsigned type, const struct part *parts,
                       size_t count, enum err wanted, const char *name)
{
    struct value value;
    struct buffer body = { 0 };
    struct maker *maker = maker_new(&world->space, type, count);
    CHECK(maker != NULL);
    enum err err = ERR_NONE;
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = maker_take(maker, &parts[i]);
    enum err last = maker_finish(maker, &value, &body);
    CHECK(err == ERR_NONE || last == err); /* it stays with what it said */
    CHECK_EQ(last, wanted);
    maker_drop(maker);
    if (last == ERR_NONE) {
        const struct type_ops *ops = type_ops(type);
        CHECK(ops->valid(&world->space, &value));
        if (name != NULL)
            CHECK(strcmp(ops->encoding_name(&world->space, &value), name) == 0);
        value_drop(&world->space, &value);
    }
    buffer_release(&body);
    CHECK_EQ(type_blocks(world), 0);
}

#define CHECK_MAKE(world, type, wanted, name, ...)                                                 \
    do {                                                                                           \
        const struct part made_of[] = { __VA_ARGS__ };                                             \
        check_make(world, type, made_of, sizeof made_of / sizeof made_of[0], wanted, name);        \
    } while (0)

TEST(maker_refuses_what_is_no_value)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned type = 0; type < VALUE_TYPES; type++) {
        check_make(&world, type, NULL, 0, ERR_SYNTAX, NULL);
        for (unsigned kind = 0; kind <= PART_OWNED; kind++) {
            struct part part = part_of((enum part_kind)kind, "text");
            bool fits = (type == VALUE_STRING && kind == PART_TEXT) ||
                        (type == VALUE_LIST && kind == PART_ITEM) ||
                        (type == VALUE_SET && kind == PART_MEMBER) ||
                        (type == VALUE_ZSET && kind == PART_SCORED) ||
                        (type == VALUE_HASH && kind == PART_FIELD) ||
                        (type == VALUE_STREAM && kind == PART_STREAM);
            check_make(&world, type, &part, 1, fits ? ERR_NONE : ERR_SYNTAX, NULL);
        }
    }
    struct part member = part_of(PART_MEMBER, "m"), field = part_of(PART_FIELD, "f");
    struct part scored = part_of(PART_SCORED, "m"), text = part_of(PART_TEXT, "12");
    CHECK_MAKE(&world, VALUE_SET, ERR_SYNTAX, NULL, member, member);
    CHECK_MAKE(&world, VALUE_HASH, ERR_SYNTAX, NULL, field, field);
    CHECK_MAKE(&world, VALUE_ZSET, ERR_SYNTAX, NULL, scored, scored);
    scored.score = (double)NAN;
    CHECK_MAKE(&world, VALUE_ZSET, ERR_SYNTAX, NULL, scored);
    field.expiry = -1;
    CHECK_MAKE(&world, VALUE_HASH, ERR_SYNTAX, NULL, field);
    field.expiry = INT64_MAX - 1;
    CHECK_MAKE(&world, VALUE_HASH, ERR_SYNTAX, NULL, field);
    text.text.count = (size_t)513 * 1024 * 1024; /* is not looked at */
    CHECK_MAKE(&world, VALUE_STRING, ERR_SYNTAX, NULL, text);
    text.kind = PART_ITEM;
    CHECK_MAKE(&world, VALUE_LIST, ERR_SYNTAX, NULL, text);
    type_world_release(&world);
}

TEST(maker_refuses_what_is_no_stream)
{
    struct type_world world;
    const struct bytes strings[] = { BYTES("f"), BYTES("v"), BYTES("odd") };
    type_world_init(&world);
    struct part entry = part_with_id(PART_ENTRY, 5), state = part_with_id(PART_STREAM, 9);
    struct part group = part_of(PART_GROUP, "g"), consumer = part_of(PART_CONSUMER, "c");
    struct part pending = part_with_id(PART_PENDING, 5), owned = part_with_id(PART_OWNED, 5);
    struct part early = part_with_id(PART_STREAM, 4), node = { .kind = PART_NODE, .count = 77 };
    struct part other = part_with_id(PART_OWNED, 6), later = part_with_id(PART_ENTRY, 6);
    entry.strings = later.strings = strings;
    entry.count = later.count = 2;
    CHECK_MAKE(&world, VALUE_STREAM, ERR_NONE, "stream", entry, later, state);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_NONE, "stream", state, node, node, entry, node, later);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_NONE, NULL, state, entry, group, pending, consumer, owned);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, entry);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, entry, early);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, state);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, later, entry);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, entry, entry);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, entry, group);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, entry);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, group);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, pending);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, pending, pending);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, consumer, consumer);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, pending, owned);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, pending, consumer, other);
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, group, pending, consumer, owned,
               owned);
    entry.count = 3;
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, entry);
    entry.count = 0;
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, entry);
    entry.count = UINT64_MAX - 1;
    CHECK_MAKE(&world, VALUE_STREAM, ERR_SYNTAX, NULL, state, entry);
    type_world_release(&world);
}

/* --- strings in pieces ------------------------------------------------------------------------ */

static void check_pieces(struct type_world *world, size_t count, size_t piece, uint64_t expected)
{
    uint8_t *content = malloc(count + 1);
    struct value value;
    struct buffer body = { 0 };
    struct digest found = { { 0 } }, wanted = { { 0 } };
    struct maker *maker = maker_new(&world->space, VALUE_STRING, expected);
    CHECK(maker != NULL && content != NULL);
    for (size_t i = 0; i < count; i++)
        content[i] = (uint8_t)rng_next(&world->rng);
    for (size_t at = 0; at < count; at += piece) {
        size_t bytes = count - at < piece ? count - at : piece;
        struct part part = { .kind = PART_TEXT, .text = { content + at, bytes } };
        CHECK_EQ(maker_take(maker, &part), ERR_NONE);
    }
    CHECK_EQ(maker_finish(maker, &value, &body), ERR_NONE);
    maker_drop(maker);
    type_ops(VALUE_STRING)->digest(&world->space, &value, &found);
    digest_mix(&wanted, bytes_of(content, count));
    CHECK(memcmp(&found, &wanted, sizeof found) == 0);
    CHECK_EQ(type_blocks(world), count > 60 * 1024);
    CHECK(type_allocated(world) < count + 64 * 1024); /* nothing stays of room for more */
    value_drop(&world->space, &value);
    buffer_release(&body);
    free(content);
}

TEST(maker_builds_strings_of_pieces_in_one_block)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned round = 0; round < 30; round++) {
        size_t count = 1 + rng_below(&world.rng, round % 3 == 0 ? 100 : 400 * 1024);
        size_t piece = 1 + rng_below(&world.rng, 70 * 1024);
        uint64_t expected[] = { 0, 1, count, 2 * count, UINT64_MAX };
        check_pieces(&world, count, piece, expected[round % 5]);
    }
    struct part digits[] = { part_of(PART_TEXT, "12"), part_of(PART_TEXT, "34") };
    check_make(&world, VALUE_STRING, digits, 2, ERR_NONE, "int");
    digits[0].text.count = digits[1].text.count = 0;
    check_make(&world, VALUE_STRING, digits, 2, ERR_NONE, "embstr");
    type_world_release(&world);
}

/* --- names ------------------------------------------------------------------------------------ */

/* `count` elements, the first of them `first_bytes` long; `plain` ones are short numbers. */
static void check_name(struct type_world *world, enum part_kind kind, uint64_t count,
                       size_t first_bytes, bool numbers, const char *name)
{
    static const unsigned types[] = { [PART_TEXT] = VALUE_STRING,
                                      [PART_ITEM] = VALUE_LIST,
                                      [PART_MEMBER] = VALUE_SET,
                                      [PART_SCORED] = VALUE_ZSET,
                                      [PART_FIELD] = VALUE_HASH };
    struct part *parts = calloc(count, sizeof *parts);
    uint8_t *texts = calloc(count, 16), *first = malloc(first_bytes + 1);
    CHECK(parts != NULL && texts != NULL && first != NULL);
    memset(first, 'x', first_bytes);
    for (uint64_t i = 0; i < count; i++) {
        char *text = (char *)texts + 16 * i;
        int bytes = snprintf(text, 16, numbers ? "%llu" : "m%llu", (unsigned long long)i);
        parts[i] = (struct part){ .kind = kind,
                                  .text = { (uint8_t *)text, (size_t)bytes },
                                  .score = (double)i,
                                  .expiry = VALUE_NEVER };
    }
    if (first_bytes > 0)
        parts[0].text = bytes_of(first, first_bytes);
    check_make(world, types[kind], parts, count, ERR_NONE, name);
    free(parts);
    free(texts);
    free(first);
}

/* Redis 7.2's, by its default limits. */
TEST(maker_names_values_as_redis_does_on_loading)
{
    struct type_world world;
    type_world_init(&world);
    check_name(&world, PART_TEXT, 1, 44, false, "embstr");
    check_name(&world, PART_TEXT, 1, 45, false, "raw");
    check_name(&world, PART_ITEM, 1, 8178, false, "listpack"); /* 8192 bytes, with all around */
    check_name(&world, PART_ITEM, 1, 8179, false, "quicklist");
    check_name(&world, PART_ITEM, 3, 40000, false, "quicklist");
    check_name(&world, PART_MEMBER, 512, 0, true, "intset");
    check_name(&world, PART_MEMBER, 513, 0, true, "hashtable");
    check_name(&world, PART_MEMBER, 128, 64, false, "listpack");
    check_name(&world, PART_MEMBER, 129, 0, false, "hashtable");
    check_name(&world, PART_MEMBER, 2, 65, true, "hashtable");
    check_name(&world, PART_MEMBER, 120, 20, true, "listpack");
    check_name(&world, PART_MEMBER, 1000, 40000, false, "hashtable");
    check_name(&world, PART_FIELD, 512, 64, true, "listpack");
    check_name(&world, PART_FIELD, 513, 0, false, "hashtable");
    check_name(&world, PART_FIELD, 2, 65, false, "hashtable");
    check_name(&world, PART_SCORED, 128, 64, false, "listpack");
    check_name(&world, PART_SCORED, 129, 0, false, "skiplist");
    check_name(&world, PART_SCORED, 1, 65, false, "skiplist");
    world.limits.list_listpack_size = 10;
    check_name(&world, PART_ITEM, 10, 0, false, "listpack");
    check_name(&world, PART_ITEM, 11, 0, false, "quicklist");
    type_world_release(&world);
}

/* --- told, made, told again ------------------------------------------------------------------- */

static void keep_part(void *context, const struct part *part)
{
    parts_add(context, part);
}

static void tell(struct type_world *world, const struct value *value, struct parts *parts,
                 struct value_summary *summary)
{
    struct teller *teller = teller_new(&world->space, value);
    CHECK(teller != NULL);
    teller_summary(teller, summary);
    while (!teller_step(teller, keep_part, parts))
        CHECK(!teller_is_spoiled(teller));
    teller_drop(teller);
}

static int compare_texts(const void *a, const void *b)
{
    const struct part *one = a, *other = b;
    return bytes_compare(one->text, other->text);
}

/* Sets and hashes are told in whatever order they stand. */
static void put_in_order(unsigned type, struct parts *parts)
{
    if (type == VALUE_SET || type == VALUE_HASH)
        qsort(parts->at, parts->count, sizeof *parts->at, compare_texts);
}

/* Of a stream, what is known only at its end comes there. */
static enum err take_all(struct maker *maker, const struct parts *parts, bool state_late)
{
    enum err err = ERR_NONE;
    bool late = state_late && parts->at[0].kind == PART_STREAM;
    for (size_t i = late; i < parts->count && err == ERR_NONE; i++) {
        if (late && parts->at[i].kind != PART_NODE && parts->at[i].kind != PART_ENTRY) {
            err = maker_take(maker, &parts->at[0]);
            late = false;
        }
        if (err == ERR_NONE)
            err = maker_take(maker, &parts->at[i]);
    }
    return late && err == ERR_NONE ? maker_take(maker, &parts->at[0]) : err;
}

static void check_made_again(struct type_world *world, const struct value *value)
{
    struct parts before = { 0 }, after = { 0 };
    struct value_summary summary, made_summary;
    struct value made;
    struct buffer body = { 0 };
    uint64_t blocks = type_blocks(world);
    tell(world, value, &before, &summary);
    bool known = rng_below(&world->rng, 2) == 0;
    struct maker *maker = maker_new(&world->space, value->type, known ? summary.count : 0);
    CHECK(maker != NULL);
    CHECK_EQ(take_all(maker, &before, rng_below(&world->rng, 2) == 0), ERR_NONE);
    CHECK_EQ(maker_finish(maker, &made, &body), ERR_NONE);
    maker_drop(maker);
    CHECK(type_ops(made.type)->valid(&world->space, &made));
    tell(world, &made, &after, &made_summary);
    put_in_order(value->type, &before);
    put_in_order(value->type, &after);
    CHECK(parts_equal(&before, &after));
    CHECK_EQ(made_summary.count, summary.count);
    CHECK_EQ(made_summary.nodes, summary.nodes);
    type_same_digest(world, value, &made, true);
    value_drop(&world->space, &made);
    CHECK_EQ(type_blocks(world), blocks);
    parts_release(&before);
    parts_release(&after);
    buffer_release(&body);
}

TEST(maker_makes_what_was_told)
{
    static const uint64_t sizes[] = { 1, 20, 100, 140, 600, 1200 };
    struct type_world world;
    type_world_init(&world);
    for (unsigned type = VALUE_LIST; type < VALUE_TYPES; type++) {
        for (unsigned i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
            struct changes changes;
            changes_init(&changes, &world, type);
            changes.runs = i % 2 == 0;
            changes_grow(&changes, sizes[i / 2]);
            if (changes.there)
                check_made_again(&world, &changes.value);
            changes_release(&changes);
        }
    }
    type_world_release(&world);
}

/* --- without memory --------------------------------------------------------------------------- */

TEST(maker_without_memory_leaves_nothing)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned type = VALUE_LIST; type < VALUE_TYPES; type++) {
        struct changes changes;
        struct parts parts = { 0 };
        struct value_summary summary;
        changes_init(&changes, &world, type);
        changes_grow(&changes, 200);
        tell(&world, &changes.value, &parts, &summary);
        changes_release(&changes);
        bool failed = true;
        for (uint64_t takes = 0; failed && takes < 200; takes++) {
            struct value value;
            struct buffer body = { 0 };
            memory_fail_after(takes);
            struct maker *maker = maker_new(&world.space, type, summary.count);
            enum err err = maker == NULL ? ERR_MEMORY : take_all(maker, &parts, false);
            if (err == ERR_NONE)
                err = maker_finish(maker, &value, &body);
            failed = memory_has_failed();
            memory_fail_after(UINT64_MAX);
            CHECK(err == ERR_NONE || (err == ERR_MEMORY && failed));
            maker_drop(maker);
            if (err == ERR_NONE)
                value_drop(&world.space, &value);
            buffer_release(&body);
            CHECK_EQ(type_blocks(&world), 0);
        }
        CHECK(!failed);
        parts_release(&parts);
    }
    type_world_release(&world);
}
