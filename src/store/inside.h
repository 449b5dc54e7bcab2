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
#include "store/touched.h"
#include "store/walk.h"
#include "struct/index.h"
#include "types/limits.h"

enum {
    INNER_AT_ONCE = 32,
    EXPIRE_AT_ONCE = 128,
    LFU_START = 5, /* the counter of a new key */
    LFU_MAX = 255,
    LFU_MINUTES = 0x7fff,
    LFU_USED = 1 << 23, /* since it was looked at */
};

struct db {
    struct index index;
    uint64_t expires;             /* entries with an expiry */
    uint64_t inner_expires;       /* of whose elements some may have an expiry */
    unsigned __int128 expiry_sum; /* of their times, offset by 2^47 so that none is negative */
    uint32_t number, slot;
    uint32_t number_then; /* 1 more than its number when the walk began; 0: it is younger */
    bool dying_then;      /* it was flushed before the walk began */
    struct db *next_dying;
    bool dying;            /* flushed: its entries wait to be given back */
    uint8_t emptied_kinds; /* of which all spans have been looked at since then */
    uint32_t emptied_row;  /* and the last span of the next kind, as heap_look has it */
};

/* A value whose blocks are given back in steps, after its entry is gone. */
struct dying_value {
    struct dying_value *next;
    struct dying_value **link; /* to this one; of those that wait for the walk */
    uint64_t cursor;
    uint64_t kept_bytes; /* of one that waits */
    uint8_t type, encoding;
    uint32_t body_bytes;
    uint8_t body[];
};

/* A run that the walk has shown, or the root of a value whose key is gone. */
struct walk_kept {
    uint64_t name;             /* 0: a free place */
    struct dying_value *dying; /* NULL: an entry owns the value still */
};

/* Values of which blocks must stay until the walk has read them. */
struct walk_keeping {
    struct walk_kept *places; /* open addressing */
    uint32_t count, capacity; /* a power of two, or 0 */
    struct dying_value *waiting;
    struct dying_value *parts;       /* taken out of values; nobody tells when they were read */
    uint64_t bytes;                  /* of all that wait */
    const struct dying_value *large; /* that is not counted against the limit, or NULL */
    uint64_t large_bytes;
};

struct store_walk {
    bool open;
    bool watching;      /* open, and of use still */
    bool whole;         /* every entry has been visited */
    const char *broken; /* why it is of no use any more */
    uint8_t epoch;      /* of new entries, walk or not */
    uint8_t epochs;     /* a bit for each that an entry may have */
    struct store_walk_options options;
    uint32_t slot; /* where the walk is, or the tidying after it */
    uint64_t cursor;
    uint64_t visited; /* by this step */
    struct walk_counts {
        uint64_t keys, expires;
    } * counts; /* by number */
    bool field_expiries;
    struct walk_keeping keeping;
};

/* Uses of keys under LFU that say whether the right ones stay (evict_lfu.c). */
struct use_counts {
    uint64_t first; /* since the key came */
    uint64_t idle;  /* of those known for more, since the key was looked at */
};

/* What entries hold of the heap, exact: see store_held. */
struct entries_held {
    uint64_t by_type[SPACE_TYPES];
    uint64_t asked; /* before rounding */
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
    bool clock_held;
    uint32_t clock; /* seconds, 24 bits, for LRU */

    struct touched *touched; /* NULL: nobody asks which keys are touched */
    struct db **slots;       /* by slot; NULL: free */
    uint32_t slot_count;
    uint16_t *slot_of; /* by number */
    uint32_t databases;

    struct db *dying;
    struct dying_value *dying_values;
    uint64_t lazyfree_pending, lazyfreed;
    struct store_walk walk;

    struct heap_sweep sweep;
    struct entry *due[EXPIRE_AT_ONCE]; /* found by this step of the sweep */
    unsigned due_count;
    struct entry *inner_due[INNER_AT_ONCE]; /* elements of theirs are */
    unsigned inner_due_count;
    struct buffer inner_room; /* of the one that is worked on: its key, and its new body */
    bool active_expire;

    struct entries_held held;
    struct store_use_options use;
    struct use_counts touched_by_use[2]; /* of keys without an expiry, and with one */
    uint32_t hook_count;
    struct store_hooks hooks[STORE_HOOKS_MAX];
    uint64_t hits, misses, expired, expired_by_reading, inner_expired, dirty, key_hits, key_misses;
    double stale_percent;
    uint64_t swept_stale; /* keys that were due, in this round */
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
/* Starts giving a value back whose entry goes, or gets another one. */
void store_give_value(struct store *store, const struct value *value);
/* NULL: no memory. It is on no list. */
MUST_CHECK struct dying_value *store_make_dying(struct store *store, const struct value *value);
static inline struct value dying_as_value(const struct dying_value *dying)
{
    return (struct value){ dying->type, dying->encoding, bytes_of(dying->body, dying->body_bytes) };
}
void count_expiry(struct db *db, int64_t expiry, int sign);
void count_inner(struct db *db, const struct entry *entry, int sign);
/* The entry's block is about to be given back. */
void store_give_entry(struct store *store, struct entry *entry);
/* No element of the value expires before; or VALUE_NEVER. */
int64_t store_inner_expiry(const struct store *store, const struct entry *entry);

/* walk.c */
void walk_visit_early(struct store *store, const struct db *db, struct entry *entry);
void walk_abandon(struct store *store, const char *reason);
/* From here on the walk is of no use; whoever reads is told at his next step. */
void walk_break(struct store *store, const char *reason);
/* Before anything of an entry changes, and before it goes. */
static inline void walk_before_change(struct store *store, const struct db *db, struct entry *entry)
{
    if (UNLIKELY(store->walk.watching))
        walk_visit_early(store, db, entry);
}

/* walk_keep.c: an entry that is visited. */
void walk_show(struct store *store, const struct value *value);
/* True: the walk needs the value still, which waits now; the caller gives nothing back. */
MUST_CHECK bool walk_keeps(struct store *store, const struct value *value, bool part);
/* The entry's value is about to be changed in its run: it gets another, where the walk needs it. */
void walk_part_from_run(struct store *store, struct entry *entry);
/* Nobody waits any more: whatever does is to be given back. */
void walk_keep_nothing(struct store *store);
void walk_each_kept(const struct store *store,
                    void (*visit)(void *context, const struct value *value), void *context);

/* use.c: a new entry. */
void store_start_use(struct store *store, struct entry *entry);
/* LFU: since it was used last. */
unsigned store_idle_minutes(const struct store *store, const struct entry *entry);
/* Whoever came and was not used again has no more than it was given. */
static inline bool lfu_is_new(const struct entry *entry)
{
    return (entry_used(entry) & LFU_MAX) <= LFU_START;
}
static inline bool lfu_is_idle(const struct entry *entry)
{
    return (entry_used(entry) & LFU_USED) == 0;
}

/* touched.c. pre: it is on. */
void touched_keep(const struct store *store, enum touch touch, unsigned db, struct bytes key);
static inline void note_touch(const struct store *store, enum touch touch, unsigned db,
                              struct bytes key)
{
    if (UNLIKELY(store->touched != NULL))
        touched_keep(store, touch, db, key);
}

/* Tells the hooks, and counts the change. */
void store_changed(struct store *store, const struct db *db, struct bytes key, enum event event);
void store_tell_flushed(struct store *store, unsigned db);
/* Whether anybody wants to hear of elements that expire. */
bool store_elements_wanted(const struct store *store);
void store_tell_element(struct store *store, unsigned db, struct bytes key, struct bytes element);

#endif
