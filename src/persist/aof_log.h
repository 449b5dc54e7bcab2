/* persist/aof_log.h - the end of the append-only log: effects become bytes, bytes go to a file.
 * Model:    effects gather in a buffer as commands, with SELECT where the database changes, MULTI
 *           and EXEC around several. Once a turn of the loop, before replies go out, the buffer is
 *           written. What is on disk is told by position: bytes of all that was ever appended.
 *
 *             effects -> buffer -> flush: write -> [always: sync] -> replies
 *                                            \-> [everysec: worker syncs, one at a time]
 *
 *           A file that follows another says in its first line how long that one was, because it
 *           may be on disk before the end of the other is:
 *
 *             #FOLLOWS:<bytes>
 *
 *           A disk that stalls holds the writing for two seconds at most, since a write may wait
 *           for the sync; then it is written nevertheless, and counted.
 * Owner:    the log owns its file and the buffer; the worker is the caller's.
 * Pointers: arguments are copied.
 * Threads:  the executing thread.
 * Failure:  flush tells. A record written by half is cut off again; where that fails, the rest of
 *           it comes first at the next flush. An effect that found no memory is lost: the log is
 *           not whole until a rewrite is (aof_log_mend).
 * Cost:     one copy of each byte, one write a turn. */
#ifndef PERSIST_AOF_LOG_H
#define PERSIST_AOF_LOG_H

#include "base/buffer.h"
#include "persist/aof_worker.h"

enum aof_policy { AOF_EVERYSEC = 0, AOF_ALWAYS = 1, AOF_NEVER = 2 }; /* appendfsync */

/* What took long. */
enum aof_wait { AOF_WRITE_ALONE, AOF_WRITE_WHILE_SYNCING, AOF_WRITE_WHILE_SAVING, AOF_SYNC_ALWAYS };

struct aof_log {
    const struct seam *seam;
    struct aof_worker *worker;
    enum aof_policy policy;
    bool saving; /* a snapshot or a rewrite is under way */
    /* How long a write or a sync took; NULL: nobody asks, and no clock is read. */
    void (*took)(void *context, enum aof_wait wait, uint64_t ns);
    void *took_context;
    bool timestamps; /* aof-timestamp-enabled */
    bool held;       /* no sync for now: no-appendfsync-on-rewrite, and one is under way */

    /* Figures: */
    uint64_t file_bytes; /* of the file, whole records */
    uint64_t appended, written;
    uint64_t delayed;        /* writes that did not wait for a sync any longer */
    int error;               /* errno of the last write or sync; 0: it succeeded */
    uint64_t losses, mended; /* times that effects found no memory; of those, made good */

    /* The implementation's own: */
    int file;       /* -1: none */
    uint64_t began; /* position of its first byte that was written here */
    struct buffer pending;
    int64_t db;         /* selected in the file; -1: none */
    int64_t db_before;  /* the transaction */
    int64_t stamp;      /* seconds of the last #TS: */
    size_t undo_at;     /* where in `pending` it began, with SELECT and #TS: */
    size_t transaction; /* where its MULTI stands */
    uint32_t effects;   /* in it */
    bool open, spoiled; /* a transaction */
    uint64_t waits_since_ns, synced_ns, failed_ns, sync_position;
};

enum aof_flush {
    AOF_FLUSHED,  /* nothing is left to be written */
    AOF_WAITS,    /* for a sync under way */
    AOF_REFUSING, /* write or sync failed: writes of clients are to be refused until it works */
    AOF_FATAL,    /* the same with `always`: what was answered could be lost; the server must end */
};

void aof_log_init(struct aof_log *log, const struct seam *seam, struct aof_worker *worker);
/* Closes the file, unsynced. */
void aof_log_release(struct aof_log *log);

/* Goes on in this file, which is at its end (O_APPEND) and `bytes` long; the one before is synced
 * and closed by the worker. pre: nothing is pending. */
void aof_log_use(struct aof_log *log, int file, uint64_t bytes);
/* The same with an empty file that follows the one before. false: no memory, nothing is changed. */
MUST_CHECK bool aof_log_follow(struct aof_log *log, int file);

void aof_log_begin(struct aof_log *log);
void aof_log_effect(struct aof_log *log, unsigned db, const struct bytes *argv, uint32_t argc);
void aof_log_end(struct aof_log *log);
/* Effects were lost before they came here. */
void aof_log_lose(struct aof_log *log);
/* A rewrite is done that began when there were so many losses. */
void aof_log_mend(struct aof_log *log, uint64_t losses);

/* pre: no transaction is open. `now`: do not wait for a sync (shutdown, switching, CONFIG). */
MUST_CHECK enum aof_flush aof_log_flush(struct aof_log *log, bool now);
/* What was written is on disk when this returns; false: errno. */
MUST_CHECK bool aof_log_sync(struct aof_log *log);
/* Position up to which everything is on disk. */
uint64_t aof_log_synced(struct aof_log *log);
static inline bool aof_log_is_synced(struct aof_log *log)
{
    return log->file < 0 || aof_log_synced(log) >= log->written;
}
/* Whether commands that write are to be refused; *error is errno, or 0: effects were lost. */
MUST_CHECK bool aof_log_refuses(struct aof_log *log, int *error);

#endif
