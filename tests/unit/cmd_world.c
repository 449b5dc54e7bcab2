#include "cmd_world.h"

#include "base/memory.h"
#include "cmd/users.h"
#include "harness.h"
#include "os/seam.h"

static int64_t world_wall_us(void *context)
{
    return ((struct world *)context)->wall_ms * 1000;
}

static void init_parts(struct world *world, const struct command *const *groups)
{
    os_seam_init(&world->seam);
    world->wall_ms = 1000000;
    world->seam.wall_us = world_wall_us;
    world->seam.context = world;
    CHECK_EQ(config_init(&world->config), ERR_NONE);
    struct store_options options = {
        .seam = &world->seam, .seed = { 1, 2 }, .databases = 16, .rng_seed = test_seed()
    };
    world->context = (struct cmd_context){ .seam = &world->seam, .config = &world->config };
    ticks_rate_init(&world->context.ticks, &world->seam);
    world->context.store = store_new(&options);
    CHECK(world->context.store != NULL);
    world->context.table = cmd_table_new(groups);
    CHECK(world->context.table != NULL);
    world->context.users = users_new(world->context.table, &world->config);
    CHECK(world->context.users != NULL);
    world->dispatch = dispatch_new(&world->context);
    CHECK(world->dispatch != NULL);
}

struct world *world_new(const struct command *const *groups)
{
    struct world *world = memory_take_zeroed(sizeof *world);
    CHECK(world != NULL);
    init_parts(world, groups);
    reply_init(&world->client.reply, &world->pool);
    world->client.id = 1;
    dispatch_arrived(world->dispatch, &world->client);
    return world;
}

void world_drop(struct world *world)
{
    for (size_t i = 0; i < WORLD_REQUESTS_MAX; i++)
        buffer_release(&world->texts[i]);
    buffer_release(&world->replies);
    reply_release(&world->client.reply);
    reply_pool_release(&world->pool);
    dispatch_drop(world->dispatch);
    users_drop(world->context.users);
    cmd_table_drop(world->context.table);
    store_drop(world->context.store);
    config_release(&world->config);
    memory_give(world);
}

void world_add(struct world *world, const char *line)
{
    size_t index = world->request_count++;
    CHECK(index < WORLD_REQUESTS_MAX);
    struct buffer *text = &world->texts[index];
    text->count = 0;
    CHECK(buffer_append_text(text, line));
    struct net_request *request = &world->requests[index];
    *request = (struct net_request){ &world->client, world->arguments[index], 0 };
    size_t from = 0;
    for (size_t i = 0; i <= text->count; i++) {
        if (i < text->count && text->at[i] != ' ')
            continue;
        CHECK(request->argc < WORLD_ARGS_MAX);
        request->argv[request->argc++] = bytes_of(text->at + from, i - from);
        from = i + 1;
    }
}

static void take_replies(struct world *world)
{
    struct iovec parts[16];
    int count = 0;
    while ((count = reply_parts(&world->client.reply, parts, 16)) > 0) {
        uint64_t bytes = 0;
        for (int i = 0; i < count; i++) {
            CHECK(buffer_append(&world->replies, bytes_of(parts[i].iov_base, parts[i].iov_len)));
            bytes += parts[i].iov_len;
        }
        reply_sent(&world->client.reply, bytes);
    }
}

size_t world_run(struct world *world)
{
    world->replies.count = 0;
    size_t done = dispatch_batch(world->dispatch, world->requests, world->request_count);
    world->request_count = 0;
    take_replies(world);
    return done;
}

struct bytes world_ask(struct world *world, const char *line)
{
    world_add(world, line);
    CHECK_EQ(world_run(world), 1);
    return buffer_view(&world->replies);
}
