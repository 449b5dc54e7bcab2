/* store/walk.h - every key as it was when the walk began, each once, in bounded steps, while keys
 * change, expire, move, and tables split and merge.
 * Model:    each entry carries a two-bit epoch. A walk has one that no entry has as it begins;
 *           new entries get it at once. An entry of another epoch is visited at its turn in the
 *           index, or just before it is changed or removed, whichever comes first, and has the
 *           walk's epoch then. A big value is not read then: its blocks are kept by struct/past.h
 *           until it has been, also where its key is gone meanwhile. So is the run of a long
 *           string: one that is to be changed gets another run, and the old one waits.
 *
 *             visit -> teller_new ... teller_step ... teller_drop -> store_walk_done
 *                      `---- what is told is as it was when the walk began ----'
 *
 * Owner:    the store owns the walk; one at a time.
 * Pointers: the visited entry holds within the visit.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY from store_walk_begin: nothing has begun. Later on, no memory for what must
 *           be kept, or more of it than past_limit: changes go on, the walk is abandoned.
 * Cost:     closed: one load a change. A step visits for as long as it is told. A long string is
 *           copied at its first change after its visit, unless it has been read. */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/store.h"

struct store_walk_options {
    /* The entry is as it was, in the database that had number `db`; `early`: it is about to change
     * or go. Must not change the store, nor end the walk. */
    void (*visit)(void *context, unsigned db, const struct entry *entry, bool early);
    /* FLUSHALL, or whatever makes what is left of no use: the walk is over when this returns, and
     * tellers may only be dropped. `reason`: words for a log. Called by FLUSHALL, by
     * store_walk_step and by store_walk_goes_on. */
    void (*abandoned)(void *context, const char *reason);
    void *context;
    uint64_t past_limit; /* bytes, of store_walk_bytes */
};

/* ERR_LIMIT: entries that earlier walks have not visited must be marked first (store_walk_tidy).
 * pre: none is open. */
MUST_CHECK enum err store_walk_begin(struct store *store, const struct store_walk_options *options);
/* Visits entries in the order of the index until the deadline or until `most` were visited; true
 * when there is none left to visit, or the walk is over. */
MUST_CHECK bool store_walk_step(struct store *store, uint64_t deadline_ns, uint64_t most);
/* False: the walk is over, and was abandoned by now. Whoever reads on with a teller after commands
 * have been executed must ask this first. */
MUST_CHECK bool store_walk_goes_on(struct store *store);
/* The value of a visited entry has been read (its teller is dropped), or will not be. `value` is
 * as it was in the visit; its body may be a copy. To be told of every value that has blocks beside
 * its entry; of others it may be. Also within the visit. */
void store_walk_done(struct store *store, const struct value *value);
/* Ends it, whole or not, whether values have been read or not; nothing where none is open. Entries
 * that were not visited are marked in steps between commands (store_walk_tidy); three walks may
 * begin until that is done. */
void store_walk_end(struct store *store);
bool store_walk_is_open(const struct store *store);
/* True: nothing is left to be marked, or a walk is open. */
bool store_walk_tidy(struct store *store, uint64_t deadline_ns);

/* Keys and keys with an expiry of a database when the walk began: for the file's hints.
 * pre: it is open. */
void store_walk_counts(const struct store *store, unsigned db, uint64_t *keys, uint64_t *expires);
/* Whether some hash had a field with an expiry when the walk began. */
bool store_walk_had_field_expiries(const struct store *store);
/* What is kept for the walk: copies of changed blocks, and removed values that were not read. */
uint64_t store_walk_bytes(const struct store *store);
/* What of it is not counted against past_limit: one value that changes, and one that was removed,
 * each larger than what the limit left. One command may do that, and the disk is not to blame. */
uint64_t store_walk_large_bytes(const struct store *store);

#endif
