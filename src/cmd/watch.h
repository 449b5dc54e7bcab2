/* cmd/watch.h - WATCH: which connections want to know that a key was changed.
 * Model:    a table of watched keys, each with those who watch it; while there are any it listens
 *           at the store's door, and sets a flag at the owners of what changes. A key that was
 *           absent when it was watched is not changed by an entry that has expired already.
 * Owner:    the dispatcher has one table; each transaction its watches.
 * Pointers: names are copied; a watch is its owner's until unwatch.
 * Threads:  the executing thread.
 * Failure:  watch_key: false when memory fails, nothing is watched more.
 * Cost:     nobody watches: nothing. Else a hash of each changed key; FLUSHALL, FLUSHDB and SWAPDB
 *           look at all watched keys. */
#ifndef CMD_WATCH_H
#define CMD_WATCH_H

#include "store/store.h"

struct watched_key;
struct watch;

struct watchers {
    struct store *store;
    struct watched_key **buckets;
    uint32_t mask;
    uint32_t keys;
    bool listening;
};

/* Who watches. */
struct watch_list {
    struct watch *first;
    uint32_t count;
    uint64_t bytes; /* all its watches take */
    bool changed;   /* one of the keys was changed since it is watched */
};

void watchers_init(struct watchers *watchers, struct store *store);
void watchers_release(struct watchers *watchers);

/* Watches the key in a database, once however often it is asked. */
MUST_CHECK bool watch_key(struct watchers *watchers, struct watch_list *list, unsigned db,
                          const struct key *key);
/* Keys whose time is over count as changed, unless they were absent before: looks at all. */
void watch_look(struct watchers *watchers, struct watch_list *list);
/* Forgets all its keys, and that they were changed. */
void unwatch_all(struct watchers *watchers, struct watch_list *list);

#endif
