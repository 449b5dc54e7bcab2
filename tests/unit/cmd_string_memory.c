/* Commands that find no pages for a big string: an error, and every key as it was. */
#include "base/memory.h"
#include "cmd_world.h"
#include "harness.h"
#include "os/seam.h"

enum { BIG_BYTES = 70000 };

static bool no_pages(void *context, void *at, size_t bytes)
{
    (void)context;
    (void)at;
    (void)bytes;
    return false;
}

/* "NAME KEY BBBB...": a request with a value that needs a run of pages. */
static struct buffer big_request(const char *start)
{
    struct buffer line = { 0 };
    CHECK(buffer_append_text(&line, start));
    CHECK(buffer_reserve(&line, BIG_BYTES + 1));
    memset(line.at + line.count, 'B', BIG_BYTES);
    line.count += BIG_BYTES;
    CHECK(buffer_append_byte(&line, '\0'));
    return line;
}

static void check_refused(struct world *world, const char *line)
{
    bool (*pages_commit)(void *, void *, size_t) = world->seam.pages_commit;
    world->seam.pages_commit = no_pages;
    struct bytes reply = world_ask(world, line);
    world->seam.pages_commit = pages_commit;
    CHECKF(reply.count > 4 && memcmp(reply.at, "-OOM", 4) == 0, "%.60s: %.60s", line,
           (const char *)reply.at);
    CHECK(store_valid(world->context.store));
    CHECK_TEXT(world_ask(world, "get text"), "$5\r\nhello\r\n");
    CHECK_TEXT(world_ask(world, "get number"), "$2\r\n42\r\n");
    CHECK_TEXT(world_ask(world, "object encoding number"), "$3\r\nint\r\n");
    CHECK_TEXT(world_ask(world, "strlen big"), ":70000\r\n");
    CHECK_TEXT(world_ask(world, "exists new"), ":0\r\n");
    CHECK_TEXT(world_ask(world, "ttl text"), ":1000\r\n");
}

TEST(string_commands_without_pages)
{
    static const char *const small[] = {
        "setrange text 100000 x", "setrange new 100000 x",    "setrange number 100000 x",
        "setbit text 800000 1",   "setbit new 800000 1",      "bitfield text set u8 800000 1",
        "bitop not text big",     "bitop xor new big number", "copy big new",
        "setrange big 9000000 x", "setbit big 80000000 1",
    };
    static const char *const big[] = { "set text ",   "set new ",       "append text ",
                                       "append new ", "getset number ", "setnx new ",
                                       "mset new ",   "setex text 9 " };
    const struct command *groups[] = { string_commands, bitmap_commands, generic_commands, NULL };
    struct world *world = world_new(groups);
    struct buffer line = big_request("set big ");
    world_ask(world, (const char *)line.at);
    buffer_release(&line);
    world_ask(world, "set text hello ex 1000");
    world_ask(world, "set number 42");
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        check_refused(world, small[i]);
    for (size_t i = 0; i < sizeof big / sizeof big[0]; i++) {
        line = big_request(big[i]);
        check_refused(world, (const char *)line.at);
        buffer_release(&line);
    }
    world_drop(world);
}
