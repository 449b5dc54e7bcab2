/* Snapshots by command, by save points, and at the end of the process. */
#include "cmd/persist.h"

#include "base/memory.h"
#include "cmd/functions.h"
#include "conf/config.h"
#include "observe/memory_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { RETRY_SECONDS = 5 }; /* after a save point's snapshot failed */

void persist_tell(const struct persistence *persistence, int level, const char *format, ...)
{
    const struct cmd_context *context = persistence->context;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    context->log(context->server, level, text);
}

/* --- for the saver ---------------------------------------------------------------------------- */

static enum snapshot_use use_of(const struct config *config)
{
    switch ((enum config_policy)config->maxmemory_policy) {
    case CONFIG_POLICY_ALLKEYS_LRU:
    case CONFIG_POLICY_VOLATILE_LRU:
        return SNAPSHOT_USE_LRU;
    case CONFIG_POLICY_ALLKEYS_LFU:
    case CONFIG_POLICY_VOLATILE_LFU:
        return SNAPSHOT_USE_LFU;
    case CONFIG_POLICY_VOLATILE_RANDOM:
    case CONFIG_POLICY_VOLATILE_TTL:
    case CONFIG_POLICY_ALLKEYS_RANDOM:
    case CONFIG_POLICY_NOEVICTION:
    default:
        return SNAPSHOT_USE_NONE;
    }
}

static void tell_functions(void *context, void (*tell)(void *to, struct bytes source), void *to)
{
    functions_tell(context, tell, to);
}

static void fill_options(void *context, struct snapshot_options *options)
{
    const struct persistence *persistence = context;
    const struct config *config = persistence->context->config;
    options->directory = config->dir.at;
    options->name = config->dbfilename.at;
    options->used_memory = memory_held();
    options->version = (unsigned)config->rdb_version;
    options->compress = config->rdbcompression;
    options->checksum = config->rdbchecksum;
    options->sync_often = config->rdb_save_incremental_fsync;
    options->use = use_of(config);
    options->memory_limit = config->snapshot_memory_limit;
    options->functions = tell_functions;
    options->context = persistence->context->functions;
    options->key_delay_us =
        config->rdb_key_save_delay > 0 ? (uint64_t)config->rdb_key_save_delay : 0;
}

static enum saver_rewrite fill_rewrite(void *context, struct snapshot_options *options)
{
    fill_options(context, options);
    return persist_log_begin_rewrite(context, options);
}

static bool on_rewritten(void *context, enum snapshot_state state,
                         const struct snapshot_figures *figures, const char *reason, bool wait)
{
    return persist_log_end_rewrite(context, state, figures, reason, wait);
}

static void log_line(void *context, bool warning, const char *text)
{
    const struct persistence *persistence = context;
    persist_tell(persistence, warning ? CONFIG_LOG_WARNING : CONFIG_LOG_NOTICE, "%s", text);
}

static bool refuses_writes(const struct persistence *persistence)
{
    const struct config *config = persistence->context->config;
    return persistence->saver.last_failed && config->stop_writes_on_bgsave_error &&
           config->save.count > 0;
}

void persist_regate(struct persistence *persistence)
{
    persistence->context->gated = persistence->loading != NULL || refuses_writes(persistence) ||
                                  persistence->log.refuses || saver_is_running(&persistence->saver);
}

static void on_changed(void *context)
{
    persist_regate(context);
}

struct persistence *persist_new(struct cmd_context *context)
{
    struct persistence *persistence = memory_take_zeroed(sizeof *persistence);
    if (persistence == NULL)
        return NULL;
    const struct saver_callbacks callbacks = { .options = fill_options,
                                               .rewrite = fill_rewrite,
                                               .rewritten = on_rewritten,
                                               .log = log_line,
                                               .changed = on_changed,
                                               .context = persistence };
    persistence->context = context;
    persistence->log.last_duration = -1;
    saver_init(&persistence->saver, context->seam, context->store, &callbacks);
    return persistence;
}

void persist_drop(struct persistence *persistence)
{
    if (persistence == NULL)
        return;
    saver_release(&persistence->saver);
    persist_log_release(persistence);
    memory_give(persistence);
}

/* --- what happens by itself ------------------------------------------------------------------- */

uint64_t persist_step(struct persistence *persistence, uint64_t now_ns)
{
    uint64_t commands = cmd_table_figures(persistence->context->table)->commands;
    bool idle = commands == persistence->commands;
    persistence->commands = commands;
    return saver_step(&persistence->saver, now_ns, idle);
}

static bool is_due(const struct saver *saver, const struct config_save_point *point,
                   uint64_t changes, int64_t now_s)
{
    return changes >= (uint64_t)point->changes && now_s - saver->saved_s > point->seconds &&
           (!saver->last_failed || now_s - saver->tried_s > RETRY_SECONDS);
}

void persist_cron(struct persistence *persistence)
{
    struct saver *saver = &persistence->saver;
    persist_log_cron(persistence);
    const struct config_save *save = &persistence->context->config->save;
    if (save->count == 0 || saver_is_running(saver) || saver->wanted)
        return;
    uint64_t changes = saver_changes(saver);
    int64_t now_s = seam_wall_ms(saver->seam) / 1000;
    for (size_t at = 0; at < save->count; at++) {
        char text[128];
        if (!is_due(saver, &save->points[at], changes, now_s))
            continue;
        snprintf(text, sizeof text, "%" PRId64 " changes in %" PRId64 " seconds. Saving...",
                 save->points[at].changes, save->points[at].seconds);
        persist_tell(persistence, CONFIG_LOG_NOTICE, "%s", text);
        saver_want(saver);
        return;
    }
}

void persist_flushed(struct persistence *persistence)
{
    saver_give_up_old(&persistence->saver);
    if (persistence->context->config->save.count > 0)
        saver_want(&persistence->saver);
}

static bool wants_last_snapshot(const struct persistence *persistence, unsigned flags)
{
    if (persistence->loading != NULL || (flags & SHUTDOWN_NOSAVE) != 0)
        return false;
    return (flags & SHUTDOWN_SAVE) != 0 || persistence->context->config->save.count > 0;
}

/* What was given up for an end that does not come. */
static void go_on(struct saver *saver, bool saving, bool rewriting)
{
    if (saving)
        saver_want(saver);
    if (rewriting)
        saver_want_rewrite(saver);
}

bool persist_before_exit(struct persistence *persistence, unsigned flags)
{
    if (persist_log_is_begun(&persistence->log) && (flags & SHUTDOWN_FORCE) == 0) {
        persist_tell(persistence, CONFIG_LOG_WARNING, "Writing initial AOF, can't exit");
        return false;
    }
    bool saving = saver_is_saving(&persistence->saver);
    bool rewriting = saver_is_rewriting(&persistence->saver);
    persistence->stop_loading = true;
    if (saver_is_running(&persistence->saver))
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "A snapshot is being written: it is given up.");
    saver_cancel(&persistence->saver);
    persist_log_settle(persistence);
    if (!wants_last_snapshot(persistence, flags))
        return true;
    persist_tell(persistence, CONFIG_LOG_NOTICE, "Saving the final RDB snapshot before exiting.");
    if (saver_save(&persistence->saver) == ERR_NONE)
        return true;
    if ((flags & SHUTDOWN_FORCE) != 0) {
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "The end was forced: exiting without a snapshot.");
        return true;
    }
    persist_tell(persistence, CONFIG_LOG_WARNING, "Error trying to save the DB, can't exit.");
    persistence->stop_loading = false;
    go_on(&persistence->saver, saving, rewriting);
    return false;
}

/* --- the gate --------------------------------------------------------------------------------- */

static bool is_write_or_ping(const struct command_row *row, uint32_t flags)
{
    return (flags & CMD_WRITE) != 0 || bytes_is(bytes_of_text(row->command->name), "ping");
}

bool persist_gate(struct cmd_context *context, const struct command_row *row, uint32_t flags,
                  struct reply *reply)
{
    struct persistence *persistence = context->persistence;
    persist_regate(persistence);
    if (persistence->loading != NULL && (flags & CMD_LOADING) == 0) {
        reply_error(reply, "LOADING Redis is loading the dataset in memory");
        return false;
    }
    if (UNLIKELY(persistence->log.refuses) && is_write_or_ping(row, flags)) {
        int error = persistence->log.error;
        reply_errorf(reply, "MISCONF Errors writing to the AOF file: %s",
                     strerror(error != 0 ? error : ENOMEM));
        return false;
    }
    if (refuses_writes(persistence) && is_write_or_ping(row, flags)) {
        reply_error(reply, "MISCONF Snapshots are asked for (save), and the last one could not be "
                           "written. Writes are refused until one can be, or until "
                           "stop-writes-on-bgsave-error is no. The log says why it failed.");
        return false;
    }
    if ((flags & CMD_WRITE) != 0)
        saver_press_on(&persistence->saver);
    return true;
}

/* --- commands --------------------------------------------------------------------------------- */

static bool refused_while_running(struct call *call)
{
    if (!saver_is_saving(&call->context->persistence->saver))
        return false;
    reply_error(call->reply, "ERR Background save already in progress");
    return true;
}

void cmd_save(struct call *call)
{
    if (refused_while_running(call))
        return;
    if (saver_save(&call->context->persistence->saver) == ERR_NONE)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR the snapshot could not be written; the log says why");
}

void cmd_bgsave(struct call *call)
{
    struct saver *saver = &call->context->persistence->saver;
    if (call->argc > 2 || (call->argc == 2 && !call_is(call, 1, "schedule"))) {
        call_syntax_error(call);
        return;
    }
    if (refused_while_running(call))
        return;
    if (saver_is_rewriting(saver) || call->never_waits) {
        if (call->argc == 1 && !call->never_waits) {
            reply_error(call->reply,
                        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use "
                        "BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.");
            return;
        }
        saver_want(saver);
        reply_status(call->reply, "Background saving scheduled");
        return;
    }
    if (saver_begin(saver) != ERR_NONE)
        reply_error(call->reply, "ERR the snapshot could not be begun; the log says why");
    else if (saver_is_running(saver))
        reply_status(call->reply, "Background saving started");
    else
        reply_status(call->reply, "Background saving scheduled");
}

void cmd_lastsave(struct call *call)
{
    reply_i64(call->reply, call->context->persistence->saver.saved_s);
}

/* --- DEBUG RELOAD ----------------------------------------------------------------------------- */

static bool read_reload(struct call *call, bool *save, bool *empty, unsigned *flags)
{
    for (uint32_t at = 2; at < call->argc; at++) {
        if (call_is(call, at, "nosave"))
            *save = false;
        else if (call_is(call, at, "noflush"))
            *empty = false;
        else if (call_is(call, at, "merge"))
            *flags |= PERSIST_MERGE;
        else
            return false;
    }
    return true;
}

void debug_reload(struct call *call)
{
    struct persistence *persistence = call->context->persistence;
    bool save = true, empty = true;
    unsigned flags = 0;
    if (!read_reload(call, &save, &empty, &flags)) {
        reply_error(call->reply,
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
        return;
    }
    if (persistence->loading != NULL) {
        reply_error(call->reply, "ERR a snapshot is being loaded; try again when that is done");
        return;
    }
    saver_cancel(&persistence->saver);
    if (save && saver_save(&persistence->saver) != ERR_NONE) {
        reply_error(call->reply, "ERR the snapshot could not be written; the log says why");
        return;
    }
    if (persist_load(persistence, PERSIST_CHECK) != ERR_NONE) {
        reply_error(call->reply, "ERR Error trying to load the RDB dump, check server logs. "
                                 "Nothing was flushed or loaded.");
        return;
    }
    if (empty) {
        store_flush(call->store, STORE_ALL_DATABASES, true);
        functions_clear(call->context->functions);
    }
    if (persistence->log.enabled)
        saver_want_rewrite(&persistence->saver); /* the log knows nothing of the file */
    if (persist_load(persistence, flags) == ERR_NONE)
        reply_ok(call->reply);
    else if (empty)
        persist_end_half_loaded(persistence);
    else
        reply_error(call->reply, "ERR Error trying to load the RDB dump, check server logs.");
}
