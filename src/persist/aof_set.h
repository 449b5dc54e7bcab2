/* persist/aof_set.h - the files of the log together: started, rewritten, given up.
 * Model:    the manifest says which files there are, the log appends to the last increment:
 *
 *             rewrite begins:  base 1, increment 1, [increment 2]      effects go on in the new one
 *             a new base is written beside, from the data as they were at that moment
 *             rewrite ends:    [base 2], increment 2, history: base 1, increment 1
 *             history is deleted behind; then the manifest forgets it
 *
 *           In brackets what is new. Each step is one manifest replaced as a whole, so that what
 *           it names loads to the same data wherever the machine stops. The worker does the steps
 *           (aof_change.h): the second increment is made, empty, and named in the manifest before
 *           the log goes on in it. A log that is switched on
 *           while there are data has nothing to load before its first base is there: its increment
 *           has a temporary name until then.
 * Owner:    the set owns manifest, log, worker and remover; the place is the caller's. It must stay
 *           where it is.
 * Pointers: none kept.
 * Threads:  the executing thread; worker and remover have their own.
 * Failure:  ERR_SYSTEM with errno, ERR_MEMORY, ERR_LIMIT, ERR_SYNTAX (the manifest): the set goes
 *           on with the files it had. What was told to a file that then could not be synced counts
 *           as lost until a rewrite is done.
 * Cost:     starting, switching off: calls of the system, syncs among them. A rewrite: none that
 *           waits for the disk; but with `always`, where everything does. */
#ifndef PERSIST_AOF_SET_H
#define PERSIST_AOF_SET_H

#include "persist/aof_change.h"
#include "persist/aof_log.h"
#include "persist/aof_manifest.h"

struct aof_set {
    struct aof_place place;
    char base_name[AOF_NAME_MAX + 1], increment_name[AOF_NAME_MAX + 1]; /* temporary ones */
    struct aof_manifest manifest;
    struct aof_worker *worker;
    struct aof_worker *remover; /* what may take long has a thread of its own: syncs do not wait */
    struct aof_change change;
    bool forgetting;    /* history is being deleted: the manifest forgets it afterwards */
    int next_file;      /* an empty increment that the manifest names already; -1: none */
    uint32_t unsynced;  /* of the worker's, so many are known */
    uint32_t unremoved; /* the remover's, before the history that is being deleted */
    struct aof_log log;
    uint64_t earlier_bytes; /* of all files that are loaded but the last */
    uint64_t base_bytes;    /* of all of them when they were last rewritten, or at the start */
    bool keep_history;      /* aof-disable-auto-gc */

    bool preparing; /* the next increment was asked for, by the rewrite that is to begin */
    bool rewriting;
    bool ending;       /* the base is written, and gets its name */
    bool provisional;  /* the increment has its temporary name */
    uint64_t losses;   /* of the log when the rewrite began: its base makes them good */
    uint32_t failures; /* of rewrites, one after the other */
    uint64_t failed_ns;
};

MUST_CHECK enum err aof_set_init(struct aof_set *set, const struct aof_place *place);
/* What is pending is not written. */
void aof_set_release(struct aof_set *set);

/* Reads the manifest; none is an empty one. A single file of the working directory, as Redis had it
 * before 7, becomes the base of a new manifest, and moves in. */
MUST_CHECK enum err aof_set_read(struct aof_set *set, struct aof_manifest_fault *fault);
/* At the start, after loading: opens the last increment, or makes the first, with the base of no
 * data where there is none. `bytes`: of all that was loaded. */
MUST_CHECK enum err aof_set_open(struct aof_set *set, uint64_t bytes);
/* Switched off: written, synced, closed. The files stay. */
MUST_CHECK enum err aof_set_close(struct aof_set *set);
static inline bool aof_set_is_open(const struct aof_set *set)
{
    return set->log.file >= 0;
}
static inline uint64_t aof_set_bytes(const struct aof_set *set) /* aof_current_size */
{
    return set->earlier_bytes + set->log.file_bytes;
}

/* What a step of a rewrite has come to. */
enum aof_step {
    AOF_STEP_WAITS, /* to be called again: the disk is not so far */
    AOF_STEP_DONE,
    AOF_STEP_FAILED,
};

/* When it is done, effects from then on go to a new increment. The base is to be written by the
 * name of aof_set_temporary in the directory of the place, from the data of that moment.
 * *err: why it failed; then the rewrite has. */
MUST_CHECK enum aof_step aof_set_begin_rewrite(struct aof_set *set, enum err *err);
const char *aof_set_temporary(const struct aof_set *set);
/* The base is written, synced, `bytes` long. On failure the rewrite has failed as a whole. */
MUST_CHECK enum aof_step aof_set_end_rewrite(struct aof_set *set, bool rdb, uint64_t bytes,
                                             enum err *err);
/* Under way, or waiting to begin or to end. */
void aof_set_fail_rewrite(struct aof_set *set);
/* Waits for the disk: a step that waited is not going to be told so again. */
void aof_set_wait(struct aof_set *set);
/* Now and then: takes over what the threads have done. */
void aof_set_tidy(struct aof_set *set);

/* Whether it has grown so much that it is time: auto-aof-rewrite-percentage (0: never) and
 * -min-size. From the third failure on there is a pause, a minute and twice as long each time, an
 * hour at most. */
MUST_CHECK bool aof_set_wants_rewrite(const struct aof_set *set, unsigned percentage,
                                      uint64_t least_bytes);

#endif
