/* persist/aof_worker.h - a thread that syncs, closes, changes or deletes files of the log.
 * Model:    jobs in a queue, done one after the other. A sync has a position: how much of the log
 *           is on disk when it is done. At most one sync is asked for at a time; closing a file
 *           syncs it first.
 * Owner:    the worker owns its thread, and files it is told to close.
 * Pointers: none kept.
 * Threads:  every function from one thread; the seam's files from the worker's own.
 * Failure:  what cannot be queued is done at once, by the caller's thread. A failed sync is kept in
 *           the state until one succeeds.
 * Cost:     a lock and a malloc for each job. */
#ifndef PERSIST_AOF_WORKER_H
#define PERSIST_AOF_WORKER_H

#include "base/seam.h"

struct aof_worker;

struct aof_worker_state {
    bool syncing;       /* a sync or close waits or is under way */
    uint64_t synced;    /* the greatest position that is on disk */
    int error;          /* errno of the last sync; 0: it succeeded */
    uint32_t unsynced;  /* files that were closed although they could not be synced */
    uint32_t unremoved; /* files that could not be deleted */
    bool running;       /* a function waits or is under way */
    bool idle;          /* all that it was asked for is done */
};

/* NULL: no memory, or no thread. */
MUST_CHECK struct aof_worker *aof_worker_new(const struct seam *seam);
/* Does what is queued, and ends. NULL is allowed. */
void aof_worker_drop(struct aof_worker *worker);
void aof_worker_sync(struct aof_worker *worker, int file, uint64_t position);
void aof_worker_close(struct aof_worker *worker, int file, uint64_t position);
void aof_worker_unlink(struct aof_worker *worker, const char *path);
/* `run` may ask for the state, and for nothing else of the worker. */
void aof_worker_run(struct aof_worker *worker, void (*run)(void *context), void *context);
struct aof_worker_state aof_worker_state(struct aof_worker *worker);
/* Waits until the queue is empty and nothing is under way. */
void aof_worker_wait(struct aof_worker *worker);

#endif
