/* The append-only log: switched on and off, flushed, rewritten. */
#include "cmd/persist_log.h"

#include "cmd/effects.h"
#include "cmd/functions.h"
#include "cmd/persist.h"
#include "conf/config.h"
#include "observe/observer.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { RETRY_NS = 1000 * 1000 * 1000, RETRY_MOST = 60 };

/* errno where that says why. */
static const char *reason_of(enum err err)
{
    if (err == ERR_MEMORY)
        return "no memory, or no thread";
    return err == ERR_SYSTEM ? strerror(errno) : "a name or a file is too long, or damaged";
}

static void note_refusal(struct persist_log *log, struct persistence *persistence)
{
    bool before = log->refuses;
    log->refuses = log->enabled && aof_log_refuses(&log->set.log, &log->error);
    if (log->refuses == before)
        return;
    if (log->refuses)
        persist_tell(persistence, CONFIG_LOG_WARNING, "Error writing to the AOF file: %s",
                     log->error != 0 ? strerror(log->error)
                                     : "effects were lost for want of memory");
    else
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "AOF write error looks solved. The server can write "
                     "again.");
    persist_regate(persistence);
}

/* --- effects ---------------------------------------------------------------------------------- */

static void on_begin(void *context, unsigned db)
{
    struct persistence *persistence = context;
    (void)db;
    aof_log_begin(&persistence->log.set.log);
}

/* What was not logged is only in a base: nothing is acknowledged before there is one. */
static void look_for_losses(struct persistence *persistence)
{
    const struct aof_log *log = &persistence->log.set.log;
    if (LIKELY(log->losses <= log->mended) || persistence->log.refuses)
        return;
    saver_want_rewrite(&persistence->saver);
    note_refusal(&persistence->log, persistence);
}

static void on_effect(void *context, unsigned db, const struct bytes *argv, uint32_t argc)
{
    struct persistence *persistence = context;
    aof_log_effect(&persistence->log.set.log, db, argv, argc);
    look_for_losses(persistence);
}

static void on_end(void *context, unsigned db)
{
    struct persistence *persistence = context;
    (void)db;
    aof_log_end(&persistence->log.set.log);
    look_for_losses(persistence);
}

static void on_lost(void *context)
{
    struct persistence *persistence = context;
    aof_log_lose(&persistence->log.set.log);
    look_for_losses(persistence);
}

static void start_listening(struct persistence *persistence)
{
    const struct effects_listener listener = { on_begin, on_effect, on_end, on_lost, persistence };
    if (!persistence->log.listening)
        effects_listen(persistence->context->effects, &listener);
    persistence->log.listening = true;
}

static void stop_listening(struct persistence *persistence)
{
    if (persistence->log.listening)
        effects_leave(persistence->context->effects, persistence);
    persistence->log.listening = false;
}

/* --- the files -------------------------------------------------------------------------------- */

static enum err make(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    const struct config *config = persistence->context->config;
    const struct aof_place place = { persistence->context->seam, log->directory, log->name };
    if (log->made)
        return ERR_NONE;
    int count = snprintf(log->directory, sizeof log->directory, "%s/%s", config->dir.at,
                         config->appenddirname.at);
    if (count < 0 || (size_t)count >= sizeof log->directory ||
        config->appendfilename.count >= sizeof log->name)
        return ERR_LIMIT;
    snprintf(log->name, sizeof log->name, "%s", config->appendfilename.at);
    enum err err = aof_set_init(&log->set, &place);
    log->made = err == ERR_NONE;
    return err;
}

static bool tell_manifest(const struct persistence *persistence, enum err err,
                          const struct aof_manifest_fault *fault)
{
    if (err == ERR_SYNTAX)
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "The AOF manifest file cannot be read: line %u: %s", fault->line,
                     fault->reason);
    else
        persist_tell(persistence, CONFIG_LOG_WARNING, "The AOF manifest file cannot be read: %s",
                     reason_of(err));
    return false;
}

static void warn_of_snapshot(const struct persistence *persistence)
{
    const struct config *config = persistence->context->config;
    char path[AOF_PATH_MAX];
    int count = snprintf(path, sizeof path, "%s/%s", config->dir.at, config->dbfilename.at);
    if (count > 0 && (size_t)count < sizeof path && aof_exists(persistence->context->seam, path))
        persist_tell(
            persistence, CONFIG_LOG_WARNING,
            "There is a snapshot %s, which is not loaded: appendonly is yes, and there is no log "
            "yet. To keep its data, start with appendonly no, then CONFIG SET appendonly yes.",
            path);
}

static bool open_set(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    uint64_t bytes = aof_load_bytes(&log->set.place, &log->set.manifest);
    enum err err = aof_set_open(&log->set, bytes);
    if (err != ERR_NONE) {
        persist_tell(persistence, CONFIG_LOG_WARNING, "The append only file cannot be opened: %s",
                     reason_of(err));
        return false;
    }
    log->enabled = true;
    start_listening(persistence);
    return true;
}

bool persist_log_start(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    struct aof_manifest_fault fault = { 0 };
    enum err err = make(persistence);
    if (err == ERR_NONE)
        err = aof_set_read(&log->set, &fault);
    if (err != ERR_NONE)
        return tell_manifest(persistence, err, &fault);
    log->set.keep_history = persistence->context->config->aof_disable_auto_gc;
    if (log->set.manifest.count == 0)
        warn_of_snapshot(persistence);
    return persist_log_load(persistence, true, true) && open_set(persistence);
}

void persist_log_release(struct persistence *persistence)
{
    stop_listening(persistence);
    if (persistence->log.made)
        aof_set_release(&persistence->log.set);
    persistence->log.made = false;
}

/* --- switching -------------------------------------------------------------------------------- */

static void close_set(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    if (!log->made)
        return;
    if (aof_set_close(&log->set) != ERR_NONE)
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "Switching off the append only file: what was pending is not on disk: %s",
                     strerror(errno));
    aof_set_release(&log->set);
    log->made = false;
}

static void switch_off(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    log->enabled = false;
    saver_cancel_rewrite(&persistence->saver);
    stop_listening(persistence);
    close_set(persistence);
    log->refuses = false;
    persist_regate(persistence);
}

/* Files of an earlier time become history as soon as there is a base. */
static enum err read_manifest(struct persist_log *log, struct aof_manifest_fault *fault)
{
    if (log->set.manifest.count > 0)
        return ERR_NONE;
    enum err err = aof_manifest_load(&log->set.place, &log->set.manifest, fault);
    return err == ERR_MISSING ? ERR_NONE : err;
}

static bool switch_on(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    struct aof_manifest_fault fault = { 0 };
    saver_cancel_rewrite(&persistence->saver); /* at its end the files are closed: they are off */
    enum err err = make(persistence);
    if (err == ERR_NONE)
        err = read_manifest(log, &fault);
    if (err != ERR_NONE)
        return tell_manifest(persistence, err, &fault);
    log->enabled = true;
    err = saver_begin_rewrite(&persistence->saver);
    if (err == ERR_NONE)
        return true;
    if (err == ERR_EXISTS) {
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "AOF was enabled but there is already another background operation. An AOF "
                     "background was scheduled to start when possible.");
        saver_want_rewrite(&persistence->saver);
        return true;
    }
    switch_off(persistence);
    return false;
}

bool persist_log_switch(struct persistence *persistence, bool on)
{
    if (persistence->loading != NULL) {
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "appendonly cannot be changed while a file is loaded");
        return false;
    }
    if (on == persistence->log.enabled)
        return true;
    if (on)
        return switch_on(persistence);
    switch_off(persistence);
    return true;
}

/* --- flushing --------------------------------------------------------------------------------- */

static void note_time(void *context, enum aof_wait wait, uint64_t ns)
{
    static const enum latency_event events[] = { [AOF_WRITE_ALONE] = LATENCY_LOG_ALONE,
                                                 [AOF_WRITE_WHILE_SYNCING] = LATENCY_LOG_SYNCING,
                                                 [AOF_WRITE_WHILE_SAVING] = LATENCY_LOG_SAVING,
                                                 [AOF_SYNC_ALWAYS] = LATENCY_LOG_SYNC };
    const struct persistence *persistence = context;
    struct latency *latency = &persistence->context->observer->latency;
    int64_t threshold = persistence->context->config->latency_monitor_threshold;
    int64_t wall_ms = seam_wall_ms(persistence->context->seam);
    latency_add(latency, events[wait], ns, threshold, wall_ms);
    if (wait != AOF_SYNC_ALWAYS)
        latency_add(latency, LATENCY_LOG, ns, threshold, wall_ms);
}

static void take_settings(struct persist_log *log, struct persistence *persistence)
{
    const struct config *config = persistence->context->config;
    log->set.log.policy = (enum aof_policy)config->appendfsync;
    log->set.log.timestamps = config->aof_timestamp_enabled;
    log->set.log.saving = saver_is_running(&persistence->saver);
    log->set.log.took = config->latency_monitor_threshold > 0 ? note_time : NULL;
    log->set.log.took_context = persistence;
    log->set.log.held = config->no_appendfsync_on_rewrite && saver_is_running(&persistence->saver);
    log->set.keep_history = config->aof_disable_auto_gc;
}

void persist_log_flush_now(struct persist_log *log, struct persistence *persistence)
{
    /* A sync that failed on another way (a rewrite's beginning) does not become good by another. */
    bool failed = log->set.log.policy == AOF_ALWAYS && log->set.log.error != 0;
    take_settings(log, persistence);
    enum aof_flush outcome = failed ? AOF_FATAL : aof_log_flush(&log->set.log, false);
    if (outcome == AOF_FATAL) {
        persist_tell(
            persistence, CONFIG_LOG_WARNING,
            "Can't recover from AOF write error when the AOF fsync policy is 'always' (%s). "
            "Exiting...",
            strerror(log->set.log.error));
        _exit(1);
    }
    if (outcome == AOF_REFUSING || log->refuses)
        note_refusal(log, persistence);
}

void persist_log_settle(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    if (!log->made || !aof_set_is_open(&log->set))
        return;
    persist_tell(persistence, CONFIG_LOG_NOTICE, "Calling fsync() on the AOF file.");
    take_settings(log, persistence);
    if (aof_log_flush(&log->set.log, true) != AOF_FLUSHED || !aof_log_sync(&log->set.log))
        persist_tell(persistence, CONFIG_LOG_WARNING, "Fail to fsync the AOF file: %s.",
                     strerror(errno));
}

/* --- rewriting -------------------------------------------------------------------------------- */

static enum aof_step begin_step(struct persistence *persistence, enum err *err)
{
    struct persist_log *log = &persistence->log;
    struct aof_manifest_fault fault = { 0 };
    *err = make(persistence);
    if (*err == ERR_NONE)
        *err = read_manifest(log, &fault);
    if (*err != ERR_NONE)
        return AOF_STEP_FAILED;
    take_settings(log, persistence);
    return aof_set_begin_rewrite(&log->set, err);
}

static void note_begun(struct persistence *persistence, struct snapshot_options *options)
{
    struct persist_log *log = &persistence->log;
    const struct config *config = persistence->context->config;
    log->rdb = config->aof_use_rdb_preamble;
    log->rewrites++;
    options->directory = log->set.place.directory;
    options->name = aof_set_temporary(&log->set);
    options->aof_base = true;
    options->commands = !log->rdb;
    options->sync_often = config->aof_rewrite_incremental_fsync;
    if (log->enabled)
        start_listening(persistence);
    persist_tell(persistence, CONFIG_LOG_NOTICE, "Background append only file rewriting started");
}

enum saver_rewrite persist_log_begin_rewrite(struct persistence *persistence,
                                             struct snapshot_options *options)
{
    enum err err = ERR_NONE;
    persistence->log.began_ns = seam_now_ns(persistence->context->seam);
    switch (begin_step(persistence, &err)) {
    case AOF_STEP_WAITS:
        return SAVER_REWRITE_WAITS;
    case AOF_STEP_DONE:
        note_begun(persistence, options);
        return SAVER_REWRITE_BEGINS;
    case AOF_STEP_FAILED:
    default:
        persistence->log.last_failed = true;
        if (persistence->log.made)
            note_refusal(&persistence->log, persistence);
        persist_tell(persistence, CONFIG_LOG_WARNING, "Background AOF rewrite could not begin: %s",
                     reason_of(err));
        return SAVER_REWRITE_FAILS;
    }
}

/* false: it waits for the disk. */
static bool end_well(struct persistence *persistence, const struct snapshot_figures *figures,
                     bool wait)
{
    struct persist_log *log = &persistence->log;
    enum err err = ERR_NONE;
    enum aof_step step;
    for (;;) {
        step = aof_set_end_rewrite(&log->set, log->rdb, figures->written, &err);
        if (step != AOF_STEP_WAITS)
            break;
        if (!wait)
            return false;
        aof_set_wait(&log->set);
    }
    log->last_failed = step == AOF_STEP_FAILED;
    if (step == AOF_STEP_DONE)
        persist_tell(persistence, CONFIG_LOG_NOTICE,
                     "Background AOF rewrite finished successfully: %llu keys, %llu bytes",
                     (unsigned long long)figures->keys_done, (unsigned long long)figures->written);
    else
        persist_tell(persistence, CONFIG_LOG_WARNING,
                     "Background AOF rewrite failed at its end: %s", reason_of(err));
    return true;
}

static void end_badly(struct persistence *persistence, enum snapshot_state state,
                      const char *reason)
{
    struct persist_log *log = &persistence->log;
    uint32_t failures = log->set.failures;
    aof_set_fail_rewrite(&log->set);
    if (state == SNAPSHOT_FAILED)
        log->last_failed = true;
    else
        log->set.failures = failures;
    persist_tell(persistence, CONFIG_LOG_WARNING, "Background AOF rewrite %s%s",
                 state == SNAPSHOT_FAILED ? "failed: " : "was given up before its end", reason);
}

bool persist_log_end_rewrite(struct persistence *persistence, enum snapshot_state state,
                             const struct snapshot_figures *figures, const char *reason, bool wait)
{
    struct persist_log *log = &persistence->log;
    if (state != SNAPSHOT_DONE)
        end_badly(persistence, state, reason);
    else if (!end_well(persistence, figures, wait))
        return false;
    uint64_t spent_ns = seam_now_ns(persistence->context->seam) - log->began_ns;
    log->last_duration = (int64_t)(spent_ns / 1000000000);
    if (!log->enabled)
        close_set(persistence);
    else
        note_refusal(log, persistence);
    return true;
}

/* What cannot wait for growth: there is no base yet, or effects were lost. */
static bool needs_rewrite(const struct persist_log *log, const struct persistence *persistence)
{
    const struct aof_set *set = &log->set;
    bool whole = aof_set_is_open(set) && !set->provisional && set->log.losses <= set->log.mended;
    uint64_t times = set->failures < RETRY_MOST ? set->failures : RETRY_MOST;
    uint64_t since_ns = seam_now_ns(persistence->context->seam) - set->failed_ns;
    return !whole && (set->failures == 0 || since_ns >= times * RETRY_NS);
}

void persist_log_cron(struct persistence *persistence)
{
    struct persist_log *log = &persistence->log;
    const struct config *config = persistence->context->config;
    const struct saver *saver = &persistence->saver;
    if (!log->enabled)
        return;
    aof_set_tidy(&log->set);
    persist_log_flush_now(log, persistence);
    note_refusal(log, persistence);
    if (saver_is_running(saver) || saver->rewrite_wanted)
        return;
    if (needs_rewrite(log, persistence)) {
        saver_want_rewrite(&persistence->saver);
    } else if (aof_set_wants_rewrite(&log->set, (unsigned)config->auto_aof_rewrite_percentage,
                                     config->auto_aof_rewrite_min_size)) {
        uint64_t base = log->set.base_bytes > 0 ? log->set.base_bytes : 1;
        persist_tell(persistence, CONFIG_LOG_NOTICE,
                     "Starting automatic rewriting of AOF on %.0f%% growth",
                     (double)aof_set_bytes(&log->set) * 100 / (double)base - 100);
        saver_want_rewrite(&persistence->saver);
    }
}

/* --- commands --------------------------------------------------------------------------------- */

void cmd_bgrewriteaof(struct call *call)
{
    struct saver *saver = &call->context->persistence->saver;
    if (saver_is_rewriting(saver)) {
        reply_error(call->reply, "ERR Background append only file rewriting already in progress");
    } else if (saver_is_running(saver) || call->never_waits) {
        saver_want_rewrite(saver); /* within EXEC: behind its effects, which are one */
        reply_status(call->reply, "Background append only file rewriting scheduled");
    } else if (saver_begin_rewrite(saver) == ERR_NONE) {
        reply_status(call->reply, "Background append only file rewriting started");
    } else {
        reply_error(call->reply, "ERR Can't execute an AOF background rewriting. Please check the "
                                 "server logs for more information.");
    }
}

/* What was written so far is synced before the reply; replicas, of which there are none, have
 * nothing to say, and nobody waits for them. */
void cmd_waitaof(struct call *call)
{
    struct persistence *persistence = call->context->persistence;
    struct persist_log *log = &persistence->log;
    int64_t local, replicas, timeout;
    if (!call_i64_within(call, 1, 0, 1, &local) ||
        !call_i64_within(call, 2, 0, INT64_MAX, &replicas))
        return;
    if (!call_i64(call, 3, &timeout))
        return;
    if (timeout < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return;
    }
    if (local > 0 && !log->enabled) {
        reply_error(call->reply, "ERR WAITAOF cannot be used when numlocal is set but appendonly "
                                 "is disabled.");
        return;
    }
    bool synced = false;
    if (log->enabled && aof_set_is_open(&log->set) && !log->set.provisional) {
        aof_set_tidy(&log->set);
        persist_log_flush_now(log, persistence);
        synced = aof_log_flush(&log->set.log, true) == AOF_FLUSHED;
        if (synced && local > 0)
            synced = aof_log_sync(&log->set.log);
        synced = synced && aof_log_synced(&log->set.log) >= log->set.log.written;
        note_refusal(log, persistence);
    }
    reply_array(call->reply, 2);
    reply_i64(call->reply, synced);
    reply_i64(call->reply, 0);
}

/* The files are read before anything is given up for them. */
void debug_loadaof(struct call *call)
{
    struct persistence *persistence = call->context->persistence;
    struct persist_log *log = &persistence->log;
    if (!log->enabled || !aof_set_is_open(&log->set) || log->set.provisional) {
        reply_error(call->reply, "ERR there is no append only file: appendonly is no, or its first "
                                 "base is not written yet");
        return;
    }
    aof_set_tidy(&log->set);
    note_refusal(log, persistence);
    if (log->refuses) {
        reply_error(call->reply, "ERR the append only file is not whole; the log says why");
        return;
    }
    bool again = saver_is_rewriting(&persistence->saver);
    saver_cancel(&persistence->saver);
    if (aof_log_flush(&log->set.log, true) != AOF_FLUSHED) {
        reply_error(call->reply, "ERR the append only file could not be written");
        return;
    }
    if (!persist_log_check(persistence)) {
        if (again)
            saver_want_rewrite(&persistence->saver);
        reply_error(call->reply, "ERR Error trying to load the AOF files, check server logs. "
                                 "Nothing was flushed or loaded.");
        return;
    }
    stop_listening(persistence);
    store_flush(call->store, STORE_ALL_DATABASES, true);
    functions_clear(call->context->functions);
    if (!persist_log_load(persistence, false, false))
        persist_end_half_loaded(persistence);
    start_listening(persistence);
    if (again)
        saver_want_rewrite(&persistence->saver);
    reply_ok(call->reply);
}
