/* store/inside.h - the store's own structs, for the files of store/ alone.
 * Model:    a database number leads to a slot, a slot to a database; entries carry the slot. SWAPDB
 *           exchanges numbers; a flushed database keeps its slot until its last entry is gone.
 * Owner:    struct store owns all.
 * Pointers: databases never move while they live.
 * Threads:  one.
 * Failure:  see store.h.
 * Cost:     one indirection from number to database. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/store.h"
#include "struct/index.h"
#include "types/limits.h"

enum { INNER_AT_ONCE = 32 };

struct db {
    struct index index;
    uint64_t expires;             /* entries with an expiry */
    uint64_t inner_expires;       /* of whose elements some may have an expiry */
    unsigned __int128 expiry_sum; /* of their times, offset by 2^47 so that none is negative */
    uint32_t number, slot;
    struct db *next_dying;
    bool dying; /* flushed: its entries wait to be given back */
};

/* A value whose blocks are given back in steps, after its entry is gone. */
struct dying_value {
    struct dying_value *next;
    uint64_t cursor;
    uint8_t type, encoding;
    uint32_t body_bytes;
    uint8_t body[];
};

struct store {
    struct heap *heap;
    uint8_t *base; /* the heap's */
    struct space space;
    struct type_limits limits;
    const struct seam *seam;
    struct hash_seed seed;
    struct rng rng;
    int64_t now_ms;
    uint32_t clock; /* seconds, 24 bits, for LRU */

    struct db **slots; /* by slot; NULL: free */
    uint32_t slot_count;
    uint16_t *slot_of; /* by number */
    uint32_t databases;

    struct db *dying;
    struct dying_value *dying_values;
    uint64_t lazyfree_pending, lazyfreed;

    struct heap_sweep sweep;
    struct entry *inner_due[INNER_AT_ONCE]; /* found by this step of the sweep */
    unsigned inner_due_count;
    struct buffer inner_room; /* of the one that is worked on: its key, and its new body */
    bool active_expire;

    struct store_use_options use;
    uint32_t hook_count;
    struct store_hooks hooks[STORE_HOOKS_MAX];
    uint64_t hits, misses, expired, expired_by_reading, inner_expired, dirty, key_hits, key_misses;
    double stale_percent;
    uint64_t swept, swept_stale;
    unsigned swept_now; /* removed in this step */
};

static inline struct db *db_of(const struct store *store, unsigned number)
{
    return store->slots[store->slot_of[number]];
}

static inline struct db *db_of_entry(const struct store *store, const struct entry *entry)
{
    return store->slots[entry_db(entry)];
}

static inline uint64_t entry_ref(const struct store *store, const struct entry *entry)
{
    return heap_ref(store->base, entry);
}

static inline struct entry *entry_at(const struct store *store, uint64_t ref)
{
    return heap_at(store->base, ref);
}

/* databases.c */
MUST_CHECK bool databases_init(struct store *store);
void databases_release(struct store *store);

/* door.c: takes the entry out of index and counts, gives block and value back; tells nobody. */
void store_discard(struct store *store, struct db *db, const struct key *key, struct entry *entry);
void count_expiry(struct db *db, int64_t expiry, int sign);
void count_inner(struct db *db, const struct entry *entry, int sign);
/* No element of the value expires before; or VALUE_NEVER. */
int64_t store_inner_expiry(const struct store *store, const struct entry *entry);

/* use.c: a new entry. */
void store_start_use(struct store *store, struct entry *entry);

/* Tells the hooks, and counts the change. */
void store_changed(struct store *store, const struct db *db, struct bytes key, enum event event);
void store_tell_flushed(struct store *store, unsigned db);

#endif
