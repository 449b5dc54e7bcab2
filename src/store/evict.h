/* store/evict.h - which key goes when memory is short, and its going.
 * Model:    keys are looked at in samples, a bucket of the index at a time; the best to go of all
 *           that were seen stand in a pool, by the hash of their keys. The best of the pool goes,
 *           if it has not been used since it was seen. With as few bits a key as Redis has, the
 *           pool is what brings the choice near to an exact order.
 * Owner:    whoever watches the limit (store/pressure.h) keeps one.
 * Pointers: none kept: a hash finds a key, or another with the same hash, which may go as well.
 * Threads:  the executing thread.
 * Failure:  none; false where nothing may go.
 * Cost:     about a microsecond a key: some seven entries are read for each that goes. */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include "store/store.h"

enum evict_by { EVICT_NOTHING, EVICT_LRU, EVICT_LFU, EVICT_RANDOM, EVICT_TTL };
enum { EVICT_POOL = 64, EVICT_DRAWN = 16 };

struct evict_rule {
    enum evict_by by;
    bool volatile_only; /* keys with an expiry alone */
    unsigned samples;   /* keys to look at for each that goes, at least */
};

struct evict_candidate {
    uint64_t score; /* the greater, the sooner it goes */
    uint64_t hash;
    uint32_t slot; /* of its database */
};

/* Of keys under LFU: see evict_lfu.c. */
struct evict_learning {
    uint64_t first, idle;                     /* uses, when counting began */
    uint64_t looked_new, looked_idle, looked; /* keys seen since */
    bool idle_first;
};

struct evictor {
    struct store *store;
    struct evict_rule rule;
    struct evict_candidate pool[EVICT_POOL]; /* the best is last */
    unsigned count;
    uint32_t drawn[EVICT_DRAWN]; /* numbers of databases to look into next */
    unsigned drawn_count;
    unsigned seen;             /* eligible keys, by the sample that is being taken */
    struct heap_place look_at; /* where the heap is looked through for keys with an expiry */
    unsigned look_steps;       /* of that, for one sample */
    bool looking;              /* none was found yet, and there are more places to look at */
    struct evict_candidate leaving[EVICT_POOL]; /* of the span that is being emptied */
    unsigned leaving_count;
    uint32_t leaving_row;
    struct evict_learning learning;
    uint64_t evicted;
};

void evictor_init(struct evictor *evictor, struct store *store);
/* Another rule: whoever stands in the pool was chosen by the old one, and leaves it. */
void evictor_set_rule(struct evictor *evictor, const struct evict_rule *rule);

/* Removes the key that is best to go, and tells so (EVENT_EVICTED). A big value is given back in
 * steps, later. False: there is none that may go, or, where it is `looking`, none was found yet. */
bool evict_one(struct evictor *evictor);
/* The same for a key of a sparse span, whatever its use: where nothing may be moved, pages come
 * free only when all that live in them go. */
bool evict_sparse(struct evictor *evictor);

#endif
