/* What an RDB reader tells of bytes put down by hand, one row for each encoding, and of what it
 * must refuse; and that it reads what the writer writes. */
#include "base/memory.h"
#include "base/number.h"
#include "harness.h"
#include "persist/crc64.h"
#include "persist/rdb_read.h"
#include "persist_parts.h"
#include "store/entry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum err keep(void *context, const struct part *part)
{
    parts_add(context, part);
    return ERR_NONE;
}

/* `value`: the type and what follows it. */
static enum err read_value(struct bytes value, struct parts *parts, const char **reason)
{
    struct rdb_handler handler = { .part = keep, .context = parts };
    struct buffer dump = { 0 };
    static const uint8_t tail[10];
    ENSURE(buffer_append(&dump, value) && buffer_append(&dump, bytes_of(tail, sizeof tail)));
    /* No more than there is, so that a sanitizer sees what goes over it. */
    uint8_t *exact = malloc(dump.count);
    ENSURE(exact != NULL);
    memcpy(exact, dump.at, dump.count);
    enum err err = rdb_read_dump(bytes_of(exact, dump.count), &handler, reason);
    free(exact);
    buffer_release(&dump);
    parts_settle(parts);
    return err;
}

static void reads(int line, struct bytes value, struct bytes wanted)
{
    struct parts parts = { 0 };
    struct buffer text = { 0 };
    const char *reason = NULL;
    enum err err = read_value(value, &parts, &reason);
    parts_describe(&parts, &text);
    if (err != ERR_NONE)
        test_fail(__FILE__, line, "refused: %s", reason);
    test_bytes(__FILE__, line, "parts", buffer_view(&text), wanted);
    parts_release(&parts);
    buffer_release(&text);
}

static void refuses(int line, struct bytes value, const char *wanted)
{
    struct parts parts = { 0 };
    const char *reason = NULL;
    enum err err = read_value(value, &parts, &reason);
    if (err != ERR_SYNTAX)
        test_fail(__FILE__, line, "not refused: %d", err);
    test_bytes(__FILE__, line, "reason", bytes_of_text(reason), bytes_of_text(wanted));
    parts_release(&parts);
}

#define READS(value, wanted) reads(__LINE__, BYTES(value), BYTES(wanted))
#define REFUSES(value, reason) refuses(__LINE__, BYTES(value), reason)

TEST(rdb_read_strings)
{
    READS("\0\3abc", "text 'abc'\n");
    READS("\0\0", "");
    READS("\0\xc0\x85", "text '-123'\n");
    READS("\0\xc1\0\x80", "text '-32768'\n");
    READS("\0\xc2\xff\xff\xff\x7f", "text '2147483647'\n");
    READS("\0\x40\3abc", "text 'abc'\n");
    READS("\0\x80\0\0\0\3abc", "text 'abc'\n");
    READS("\0\x81\0\0\0\0\0\0\0\3abc", "text 'abc'\n");
    /* A literal of one byte, and nine bytes from one back. */
    READS("\0\xc3\5\x0a\0a\xe0\0\0", "text 'aaaaaaaaaa'\n");
}

TEST(rdb_read_refuses_strings)
{
    REFUSES("\0\4abc", "it ends within a string");
    REFUSES("\0\xc4", "a string of no known form");
    REFUSES("\0\x82", "a length of no known form");
    REFUSES("\0\x81\xff\xff\xff\xff\xff\xff\xff\xff", "it ends within a string");
    REFUSES("\0\2abc", "something follows the value");
    REFUSES("\0\xc3\5\x80\x20\0\0\1\0a\xe0\0\0", "a compressed string of impossible length");
    REFUSES("\0\xc3\5\x43\xff\0a\xe0\0\0", "a compressed string of impossible length");
    REFUSES("\0\xc3\5\x0b\0a\xe0\0\0", "a compressed string that is not what it says");
    REFUSES("\0\xc3\5\x09\0a\xe0\0\0", "a compressed string that is not what it says");
    REFUSES("", "it ends early");
    REFUSES("\x08", "a type that is not known here");
    REFUSES("\xfc", "a type that is not known here");
}

TEST(rdb_read_plain_collections)
{
    READS("\1\2\1x\xc0\xff", "item 'x'\nitem '-1'\n");
    READS("\2\2\1m\0", "member 'm'\nmember ''\n");
    READS("\3\3\1a\4-1.5\1b\xff\1c\xfe", "scored 'a' -1.5\nscored 'b' -inf\nscored 'c' inf\n");
    READS("\5\1\1b\0\0\0\0\0\0\xf8\x3f", "scored 'b' 1.5\n");
    READS("\4\1\1f\1v", "field 'f' 'v'\n");
    READS("\x18\x55\x44\x33\x22\x11\0\0\0\2\0\1a\xc0\1\1\1b\xc0\2",
          "field 'a' '1'\nfield 'b' '2' until 73588229205\n");
    READS("\x16\2\0\1a\xc0\1\x43\xe8\1b\xc0\2", "field 'a' '1'\nfield 'b' '2' until 1000\n");
}

TEST(rdb_read_refuses_plain_collections)
{
    REFUSES("\1\0", "a collection without elements");
    REFUSES("\1\x81\xff\xff\xff\xff\xff\xff\xff\xff\1x", "more elements than bytes");
    REFUSES("\1\2\1x", "it ends early");
    REFUSES("\3\1\1a\xfd", "a score that is no number");
    REFUSES("\3\1\1a\3nan", "a score that is no number");
    REFUSES("\3\1\1a\0", "a score that is no number");
    REFUSES("\5\1\1a\0\0\0\0\0\0\xf8\x7f", "a score that is no number");
    REFUSES("\x18\1\0\0\0\0\0\0\0\1\x81\0\1\0\0\0\0\0\0\1a\1b", "a field's expiry out of range");
    REFUSES("\x18\0\0\0\0\0\0\0\x80\1\1\1a\1b", "a field's expiry out of range");
}

/* "hi", 12, -1, 300, 70000 in 24 bits, and two more widths. */
#define ZIPLIST_ITEMS                                                                              \
    "\0\2hi\4\xfd\2\xfe\xff\3\xc0\x2c\1\4\xf0\x70\x11\1\5\xd0\0\0\0\x80"                           \
    "\6\xe0\0\0\0\0\0\0\0\x80"

TEST(rdb_read_ziplists)
{
    READS("\x0a\x2d\x2d\0\0\0\x22\0\0\0\7\0" ZIPLIST_ITEMS "\xff",
          "item 'hi'\nitem '12'\nitem '-1'\nitem '300'\nitem '70000'\nitem '-2147483648'\n"
          "item '-9223372036854775808'\n");
    READS("\x0d\x11\x11\0\0\0\x0d\0\0\0\2\0\0\1f\3\1v\xff", "field 'f' 'v'\n");
    READS("\x0c\x14\x14\0\0\0\x0d\0\0\0\2\0\0\1a\3\4-inf\xff", "scored 'a' -inf\n");
    /* A count that is not told, and a length of the item before that takes five bytes. */
    READS("\x0a\x15\x15\0\0\0\x0d\0\0\0\xff\xff\0\1f\xfe\3\0\0\0\1v\xff", "item 'f'\nitem 'v'\n");
    READS("\x0e\2\x0e\x0e\0\0\0\x0a\0\0\0\1\0\0\1x\xff\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",
          "item 'x'\n");
}

TEST(rdb_read_refuses_ziplists)
{
    static const char head[] = "a packed string with an impossible head";
    static const char inside[] = "a packed string that does not hold together";
    REFUSES("\x0a\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff", "a collection without elements");
    REFUSES("\x0a\x0a\x0a\0\0\0\x0a\0\0\0\0\0", head);
    REFUSES("\x0a\x0e\x0f\0\0\0\x0a\0\0\0\1\0\0\1x\xff", head);
    REFUSES("\x0a\x0e\x0e\0\0\0\x0b\0\0\0\1\0\0\1x\xff", inside); /* where the last one is */
    REFUSES("\x0a\x0e\x0e\0\0\0\x0a\0\0\0\2\0\0\1x\xff", inside); /* how many there are */
    REFUSES("\x0a\x0e\x0e\0\0\0\x0a\0\0\0\1\0\1\1x\xff", inside); /* the one before */
    REFUSES("\x0a\x0e\x0e\0\0\0\x0a\0\0\0\1\0\0\2x\xff", inside); /* beyond the end */
    REFUSES("\x0a\x0e\x0e\0\0\0\x0a\0\0\0\1\0\0\xff\0\xff", inside);
    REFUSES("\x0d\x0e\x0e\0\0\0\x0a\0\0\0\1\0\0\1x\xff", "a packed string with half an element");
    REFUSES("\x0c\x11\x11\0\0\0\x0d\0\0\0\2\0\0\1f\3\1v\xff", "a score that is no number");
}

TEST(rdb_read_listpacks)
{
    READS(
        "\x14\x1e\x1e\0\0\0\6\0\7\1\xdf\xff\2\xf1\0\x80\3\xf2\0\0\x80\4\xf3\0\0\0\x80\5\x81m\2\xff",
        "member '7'\nmember '-1'\nmember '-32768'\nmember '-8388608'\n"
        "member '-2147483648'\nmember 'm'\n");
    READS("\x14\x1c\x1c\0\0\0\3\0\xf4\0\0\0\0\0\0\0\x80\x09\xe0\1x\3\xf0\1\0\0\0y\6\xff",
          "member '-9223372036854775808'\nmember 'x'\nmember 'y'\n");
    READS("\x10\x0d\x0d\0\0\0\2\0\x81g\2\x81v\2\xff", "field 'g' 'v'\n");
    READS("\x11\x0f\x0f\0\0\0\2\0\x81g\2\x83-.5\4\xff", "scored 'g' -0.5\n");
    READS("\x11\x0c\x0c\0\0\0\xff\xff\x81g\2\5\1\xff", "scored 'g' 5\n");
    READS("\x19\1\0\0\0\0\0\0\0\x16\x16\0\0\0\6\0\x81g\2\x81v\2\7\1\x81h\2\5\1\0\1\xff",
          "field 'g' 'v' until 7\nfield 'h' '5'\n");
    READS("\x17\x0f\x0f\0\0\0\3\0\x81g\2\x81v\2\7\1\xff", "field 'g' 'v' until 7\n");
    READS("\x12\3\2\x0b\x0b\0\0\0\1\0\x82hi\3\xff\1\5plain\2\x09\x09\0\0\0\1\0\7\1\xff",
          "item 'hi'\nitem 'plain'\nitem '7'\n");
}

TEST(rdb_read_refuses_listpacks)
{
    static const char head[] = "a packed string with an impossible head";
    static const char inside[] = "a packed string that does not hold together";
    REFUSES("\x14\7\7\0\0\0\0\0\xff", "a collection without elements");
    REFUSES("\x14\6\6\0\0\0\0\0", head);
    REFUSES("\x14\7\x08\0\0\0\0\0\xff", head);
    REFUSES("\x14\x09\x09\0\0\0\2\0\7\1\xff", inside);    /* how many there are */
    REFUSES("\x14\x09\x09\0\0\0\1\0\7\2\xff", inside);    /* back to where it began */
    REFUSES("\x14\x0a\x0a\0\0\0\1\0\x83m\2\xff", inside); /* beyond the end */
    REFUSES("\x14\x09\x09\0\0\0\1\0\xf5\1\xff", inside);  /* no such form */
    REFUSES("\x14\x08\x08\0\0\0\1\0\xc1\xff", inside);    /* cut in its head */
    REFUSES("\x10\x0a\x0a\0\0\0\1\0\x81g\2\xff", "a packed string with half an element");
    REFUSES("\x11\x0d\x0d\0\0\0\2\0\x81g\2\x81v\2\xff", "a score that is no number");
    REFUSES("\x17\x10\x10\0\0\0\3\0\x81g\2\x81v\2\x81w\2\xff", "a field's expiry out of range");
    REFUSES("\x12\1\3\1x", "a list's node of no known form");
}

TEST(rdb_read_intsets_and_zipmaps)
{
    READS("\x0b\x0c\2\0\0\0\2\0\0\0\xff\xff\x0a\0", "member '-1'\nmember '10'\n");
    READS("\x0b\x0c\4\0\0\0\1\0\0\0\0\0\1\0", "member '65536'\n");
    READS("\x0b\x10\x08\0\0\0\1\0\0\0\0\0\0\0\0\0\0\x80", "member '-9223372036854775808'\n");
    REFUSES("\x0b\x0c\3\0\0\0\1\0\0\0\0\0\1\0", "a packed string with an impossible head");
    REFUSES("\x0b\x0c\4\0\0\0\2\0\0\0\0\0\1\0", "a packed string with an impossible head");
    REFUSES("\x0b\x08\4\0\0\0\0\0\0\0", "a collection without elements");
    READS("\x09\x0c\2\1f\2\1vw_\0\0\0\xff", "field 'f' 'vw'\nfield '' ''\n");
    READS("\x09\x0b\xfe\xfe\1\0\0\0f\1\0v\xff", "field 'f' 'v'\n");
    REFUSES("\x09\7\2\1f\1\0v\xff", "a packed string that does not hold together");
    REFUSES("\x09\4\1\1f\xff", "a packed string with half an element");
    REFUSES("\x09\7\1\1f\1\1v\xff", "a packed string with half an element");
}

#define NODE_KEY "\x10\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2"
/* Two entries with the same fields, a deleted one, and one with others. */
#define NODE                                                                                       \
    "\x40\x4d\x4d\0\0\0\x1f\0"                                                                     \
    "\3\1\1\1\2\1\x81"                                                                             \
    "f\2\7\1\0\1"                                                                                  \
    "\2\1\0\1\0\1\x81v\2\xc1\x2c\2\5\1"                                                            \
    "\3\1\0\1\1\1\x81w\2\6\1\5\1"                                                                  \
    "\2\1\0\1\1\1\x81w\2\6\1\5\1"                                                                  \
    "\0\1\1\1\xdf\xff\2\1\1\x81"                                                                   \
    "f\2\x81x\2\6\1\xff"
#define ENTRIES                                                                                    \
    "node 3\nentry 5-2 'f' 'v' '7' '300'\nentry 5-3 'f' 'w' '7' '6'\nentry 6-1 'f' 'x'\n"
#define PENDING "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2\2\1\0\0\0\0\0\0\1"
#define ID "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2"
#define SEEN "\x09\0\0\0\0\0\0\0"
#define NEVER "\xff\xff\xff\xff\xff\xff\xff\xff"

TEST(rdb_read_streams)
{
    READS("\x15\1" NODE_KEY NODE "\3\6\1\5\2\5\1\4\1\1g\5\2\x81" NEVER "\1" PENDING
          "\1\1c" SEEN NEVER "\1" ID,
          "stream 6-1 5-2 5-1 count 3 added 4 nodes 1 groups 1\n" ENTRIES
          "group 'g' 5-2 read -1 pending 1 consumers 1\npending 5-2 at 258 count 1\n"
          "consumer 'c' seen 9 active -1 pending 1\nowned 5-2\n");
    READS("\x13\1" NODE_KEY NODE "\3\6\1\5\2\5\1\4\1\1g\5\2\1\0\1\1c" SEEN "\0",
          "stream 6-1 5-2 5-1 count 3 added 4 nodes 1 groups 1\n" ENTRIES
          "group 'g' 5-2 read 1 pending 0 consumers 1\n"
          "consumer 'c' seen 9 active 9 pending 0\n");
    READS("\x0f\1" NODE_KEY NODE "\3\6\1\5\1a\5\1\0\0\1b\5\2\0\0\1c\5\3\0\0\1d\6\1\0\0\1e\7\0\0\0",
          "stream 6-1 5-2 0-0 count 3 added 3 nodes 1 groups 5\n" ENTRIES
          "group 'a' 5-1 read 0 pending 0 consumers 0\n"
          "group 'b' 5-2 read 1 pending 0 consumers 0\n"
          "group 'c' 5-3 read -1 pending 0 consumers 0\n"
          "group 'd' 6-1 read 3 pending 0 consumers 0\n"
          "group 'e' 7-0 read -1 pending 0 consumers 0\n");
    READS("\x15\0\0\0\0\0\0\0\0\0\0", "stream 0-0 0-0 0-0 count 0 added 0 nodes 0 groups 0\n");
    /* A node whose only entry is deleted, and one without any. */
    READS("\x15\2" NODE_KEY "\x1d\x1d\0\0\0\x0a\0\0\1\1\1\1\1\x81g\2\0\1\3\1\0\1\0\1\x81v\2\4\1\xff"
          "\x10\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\2\x0f\x0f\0\0\0\4\0\0\1\0\1\0\1\0\1\xff"
          "\0\7\1\0\0\5\2\1\0",
          "stream 7-1 0-0 5-2 count 0 added 1 nodes 0 groups 0\n");
}

static const char node_is_bad[] = "a stream's node that does not hold together";

/* A node of one entry, with a place to change. */
#define ONE_ENTRY(live, deleted, fields, flags, ms, items)                                         \
    "\x15\1" NODE_KEY "\x1d\x1d\0\0\0\x0a\0" live "\1" deleted "\1" fields "\1\x81g\2\0\1" flags   \
    "\1" ms "\1\0\1\x81v\2" items "\1\xff\1\6\1\5\2\0\0\1\0"

TEST(rdb_read_refuses_streams)
{
    READS(ONE_ENTRY("\1", "\0", "\1", "\2", "\0", "\4"),
          "stream 6-1 5-2 0-0 count 1 added 1 nodes 1 groups 0\nnode 1\nentry 5-2 'g' 'v'\n");
    REFUSES(ONE_ENTRY("\2", "\0", "\1", "\2", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\0", "\0", "\1", "\2", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\1", "\1", "\2", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\0", "\2", "\2", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\0", "\1", "\0", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\0", "\1", "\3", "\0", "\4"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\0", "\1", "\2", "\0", "\3"), node_is_bad);
    REFUSES(ONE_ENTRY("\1", "\0", "\1", "\2", "\2", "\4"), "a stream's entry behind its last one");
    REFUSES("\x15\1\4keys\1x", "a stream's node whose key is no id");
    REFUSES("\x15\2" NODE_KEY NODE NODE_KEY NODE "\6", "a stream's entries out of order");
    REFUSES("\x15\0\0\0\0\0\0\0\0\0\1\1g\5\2\1\1" PENDING "\0",
            "what is pending in a stream belongs to no consumer");
    REFUSES("\x15\0\0\0\0\0\0\0\0\0\1\1g\5\2\1\0\1\1c" SEEN NEVER "\1" ID,
            "a stream's consumers have more than is pending");
}

/* --- files ------------------------------------------------------------------------------------ */

struct file {
    struct bytes rest;
    struct buffer told;
};

static bool file_read(void *context, void *at, size_t bytes)
{
    struct file *file = context;
    if (bytes > file->rest.count)
        return false;
    memcpy(at, file->rest.at, bytes);
    file->rest.at += bytes;
    file->rest.count -= bytes;
    return true;
}

#define TELL(...)                                                                                  \
    struct file *file = context;                                                                   \
    return buffer_printf(&file->told, __VA_ARGS__) ? ERR_NONE : ERR_MEMORY

static enum err told_aux(void *context, struct bytes name, struct bytes value)
{
    TELL("aux %.*s=%.*s ", (int)name.count, (const char *)name.at, (int)value.count,
         (const char *)value.at);
}

static enum err told_function(void *context, struct bytes source)
{
    TELL("function %.*s ", (int)source.count, (const char *)source.at);
}

static enum err told_database(void *context, unsigned db, uint64_t keys, uint64_t expires)
{
    TELL("db %u %u %u ", db, (unsigned)keys, (unsigned)expires);
}

static enum err told_key(void *context, const struct rdb_key_facts *facts)
{
    TELL("key %.*s %lld %lld %d type %u of %u ", (int)facts->name.count,
         (const char *)facts->name.at,
         facts->expiry == ENTRY_NO_EXPIRY ? -1 : (long long)facts->expiry, (long long)facts->idle_s,
         facts->frequency, facts->type, (unsigned)facts->summary.count);
}

static enum err told_part(void *context, const struct part *part)
{
    TELL("%.*s ", (int)part->text.count, (const char *)part->text.at);
}

static enum err told_end(void *context)
{
    TELL("end ");
}

static enum err read_file(struct file *file, struct bytes bytes, struct rdb_reader *reader)
{
    struct rdb_handler handler = { told_aux,  told_function, told_database, told_key,
                                   told_part, told_end,      file };
    struct rdb_source source = { .read = file_read, .context = file };
    file->rest = bytes;
    file->told.count = 0;
    rdb_reader_init(reader, &source, &handler, true);
    enum err err = rdb_read_file(reader);
    rdb_reader_release(reader);
    return err;
}

#define CRC_NOT_COMPUTED "\0\0\0\0\0\0\0\0"

TEST(rdb_read_a_file)
{
    struct file file = { 0 };
    struct rdb_reader reader;
    CHECK_EQ(read_file(&file,
                       BYTES("REDIS0012\xfa\3v-r\xc0\7\xf5\5#!lua"
                             "\xfe\3\xfb\2\1\xf4\1\1\0\xfc\0\1\0\0\0\0\0\0\xf8\x40\x46\0\1k\1v"
                             "\xf9\xff\2\1s\2\1a\1b\1\5empty\0\xfe\4\0\1k\1w"
                             "\xf7\x81\1\2\3\4\5\6\7\x08\2\1\1\5\2\6\3abcd\4abcdefgh\5\1x\0"
                             "\xff" CRC_NOT_COMPUTED),
                       &reader),
             ERR_NONE);
    CHECK_TEXT(buffer_view(&file.told),
               "aux v-r=7 function #!lua db 3 2 1 key k 256 70 -1 type 0 of 1 v end "
               "key s -1 -1 255 type 2 of 2 a b end db 4 0 0 key k -1 -1 -1 type 0 of 1 w end ");
    /* Version 1: times in seconds, no checksum. */
    CHECK_EQ(read_file(&file, BYTES("REDIS0001\xfe\0\xfd\2\0\0\0\0\1k\1v\xff"), &reader), ERR_NONE);
    CHECK_TEXT(buffer_view(&file.told), "db 0 0 0 key k 2000 -1 -1 type 0 of 1 v end ");
    buffer_release(&file.told);
}

TEST(rdb_read_refuses_files)
{
    static const struct {
        struct bytes bytes;
        const char *reason;
    } rows[] = {
        { BYTES("RADIS0011\xff"), "it does not begin as an RDB file" },
        { BYTES("REDIS00x1\xff"), "its version is no number" },
        { BYTES("REDIS0013\xff"), "its version is not known here" },
        { BYTES("REDIS0000\xff"), "its version is not known here" },
        { BYTES("REDIS0011\xff\1\0\0\0\0\0\0\0"), "its checksum is wrong" },
        { BYTES("REDIS0011\xf6\1\1x"), "functions of a Redis before 7.0" },
        { BYTES("REDIS0011\xfe\x80\x80\0\0\0"), "no database has such a number" },
        { BYTES("REDIS0011\xf3"), "a type that is not known here" },
        { BYTES("REDIS0011\7\1k\x81\0\0\0\0\0\0\x28\1"), "a value of a module" },
        { BYTES("REDIS0011\xf7\1\1\1\0\xff" CRC_NOT_COMPUTED),
          "a module's field of no known form" },
        { BYTES("REDIS0011\xf7\1\2\1\6"), "a module's field of no known form" },
    };
    struct file file = { 0 };
    struct rdb_reader reader;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECKF(read_file(&file, rows[i].bytes, &reader) == ERR_SYNTAX, "row %zu", i);
        CHECK_BYTES(bytes_of_text(reader.reason), bytes_of_text(rows[i].reason));
    }
    CHECK_EQ(read_file(&file, BYTES("REDIS0011\7\1k\x81\x65\x26\x9b\x2d\x6e\x77\x64\1"), &reader),
             ERR_SYNTAX);
    CHECK_BYTES(bytes_of_text(reader.module), BYTES("ZSabLW53Z"));
    CHECK_EQ(read_file(&file, BYTES("REDIS0011"), &reader), ERR_SYSTEM);
    buffer_release(&file.told);
}

/* --- what is written is read ------------------------------------------------------------------ */

struct random_text {
    uint8_t at[600];
};

static struct bytes random_text(struct rng *rng, struct random_text *text)
{
    static const size_t lengths[] = { 0, 1, 5, 11, 20, 21, 63, 64, 127, 130, 600 };
    size_t count = lengths[rng_below(rng, sizeof lengths / sizeof *lengths)];
    uint64_t form = rng_below(rng, 3);
    if (form == 0) {
        int64_t number = (int64_t)rng_next(rng) >> rng_below(rng, 64);
        return bytes_of(text->at, number_write_i64(text->at, number));
    }
    for (size_t i = 0; i < count; i++)
        text->at[i] = (uint8_t)(form == 1 ? 'a' + (i / 9) % 5 : rng_next(rng));
    return bytes_of(text->at, count);
}

static void random_elements(struct rng *rng, struct parts *parts, unsigned type)
{
    static const enum part_kind kinds[] = { PART_TEXT, PART_ITEM, PART_MEMBER, PART_SCORED,
                                            PART_FIELD };
    uint64_t count = type == VALUE_STRING ? 1 : 1 + rng_below(rng, 70);
    struct random_text texts[2];
    for (uint64_t i = 0; i < count; i++) {
        struct part part = { .kind = kinds[type], .expiry = VALUE_NEVER };
        part.text = random_text(rng, &texts[0]);
        if (type == VALUE_HASH)
            part.value = random_text(rng, &texts[1]);
        if (type == VALUE_HASH && rng_below(rng, 4) == 0)
            part.expiry = 1 + (int64_t)rng_below(rng, (uint64_t)1 << (1 + rng_below(rng, 46)));
        if (type == VALUE_ZSET)
            part.score = (double)(int64_t)rng_next(rng) / 7;
        parts_add(parts, &part);
    }
}

enum { FIELDS_MAX = 6 };

static void random_entry(struct rng *rng, struct parts *parts, struct stream_id *last)
{
    static struct random_text texts[2 * FIELDS_MAX];
    struct bytes strings[2 * FIELDS_MAX];
    uint64_t fields = 1 + rng_below(rng, FIELDS_MAX);
    bool usual = rng_below(rng, 2) == 0;
    for (uint64_t i = 0; i < 2 * fields; i++) {
        strings[i] = random_text(rng, &texts[i]);
        if (usual && i % 2 == 0)
            strings[i] = bytes_of("field", 1 + i / 2);
    }
    *last = rng_below(rng, 2) == 0
                ? (struct stream_id){ last->ms, last->seq + 1 + rng_below(rng, 300) }
                : (struct stream_id){ last->ms + 1 + rng_below(rng, 9), rng_below(rng, 9) };
    parts_add(
        parts,
        &(struct part){ .kind = PART_ENTRY, .id = *last, .strings = strings, .count = 2 * fields });
}

static void random_group(struct rng *rng, struct parts *parts)
{
    uint64_t pending = rng_below(rng, 9), consumers = 1 + rng_below(rng, 3), given = 0;
    struct random_text text;
    parts_add(parts, &(struct part){ .kind = PART_GROUP,
                                     .text = random_text(rng, &text),
                                     .id = { rng_next(rng), rng_next(rng) },
                                     .read = (int64_t)rng_below(rng, 9) - 1,
                                     .pending = pending });
    for (uint64_t i = 0; i < pending; i++)
        parts_add(parts, &(struct part){ .kind = PART_PENDING,
                                         .id = { 1, i },
                                         .time_ms = (int64_t)rng_below(rng, 1u << 30),
                                         .count = rng_below(rng, 400) });
    for (uint64_t i = 0; i < consumers; i++) {
        uint64_t owned = i + 1 == consumers ? pending - given : rng_below(rng, pending - given + 1);
        parts_add(parts, &(struct part){ .kind = PART_CONSUMER,
                                         .text = random_text(rng, &text),
                                         .seen_ms = (int64_t)rng_below(rng, 1u << 30),
                                         .active_ms = (int64_t)rng_below(rng, 9) - 1,
                                         .pending = owned });
        for (uint64_t j = 0; j < owned; j++)
            parts_add(parts, &(struct part){ .kind = PART_OWNED, .id = { 1, given++ } });
    }
}

static void random_stream(struct rng *rng, struct parts *parts)
{
    uint64_t nodes = rng_below(rng, 5), groups = rng_below(rng, 3);
    struct stream_id last = { rng_below(rng, 3), 1 };
    struct part stream = { .kind = PART_STREAM, .nodes = nodes, .groups = groups };
    for (uint64_t i = 0; i < nodes; i++) {
        uint64_t entries = 1 + rng_below(rng, 40);
        parts_add(parts, &(struct part){ .kind = PART_NODE, .count = entries });
        for (uint64_t j = 0; j < entries; j++) {
            random_entry(rng, parts, &last);
            if (stream.count++ == 0)
                stream.first = last;
        }
    }
    stream.id = last;
    stream.added = stream.count + rng_below(rng, 3);
    stream.max_deleted = (struct stream_id){ rng_below(rng, 2), rng_below(rng, 2) };
    parts_add(parts, &stream);
    for (uint64_t i = 0; i < groups; i++)
        random_group(rng, parts);
    parts_settle(parts);
}

static void check_round_trip(const struct parts *parts, unsigned type, bool compress)
{
    struct rdb_handler handler = { .part = keep };
    struct parts found = { 0 };
    struct buffer out = { 0 };
    struct rdb_writer writer;
    struct value_summary summary;
    const char *reason = NULL;
    handler.context = &found;
    parts_summary(parts, &summary);
    rdb_writer_init(&writer, &out, RDB_VERSION_MAX, compress, true);
    CHECK_EQ(rdb_write_value(&writer, type, &summary), ERR_NONE);
    CHECK_EQ(parts_write(parts, &writer), ERR_NONE);
    CHECK_EQ(rdb_write_dump_tail(&writer), ERR_NONE);
    CHECK(rdb_dump_is_whole(buffer_view(&out)));
    enum err err = rdb_read_dump(buffer_view(&out), &handler, &reason);
    CHECKF(err == ERR_NONE, "%s", reason);
    parts_settle(&found);
    CHECK(parts_equal(parts, &found));
    out.at[rng_below(&(struct rng){ { 1, 2, 3, 4 } }, out.count)] ^= 1;
    CHECK(!rdb_dump_is_whole(buffer_view(&out)));
    rdb_writer_release(&writer);
    buffer_release(&out);
    parts_release(&found);
}

TEST(rdb_read_what_was_written)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned round = 0; round < 300; round++) {
        struct parts parts = { 0 };
        unsigned type = round % VALUE_TYPES;
        if (type == VALUE_STREAM)
            random_stream(&rng, &parts);
        else
            random_elements(&rng, &parts, type);
        check_round_trip(&parts, type, rng_below(&rng, 2) == 0);
        parts_release(&parts);
    }
}

/* A string longer than any step, plain and compressed. */
TEST(rdb_read_long_strings)
{
    static const size_t counts[] = { 200 * 1000, RDB_COMPRESS_MAX, 1000 * 1000 };
    uint8_t *text = calloc(1, 1000 * 1000);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct parts parts = { 0 };
        parts_add(&parts, &(struct part){ .kind = PART_TEXT, .text = bytes_of(text, counts[i]) });
        check_round_trip(&parts, VALUE_STRING, i % 2 == 1);
        parts_release(&parts);
        parts_add(&parts, &(struct part){ .kind = PART_ITEM, .text = bytes_of(text, counts[i]) });
        check_round_trip(&parts, VALUE_LIST, true);
        parts_release(&parts);
    }
    free(text);
}

static enum err write_and_read(const struct parts *parts, unsigned type)
{
    struct parts found = { 0 };
    struct rdb_handler handler = { .part = keep, .context = &found };
    struct buffer out = { 0 };
    struct rdb_writer writer;
    struct value_summary summary;
    const char *reason = NULL;
    parts_summary(parts, &summary);
    rdb_writer_init(&writer, &out, RDB_VERSION, true, true);
    enum err err = rdb_write_value(&writer, type, &summary);
    if (err == ERR_NONE)
        err = parts_write(parts, &writer);
    if (err == ERR_NONE)
        err = rdb_write_dump_tail(&writer);
    if (err == ERR_NONE)
        err = rdb_read_dump(buffer_view(&out), &handler, &reason);
    rdb_writer_release(&writer);
    buffer_release(&out);
    parts_release(&found);
    return err;
}

/* Every taking of memory fails once. */
TEST(rdb_without_memory)
{
    static const unsigned types[] = { VALUE_STREAM, VALUE_LIST, VALUE_STRING };
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < 3; i++) {
        struct parts parts = { 0 };
        bool failed = true;
        if (types[i] == VALUE_STREAM)
            random_stream(&rng, &parts);
        else
            random_elements(&rng, &parts, types[i]);
        for (uint64_t after = 0; failed; after++) {
            memory_fail_after(after);
            enum err err = write_and_read(&parts, types[i]);
            failed = memory_has_failed();
            memory_fail_after(UINT64_MAX);
            CHECK_EQ(err, failed ? ERR_MEMORY : ERR_NONE);
        }
        parts_release(&parts);
    }
}

TEST(rdb_dumps_are_checked)
{
    CHECK(rdb_dump_is_whole(BYTES("\x00\x03\x61\x62\x63\x0a\x00\xd9\xac\x30\x3d\x41\x72\xa2\xe2")));
    CHECK(
        !rdb_dump_is_whole(BYTES("\x00\x03\x61\x62\x63\x0b\x00\xd9\xac\x30\x3d\x41\x72\xa2\xe2")));
    CHECK(!rdb_dump_is_whole(BYTES("\x0a\x00\xd9\xac\x30")));
    uint8_t later[11] = { 0, 13, 0 };
    uint64_t crc = crc64(0, bytes_of(later, 3));
    for (unsigned i = 0; i < 8; i++)
        later[3 + i] = (uint8_t)(crc >> 8 * i);
    CHECK(!rdb_dump_is_whole(bytes_of(later, sizeof later)));
}
