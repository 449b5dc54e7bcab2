/* cmd/persist_log.h - the append-only log, as commands, cron, shutdown and INFO see it.
 * Model:    the files of the log (persist/aof_set.h), put together with the configuration, with the
 *           effects of commands and with the saver, which writes its bases:
 *
 *             effects -> log -> before replies go out: flush
 *             cron, BGREWRITEAOF, CONFIG SET appendonly yes, lost effects -> saver -> a new base
 *
 * Owner:    struct persistence has one.
 * Pointers: none kept of effects.
 * Threads:  the executing thread; the log's worker syncs.
 * Failure:  lines in the log. With appendfsync always a failed write or sync ends the process, for
 *           what is answered must be on disk; else writes are refused until one succeeds.
 * Cost:     off: one load before replies go out. */
#ifndef CMD_PERSIST_LOG_H
#define CMD_PERSIST_LOG_H

#include "cmd/args.h"
#include "persist/aof_load.h"
#include "persist/aof_set.h"
#include "persist/load.h"
#include "persist/saver.h"

struct persistence;

struct persist_log {
    struct aof_set set;
    char directory[AOF_PATH_MAX]; /* in which it began, wherever CONFIG SET dir goes */
    char name[AOF_NAME_MAX + 1];
    bool made;      /* the set is; it has a thread, so that it is made when it is needed */
    bool enabled;   /* appendonly */
    bool listening; /* to effects */
    bool refuses;   /* writes, because of `error`; 0: effects were lost */
    int error;

    bool rdb;         /* the base under way is a snapshot, not commands */
    bool last_failed; /* rewriting */
    uint64_t rewrites;
    uint64_t began_ns;     /* the one under way */
    int64_t last_duration; /* seconds; -1: none yet */
};

/* At the start, instead of persist_load: what the log says, and the log opened. false: the log of
 * the server says why. */
MUST_CHECK bool persist_log_start(struct persistence *persistence);
void persist_log_release(struct persistence *persistence);
/* CONFIG SET appendonly. */
MUST_CHECK bool persist_log_switch(struct persistence *persistence, bool on);

/* What commands did goes to the file. May end the process. */
/* It was switched on, and its first base is not there yet. */
static inline bool persist_log_is_begun(const struct persist_log *log)
{
    return log->enabled && log->set.rewriting && log->set.provisional;
}
static inline bool persist_log_has_pending(const struct persist_log *log)
{
    const struct aof_log *end = &log->set.log;
    return end->pending.count > 0 ||
           (end->policy == AOF_ALWAYS && end->sync_position < end->written);
}
void persist_log_flush_now(struct persist_log *log, struct persistence *persistence);
void persist_log_cron(struct persistence *persistence);
/* Written and synced: the process ends. */
void persist_log_settle(struct persistence *persistence);

/* For the saver: a base is begun, and has ended. */
enum saver_rewrite persist_log_begin_rewrite(struct persistence *persistence,
                                             struct snapshot_options *options);
MUST_CHECK bool persist_log_end_rewrite(struct persistence *persistence, enum snapshot_state state,
                                        const struct snapshot_figures *figures, const char *reason,
                                        bool wait);

/* persist_log_load.c: all files of the manifest into the store. `cut`: what is not whole of the
 * last one is taken off. false: the log of the server says why. */
MUST_CHECK bool persist_log_load(struct persistence *persistence, bool serve, bool cut);
/* All of them are read, and no command is run. false: as above, or the last one is cut. */
MUST_CHECK bool persist_log_check(struct persistence *persistence);

void cmd_bgrewriteaof(struct call *call);
void cmd_waitaof(struct call *call);
/* DEBUG LOADAOF */
void debug_loadaof(struct call *call);

#endif
