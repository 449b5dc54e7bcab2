/* Values made of parts: what is refused, what they are called, and that nothing is left over. */
#include "base/memory.h"
#include "harness.h"
#include "types/parts.h"
#include "types_conformance.h"

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
