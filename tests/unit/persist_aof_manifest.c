/* The manifest: what is read, what is refused and where, and that a disk which stops anywhere
 * leaves the old one or the new one. */
#include "aof_disk_world.h"
#include "harness.h"
#include "persist/aof_manifest.h"

static void round_trip(const char *text, const char *wanted)
{
    struct aof_manifest manifest = { 0 };
    struct aof_manifest_fault fault;
    struct buffer again = { 0 };
    enum err err = aof_manifest_parse(&manifest, bytes_of_text(text), &fault);
    CHECKF(err == ERR_NONE, "%s: line %u: %s", text, fault.line, fault.reason);
    CHECK_EQ(aof_manifest_format(&manifest, &again), ERR_NONE);
    CHECK_BYTES(buffer_view(&again), bytes_of_text(wanted));
    buffer_release(&again);
    aof_manifest_release(&manifest);
}

TEST(aof_manifest_is_read_and_written)
{
    const char *plain = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    round_trip(plain, plain);
    round_trip("# a note\n  file x seq 3 type i\t\r\nfile h seq 9 type h\nfile b seq 2 type b\n",
               "file b seq 2 type b\nfile h seq 9 type h\nfile x seq 3 type i\n");
    round_trip("seq 7 later field type i file \"a \\x41\\\"\\xff\"\n",
               "file \"a A\\\"\\xff\" seq 7 type i\n");
    round_trip("FILE x SEQ 3 TYPE i\nfile y seq 10 type i\n",
               "file x seq 3 type i\nfile y seq 10 type i\n");
}

TEST(aof_manifest_refuses_what_cannot_be)
{
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        { "", 0 },
        { "\n", 1 },
        { "file a seq 1 type b", 1 },
        { "file a seq 1 type\n", 1 },
        { "file a seq 1\n", 1 },
        { "file a seq 1 type x\n", 1 },
        { "file a seq 1 type bb\n", 1 },
        { "file a seq 0 type b\n", 1 },
        { "file a seq -1 type b\n", 1 },
        { "file a seq 1x type b\n", 1 },
        { "file a seq 9223372036854775808 type b\n", 1 },
        { "file ../a seq 1 type b\n", 1 },
        { "file .. seq 1 type b\n", 1 },
        { "file a\\\\b seq 1 type b\n", 1 },
        { "file \"a\\x00b\" seq 1 type b\n", 1 },
        { "file \"\" seq 1 type b\n", 1 },
        { "file \"a seq 1 type b\n", 1 },
        { "file a file b seq 1 type b\n", 1 },
        { "file a seq 1 seq 2 type b\n", 1 },
        { "file a seq 1 type b\nfile b seq 2 type b\n", 2 },
        { "file a seq 2 type i\nfile b seq 2 type i\n", 2 },
        { "file a seq 2 type i\n\nfile b seq 3 type i\n", 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct aof_manifest manifest = { 0 };
        struct aof_manifest_fault fault;
        enum err err = aof_manifest_parse(&manifest, bytes_of_text(rows[i].text), &fault);
        CHECKF(err == ERR_SYNTAX, "taken: %s", rows[i].text);
        CHECKF(fault.line == rows[i].line && fault.reason != NULL, "%s: line %u", rows[i].text,
               fault.line);
        CHECK(manifest.count == 0 && manifest.files == NULL);
    }
}

TEST(aof_manifest_refuses_a_line_too_long)
{
    struct aof_manifest manifest = { 0 };
    struct aof_manifest_fault fault;
    struct buffer text = { 0 };
    for (int i = 0; i < AOF_MANIFEST_LINE_MAX; i++)
        CHECK(buffer_append_byte(&text, 'x'));
    CHECK(buffer_append_byte(&text, '\n'));
    CHECK_EQ(aof_manifest_parse(&manifest, buffer_view(&text), &fault), ERR_SYNTAX);
    buffer_release(&text);
}

TEST(aof_manifest_goes_through_a_rewrite)
{
    struct aof_manifest manifest = { 0 }, copy;
    struct buffer text = { 0 };
    CHECK_EQ(aof_manifest_add_base(&manifest, "a", true), ERR_NONE);
    CHECK_EQ(aof_manifest_add_increment(&manifest, "a"), ERR_NONE);
    CHECK_EQ(aof_manifest_add_increment(&manifest, "a"), ERR_NONE);
    CHECK_EQ(aof_manifest_add_base(&manifest, "a", false), ERR_NONE);
    aof_manifest_retire(&manifest);
    CHECK_EQ(aof_manifest_copy(&manifest, &copy), ERR_NONE);
    CHECK_EQ(aof_manifest_format(&copy, &text), ERR_NONE);
    CHECK_TEXT(buffer_view(&text), "file a.2.base.aof seq 2 type b\n"
                                   "file a.1.base.rdb seq 1 type h\n"
                                   "file a.1.incr.aof seq 1 type h\n"
                                   "file a.2.incr.aof seq 2 type i\n");
    aof_manifest_forget_history(&manifest);
    CHECK_EQ(manifest.count, 2);
    CHECK_EQ(aof_manifest_add_increment(&manifest, "a"), ERR_NONE);
    CHECK_TEXT(bytes_of_text(aof_manifest_nth(&manifest, AOF_INCREMENT, 1)->name), "a.3.incr.aof");
    buffer_release(&text);
    aof_manifest_release(&manifest);
    aof_manifest_release(&copy);
}

TEST(aof_manifest_is_replaced_as_a_whole_wherever_the_disk_stops)
{
    struct aof_manifest old = { 0 }, new = { 0 };
    CHECK_EQ(aof_manifest_add_base(&old, "a", true), ERR_NONE);
    CHECK_EQ(aof_manifest_copy(&old, &new), ERR_NONE);
    CHECK_EQ(aof_manifest_add_increment(&new, "a"), ERR_NONE);
    bool whole = false;
    for (uint64_t steps = 0; !whole; steps++) {
        struct disk disk;
        struct aof_manifest found = { 0 };
        struct aof_manifest_fault fault;
        disk_init(&disk);
        struct aof_place place = { &disk.seam, "aof", "a" };
        CHECK_EQ(aof_manifest_load(&place, &found, &fault), ERR_MISSING);
        CHECK_EQ(aof_manifest_save(&place, &old), ERR_NONE);
        disk_restart(&disk, steps);
        enum err err = aof_manifest_save(&place, &new);
        whole = err == ERR_NONE;
        disk_restart(&disk, UINT64_MAX);
        CHECK_EQ(aof_manifest_load(&place, &found, &fault), ERR_NONE);
        CHECK(found.count == 1 || found.count == 2);
        CHECK(!whole || found.count == 2);
        aof_manifest_release(&found);
        disk_release(&disk);
    }
    aof_manifest_release(&old);
    aof_manifest_release(&new);
}
