/* Keys as commands: what stands in a log whose base is no snapshot. */
#include "base/memory.h"
#include "harness.h"
#include "persist/aof_commands.h"
#include "persist/aof_reader.h"
#include "store/entry.h"

static ssize_t give(void *context, void *at, size_t bytes)
{
    struct bytes *rest = context;
    size_t part = bytes < rest->count ? bytes : rest->count;
    if (part > 0)
        memcpy(at, rest->at, part);
    *rest = bytes_of(rest->at + part, rest->count - part);
    return (ssize_t)part;
}

/* The commands as lines, words between spaces. */
static void describe(struct bytes log, struct buffer *text)
{
    struct aof_source source = { give, &log, log.count };
    struct aof_reader reader;
    enum aof_result result;
    aof_reader_init(&reader, &source);
    while ((result = aof_reader_next(&reader)) == AOF_COMMAND) {
        for (uint32_t i = 0; i < reader.argc; i++)
            CHECK(buffer_append(text, reader.argv[i]) &&
                  buffer_append_byte(text, i + 1 < reader.argc ? ' ' : '\n'));
    }
    CHECK_EQ(result, AOF_END);
    aof_reader_release(&reader);
}

static enum err write_key(struct aof_commands *commands, unsigned type, int64_t expiry,
                          const struct part *parts, size_t count)
{
    struct rdb_key_facts facts = { .name = BYTES("k"), .expiry = expiry, .type = type };
    for (size_t i = 0; i < count && type == VALUE_STRING; i++)
        facts.summary.count += parts[i].text.count;
    enum err err = aof_commands_key(commands, &facts);
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = aof_commands_part(commands, &parts[i]);
    return err == ERR_NONE ? aof_commands_end(commands) : err;
}

/* Also with each taking of memory failing in turn. */
static void gives(int line, unsigned type, int64_t expiry, const struct part *parts, size_t count,
                  const char *wanted)
{
    enum err err = ERR_MEMORY;
    for (uint64_t takes = 0; err != ERR_NONE; takes++) {
        struct buffer out = { 0 }, text = { 0 };
        struct aof_commands commands;
        aof_commands_init(&commands, &out);
        memory_fail_after(takes);
        err = write_key(&commands, type, expiry, parts, count);
        bool failed = memory_has_failed();
        memory_fail_after(UINT64_MAX);
        CHECK(err == (failed ? ERR_MEMORY : ERR_NONE));
        if (err == ERR_NONE) {
            describe(buffer_view(&out), &text);
            test_bytes(__FILE__, line, "commands", buffer_view(&text), bytes_of_text(wanted));
        }
        aof_commands_release(&commands);
        buffer_release(&out);
        buffer_release(&text);
    }
}

#define GIVES(type, expiry, wanted, ...)                                                           \
    do {                                                                                           \
        const struct part parts[] = { __VA_ARGS__ };                                               \
        gives(__LINE__, type, expiry, parts, sizeof parts / sizeof parts[0], wanted);              \
    } while (0)

TEST(aof_commands_of_every_type)
{
    GIVES(VALUE_STRING, ENTRY_NO_EXPIRY, "SET k abcd\n", { .kind = PART_TEXT, .text = BYTES("ab") },
          { .kind = PART_TEXT, .text = BYTES("cd") });
    GIVES(VALUE_LIST, 1234, "RPUSH k a b\nPEXPIREAT k 1234\n",
          { .kind = PART_ITEM, .text = BYTES("a") }, { .kind = PART_ITEM, .text = BYTES("b") });
    GIVES(VALUE_SET, ENTRY_NO_EXPIRY, "SADD k m\n", { .kind = PART_MEMBER, .text = BYTES("m") });
    GIVES(VALUE_ZSET, ENTRY_NO_EXPIRY, "ZADD k -inf a 1.5 b\n",
          { .kind = PART_SCORED, .text = BYTES("a"), .score = -__builtin_inf() },
          { .kind = PART_SCORED, .text = BYTES("b"), .score = 1.5 });
    GIVES(VALUE_HASH, 5, "HSET k f v g w\nHPEXPIREAT k 77 FIELDS 1 g\nPEXPIREAT k 5\n",
          { .kind = PART_FIELD, .text = BYTES("f"), .value = BYTES("v"), .expiry = VALUE_NEVER },
          { .kind = PART_FIELD, .text = BYTES("g"), .value = BYTES("w"), .expiry = 77 });
}

TEST(aof_commands_of_streams)
{
    const struct bytes strings[] = { BYTES("f"), BYTES("v") };
    const struct stream_id one = { 1, 1 }, two = { 2, 0 };
    GIVES(VALUE_STREAM, ENTRY_NO_EXPIRY,
          "XADD k MAXLEN 0 0-1 x y\nXSETID k 2-0 ENTRIESADDED 9 MAXDELETEDID 1-1\n",
          { .kind = PART_STREAM, .id = two, .max_deleted = one, .added = 9 });
    GIVES(VALUE_STREAM, ENTRY_NO_EXPIRY,
          "XADD k 1-1 f v\nXSETID k 2-0 ENTRIESADDED 2 MAXDELETEDID 2-0\n"
          "XGROUP CREATE k g 1-1 ENTRIESREAD -1\n"
          "XCLAIM k g busy 0 1-1 TIME 500 RETRYCOUNT 3 JUSTID FORCE\n"
          "XGROUP CREATECONSUMER k g idle\n"
          "XGROUP CREATE k h 0-0 ENTRIESREAD 0\n"
          "XGROUP CREATECONSUMER k h last\n",
          { .kind = PART_STREAM, .id = two, .max_deleted = two, .added = 2 },
          { .kind = PART_NODE, .count = 1 },
          { .kind = PART_ENTRY, .id = one, .strings = strings, .count = 2 },
          { .kind = PART_GROUP, .text = BYTES("g"), .id = one, .read = -1, .pending = 1 },
          { .kind = PART_PENDING, .id = one, .time_ms = 500, .count = 3 },
          { .kind = PART_CONSUMER, .text = BYTES("busy"), .pending = 1 },
          { .kind = PART_OWNED, .id = one }, { .kind = PART_CONSUMER, .text = BYTES("idle") },
          { .kind = PART_GROUP, .text = BYTES("h") },
          { .kind = PART_CONSUMER, .text = BYTES("last") });
}

TEST(aof_commands_have_64_elements_at_most)
{
    struct part parts[AOF_ELEMENTS_MAX + 1];
    struct buffer wanted = { 0 };
    for (size_t i = 0; i < AOF_ELEMENTS_MAX + 1; i++) {
        parts[i] = (struct part){ .kind = PART_ITEM, .text = BYTES("x") };
        CHECK(buffer_append_text(&wanted, i % AOF_ELEMENTS_MAX == 0 ? "RPUSH k" : ""));
        CHECK(buffer_append_text(&wanted, i % AOF_ELEMENTS_MAX == 63 ? " x\n" : " x"));
    }
    CHECK(buffer_append(&wanted, bytes_of("\n", 2)));
    gives(__LINE__, VALUE_LIST, ENTRY_NO_EXPIRY, parts, AOF_ELEMENTS_MAX + 1,
          (const char *)wanted.at);
    buffer_release(&wanted);
}
