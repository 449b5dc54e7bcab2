/* Batches of requests through the dispatcher. */
#include "cmd/dispatch.h"
#include "cmd/users.h"
#include "cmd_world.h"
#include "harness.h"

#include <stdio.h>

static void run_quit(struct call *call)
{
    reply_ok(call->reply);
    call->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}

static void run_skip(struct call *call)
{
    call->client->flags |= CLIENT_REPLY_SKIP_NEXT;
}

/* What the command was told: its arguments' keys, hashed or not. */
static void run_keys(struct call *call)
{
    for (uint32_t i = 0; i < call->key_count; i++) {
        struct key fresh = store_key(call->store, call->argv[1 + i]);
        CHECK_BYTES(call->keys[i].name, call->argv[1 + i]);
        CHECK(call->keys[i].hash == fresh.hash);
    }
    CHECK(call->key_count == 0 || call->first.hash == call->keys[0].hash);
    CHECK(arena_take(call->arena, 100000) != NULL);
    reply_i64(call->reply, call->key_count);
}

static void run_fail(struct call *call)
{
    reply_error(call->reply, "OOPS it failed");
}

static void run_no_touch(struct call *call)
{
    reply_i64(call->reply, call->read_flags);
}

static const struct command test_rows[] = {
    { .name = "quit", .run = run_quit, .arity = -1, .flags = CMD_NO_AUTH },
    { .name = "skip", .run = run_skip, .arity = 1 },
    { .name = "fail", .run = run_fail, .arity = -1 },
    { .name = "touches", .run = run_no_touch, .arity = 1 },
    { .name = "debug", .run = run_no_touch, .arity = 1, .flags = CMD_PROTECTED },
    { .name = "keys",
      .run = run_keys,
      .arity = -1,
      .flags = CMD_WRITE,
      .keys = { { .begin = KEYS_AT_INDEX, .index = 1, .last = -1, .step = 1 } } },
    { .name = NULL },
};
static const struct command *const groups[] = { test_rows, string_commands, generic_commands,
                                                NULL };

static struct command_counters *counters_of(struct world *world, const char *name)
{
    return &cmd_table_by_name(world->context.table, bytes_of_text(name))->counters;
}

TEST(batch_runs_in_order)
{
    struct world *world = world_new(groups);
    for (int i = 0; i < 200; i++) {
        char line[64];
        snprintf(line, sizeof line, i % 2 == 0 ? "set key%d %d" : "get key%d", i / 2, i / 2);
        world_add(world, line);
    }
    CHECK_EQ(world_run(world), 200);
    struct bytes replies = buffer_view(&world->replies);
    for (int i = 0; i < 100; i++) {
        char wanted[64];
        int count = snprintf(wanted, sizeof wanted, "+OK\r\n$%d\r\n%d\r\n", i < 10 ? 1 : 2, i);
        CHECK(replies.count >= (size_t)count);
        CHECK_BYTES(bytes_of(replies.at, (size_t)count), bytes_of(wanted, (size_t)count));
        replies = bytes_of(replies.at + count, replies.count - (size_t)count);
    }
    CHECK_EQ(replies.count, 0);
    CHECK_EQ(counters_of(world, "get")->calls, 100);
    CHECK_EQ(cmd_table_figures(world->context.table)->commands, 200);
    world_drop(world);
}

TEST(batch_hashes_keys_up_to_a_bound)
{
    struct world *world = world_new(groups);
    CHECK_TEXT(world_ask(world, "keys"), ":0\r\n");
    CHECK_TEXT(world_ask(world, "keys a b c"), ":3\r\n");
    char line[512] = "keys";
    for (int i = 0; i < 60; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " k%d", i);
    for (int i = 0; i < 20; i++)
        world_add(world, line);
    CHECK_EQ(world_run(world), 20);
    CHECK_EQ(world->replies.count, 20 * 5);
    world_drop(world);
}

TEST(batch_ends_where_a_client_stops)
{
    struct world *world = world_new(groups);
    world_add(world, "keys a");
    world_add(world, "quit");
    world_add(world, "keys b");
    CHECK_EQ(world_run(world), 2);
    CHECK_TEXT(buffer_view(&world->replies), ":1\r\n+OK\r\n");
    CHECK_EQ(counters_of(world, "keys")->calls, 1);
    world_drop(world);
}

TEST(password_comes_before_commands)
{
    struct world *world = world_new(groups);
    CHECK(users_set_default_password(world->context.users, BYTES("secret")));
    CHECK_TEXT(world_ask(world, "keys"), ":0\r\n"); /* was there before */
    world->client.flags = 0;
    dispatch_arrived(world->dispatch, &world->client);
    CHECK_TEXT(world_ask(world, "keys"), "-NOAUTH Authentication required.\r\n");
    CHECK_TEXT(world_ask(world, "get"), "-ERR wrong number of arguments for 'get' command\r\n");
    CHECK_EQ(counters_of(world, "keys")->rejected, 1);
    CHECK_TEXT(world_ask(world, "quit"), "+OK\r\n");
    world_drop(world);
}

TEST(skipped_reply_is_one)
{
    struct world *world = world_new(groups);
    world_add(world, "skip");
    world_add(world, "keys");
    world_add(world, "keys a");
    CHECK_EQ(world_run(world), 3);
    CHECK_TEXT(buffer_view(&world->replies), ":1\r\n");
    world->client.flags |= CLIENT_REPLY_OFF;
    CHECK_TEXT(world_ask(world, "nonsense"), "");
    CHECK_TEXT(world_ask(world, "fail"), "");
    CHECK_EQ(counters_of(world, "fail")->failed, 1);
    world_drop(world);
}

TEST(guarded_commands_need_the_option)
{
    struct world *world = world_new(groups);
    CHECK(strstr((const char *)world_ask(world, "debug").at, "DEBUG command not allowed") != NULL);
    world->config.enable_debug_command = CONFIG_GUARD_YES;
    CHECK_TEXT(world_ask(world, "debug"), ":0\r\n");
    world->config.enable_debug_command = CONFIG_GUARD_LOCAL;
    world->client.flags |= CLIENT_UNIX_SOCKET;
    CHECK_TEXT(world_ask(world, "debug"), ":0\r\n");
    world_drop(world);
}

TEST(no_touch_reaches_the_call)
{
    struct world *world = world_new(groups);
    CHECK_TEXT(world_ask(world, "touches"), ":0\r\n");
    world->client.flags |= CLIENT_NO_TOUCH;
    CHECK_TEXT(world_ask(world, "touches"), ":1\r\n");
    world_drop(world);
}

TEST(failures_are_counted)
{
    struct world *world = world_new(groups);
    world_ask(world, "fail");
    world_ask(world, "fail");
    world_ask(world, "unknown");
    const struct cmd_figures *figures = cmd_table_figures(world->context.table);
    CHECK_EQ(counters_of(world, "fail")->failed, 2);
    CHECK_EQ(counters_of(world, "fail")->calls, 2);
    CHECK_EQ(figures->error_replies, 3);
    CHECK_TEXT(bytes_of_text(figures->codes[0].code), "ERR"); /* in the order of their names */
    CHECK_EQ(figures->codes[0].count, 1);
    CHECK_TEXT(bytes_of_text(figures->codes[1].code), "OOPS");
    CHECK_EQ(figures->codes[1].count, 2);
    CHECK_EQ(counters_of(world, "fail")->latency->total, 2);
    world->config.latency_tracking = false;
    world_ask(world, "fail");
    CHECK_EQ(counters_of(world, "fail")->latency->total, 2);
    world_drop(world);
}

struct onlooker {
    unsigned before, after, slow;
    bool holds;
};

static bool look_before(void *context, struct call *call, const struct command_row *row)
{
    struct onlooker *onlooker = context;
    CHECK(call->command == row->command);
    onlooker->before++;
    if (onlooker->holds)
        reply_status(call->reply, "QUEUED");
    return !onlooker->holds;
}

static void look_after(void *context, const struct call *call, uint64_t ns)
{
    (void)call;
    (void)ns;
    ((struct onlooker *)context)->after++;
}

static void look_slow(void *context, const struct call *call, uint64_t ns)
{
    (void)call;
    (void)ns;
    ((struct onlooker *)context)->slow++;
}

TEST(hooks_look_on)
{
    struct world *world = world_new(groups);
    struct onlooker onlooker = { 0 };
    dispatch_add_hook(world->dispatch,
                      &(struct dispatch_hook){ look_before, look_after, &onlooker });
    dispatch_on_slow(world->dispatch, look_slow, &onlooker);
    world->config.slowlog_log_slower_than = 0;
    CHECK_TEXT(world_ask(world, "keys"), ":0\r\n");
    CHECK_EQ(onlooker.before, 1);
    CHECK_EQ(onlooker.after, 1);
    CHECK_EQ(onlooker.slow, 1);
    world->config.slowlog_log_slower_than = -1;
    onlooker.holds = true;
    CHECK_TEXT(world_ask(world, "keys a"), "+QUEUED\r\n");
    CHECK_EQ(onlooker.before, 2);
    CHECK_EQ(onlooker.after, 1);
    CHECK_EQ(onlooker.slow, 1);
    world_drop(world);
}

static bool is_held(struct world *world, const char *line, bool writes_only)
{
    world_add(world, line);
    world->request_count = 0;
    return dispatch_held(world->dispatch, &world->requests[0], writes_only);
}

TEST(pause_holds_what_would_run)
{
    struct world *world = world_new(groups);
    CHECK(is_held(world, "get a", false));
    CHECK(!is_held(world, "get a", true));
    CHECK(is_held(world, "set a b", true));
    CHECK(!is_held(world, "set a", true));
    CHECK(!is_held(world, "nonsense", false));
    world_drop(world);
}
