/* The log into the store: its commands are run by nobody, while no time passes. */
#include "base/number.h"
#include "cmd/dispatch.h"
#include "cmd/latency.h"
#include "cmd/persist.h"
#include "conf/config.h"

#include <inttypes.h>
#include <stdio.h>

enum { TELL_NS = 1000 * 1000 * 1000, TEXT_MAX = 512, ERRORS_TOLD = 10 };

struct replay {
    struct persistence *persistence;
    struct client client; /* nobody's: it has a database and a muted reply */
    struct reply_pool pool;
    struct load load; /* of the snapshots in front, and how far it is with all */
    struct loader *loader;
    uint64_t before, last; /* bytes of the files before this one; offset in this one */
    uint64_t began_ns, told_ns;

    struct buffer argv;   /* of the command that runs */
    struct buffer queued; /* of a transaction: of each command argc, then sizes and bytes */
    bool transaction;
    uint32_t told;
    char refusal[TEXT_MAX]; /* why it ended, by what runs commands */
};

/* --- running ---------------------------------------------------------------------------------- */

static int shown(struct bytes text)
{
    return (int)(text.count < TEXT_MAX / 4 ? text.count : TEXT_MAX / 4);
}

static void tell_error(struct replay *replay, struct bytes name)
{
    if (replay->told++ >= ERRORS_TOLD)
        return;
    persist_tell(
        replay->persistence, CONFIG_LOG_WARNING,
        "A command of the append only file was answered with an error, and has no effect: %.*s "
        "(%s)",
        shown(name), (const char *)name.at, replay->pool.error_code);
}

static enum err select_database(struct replay *replay, struct bytes text)
{
    int64_t db;
    uint32_t count = store_databases(replay->persistence->context->store);
    if (number_read_i64(text, &db) && db >= 0 && db < (int64_t)count) {
        replay->client.db = (uint32_t)db;
        return ERR_NONE;
    }
    snprintf(replay->refusal, sizeof replay->refusal,
             "it selects database %.*s, and this server has %u of them", shown(text),
             (const char *)text.at, count);
    return ERR_LIMIT;
}

static enum err run(struct replay *replay, struct bytes *argv, uint32_t argc)
{
    if (argc == 2 && bytes_is(argv[0], "select"))
        return select_database(replay, argv[1]);
    uint32_t errors = replay->client.reply.errors;
    enum err err =
        dispatch_logged(replay->persistence->context->dispatch, &replay->client, argv, argc);
    if (err == ERR_MISSING) {
        snprintf(replay->refusal, sizeof replay->refusal,
                 "Unknown command '%.*s', or not with so many arguments", shown(argv[0]),
                 (const char *)argv[0].at);
        return ERR_LIMIT;
    }
    if (err == ERR_NONE && replay->client.reply.errors != errors)
        tell_error(replay, argv[0]);
    return err;
}

static enum err run_copy(struct replay *replay, const struct bytes *argv, uint32_t argc)
{
    struct buffer *copy = &replay->argv;
    copy->count = 0;
    if (!buffer_append(copy, bytes_of(argv, argc * sizeof *argv)))
        return ERR_MEMORY;
    return run(replay, (struct bytes *)(void *)copy->at, argc);
}

/* --- transactions ----------------------------------------------------------------------------- */

static bool put_count(struct buffer *to, uint64_t count)
{
    return buffer_append(to, bytes_of(&count, sizeof count));
}

static enum err queue(struct replay *replay, const struct bytes *argv, uint32_t argc)
{
    struct buffer *queued = &replay->queued;
    bool done = put_count(queued, argc);
    for (uint32_t i = 0; i < argc && done; i++)
        done = put_count(queued, argv[i].count) && buffer_append(queued, argv[i]);
    return done ? ERR_NONE : ERR_MEMORY;
}

static uint64_t take_count(const uint8_t **at)
{
    uint64_t count;
    memcpy(&count, *at, sizeof count);
    *at += sizeof count;
    return count;
}

static enum err run_queued(struct replay *replay)
{
    struct buffer *argv = &replay->argv;
    const uint8_t *at = replay->queued.at, *end = at + replay->queued.count;
    while (at < end) {
        uint32_t argc = (uint32_t)take_count(&at);
        argv->count = 0;
        for (uint32_t i = 0; i < argc; i++) {
            size_t count = take_count(&at);
            struct bytes text = bytes_of(at, count);
            if (!buffer_append(argv, bytes_of(&text, sizeof text)))
                return ERR_MEMORY;
            at += count;
        }
        enum err err = run(replay, (struct bytes *)(void *)argv->at, argc);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

static void drop(void *context)
{
    struct replay *replay = context;
    replay->transaction = false;
    replay->queued.count = 0;
}

static enum err take_command(void *context, const struct bytes *argv, uint32_t argc)
{
    struct replay *replay = context;
    if (argc == 1 && bytes_is(argv[0], "multi")) {
        replay->transaction = true;
        return ERR_NONE;
    }
    if (argc == 1 && bytes_is(argv[0], "exec")) {
        enum err err = run_queued(replay);
        drop(replay);
        return err;
    }
    return replay->transaction ? queue(replay, argv, argc) : run_copy(replay, argv, argc);
}

/* --- on the way ------------------------------------------------------------------------------- */

static void look_around(struct replay *replay)
{
    struct persistence *persistence = replay->persistence;
    uint64_t now_ns = seam_now_ns(replay->load.seam);
    if (now_ns - replay->told_ns >= TELL_NS) {
        replay->told_ns = now_ns;
        persist_tell(persistence, CONFIG_LOG_NOTICE,
                     "Loading the append only file: %" PRIu64 " of %" PRIu64 " bytes",
                     replay->load.offset, replay->load.bytes);
    }
    if (persistence->loading != NULL) {
        uint64_t began_ns = latency_begin(persistence->context);
        net_turn(persistence->context->net, 0);
        latency_end(persistence->context, LATENCY_WHILE_BLOCKED, began_ns);
    }
}

static bool take_library(void *context, struct load *load, struct bytes source)
{
    const struct replay *replay = context;
    return persist_load_library(replay->persistence, load, source);
}

static bool turn(void *context, const struct load *load)
{
    struct replay *replay = context;
    (void)load;
    look_around(replay);
    return !replay->persistence->stop_loading;
}

/* An offset that falls is of the next file. */
static void progress(void *context, uint64_t offset)
{
    struct replay *replay = context;
    if (offset < replay->last)
        replay->before += replay->last;
    replay->last = offset;
    replay->load.offset = replay->before + offset;
    look_around(replay);
}

static enum err take_command_or_end(void *context, const struct bytes *argv, uint32_t argc)
{
    struct replay *replay = context;
    return replay->persistence->stop_loading ? ERR_LIMIT : take_command(context, argv, argc);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void tell_trouble(const struct persistence *persistence,
                         const struct aof_load_report *report)
{
    struct buffer text = { 0 };
    if (!aof_load_explain(report, &text))
        text.count = 0;
    if (text.count > 0)
        persist_tell(persistence, CONFIG_LOG_WARNING, "%.*s", (int)text.count,
                     (const char *)text.at);
    buffer_release(&text);
}

static bool tell_end(const struct replay *replay, const struct aof_load_report *report)
{
    const struct persistence *persistence = replay->persistence;
    bool good = report->outcome <= AOF_SHORTENED;
    double seconds = (double)(seam_now_ns(replay->load.seam) - replay->began_ns) / 1e9;
    tell_trouble(persistence, report);
    if (!good && replay->refusal[0] != 0)
        persist_tell(persistence, CONFIG_LOG_WARNING, "The command was refused: %s",
                     replay->refusal);
    if (!good && replay->load.reason[0] != 0)
        persist_tell(persistence, CONFIG_LOG_WARNING, "Of the snapshot in front: %s",
                     replay->load.reason);
    if (replay->told > ERRORS_TOLD)
        persist_tell(persistence, CONFIG_LOG_WARNING, "%u commands were answered with errors",
                     replay->told);
    if (good && report->outcome != AOF_NONE)
        persist_tell(persistence, CONFIG_LOG_NOTICE,
                     "DB loaded from append only file: %" PRIu64 " keys in front, %" PRIu64
                     " commands, %.3f seconds",
                     replay->load.keys, report->commands, seconds);
    return good;
}

static bool load_all(struct replay *replay, bool cut)
{
    struct persistence *persistence = replay->persistence;
    const struct config *config = persistence->context->config;
    const struct aof_set *set = &persistence->log.set;
    const struct aof_handler handler = { .command = take_command_or_end,
                                         .drop = drop,
                                         .rdb = load_handler(replay->loader),
                                         .progress = progress,
                                         .context = replay };
    const struct aof_load_options options = { .allow_cut = config->aof_load_truncated,
                                              .cut = cut,
                                              .checksum = config->rdbchecksum };
    struct aof_load_report report = { 0 };
    store_hold_clock(persistence->context->store, STORE_LONG_AGO);
    enum aof_outcome outcome = aof_load(&set->place, &set->manifest, &handler, &options, &report);
    store_free_clock(persistence->context->store);
    store_set_now_ms(persistence->context->store, seam_wall_ms(persistence->context->seam));
    (void)outcome; /* the report has it */
    return tell_end(replay, &report);
}

static void begin(struct replay *replay, struct persistence *persistence)
{
    const struct cmd_context *context = persistence->context;
    const struct aof_set *set = &persistence->log.set;
    *replay = (struct replay){ .persistence = persistence };
    reply_init(&replay->client.reply, &replay->pool);
    replay->client.reply.muted = true;
    replay->client.flags = CLIENT_AUTHENTICATED;
    replay->began_ns = replay->told_ns = seam_now_ns(context->seam);
    replay->load =
        (struct load){ .seam = context->seam,
                       .store = context->store,
                       .path = set->place.directory,
                       .turn_bytes =
                           (uint64_t)context->config->loading_process_events_interval_bytes,
                       .turn = turn,
                       .function = take_library,
                       .context = replay,
                       .bytes = aof_load_bytes(&set->place, &set->manifest) };
    replay->loader = load_within(&replay->load);
    persistence->loading_began_s = seam_wall_ms(context->seam) / 1000;
    persistence->loading_used_memory = 0;
}

static void end(struct replay *replay)
{
    load_within_drop(replay->loader);
    buffer_release(&replay->argv);
    buffer_release(&replay->queued);
    reply_release(&replay->client.reply);
    reply_pool_release(&replay->pool);
}

static enum err pass_over(void *context, const struct bytes *argv, uint32_t argc)
{
    (void)context;
    (void)argv;
    (void)argc;
    return ERR_NONE;
}

bool persist_log_check(struct persistence *persistence)
{
    static const struct rdb_handler nothing = { 0 };
    const struct aof_set *set = &persistence->log.set;
    const struct aof_handler handler = { .command = pass_over, .rdb = &nothing };
    const struct config *config = persistence->context->config;
    const struct aof_load_options options = { .allow_cut = config->aof_load_truncated,
                                              .checksum = config->rdbchecksum };
    struct aof_load_report report = { 0 };
    if (aof_load(&set->place, &set->manifest, &handler, &options, &report) <= AOF_SHORTENED)
        return true;
    tell_trouble(persistence, &report);
    return false;
}

bool persist_log_load(struct persistence *persistence, bool serve, bool cut)
{
    struct replay replay;
    bool loaded = false;
    begin(&replay, persistence);
    if (replay.loader != NULL) {
        persistence->loading = serve ? &replay.load : NULL;
        persist_regate(persistence);
        loaded = load_all(&replay, cut);
        persistence->loading = NULL;
        persist_regate(persistence);
    }
    persistence->loaded = replay.load.keys;
    persistence->expired = replay.load.expired;
    if (loaded)
        saver_forget_changes(&persistence->saver);
    end(&replay);
    return loaded;
}
