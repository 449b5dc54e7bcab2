/* What an RDB writer appends, beside bytes put down by hand from the format's description. */
#include "harness.h"
#include "persist/crc64.h"
#include "persist/rdb_write.h"
#include "store/entry.h"

#include <math.h>
#include <stdlib.h>

/* The definition, a bit at a time. */
static uint64_t crc64_slow(uint64_t crc, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.count; i++) {
        crc ^= bytes.at[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x95ac9329ac4bc9b5u : 0);
    }
    return crc;
}

TEST(rdb_crc64_is_as_defined)
{
    uint8_t bytes[1000];
    struct rng rng;
    rng_init(&rng, test_seed());
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
    CHECK(crc64(0, BYTES("123456789")) == 0xe9c6d914c4b8d9cau);
    CHECK(crc64(0, BYTES("")) == 0);
    for (size_t count = 0; count < 900; count++) {
        struct bytes part = bytes_of(bytes + count % 9, count);
        CHECK(crc64(count, part) == crc64_slow(count, part));
        CHECK(crc64(crc64(7, part), BYTES("tail")) ==
              crc64_slow(crc64_slow(7, part), BYTES("tail")));
    }
}

struct made {
    struct rdb_writer writer;
    struct buffer out;
};

static void made_begin(struct made *made, unsigned version, bool compress)
{
    made->out = (struct buffer){ 0 };
    rdb_writer_init(&made->writer, &made->out, version, compress, true);
}

static void made_end(struct made *made)
{
    rdb_writer_release(&made->writer);
    buffer_release(&made->out);
}

static void value(struct made *made, unsigned type, uint64_t count, int64_t first_expiry)
{
    struct value_summary summary = { .count = count, .first_expiry = first_expiry };
    CHECK_EQ(rdb_write_value(&made->writer, type, &summary), ERR_NONE);
}

static void part(struct made *made, const struct part *part)
{
    CHECK_EQ(rdb_write_part(&made->writer, part), ERR_NONE);
}

/* All since the last time. */
#define CHECK_MADE(made, literal)                                                                  \
    do {                                                                                           \
        CHECK_EQ(rdb_write_value_end(&(made)->writer), ERR_NONE);                                  \
        CHECK_TEXT(buffer_view(&(made)->out), literal);                                            \
        (made)->out.count = 0;                                                                     \
    } while (0)

static void string(struct made *made, struct bytes text)
{
    value(made, VALUE_STRING, text.count, VALUE_NEVER);
    part(made, &(struct part){ .kind = PART_TEXT, .text = text });
}

TEST(rdb_write_strings)
{
    struct made made;
    made_begin(&made, RDB_VERSION, false);
    string(&made, BYTES("abc"));
    CHECK_MADE(&made, "\0\3abc");
    string(&made, BYTES("127"));
    CHECK_MADE(&made, "\0\xc0\x7f");
    string(&made, BYTES("-128"));
    CHECK_MADE(&made, "\0\xc0\x80");
    string(&made, BYTES("128"));
    CHECK_MADE(&made, "\0\xc1\x80\0");
    string(&made, BYTES("-32768"));
    CHECK_MADE(&made, "\0\xc1\0\x80");
    string(&made, BYTES("32768"));
    CHECK_MADE(&made, "\0\xc2\0\x80\0\0");
    string(&made, BYTES("-2147483648"));
    CHECK_MADE(&made, "\0\xc2\0\0\0\x80");
    string(&made, BYTES("2147483648"));
    CHECK_MADE(&made, "\0\x0a"
                      "2147483648");
    string(&made, BYTES("007"));
    CHECK_MADE(&made, "\0\3"
                      "007");
    value(&made, VALUE_STRING, 0, VALUE_NEVER);
    CHECK_MADE(&made, "\0\0");
    made_end(&made);
}

TEST(rdb_write_strings_of_pieces)
{
    struct made made;
    made_begin(&made, RDB_VERSION, true);
    value(&made, VALUE_STRING, 3, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES("1") });
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES("00") });
    CHECK_MADE(&made, "\0\xc0\x64");
    value(&made, VALUE_STRING, 12, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES("hundred") });
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES(" bits") });
    CHECK_MADE(&made, "\0\x0chundred bits");
    made_end(&made);
}

TEST(rdb_write_lengths)
{
    struct made made;
    made_begin(&made, RDB_VERSION, false);
    static const struct {
        uint64_t length;
        const char *bytes;
        unsigned count;
    } rows[] = {
        { 63, "\xfe\x3f", 2 },
        { 64, "\xfe\x40\x40", 3 },
        { 16383, "\xfe\x7f\xff", 3 },
        { 16384, "\xfe\x80\0\0\x40\0", 6 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_EQ(rdb_write_database(&made.writer, (unsigned)rows[i].length, 1, 0), ERR_NONE);
        CHECK_BYTES(bytes_of(made.out.at, rows[i].count), bytes_of(rows[i].bytes, rows[i].count));
        made.out.count = 0;
    }
    CHECK_EQ(rdb_write_database(&made.writer, 2, UINT32_MAX, (uint64_t)UINT32_MAX + 1), ERR_NONE);
    CHECK_TEXT(buffer_view(&made.out), "\xfe\2\xfb\x80\xff\xff\xff\xff\x81\0\0\0\1\0\0\0\0");
    made_end(&made);
}

TEST(rdb_write_compresses_what_becomes_shorter)
{
    struct made made;
    made_begin(&made, RDB_VERSION, true);
    string(&made, BYTES("aaaaaaaaaaaaaaaaaaaaaaaa"));
    CHECK(made.out.count < 16 && made.out.at[1] == 0xc3 && made.out.at[3] == 24);
    made.out.count = 0;
    string(&made, BYTES("aaaaaaaaaaaaaaaaaaaa"));
    CHECK_MADE(&made, "\0\x14"
                      "aaaaaaaaaaaaaaaaaaaa");
    string(&made, BYTES("abcdefghijklmnopqrstuvwxyz"));
    CHECK_MADE(&made, "\0\x1a"
                      "abcdefghijklmnopqrstuvwxyz");
    size_t count = RDB_COMPRESS_MAX + 1;
    uint8_t *zeros = calloc(1, count);
    string(&made, bytes_of(zeros, count));
    CHECK_EQ(made.out.count, 1 + 5 + count);
    made.out.count = 0;
    string(&made, bytes_of(zeros, count - 1));
    CHECK(made.out.count < count / 50);
    free(zeros);
    made_end(&made);
}

TEST(rdb_write_collections)
{
    struct made made;
    made_begin(&made, 10, true);
    value(&made, VALUE_LIST, 2, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_ITEM, .text = BYTES("x") });
    part(&made, &(struct part){ .kind = PART_ITEM, .text = BYTES("-1") });
    CHECK_MADE(&made, "\1\2\1x\xc0\xff");
    value(&made, VALUE_SET, 1, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_MEMBER, .text = BYTES("m") });
    CHECK_MADE(&made, "\2\1\1m");
    value(&made, VALUE_ZSET, 2, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_SCORED, .text = BYTES("a"), .score = -INFINITY });
    part(&made, &(struct part){ .kind = PART_SCORED, .text = BYTES("b"), .score = 1.5 });
    CHECK_MADE(&made, "\5\2\1a\0\0\0\0\0\0\xf0\xff\1b\0\0\0\0\0\0\xf8\x3f");
    value(&made, VALUE_HASH, 1, VALUE_NEVER);
    part(&made,
         &(struct part){
             .kind = PART_FIELD, .text = BYTES("f"), .value = BYTES("v"), .expiry = VALUE_NEVER });
    CHECK_MADE(&made, "\4\1\1f\1v");
    made_end(&made);
}

TEST(rdb_write_expiries_of_fields)
{
    struct made made;
    struct value_summary summary = { .count = 1, .first_expiry = 1000 };
    made_begin(&made, RDB_VERSION_MAX, true);
    value(&made, VALUE_HASH, 3, 0x1122334455);
    part(&made,
         &(struct part){
             .kind = PART_FIELD, .text = BYTES("a"), .value = BYTES("1"), .expiry = VALUE_NEVER });
    part(&made,
         &(struct part){
             .kind = PART_FIELD, .text = BYTES("b"), .value = BYTES("2"), .expiry = 0x1122334455 });
    part(&made, &(struct part){ .kind = PART_FIELD,
                                .text = BYTES("c"),
                                .value = BYTES("3"),
                                .expiry = 0x1122334455 + 99 });
    CHECK_MADE(&made, "\x18\x55\x44\x33\x22\x11\0\0\0\3\0\1a\xc0\1\1\1b\xc0\2\x40\x64\1c\xc0\3");
    rdb_writer_release(&made.writer);
    rdb_writer_init(&made.writer, &made.out, 11, true, true);
    CHECK_EQ(rdb_write_value(&made.writer, VALUE_HASH, &summary), ERR_LIMIT);
    made_end(&made);
}

/* A node of two entries with the same fields and one with others, by each version. */
static void stream(struct made *made)
{
    struct bytes first[] = { BYTES("f"), BYTES("v"), BYTES("7"), BYTES("300") };
    struct bytes second[] = { BYTES("f"), BYTES("w"), BYTES("7"), BYTES("-5000") };
    struct bytes third[] = { BYTES("f"), BYTES("x") };
    value(made, VALUE_STREAM, 3, VALUE_NEVER);
    part(made, &(struct part){ .kind = PART_STREAM,
                               .id = { 6, 1 },
                               .first = { 5, 2 },
                               .max_deleted = { 5, 1 },
                               .count = 3,
                               .added = 4,
                               .nodes = 1,
                               .groups = 1 });
    part(made, &(struct part){ .kind = PART_NODE, .count = 3 });
    part(made, &(struct part){ .kind = PART_ENTRY, .id = { 5, 2 }, .strings = first, .count = 4 });
    part(made, &(struct part){ .kind = PART_ENTRY, .id = { 5, 3 }, .strings = second, .count = 4 });
    part(made, &(struct part){ .kind = PART_ENTRY, .id = { 6, 1 }, .strings = third, .count = 2 });
    part(made, &(struct part){ .kind = PART_GROUP,
                               .text = BYTES("g"),
                               .id = { 5, 2 },
                               .read = -1,
                               .pending = 1,
                               .consumers = 2 });
    part(made, &(struct part){ .kind = PART_PENDING, .id = { 5, 2 }, .time_ms = 258, .count = 1 });
    part(made, &(struct part){ .kind = PART_CONSUMER,
                               .text = BYTES("c"),
                               .seen_ms = 9,
                               .active_ms = 8,
                               .pending = 1 });
    part(made, &(struct part){ .kind = PART_OWNED, .id = { 5, 2 } });
    part(made, &(struct part){
                   .kind = PART_CONSUMER, .text = BYTES("d"), .seen_ms = 9, .active_ms = -1 });
}

#define NODE                                                                                       \
    "\x10\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2"                                                         \
    "\x40\x42\x42\0\0\0\x19\0"                                                                     \
    "\3\1\0\1\2\1\x81"                                                                             \
    "f\2\7\1\0\1"                                                                                  \
    "\2\1\0\1\0\1\x81v\2\xc1\x2c\2\5\1"                                                            \
    "\2\1\0\1\1\1\x81w\2\xf1\x78\xec\3\5\1"                                                        \
    "\0\1\1\1\xdf\xff\2\1\1\x81"                                                                   \
    "f\2\x81x\2\6\1\xff"
#define FACTS "\3\6\1\5\2\5\1\4\1"
#define GROUP                                                                                      \
    "\1g\5\2\x81\xff\xff\xff\xff\xff\xff\xff\xff\1"                                                \
    "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2\2\1\0\0\0\0\0\0\1\2"

TEST(rdb_write_streams)
{
    struct made made;
    made_begin(&made, 10, false);
    stream(&made);
    CHECK_MADE(&made, "\x13\1" NODE FACTS GROUP "\1c\x09\0\0\0\0\0\0\0\1"
                      "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2"
                      "\1d\x09\0\0\0\0\0\0\0\0");
    rdb_writer_release(&made.writer);
    rdb_writer_init(&made.writer, &made.out, 11, false, true);
    stream(&made);
    CHECK_MADE(&made, "\x15\1" NODE FACTS GROUP "\1c\x09\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\1"
                      "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2"
                      "\1d\x09\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0");
    value(&made, VALUE_STREAM, 0, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_STREAM, .groups = 1 });
    part(&made, &(struct part){ .kind = PART_GROUP, .text = BYTES("g"), .read = 0 });
    CHECK_MADE(&made, "\x15\0\0\0\0\0\0\0\0\0\1\1g\0\0\0\0\0");
    made_end(&made);
}

/* redis-server 7.0.15 takes this, and goes on in that node. */
TEST(rdb_write_a_node_without_entries)
{
    struct made made;
    made_begin(&made, 10, true);
    value(&made, VALUE_STREAM, 0, VALUE_NEVER);
    part(&made, &(struct part){ .kind = PART_STREAM, .id = { 6, 1 }, .nodes = 1, .added = 1 });
    part(&made, &(struct part){ .kind = PART_NODE, .count = 0 });
    CHECK_MADE(&made, "\x13\1\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                      "\x0f\x0f\0\0\0\4\0\0\1\0\1\0\1\0\1\xff"
                      "\0\6\1\0\0\0\0\1\0");
    made_end(&made);
}

TEST(rdb_write_a_file)
{
    struct made made;
    made_begin(&made, RDB_VERSION_MAX, false);
    struct rdb_key_facts facts = { .name = BYTES("k"),
                                   .expiry = 256,
                                   .idle_s = 70,
                                   .frequency = -1,
                                   .type = VALUE_STRING,
                                   .summary = { .count = 1, .first_expiry = VALUE_NEVER } };
    CHECK_EQ(rdb_write_header(&made.writer), ERR_NONE);
    CHECK_EQ(rdb_write_aux(&made.writer, "redis-bits", BYTES("64")), ERR_NONE);
    CHECK_EQ(rdb_write_function(&made.writer, BYTES("#!lua")), ERR_NONE);
    CHECK_EQ(rdb_write_key(&made.writer, &facts), ERR_NONE);
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES("v") });
    CHECK_EQ(rdb_write_value_end(&made.writer), ERR_NONE);
    facts.expiry = ENTRY_NO_EXPIRY;
    facts.idle_s = -1;
    facts.frequency = 255;
    CHECK_EQ(rdb_write_key(&made.writer, &facts), ERR_NONE);
    part(&made, &(struct part){ .kind = PART_TEXT, .text = BYTES("v") });
    CHECK_EQ(rdb_write_value_end(&made.writer), ERR_NONE);
    CHECK_EQ(rdb_write_footer(&made.writer), ERR_NONE);
    size_t tail = made.out.count - 8;
    CHECK_TEXT(bytes_of(made.out.at, tail),
               "REDIS0012\xfa\x0aredis-bits\xc0\x40\xf5\5#!lua"
               "\xfc\0\1\0\0\0\0\0\0\xf8\x40\x46\0\1k\1v\xf9\xff\0\1k\1v\xff");
    uint64_t crc = 0;
    for (unsigned i = 0; i < 8; i++)
        crc |= (uint64_t)made.out.at[tail + i] << 8 * i;
    CHECK(crc == crc64_slow(0, bytes_of(made.out.at, tail)));
    made_end(&made);
}

/* What redis-server 7.0.15 answers to DUMP after SET k abc. */
TEST(rdb_write_a_dump)
{
    struct made made;
    made_begin(&made, 10, true);
    string(&made, BYTES("abc"));
    CHECK_EQ(rdb_write_value_end(&made.writer), ERR_NONE);
    CHECK_EQ(rdb_write_dump_tail(&made.writer), ERR_NONE);
    CHECK_TEXT(buffer_view(&made.out),
               "\x00\x03\x61\x62\x63\x0a\x00\xd9\xac\x30\x3d\x41\x72\xa2\xe2");
    made_end(&made);
}
