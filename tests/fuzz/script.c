/* Whatever text is run as a script, the interpreter answers with one reply and goes on. */
#include "os/seam.h"
#include "script/engine.h"

#include <stdlib.h>

enum { MEMORY_MAX = 8 * 1024 * 1024, LIMIT_NS = 10 * 1000 * 1000, RUNS_MAX = 1000 };

struct world {
    struct seam seam;
    struct script_engine *engine;
    struct script_host host;
    struct reply_pool pool;
    unsigned runs;
};

/* The last argument is the reply, if it looks like a whole one of the simple kinds. */
static void command(void *context, struct bytes *argv, uint32_t argc, struct reply *reply)
{
    (void)context;
    if (argc % 2 == 0)
        reply_bulk(reply, argv[argc - 1]);
    else
        reply_error_bytes(reply, argv[argc - 1]);
}

static int may_run(void *context, struct bytes *argv, uint32_t argc)
{
    (void)context;
    (void)argv;
    return (int)(argc % 3) - 1;
}

static void write_log(void *context, enum script_log_level level, struct bytes text)
{
    (void)context;
    (void)level;
    (void)text;
}

static void set_repl(void *context, unsigned repl)
{
    (void)context;
    (void)repl;
}

static bool must_end(void *context)
{
    (void)context;
    return true;
}

static struct world *world_of(void)
{
    static struct world world;
    if (world.engine != NULL && world.runs++ < RUNS_MAX)
        return &world;
    script_engine_drop(world.engine);
    os_seam_init(&world.seam);
    const struct script_settings settings = { &world.seam, MEMORY_MAX, "7.2.4" };
    world.engine = script_engine_new(&settings);
    ENSURE(world.engine != NULL);
    world.runs = 0;
    world.host = (struct script_host){ .context = &world,
                                       .command = command,
                                       .may_run = may_run,
                                       .log = write_log,
                                       .set_repl = set_repl,
                                       .must_end = must_end };
    return &world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct world *world = world_of();
    const struct bytes key = bytes_of(data, count < 8 ? count : 8);
    struct buffer error = { 0 };
    struct reply reply;
    const struct script_run run = { .host = &world->host,
                                    .name = BYTES("fuzz"),
                                    .keys = &key,
                                    .key_count = 1,
                                    .limit_ns = LIMIT_NS };
    int function = script_load(world->engine, bytes_of(data, count), "@user_script", &error);
    reply_init(&reply, &world->pool);
    reply.resp = count % 2 == 0 ? 2 : 3;
    if (function != 0) {
        (void)script_run(world->engine, function, &run, &reply);
        ENSURE(reply_unsent(&reply) > 0);
        script_forget(world->engine, function);
    }
    (void)script_collect(world->engine, UINT64_MAX);
    reply_release(&reply);
    buffer_release(&error);
    return 0;
}
