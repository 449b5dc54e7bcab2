/* store/walk.h - every key as it was when the walk began, each once, in bounded steps, while keys
 * change, expire, move, and tables split and merge.
 * Model:    each entry carries a two-bit epoch. A walk has one that no entry has as it begins;
 *           new entries get it at once. An entry of another epoch is visited at its turn in the
 *           index, or just before it is changed or removed, whichever comes first, and has the
 *           walk's epoch then. A big value is not read then: its blocks are kept by struct/past.h
 *           until it has been, also where its key is gone meanwhile.
 * Owner:    the store owns the walk; one at a time.
 * Pointers: the visited entry holds within the visit.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY from store_walk_begin: nothing has begun.
 * Cost:     closed: one load a change. A step visits for as long as it is told. */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/store.h"

struct store_walk_options {
    /* The entry is as it was; `early`: it is about to change or go. Must not change the store. */
    void (*visit)(void *context, const struct entry *entry, bool early);
    /* FLUSHALL, or whatever makes what is left of no use: the walk is over when this returns. */
    void (*abandoned)(void *context);
    void *context;
    uint64_t past_limit; /* bytes: struct/past.h */
};

MUST_CHECK enum err store_walk_begin(struct store *store, const struct store_walk_options *options);
/* Visits entries in the order of the index until the deadline or until `most` were visited; true
 * when there is none left to visit. */
MUST_CHECK bool store_walk_step(struct store *store, uint64_t deadline_ns, uint64_t most);
/* Ends it, whole or not. Entries that were not visited are marked in steps between commands
 * (store_walk_tidy); the next walk can begin when that is done. */
void store_walk_end(struct store *store);
bool store_walk_is_open(const struct store *store);
/* True: nothing is left to be marked. */
bool store_walk_tidy(struct store *store, uint64_t deadline_ns);

/* Keys and keys with an expiry of a database when the walk began: for the file's hints. */
void store_walk_counts(const struct store *store, unsigned db, uint64_t *keys, uint64_t *expires);
/* Whether some hash had a field with an expiry when the walk began. */
bool store_walk_had_field_expiries(const struct store *store);

#endif
