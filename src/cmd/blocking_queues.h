/* cmd/blocking_queues.h - who waits for which key, in what order, and until when.
 * Model:    a waiter has one link for each key that it waits for; a key has its waiters in the
 *           order they came. Keys that changed form a list, each in it once, in the order they
 *           changed. Deadlines are a binary heap.
 *
 *             waiter -> links[] <-> key: oldest <-> ... <-> newest
 *                                    `-> the list of ready keys
 *
 * Owner:    cmd/blocking.c holds one; it owns waiters from queues_add to queues_remove.
 * Pointers: waiters and keys never move. A key lives while somebody waits for it, while it is
 *           ready, and while it is held by queues_next_ready.
 * Threads:  the executing thread.
 * Failure:  queues_add: false when memory fails, nothing has changed.
 * Cost:     O(1) a key, O(log n) a deadline; the buckets of keys double at once (10 ns a key). */
#ifndef CMD_BLOCKING_QUEUES_H
#define CMD_BLOCKING_QUEUES_H

#include "store/store.h"

#define WAIT_FOREVER_NS UINT64_MAX

struct command_row;
struct reply;
struct waiter;

struct waited_key {
    struct waited_key *next; /* in its bucket */
    struct waited_key *next_ready;
    struct waiting_link *oldest, *newest;
    struct key key; /* its name stands behind */
    uint32_t db;
    uint32_t until_gone; /* waiters that are told too when the key goes */
    bool ready, held;
    uint8_t name[];
};

struct waiting_link {
    struct waiter *waiter;
    struct waited_key *key;
    struct waiting_link *older, *newer;
};

struct waiter {
    uint64_t client_id;
    uint64_t deadline_ns; /* or WAIT_FOREVER_NS */
    uint64_t spent_ns;    /* executing, so far */
    struct command_row *row;
    struct bytes *argv; /* in the same block, with their bytes */
    void (*timed_out)(struct reply *reply);
    uint32_t argc;
    uint32_t deadline_at; /* place in the heap */
    uint32_t db;
    uint32_t link_count; /* different keys */
    uint8_t type;        /* enum value_type */
    bool until_gone;
    struct waiting_link links[];
};

struct queues {
    struct waited_key **buckets; /* mask + 1 of them; NULL: nobody waits */
    uint32_t mask;
    uint32_t keys, keys_until_gone, waiters;
    struct waited_key *first_ready, *last_ready;
    struct waiter **deadlines; /* a heap, the earliest first */
    uint32_t deadline_count, deadline_capacity;
};

void queues_release(struct queues *queues); /* with all waiters */

/* `keys` with their hashes, in waiter->db; the waiter has room for so many links. */
MUST_CHECK bool queues_add(struct queues *queues, struct waiter *waiter, const struct key *keys,
                           uint32_t count);
void queues_remove(struct queues *queues, struct waiter *waiter);
/* It waits for its keys alone from now on. */
void queues_drop_deadline(struct queues *queues, struct waiter *waiter);

/* The key has changed: it is ready if anybody waits for it. */
void queues_changed(struct queues *queues, uint32_t db, const struct key *key);
/* All keys of a database, or of all (STORE_ALL_DATABASES). */
void queues_all_changed(struct queues *queues, uint32_t db);

/* The key that is ready for the longest time, or NULL. It is held, not ready any more, and may
 * become so again; its waiters may be removed. */
struct waited_key *queues_next_ready(struct queues *queues);
void queues_let_go(struct queues *queues, struct waited_key *key);

/* Whose deadline is the earliest; NULL when nobody has one. */
static inline struct waiter *queues_earliest(const struct queues *queues)
{
    return queues->deadline_count > 0 ? queues->deadlines[0] : NULL;
}

#endif
