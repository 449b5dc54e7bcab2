/* persist/saver.h - when snapshots are written, one at a time, and what became of them: those that
 * are asked for, and those that the log is rewritten to.
 * Model:    wanted -> (the last walk is tidied up) -> running -> done or failed; the next may be
 *           wanted meanwhile; a rewrite comes before a snapshot. Changes are counted
 *           from the beginning of the last that was done.
 * Owner:    server/ has one; it owns the snapshot under way.
 * Pointers: seam, store and context outlive it.
 * Threads:  the executing thread.
 * Failure:  last_failed, and a line in the log.
 * Cost:     nothing wanted or running: two loads a step. */
#ifndef PERSIST_SAVER_H
#define PERSIST_SAVER_H

#include "persist/snapshot.h"

enum saver_rewrite {
    SAVER_REWRITE_WAITS, /* for the disk: it is asked again */
    SAVER_REWRITE_BEGINS,
    SAVER_REWRITE_FAILS, /* the log says why */
};

struct saver_callbacks {
    /* How it is to be written, now. */
    void (*options)(void *context, struct snapshot_options *options);
    /* How a rewrite is, where it begins. */
    enum saver_rewrite (*rewrite)(void *context, struct snapshot_options *options);
    /* It has ended; while it was waiting to begin: SNAPSHOT_ABANDONED. false: it waits for the
     * disk, and is told again; not with `wait`. */
    bool (*rewritten)(void *context, enum snapshot_state state,
                      const struct snapshot_figures *figures, const char *reason, bool wait);
    void (*log)(void *context, bool warning, const char *text);
    /* A background one has begun, ended, or may be pressed now. */
    void (*changed)(void *context);
    void *context;
};

struct saver {
    const struct seam *seam;
    struct store *store;
    struct saver_callbacks callbacks;
    struct snapshot *snapshot;
    bool background; /* the one under way is */
    bool rewriting;  /* it is a rewrite of the log; without a snapshot that waits to begin */
    bool rewrite_wanted;
    bool wanted; /* another one, as soon as it can be */
    bool untidy; /* entries of an ended walk wait to be marked */

    uint64_t dirty, dirty_began; /* the store's count at the last one that was done; at this one */
    uint64_t began_ns;
    uint64_t step_ns;      /* when to go on */
    int64_t tried_s;       /* when a background one was begun last, by seconds since 1970 */
    int64_t saved_s;       /* when the last one was done; the start at first */
    int64_t last_duration; /* seconds; -1: none yet */
    bool last_failed;      /* of the background ones */
    uint64_t saves;
    uint64_t last_held; /* bytes the last one kept at most */
};

void saver_init(struct saver *saver, const struct seam *seam, struct store *store,
                const struct saver_callbacks *callbacks);
/* Waits for the output of the one under way, which is cancelled. */
void saver_release(struct saver *saver);

/* ERR_EXISTS: one is under way. ERR_SYSTEM: it could not begin. */
MUST_CHECK enum err saver_begin(struct saver *saver);
/* One after the one under way, or at once. */
void saver_want(struct saver *saver);
/* The same of a rewrite. */
MUST_CHECK enum err saver_begin_rewrite(struct saver *saver);
void saver_want_rewrite(struct saver *saver);
/* Everything was removed: a snapshot that is written, and not named yet, must not bring it back. It
 * is told anew. */
void saver_give_up_old(struct saver *saver);
/* What is under way, and what is wanted: no more. */
void saver_cancel_rewrite(struct saver *saver);
/* Writes it before this returns; a rewrite begins anew after that. ERR_EXISTS as above; ERR_SYSTEM:
 * it failed, and the log says why. */
MUST_CHECK enum err saver_save(struct saver *saver);
/* Ends the one under way before this returns, without a file. */
void saver_cancel(struct saver *saver);
static inline bool saver_is_running(const struct saver *saver)
{
    return saver->snapshot != NULL || saver->rewriting;
}
static inline bool saver_is_saving(const struct saver *saver)
{
    return saver->snapshot != NULL && !saver->rewriting;
}
static inline bool saver_is_rewriting(const struct saver *saver)
{
    return saver->rewriting;
}
/* A step, if it is due. `idle`: nobody else wants the thread. In how many ns to come back. */
uint64_t saver_step(struct saver *saver, uint64_t now_ns, bool idle);
/* What is kept for it nears its limit: before each command that writes, until it says false. */
bool saver_is_pressed(struct saver *saver);
void saver_press_on(struct saver *saver);

/* Since the last one. */
uint64_t saver_changes(const struct saver *saver);
/* What the store holds now is what the file has. */
void saver_forget_changes(struct saver *saver);

#endif
