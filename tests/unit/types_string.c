/* Strings: the four encodings, their bounds, and the interface of types. */
#include "base/fault.h"
#include "base/memory.h"
#include "harness.h"
#include "types/string.h"
#include "types_conformance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void check_made(struct type_world *world, struct bytes content, int encoding,
                       const char *name)
{
    struct string_scratch scratch, digits;
    struct value value;
    CHECK_EQ(string_make(world->heap, content, &scratch, &value), ERR_NONE);
    CHECKF(value.encoding == encoding, "\"%.*s\" is %d, wanted %d", (int)content.count,
           (const char *)content.at, value.encoding, encoding);
    CHECK(strcmp(string_ops.encoding_name(&world->space, &value), name) == 0);
    CHECK_BYTES(string_view(world->heap, &value, &digits), content);
    CHECK_EQ(string_count(world->heap, &value), content.count);
    type_conforms(world, &value, encoding == STRING_BIG, string_ops.bytes(&world->space, &value));
    value_drop(&world->space, &value);
}

static void check_text(struct type_world *world, const char *text, int encoding, const char *name)
{
    check_made(world, bytes_of_text(text), encoding, name);
}

TEST(string_encodings)
{
    struct type_world world;
    type_world_init(&world);
    check_text(&world, "0", STRING_INT, "int");
    check_text(&world, "-1", STRING_INT, "int");
    check_text(&world, "9223372036854775807", STRING_INT, "int");
    check_text(&world, "-9223372036854775808", STRING_INT, "int");
    check_text(&world, "9223372036854775808", STRING_RAW, "embstr");
    check_text(&world, "-9223372036854775809", STRING_RAW, "embstr");
    check_text(&world, "99999999999999999999", STRING_RAW, "embstr");
    check_text(&world, "", STRING_RAW, "embstr");
    check_text(&world, "-", STRING_RAW, "embstr");
    check_text(&world, "-0", STRING_RAW, "embstr");
    check_text(&world, "00", STRING_RAW, "embstr");
    check_text(&world, "+1", STRING_RAW, "embstr");
    check_text(&world, " 1", STRING_RAW, "embstr");
    check_text(&world, "1 ", STRING_RAW, "embstr");
    check_text(&world, "1e3", STRING_RAW, "embstr");
    check_made(&world, bytes_of("1\0", 2), STRING_RAW, "embstr");
    check_text(&world, "12345678901234567890123456789012345678901234", STRING_RAW, "embstr");
    check_text(&world, "123456789012345678901234567890123456789012345", STRING_RAW, "raw");
    type_world_release(&world);
}

/* As few bytes as hold the number, at every power of two and around it. */
TEST(string_integer_widths)
{
    struct type_world world;
    type_world_init(&world);
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int64_t offset = -2; offset <= 2; offset++) {
            int64_t number = (int64_t)(((uint64_t)1 << shift) + (uint64_t)offset);
            char digits[32];
            struct string_scratch scratch;
            struct value value;
            int64_t back = 0;
            snprintf(digits, sizeof digits, "%" PRId64, number);
            string_make_int(number, &scratch, &value);
            size_t width = 1;
            while (width < 8 && (number < -(INT64_C(1) << (8 * width - 1)) ||
                                 number >= INT64_C(1) << (8 * width - 1)))
                width++;
            CHECK_EQ(value.body.count, width);
            CHECK(string_read_i64(world.heap, &value, &back));
            CHECK_EQ(back, number);
            check_text(&world, digits, STRING_INT, "int");
        }
    }
    type_world_release(&world);
}

TEST(string_lengths)
{
    static const size_t lengths[] = { 1,
                                      255,
                                      256,
                                      4095,
                                      4096,
                                      STRING_INLINE_MAX - 1,
                                      STRING_INLINE_MAX,
                                      STRING_INLINE_MAX + 1,
                                      65535,
                                      65536,
                                      65537,
                                      70000,
                                      131072,
                                      3000001 };
    struct type_world world;
    type_world_init(&world);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *content = memory_take(lengths[i]);
        CHECK(content != NULL);
        for (size_t k = 0; k < lengths[i]; k++)
            content[k] = (uint8_t)(rng_next(&world.rng) | 0x80);
        check_made(&world, bytes_of(content, lengths[i]),
                   lengths[i] > STRING_INLINE_MAX ? STRING_BIG : STRING_RAW,
                   lengths[i] > 44 ? "raw" : "embstr");
        memory_give(content);
    }
    type_world_release(&world);
}

/* The same content has the same digest in every encoding. */
TEST(string_digest_is_of_content)
{
    struct type_world world;
    type_world_init(&world);
    struct string_scratch one, other;
    struct value integer, raw, edited, different;
    string_make_int(12345, &one, &integer);
    CHECK_EQ(string_make_raw(world.heap, BYTES("12345"), STRING_RAW, &other, &raw), ERR_NONE);
    CHECK_EQ(string_make_raw(world.heap, BYTES("12345"), STRING_APPENDED, &other, &edited),
             ERR_NONE);
    CHECK_EQ(string_make_raw(world.heap, BYTES("12346"), STRING_RAW, &other, &different), ERR_NONE);
    type_same_digest(&world, &integer, &raw, true);
    type_same_digest(&world, &integer, &edited, true);
    type_same_digest(&world, &integer, &different, false);
    CHECK(strcmp(string_ops.encoding_name(&world.space, &edited), "raw") == 0);
    type_conforms(&world, &edited, 0, 0);
    type_world_release(&world);
}

TEST(string_reads_integers_strictly)
{
    struct type_world world;
    type_world_init(&world);
    static const struct {
        const char *text;
        bool is_integer;
    } rows[] = { { "12", true },
                 { "-9223372036854775808", true },
                 { "9223372036854775808", false },
                 { "", false },
                 { "1.0", false },
                 { "012", false },
                 { "abc", false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct value value = { VALUE_STRING, STRING_APPENDED, bytes_of_text(rows[i].text) };
        int64_t number = 0;
        CHECK_EQ(string_read_i64(world.heap, &value, &number), rows[i].is_integer);
        if (rows[i].is_integer)
            CHECK_EQ(number, strtoll(rows[i].text, NULL, 10));
    }
    type_world_release(&world);
}

/* A big string grows by zeros and keeps what it had, wherever its run goes. */
TEST(string_big_resizes)
{
    struct type_world world;
    type_world_init(&world);
    struct string_scratch scratch;
    struct value value;
    uint8_t body[STRING_BODY_MAX], *at;
    size_t count = STRING_INLINE_MAX + 1;
    CHECK_EQ(string_make_big(world.heap, count, &scratch, &value, &at), ERR_NONE);
    memcpy(body, value.body.at, value.body.count);
    value.body.at = body;
    for (unsigned round = 0; round < 60; round++) {
        for (size_t i = 0; i < count; i++)
            CHECK(at[i] == (i == 0 ? (uint8_t)round : 0));
        size_t grown = round % 3 == 2 ? count - (count - STRING_INLINE_MAX - 1) / 2
                                      : count + rng_below(&world.rng, 150000);
        at[0] = (uint8_t)(round + 1);
        memset(at + count - 1, 0xee, 1); /* shows where zeros are not written on growing */
        at[count - 1] = 0;
        at = string_big_resize(world.heap, body, grown);
        CHECK(at != NULL && at == string_big_at(world.heap, body));
        count = grown;
        CHECK_EQ(string_count(world.heap, &value), count);
        CHECK(string_ops.valid(&world.space, &value));
    }
    type_conforms(&world, &value, 1, string_ops.bytes(&world.space, &value));
    value_drop(&world.space, &value);
    type_world_release(&world);
}

TEST(string_hostile_images)
{
    struct type_world world;
    type_world_init(&world);
    type_hostile_images(&world, VALUE_STRING, BYTES("-1234567890123456789"), 3000);
    type_world_release(&world);
}

/* No memory for the run, or for the copy of the body: an error, and nothing is held. */
TEST(string_without_memory)
{
    struct type_world world;
    type_world_init(&world);
    struct fault_seam fault;
    fault_seam_init(&fault, &world.seam);
    static const char *const names[BLOCK_KINDS] = { "keys", "expiring-keys", "values", "nodes" };
    struct heap *heap = heap_new(&fault.seam, &(struct heap_options){ names, BLOCK_KINDS, 0 });
    CHECK(heap != NULL);
    struct space space;
    space_init(&space, heap, &(struct hash_seed){ 1, 2 }, &world.rng, &world.limits);
    fault_seam_plan(&fault, &(struct fault_plan){ FAULT_PAGES, 0, ENOMEM, true, false });
    struct string_scratch scratch;
    struct value value;
    uint8_t *at;
    CHECK_EQ(string_make_big(heap, 100000, &scratch, &value, &at), ERR_MEMORY);
    fault_seam_plan(&fault, &(struct fault_plan){ 0 });
    CHECK_EQ(string_make_big(heap, 100000, &scratch, &value, &at), ERR_NONE);
    struct buffer image = { 0 }, body = { 0 };
    CHECK_EQ(string_ops.encode(&space, &value, &image), ERR_NONE);
    struct heap_figures before, after;
    heap_figures(heap, &before);
    memory_fail_after(0);
    CHECK_EQ(string_ops.decode(&space, buffer_view(&image), &value, &body), ERR_MEMORY);
    memory_fail_after(UINT64_MAX);
    heap_figures(heap, &after);
    CHECK_EQ(after.blocks, before.blocks);
    buffer_release(&image);
    buffer_release(&body);
    heap_drop(heap);
    type_world_release(&world);
}
