/* store/store.h - the databases, and the one door for every change to a key.
 * Model:    each database is an index of entries; an entry is one block of the heap. Whatever
 *           changes a key comes through put, edit, set_expiry, rename or remove: there the expiry,
 *           the count of changes and the notification of those who watch are seen to.
 * Owner:    the store owns entries, and values through them.
 * Pointers: an entry's address is good until the next call that changes a key, and until the next
 *           safe point (store_safe_point, between two commands).
 * Threads:  the executing thread only.
 * Failure:  ERR_MEMORY: nothing has changed.
 * Cost:     one lookup a call; calls that follow a lookup take the entry and do not look again but
 *           where the entry's block changes. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/hash.h"
#include "base/rng.h"
#include "base/seam.h"
#include "heap/heap.h"
#include "heap/move_policy.h"
#include "store/entry.h"
#include "store/event.h"

struct store;

struct store_options {
    const struct seam *seam;
    struct hash_seed seed;
    unsigned databases; /* 1 to ENTRY_DATABASES_MAX */
    uint64_t rng_seed;
    uint64_t reserve_bytes; /* of the heap's address space; 0: all */
};

MUST_CHECK struct store *store_new(const struct store_options *options);
void store_drop(struct store *store);

/* A key with its hash, so that it is computed once for a command. */
struct key {
    struct bytes name;
    uint64_t hash;
};
struct key store_key(const struct store *store, struct bytes name);
/* The two halves of prefetching: first buckets, then, when those are there, the entries. */
void store_prefetch_bucket(const struct store *store, unsigned db, const struct key *key);
void store_prefetch_entry(const struct store *store, unsigned db, const struct key *key);

/* What a command on one field or member of a big value will read, asked for in stages, for many
 * commands side by side: begin says false where there is nothing to ask for; step, called with
 * 0, 1, ..., says false after the last. Between two commands nothing of it is good any more. */
struct store_ahead {
    const struct type_ops *ops;
    struct value value;
    uint64_t field; /* hash */
};
bool store_ahead_begin(const struct store *store, unsigned db, const struct key *key,
                       struct bytes field, struct store_ahead *ahead);
bool store_ahead_step(const struct store *store, const struct store_ahead *ahead, unsigned stage);

/* Time as commands see it: set once for each command or batch. */
void store_set_now_ms(struct store *store, int64_t now_ms);
int64_t store_now_ms(const struct store *store);
/* Stops the clock at a time until store_free_clock. Where the changes of another store are run
 * again it is held at STORE_LONG_AGO, so that nothing expires but by what that one tells. */
#define STORE_LONG_AGO INT64_C(1)
void store_hold_clock(struct store *store, int64_t now_ms);
void store_free_clock(struct store *store);

/* --- looking ---------------------------------------------------------------------------------- */

/* The entry, or NULL when absent or expired (an expired one is removed on the way). Counts a hit
 * or miss, and marks the use unless STORE_NO_TOUCH. */
enum store_read_flags {
    STORE_TOUCH = 0,
    STORE_NO_TOUCH = 1,
    STORE_NO_COUNT = 2,
    STORE_NO_NOTIFY = 4 /* that a key is missing */
};
struct entry *store_read(struct store *store, unsigned db, const struct key *key, unsigned flags);
/* For a write: no hit or miss is counted. */
struct entry *store_look(struct store *store, unsigned db, const struct key *key);
/* Whether there is one that has not expired. Changes nothing: hooks may ask. */
bool store_holds(const struct store *store, unsigned db, const struct key *key);

struct heap *store_heap(struct store *store);
/* What values live in; the types' functions take it. */
struct space *store_space(struct store *store);
/* Up to what size values keep their compact form, from the next change on. */
struct type_limits;
void store_set_limits(struct store *store, const struct type_limits *limits);

/* --- the door ---------------------------------------------------------------------------------
 * `event` names what happened for keyspace notifications (store/event.h). `entry` arguments are
 * what store_look gave for the same key in the same command. */

/* Expiry arguments: a time in ms since 1970, or one of these. */
#define STORE_NO_EXPIRY ENTRY_NO_EXPIRY
#define STORE_KEEP_EXPIRY (INT64_MIN + 1)

/* Makes the key hold `value`, whatever it held before (entry may be NULL: absent). On success the
 * store owns what the body refers to; on failure the caller still does. *result: the entry now. */
MUST_CHECK enum err store_put(struct store *store, unsigned db, const struct key *key,
                              struct entry *entry, const struct value *value, int64_t expiry,
                              enum event event, struct entry **result);

/* Opens the body for change: it gets `body_bytes` bytes (the common prefix kept, the rest
 * uninitialised) and `encoding`; returns where to write, NULL when memory fails. *entry is updated.
 */
MUST_CHECK uint8_t *store_edit(struct store *store, unsigned db, const struct key *key,
                               struct entry **entry, size_t body_bytes, unsigned encoding,
                               enum event event);

/* Tells that the value is as it shall be, after store_edit or a change of a big value: when its
 * elements expire, of those that do, is looked at now. */
void store_written(struct store *store, const struct entry *entry);

/* Tells that a big value has changed: its body, the id, has not. */
void store_note(struct store *store, unsigned db, const struct key *key, enum event event);

/* Sets or (STORE_NO_EXPIRY) takes away the expiry. *entry is updated. */
MUST_CHECK enum err store_set_expiry(struct store *store, unsigned db, const struct key *key,
                                     struct entry **entry, int64_t expiry, enum event event);

/* Removes the key and gives its value back; a big value in bounded steps, later. */
void store_remove(struct store *store, unsigned db, const struct key *key, struct entry *entry,
                  enum event event);

/* Starts giving back what a value refers to: for a part that was taken out of a key's value. Tells
 * nobody. A big one goes in bounded steps, later. */
void store_free_value(struct store *store, const struct value *value);

/* Gives the value to another key, in another database or the same, replacing what is there; the
 * expiry goes along. RENAME and MOVE. */
MUST_CHECK enum err store_rename(struct store *store, unsigned from_db, const struct key *from,
                                 struct entry *entry, unsigned to_db, const struct key *to,
                                 enum event from_event, enum event to_event);

/* Empties one database (or all: STORE_ALL_DATABASES). The keys are gone at once; their memory
 * comes back in bounded steps, or, when `wait`, before this returns. Returns the keys removed. */
#define STORE_ALL_DATABASES UINT32_MAX
uint64_t store_flush(struct store *store, unsigned db, bool wait);
void store_swap(struct store *store, unsigned one, unsigned other);

/* Called for each change, at the door; any function may be NULL. They must not change the store. */
struct store_hooks {
    void (*changed)(void *context, unsigned db, struct bytes key, enum event event);
    void (*notified)(void *context, unsigned db, struct bytes key,
                     enum event event);          /* no change */
    void (*flushed)(void *context, unsigned db); /* STORE_ALL_DATABASES too */
    /* An element of a value is about to expire; changed() with EVENT_HEXPIRED comes behind the
     * last. */
    void (*element_gone)(void *context, unsigned db, struct bytes key, struct bytes element);
    void *context;
};
enum { STORE_HOOKS_MAX = 8 };
/* Told in the order in which they were added. pre: fewer than STORE_HOOKS_MAX are there. A change
 * that nobody wants to hear of costs one load: add hooks when they are needed, and remove them. */
void store_add_hooks(struct store *store, const struct store_hooks *hooks);
/* Those with this context. */
void store_remove_hooks(struct store *store, const void *context);
/* Events without a change of data of their own (a miss, say). */
void store_notify(struct store *store, unsigned db, struct bytes key, enum event event);

/* --- over many keys --------------------------------------------------------------------------- */

uint64_t store_count(const struct store *store, unsigned db);         /* expired ones not yet
                                                                       * removed are counted */
uint64_t store_expires_count(const struct store *store, unsigned db); /* with an expiry */
/* Those of whose elements some have an expiry. */
uint64_t store_inner_expires_count(const struct store *store, unsigned db);
int64_t store_average_ttl_ms(const struct store *store, unsigned db); /* an estimate, 0: none */
unsigned store_databases(const struct store *store);

/* The next cursor of SCAN, 0 at the end. Expired entries are visited too: see store_is_expired.
 * visit must not change the store. */
uint64_t store_scan(struct store *store, unsigned db, uint64_t cursor,
                    void (*visit)(void *context, const struct entry *entry), void *context);
/* Every entry of a database in one go (KEYS, DEBUG DIGEST); visit says false to end it. */
void store_each(struct store *store, unsigned db,
                bool (*visit)(void *context, const struct entry *entry), void *context);
bool store_is_expired(const struct store *store, const struct entry *entry);
/* A key at random that has not expired; NULL when there is none. */
struct entry *store_random(struct store *store, unsigned db);

/* --- use (OBJECT FREQ, IDLETIME) ---------------------------------------------------------------
 */

struct store_use_options {
    bool lfu;
    unsigned lfu_log_factor, lfu_decay_time;
};
void store_set_use_options(struct store *store, const struct store_use_options *options);
uint64_t store_idle_seconds(const struct store *store, const struct entry *entry);
unsigned store_frequency(const struct store *store, const struct entry *entry);
/* New entries and touches. */
void store_touch(struct store *store, struct entry *entry);
/* As a file tells it: seconds since the last use, a frequency of 0 to 255; negative: not told. Only
 * what the policy in force goes by is taken. */
void store_set_use(struct store *store, struct entry *entry, int64_t idle_s, int frequency);

/* --- work between commands ---------------------------------------------------------------------
 */

/* Gives back what was removed and is big, for at most until the deadline; true when none is left.
 */
bool store_free_step(struct store *store, uint64_t deadline_ns);
/* Removes expired keys until the deadline; true when every key that is due has gone. */
bool store_expire_step(struct store *store, uint64_t deadline_ns);
void store_set_active_expire(struct store *store, bool on);

/* Bytes of an entry with its value and its share of the index (MEMORY USAGE). */
uint64_t store_entry_bytes(struct store *store, const struct entry *entry);

struct store_figures {
    uint64_t keyspace_hits, keyspace_misses;
    uint64_t expired, expired_by_reading;
    uint64_t inner_expired; /* elements of values */
    double expired_stale_percent;
    uint64_t dirty; /* changes since the start or the last reset */
    uint64_t lazyfree_pending, lazyfreed;
    uint64_t index_bytes;          /* all databases */
    uint64_t value_bytes;          /* live entries and their blocks */
    uint64_t key_hits, key_misses; /* entries moved by the mover, and not */
};
/* Where the blocks of the heap went; exact, kept at the door and in struct/nodes.c. The types and
 * `kept` add up to the heap's `allocated`. A value that is being given back counts until it has. */
struct store_held {
    uint64_t by_type[VALUE_TYPES]; /* entries with their keys, and all blocks of their values */
    uint64_t kept;                 /* runs that only a snapshot under way still holds */
    uint64_t rounding;             /* of all these, what the heap added to what was asked for */
    uint64_t copies;               /* malloc'ed for a snapshot under way, of what has changed */
    uint64_t ids;                  /* malloc'ed: the table from ids to roots of big values */
};
void store_held(const struct store *store, struct store_held *held);
/* One more change, of what is no key. */
void store_count_change(struct store *store);
void store_figures(const struct store *store, struct store_figures *figures);
void store_reset_counters(struct store *store); /* CONFIG RESETSTAT */
struct index_figures;
void store_index_figures(const struct store *store, unsigned db, struct index_figures *figures);
uint64_t store_index_bytes(const struct store *store, unsigned db);
uint64_t store_all_index_bytes(const struct store *store); /* of flushed databases too */

/* Everything checked: heap, indexes, entries, counts. For tests and DEBUG. */
bool store_valid(struct store *store);

#endif
