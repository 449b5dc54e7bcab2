/* Commands that run others. */
#include "cmd/effects.h"
#include "cmd/nested.h"
#include "cmd_world.h"
#include "harness.h"

#include <stdio.h>

/* "both a | b": runs one after the other into its own reply, as EXEC does. */
static void run_parts(struct call *call, unsigned flags)
{
    uint32_t from = 1;
    const uint8_t *kept = arena_take(call->arena, 100);
    CHECK(kept != NULL);
    for (uint32_t at = 1; at <= call->argc; at++) {
        if (at < call->argc && !bytes_is(call->argv[at], "|"))
            continue;
        (void)nested_run(call, call->argv + from, at - from, flags, call->reply);
        from = at + 1;
    }
    CHECK(call->argc > 1);
    const uint8_t *again = arena_take(call->arena, 100);
    CHECK(again != NULL && again != kept); /* what the outer one took is its own still */
}

static void cmd_both(struct call *call)
{
    run_parts(call, NESTED_GATED);
}

static void cmd_untold(struct call *call)
{
    run_parts(call, NESTED_SCRIPTED | NESTED_UNTOLD);
}

/* The outcome of one, whose reply nobody sees. */
static void cmd_outcome(struct call *call)
{
    struct reply aside;
    reply_init(&aside, call->reply->pool);
    aside.resp = 3;
    enum nested_outcome outcome =
        nested_run(call, call->argv + 1, call->argc - 1, NESTED_GATED, &aside);
    reply_release(&aside);
    reply_i64(call->reply, outcome);
}

static void cmd_fill(struct call *call)
{
    CHECK(arena_take(call->arena, 100000) != NULL);
    reply_i64(call->reply, (int64_t)call->key_count + call->never_waits * 10);
}

static const struct command test_commands[] = {
    { .name = "both", .run = cmd_both, .arity = -1 },
    { .name = "untold", .run = cmd_untold, .arity = -1 },
    { .name = "outcome", .run = cmd_outcome, .arity = -2 },
    { .name = "fill",
      .run = cmd_fill,
      .arity = -2,
      .keys = { { .begin = KEYS_AT_INDEX, .index = 1, .last = -1, .step = 1 } } },
    { .name = NULL },
};
static const struct command *const groups[] = { test_commands, string_commands, list_commands,
                                                connection_commands, NULL };

static const struct command_counters *counters_of(struct world *world, const char *name)
{
    return &cmd_table_by_name(world->context.table, bytes_of_text(name))->counters;
}

TEST(inner_commands_reply_and_count)
{
    struct world *world = world_new(groups);
    CHECK_TEXT(world_ask(world, "both set a 1 | incr a | get a"), "+OK\r\n:2\r\n$1\r\n2\r\n");
    CHECK_EQ(counters_of(world, "incr")->calls, 1);
    CHECK_EQ(counters_of(world, "both")->calls, 1);
    CHECK_EQ(cmd_table_figures(world->context.table)->commands, 4);
    CHECK_TEXT(world_ask(world, "both both fill a b | fill c"), ":12\r\n:11\r\n");
    CHECK_TEXT(world_ask(world, "both select 3 | set a 9 | select 0 | get a"),
               "+OK\r\n+OK\r\n+OK\r\n$1\r\n2\r\n");
    CHECK_TEXT(world_ask(world, "both blpop none 0 | get a"), "*-1\r\n$1\r\n2\r\n");
    world_drop(world);
}

TEST(inner_errors_are_the_inner_ones)
{
    struct world *world = world_new(groups);
    (void)world_ask(world, "set text abc");
    (void)world_ask(world, "both incr text | get | nonsense");
    CHECK_EQ(counters_of(world, "incr")->failed, 1);
    CHECK_EQ(counters_of(world, "get")->rejected, 1);
    CHECK_EQ(counters_of(world, "both")->failed, 0);
    CHECK_EQ(cmd_table_figures(world->context.table)->error_replies, 3);
    CHECK_TEXT(world_ask(world, "outcome get text"), ":0\r\n");
    CHECK_TEXT(world_ask(world, "outcome incr text"), ":1\r\n");
    CHECK_TEXT(world_ask(world, "outcome nonsense"), ":2\r\n");
    CHECK_TEXT(world_ask(world, "outcome get"), ":3\r\n");
    CHECK_EQ(counters_of(world, "outcome")->failed, 0);
    world_drop(world);
}

/* --- effects ---------------------------------------------------------------------------------- */

struct heard {
    char text[1000];
    size_t count;
};

static void hear(struct heard *heard, struct bytes text)
{
    int added = snprintf(heard->text + heard->count, sizeof heard->text - heard->count, "%.*s ",
                         (int)text.count, (const char *)text.at);
    heard->count += (size_t)added;
}

static void on_begin(void *context, unsigned db)
{
    (void)db;
    hear(context, BYTES("("));
}

static void on_effect(void *context, unsigned db, const struct bytes *argv, uint32_t argc)
{
    (void)db;
    for (uint32_t i = 0; i < argc; i++)
        hear(context, argv[i]);
}

static void on_end(void *context, unsigned db)
{
    (void)db;
    hear(context, BYTES(")"));
}

static void on_lost(void *context)
{
    hear(context, BYTES("lost"));
}

static void check_heard(struct world *world, struct heard *heard, const char *line,
                        const char *expected)
{
    *heard = (struct heard){ .count = 0 };
    (void)world_ask(world, line);
    CHECK_BYTES(bytes_of_text(heard->text), bytes_of_text(expected));
}

TEST(inner_effects_are_one_transaction)
{
    struct world *world = world_new(groups);
    struct heard heard = { .count = 0 };
    effects_listen(world->context.effects,
                   &(struct effects_listener){ on_begin, on_effect, on_end, on_lost, &heard });
    check_heard(world, &heard, "set a 1", "set a 1 ");
    check_heard(world, &heard, "both set a 1 | get a | incr a", "( set a 1 incr a ) ");
    check_heard(world, &heard, "both get a", "");
    check_heard(world, &heard, "both both set a 1 | getdel a", "( set a 1 DEL a ) ");
    check_heard(world, &heard, "untold set a 1 | set b 2", "");
    check_heard(world, &heard, "both set a 1 px 5", "( SET a 1 PXAT 1000005 ) ");
    world->wall_ms += 10;
    check_heard(world, &heard, "both get a | set b 1", "( DEL a set b 1 ) ");
    check_heard(world, &heard, "set b 2", "set b 2 ");
    world_drop(world);
}
