/* The commands for keys of any type, on the clock of the test. */
#include "base/memory.h"
#include "cmd_world.h"
#include "harness.h"

#include <stdio.h>

static const struct command *const groups[] = { string_commands, generic_commands, NULL };

#define ASK(line, reply) CHECK_TEXT(world_ask(world, line), reply)

TEST(expire_counts_from_now)
{
    struct world *world = world_new(groups);
    ASK("expire none 10", ":0\r\n");
    ASK("set a 1", "+OK\r\n");
    ASK("ttl a", ":-1\r\n");
    ASK("ttl none", ":-2\r\n");
    ASK("expire a 10", ":1\r\n");
    ASK("pttl a", ":10000\r\n");
    ASK("expiretime a", ":1010\r\n");
    ASK("pexpiretime a", ":1010000\r\n");
    world->wall_ms += 9499;
    ASK("ttl a", ":1\r\n");
    world->wall_ms += 2;
    ASK("ttl a", ":0\r\n");
    world->wall_ms += 499; /* its last millisecond is lived through */
    ASK("exists a", ":1\r\n");
    world->wall_ms += 1;
    ASK("exists a", ":0\r\n");
    ASK("dbsize", "-ERR unknown command 'dbsize', with args beginning with: \r\n");
    world_drop(world);
}

TEST(expire_with_conditions)
{
    struct world *world = world_new(groups);
    ASK("set a 1", "+OK\r\n");
    ASK("expire a 10 xx", ":0\r\n");
    ASK("expire a 10 gt", ":0\r\n");
    ASK("expire a 10 lt", ":1\r\n");
    ASK("expire a 20 nx", ":0\r\n");
    ASK("expire a 20 lt", ":0\r\n");
    ASK("expire a 20 gt xx", ":1\r\n");
    ASK("expire a 20 gt", ":0\r\n");
    ASK("ttl a", ":20\r\n");
    ASK("persist a", ":1\r\n");
    ASK("persist a", ":0\r\n");
    ASK("expire a -1 nx", ":1\r\n");
    ASK("exists a", ":0\r\n");
    world_drop(world);
}

TEST(expire_at_the_ends_of_time)
{
    struct world *world = world_new(groups);
    ASK("set a 1", "+OK\r\n");
    ASK("expire a 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n");
    ASK("pexpire a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n");
    ASK("expire a -9223372036854775808", "-ERR invalid expire time in 'expire' command\r\n");
    ASK("pexpireat a 9223372036854775807", ":1\r\n");
    ASK("pexpiretime a", ":140737488355327\r\n");
    ASK("pexpireat a -9223372036854775808", ":1\r\n");
    ASK("exists a", ":0\r\n");
    world_drop(world);
}

TEST(rename_move_copy)
{
    struct world *world = world_new(groups);
    ASK("rename a b", "-ERR no such key\r\n");
    ASK("set a 1 px 5000", "+OK\r\n");
    ASK("set b 2", "+OK\r\n");
    ASK("renamenx a b", ":0\r\n");
    ASK("rename a b", "+OK\r\n");
    ASK("get b", "$1\r\n1\r\n");
    ASK("pttl b", ":5000\r\n");
    ASK("exists a", ":0\r\n");
    ASK("rename b b", "+OK\r\n");
    ASK("copy b c", ":1\r\n");
    ASK("copy b c", ":0\r\n");
    ASK("pttl c", ":5000\r\n");
    ASK("set b text", "+OK\r\n");
    ASK("copy b c replace", ":1\r\n");
    ASK("get c", "$4\r\ntext\r\n");
    ASK("pttl c", ":-1\r\n");
    ASK("copy b b db 1", ":1\r\n");
    ASK("move b 1", ":0\r\n");
    ASK("move c 1", ":1\r\n");
    ASK("exists b c", ":1\r\n");
    ASK("move b 0", "-ERR source and destination objects are the same\r\n");
    ASK("move b 99", "-ERR DB index is out of range\r\n");
    CHECK(store_valid(world->context.store));
    world_drop(world);
}

TEST(rename_onto_an_expired_key)
{
    struct world *world = world_new(groups);
    ASK("set old 1 px 10", "+OK\r\n");
    ASK("set new 2", "+OK\r\n");
    world->wall_ms += 11;
    ASK("renamenx new old", ":1\r\n");
    ASK("get old", "$1\r\n2\r\n");
    ASK("set gone 1 px 10", "+OK\r\n");
    ASK("set here 2", "+OK\r\n");
    world->wall_ms += 11;
    ASK("copy here gone", ":1\r\n");
    ASK("copy gone none replace", ":1\r\n");
    CHECK(store_valid(world->context.store));
    world_drop(world);
}

TEST(scan_sees_every_key_once)
{
    struct world *world = world_new(groups);
    char line[64], cursor[24] = "0";
    for (int i = 0; i < 250; i++) {
        snprintf(line, sizeof line, "set key:%d %d", i, i);
        world_ask(world, line);
    }
    ASK("pexpire key:7 1", ":1\r\n");
    world->wall_ms += 5;
    unsigned seen = 0, calls = 0;
    do {
        snprintf(line, sizeof line, "scan %s match key:* count 20", cursor);
        struct bytes reply = world_ask(world, line);
        CHECK(buffer_append_byte(&world->replies, 0));
        const char *text = (const char *)world->replies.at;
        CHECK(sscanf(text, "*2\r\n$%*d\r\n%23[0-9]\r\n", cursor) == 1);
        for (const char *at = text; (at = strstr(at, "key:")) != NULL; at++)
            seen++;
        (void)reply;
    } while (strcmp(cursor, "0") != 0 && ++calls < 1000);
    CHECK_EQ(seen, 249);
    ASK("scan 0 type list count 10000", "*2\r\n$1\r\n0\r\n*0\r\n");
    world_drop(world);
}

TEST(scan_refuses)
{
    struct world *world = world_new(groups);
    ASK("scan x", "-ERR invalid cursor\r\n");
    ASK("scan 18446744073709551616", "-ERR invalid cursor\r\n");
    ASK("scan 00x", "-ERR invalid cursor\r\n");
    ASK("scan 18446744073709551615", "*2\r\n$1\r\n0\r\n*0\r\n");
    ASK("scan 0 count 0", "-ERR syntax error\r\n");
    ASK("scan 0 count", "-ERR syntax error\r\n");
    ASK("scan 0 count x", "-ERR value is not an integer or out of range\r\n");
    ASK("scan 0 what 1", "-ERR syntax error\r\n");
    ASK("scan 0 count 9223372036854775807", "*2\r\n$1\r\n0\r\n*0\r\n");
    world_drop(world);
}

TEST(reads_count_hits_and_misses)
{
    struct world *world = world_new(groups);
    struct store_figures figures;
    ASK("set a 1", "+OK\r\n");
    ASK("exists a b", ":1\r\n");
    ASK("ttl a", ":-1\r\n");
    ASK("type b", "+none\r\n");
    ASK("touch a", ":1\r\n");
    ASK("object encoding a", "$3\r\nint\r\n");
    ASK("del b", ":0\r\n");
    ASK("rename b c", "-ERR no such key\r\n");
    store_figures(world->context.store, &figures);
    CHECK_EQ(figures.keyspace_hits, 4);
    CHECK_EQ(figures.keyspace_misses, 2);
    world_drop(world);
}

/* Each request with the nth allocation failing: an error or the usual reply, and nothing broken. */
TEST(generic_commands_survive_want_of_memory)
{
    static const char *const lines[] = {
        "copy a b",     "copy big b db 1", "rename a b", "move a 1",           "expire a 100",
        "persist a",    "scan 0",          "keys *",     "object freq a",      "del a",
        "renamenx a b", "pexpire big 100", "unlink big", "copy big a replace", "scan 0 count 1000",
    };
    struct world *world = world_new(groups);
    char big[70100] = "set big ";
    memset(big + 8, 'x', sizeof big - 9);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (uint64_t takes = 0; takes < 6; takes++) {
            world_ask(world, big);
            ASK("set a text px 5000", "+OK\r\n");
            world_add(world, lines[i]);
            memory_fail_after(takes);
            size_t done = dispatch_batch(world->dispatch, world->requests, 1);
            memory_fail_after(UINT64_MAX);
            world->request_count = 0;
            CHECK_EQ(done, 1);
            CHECKF(store_valid(world->context.store), "%s, %u", lines[i], (unsigned)takes);
            reply_release(&world->client.reply);
            reply_init(&world->client.reply, &world->pool);
        }
    }
    world_drop(world);
}
