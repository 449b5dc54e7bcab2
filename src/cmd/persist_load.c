/* A file into the store, at the start or by DEBUG RELOAD. Clients may be looked after meanwhile. */
#include "base/number.h"
#include "cmd/functions.h"
#include "cmd/latency.h"
#include "cmd/persist.h"
#include "conf/config.h"
#include "net/net.h"
#include "persist/leftover.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { TELL_NS = 1000 * 1000 * 1000, TEXT_MAX = 512 };

struct loading {
    struct persistence *persistence;
    uint64_t began_ns, told_ns;
};

/* --- on the way ------------------------------------------------------------------------------- */

static void tell_progress(struct loading *loading, const struct load *load)
{
    uint64_t now_ns = seam_now_ns(load->seam);
    if (now_ns - loading->told_ns < TELL_NS)
        return;
    loading->told_ns = now_ns;
    persist_tell(loading->persistence, CONFIG_LOG_NOTICE,
                 "Loading: %" PRIu64 " keys, %" PRIu64 " of %" PRIu64 " bytes", load->keys,
                 load->offset, load->bytes);
}

static void take_turn(const struct cmd_context *context)
{
    uint64_t began_ns = latency_begin(context);
    net_turn(context->net, 0);
    latency_end(context, LATENCY_WHILE_BLOCKED, began_ns);
}

/* key-load-delay, which may be set back meanwhile. At DEBUG RELOAD nobody is looked after. */
static void wait_after_key(void *context)
{
    const struct loading *loading = context;
    const struct persistence *persistence = loading->persistence;
    const struct cmd_context *command = persistence->context;
    if (command->config->key_load_delay <= 0 || persistence->loading == NULL)
        return;
    uint64_t end_ns = seam_now_ns(command->seam) + (uint64_t)command->config->key_load_delay * 1000;
    for (uint64_t now_ns = end_ns - 1; now_ns < end_ns; now_ns = seam_now_ns(command->seam)) {
        if (persistence->stop_loading || command->config->key_load_delay <= 0)
            return;
        net_turn(command->net, end_ns - now_ns);
    }
}

/* Expiry goes by the clock as it was when the loading began. */
static bool turn(void *context, const struct load *load)
{
    struct loading *loading = context;
    struct persistence *persistence = loading->persistence;
    tell_progress(loading, load);
    if (persistence->loading != NULL)
        take_turn(persistence->context);
    return !persistence->stop_loading;
}

bool persist_load_library(struct persistence *persistence, struct load *load, struct bytes source)
{
    struct functions *functions = persistence->context->functions;
    struct buffer error = { 0 };
    struct bytes name;
    unsigned flags = FUNCTIONS_PATIENT | (load->merge ? FUNCTIONS_REPLACE : 0u);
    bool loaded = functions_load(functions, source, flags, &name, &error);
    if (!loaded)
        snprintf(load->reason, sizeof load->reason, "a library of functions: %.*s",
                 (int)error.count, (const char *)error.at);
    buffer_release(&error);
    return loaded;
}

static bool take_library(void *context, struct load *load, struct bytes source)
{
    const struct loading *loading = context;
    return persist_load_library(loading->persistence, load, source);
}

static void take_aux(void *context, struct bytes name, struct bytes value)
{
    const struct loading *loading = context;
    struct persistence *persistence = loading->persistence;
    int shown = (int)(value.count < TEXT_MAX / 2 ? value.count : TEXT_MAX / 2);
    int64_t number;
    if (bytes_is(name, "redis-ver"))
        persist_tell(persistence, CONFIG_LOG_NOTICE, "Loading RDB produced by version %.*s", shown,
                     (const char *)value.at);
    else if (bytes_is(name, "ctime") && number_read_i64(value, &number))
        persist_tell(persistence, CONFIG_LOG_NOTICE, "RDB age %" PRId64 " seconds",
                     seam_wall_ms(persistence->context->seam) / 1000 - number);
    else if (bytes_is(name, "used-mem") && number_read_i64(value, &number) && number > 0)
        persistence->loading_used_memory = (uint64_t)number;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void tell_end(const struct loading *loading, const struct load *load)
{
    double seconds = (double)(seam_now_ns(load->seam) - loading->began_ns) / 1e9;
    persist_tell(loading->persistence, CONFIG_LOG_NOTICE,
                 "Done loading RDB, keys loaded: %" PRIu64 ", keys expired: %" PRIu64 ".",
                 load->keys, load->expired);
    persist_tell(loading->persistence, CONFIG_LOG_NOTICE, "DB loaded from disk: %.3f seconds",
                 seconds);
}

static void tell_failure(const struct loading *loading, const struct load *load)
{
    persist_tell(loading->persistence, CONFIG_LOG_WARNING,
                 "The RDB file %s cannot be loaded: %s (at byte %" PRIu64 ")", load->path,
                 load->reason, load->offset);
}

static enum err load_path(struct loading *loading, const char *path, unsigned flags)
{
    struct persistence *persistence = loading->persistence;
    const struct cmd_context *context = persistence->context;
    const struct config *config = context->config;
    struct load load = { .seam = context->seam,
                         .store = context->store,
                         .path = path,
                         .checksum = config->rdbchecksum,
                         .merge = (flags & PERSIST_MERGE) != 0,
                         .turn_bytes = (uint64_t)config->loading_process_events_interval_bytes,
                         .turn = turn,
                         .key = wait_after_key,
                         .aux = take_aux,
                         .function = take_library,
                         .context = loading };
    if ((flags & PERSIST_CHECK) != 0) {
        enum err found = load_check(&load);
        if (found != ERR_NONE)
            tell_failure(loading, &load);
        return found;
    }
    persistence->loading = (flags & PERSIST_SERVE) != 0 ? &load : NULL;
    persist_regate(persistence);
    enum err err = load_file(&load);
    persistence->loading = NULL;
    persist_regate(persistence);
    persistence->loaded = load.keys;
    persistence->expired = load.expired;
    if (err == ERR_NONE)
        tell_end(loading, &load);
    else if (err != ERR_MISSING)
        tell_failure(loading, &load);
    return err;
}

enum err persist_load(struct persistence *persistence, unsigned flags)
{
    const struct cmd_context *context = persistence->context;
    struct loading loading = { .persistence = persistence };
    struct buffer path = { 0 };
    loading.began_ns = loading.told_ns = seam_now_ns(context->seam);
    persistence->loading_began_s = seam_wall_ms(context->seam) / 1000;
    persistence->loading_used_memory = 0;
    store_set_now_ms(context->store, seam_wall_ms(context->seam));
    enum err err = ERR_MEMORY;
    if (buffer_printf(&path, "%s/%s", context->config->dir.at, context->config->dbfilename.at) &&
        buffer_append_byte(&path, 0))
        err = load_path(&loading, (const char *)path.at, flags);
    buffer_release(&path);
    if (err == ERR_NONE && (flags & PERSIST_CHECK) == 0)
        saver_forget_changes(&persistence->saver);
    return err;
}

_Noreturn void persist_end_half_loaded(struct persistence *persistence)
{
    persist_tell(
        persistence, CONFIG_LOG_WARNING,
        "What is in memory is not whole, and what was there before is gone. The files are left as "
        "they are. Exiting...");
    _exit(1);
}

/* --- leftovers -------------------------------------------------------------------------------- */

static void tell_removed(void *context, const char *name)
{
    persist_tell(context, CONFIG_LOG_NOTICE,
                 "Removed %s, which was not whole when the process that wrote it ended", name);
}

void persist_remove_leftovers(struct persistence *persistence)
{
    const struct cmd_context *context = persistence->context;
    const struct config *config = context->config;
    char directory[TEXT_MAX], prefix[TEXT_MAX];
    struct leftovers leftovers = { .seam = context->seam,
                                   .directory = config->dir.at,
                                   .removed = tell_removed,
                                   .context = persistence };
    leftovers_remove(&leftovers);
    int count =
        snprintf(directory, sizeof directory, "%s/%s", config->dir.at, config->appenddirname.at);
    if (count <= 0 || (size_t)count >= sizeof directory)
        return;
    count = snprintf(prefix, sizeof prefix, "temp-%s.", config->appendfilename.at);
    if (count <= 0 || (size_t)count >= sizeof prefix)
        return;
    leftovers.directory = directory;
    leftovers.prefix = prefix;
    leftovers_remove(&leftovers);
}
