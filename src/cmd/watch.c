#include "cmd/watch.h"

#include "base/memory.h"

#include <string.h>

enum { BUCKETS_LEAST = 64 };

struct watch {
    struct watch *next_of_key, *previous_of_key;
    struct watch *next_of_list;
    struct watched_key *key;
    struct watch_list *list;
    bool existed; /* when it began */
};

struct watched_key {
    struct watched_key *next; /* in its bucket */
    struct watch *first;
    struct key key;
    uint32_t db;
    uint8_t name[];
};

static uint32_t bucket_of(const struct watchers *watchers, uint32_t db, uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32 ^ db * UINT64_C(0x9e3779b1)) & watchers->mask;
}

static struct watched_key *find_key(const struct watchers *watchers, uint32_t db,
                                    const struct key *key)
{
    if (watchers->buckets == NULL)
        return NULL;
    struct watched_key *at = watchers->buckets[bucket_of(watchers, db, key->hash)];
    while (at != NULL &&
           (at->db != db || at->key.hash != key->hash || !bytes_equal(at->key.name, key->name)))
        at = at->next;
    return at;
}

/* --- what the store tells --------------------------------------------------------------------- */

/* What Redis does not count: it would spoil transactions beside every consumer of a stream. */
static bool counts(enum event event)
{
    return event != EVENT_FORM && event != EVENT_GROUP && event != EVENT_XSETID &&
           (event < EVENT_XGROUP_CREATE || event > EVENT_XGROUP_SETID);
}

static void on_changed(void *context, unsigned db, struct bytes name, enum event event)
{
    const struct watchers *watchers = context;
    struct key key = store_key(watchers->store, name);
    const struct watched_key *watched = find_key(watchers, db, &key);
    if (watched == NULL)
        return;
    for (struct watch *watch = watched->first; watch != NULL; watch = watch->next_of_key)
        if (watch->existed ? counts(event) : event != EVENT_EXPIRED && event != EVENT_FORM)
            watch->list->changed = true;
}

/* Of keys that are watched and not changed yet, which there were is known: what was there is gone,
 * or is another database's now; what was not may be there since. */
static void look_at_all_of(const struct watchers *watchers, const struct watched_key *watched)
{
    bool exists = store_holds(watchers->store, watched->db, &watched->key);
    for (struct watch *watch = watched->first; watch != NULL; watch = watch->next_of_key)
        if (watch->existed || exists)
            watch->list->changed = true;
}

static void on_flushed(void *context, unsigned db)
{
    const struct watchers *watchers = context;
    for (uint32_t i = 0; watchers->buckets != NULL && i <= watchers->mask; i++)
        for (struct watched_key *at = watchers->buckets[i]; at != NULL; at = at->next)
            if (db == STORE_ALL_DATABASES || db == at->db)
                look_at_all_of(watchers, at);
}

static void listen_to_store(struct watchers *watchers)
{
    struct store_hooks hooks = { .changed = on_changed,
                                 .flushed = on_flushed,
                                 .context = watchers };
    if (!watchers->listening)
        store_add_hooks(watchers->store, &hooks);
    watchers->listening = true;
}

static void leave_store_if_unused(struct watchers *watchers)
{
    if (watchers->keys > 0)
        return;
    if (watchers->listening)
        store_remove_hooks(watchers->store, watchers);
    watchers->listening = false;
    memory_give(watchers->buckets);
    watchers->buckets = NULL;
    watchers->mask = 0;
}

void watchers_init(struct watchers *watchers, struct store *store)
{
    *watchers = (struct watchers){ .store = store };
}

void watchers_release(struct watchers *watchers)
{
    ENSURE(watchers->keys == 0);
    leave_store_if_unused(watchers);
}

/* --- the table -------------------------------------------------------------------------------- */

static bool resize(struct watchers *watchers, uint32_t count)
{
    struct watched_key **old = watchers->buckets;
    uint32_t old_count = old == NULL ? 0 : watchers->mask + 1;
    struct watched_key **buckets = memory_take_zeroed(count * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    watchers->buckets = buckets;
    watchers->mask = count - 1;
    for (uint32_t i = 0; i < old_count; i++) {
        struct watched_key *next = NULL;
        for (struct watched_key *key = old[i]; key != NULL; key = next) {
            struct watched_key **bucket = &buckets[bucket_of(watchers, key->db, key->key.hash)];
            next = key->next;
            key->next = *bucket;
            *bucket = key;
        }
    }
    memory_give(old);
    return true;
}

/* Without memory the chains get longer; only the first buckets are needed. */
static bool make_room(struct watchers *watchers)
{
    if (watchers->buckets == NULL)
        return resize(watchers, BUCKETS_LEAST);
    if (watchers->keys > watchers->mask && watchers->mask < UINT32_MAX / 2)
        (void)!resize(watchers, (watchers->mask + 1) * 2);
    return true;
}

static struct watched_key *make_key(struct watchers *watchers, uint32_t db, const struct key *key)
{
    struct watched_key *made = memory_take(sizeof *made + key->name.count);
    if (made == NULL)
        return NULL;
    *made = (struct watched_key){ .key = { bytes_of(made->name, key->name.count), key->hash },
                                  .db = db };
    if (key->name.count > 0)
        memcpy(made->name, key->name.at, key->name.count);
    struct watched_key **bucket = &watchers->buckets[bucket_of(watchers, db, key->hash)];
    made->next = *bucket;
    *bucket = made;
    watchers->keys++;
    return made;
}

static void drop_key_if_unused(struct watchers *watchers, struct watched_key *key)
{
    if (key->first != NULL)
        return;
    struct watched_key **at = &watchers->buckets[bucket_of(watchers, key->db, key->key.hash)];
    while (*at != key)
        at = &(*at)->next;
    *at = key->next;
    memory_give(key);
    watchers->keys--;
}

/* --- watching --------------------------------------------------------------------------------- */

/* A watch stands in two chains; whichever is shorter says it. */
static bool is_watched(const struct watched_key *key, const struct watch_list *list)
{
    const struct watch *one = key->first, *other = list->first;
    for (; one != NULL && other != NULL; one = one->next_of_key, other = other->next_of_list)
        if (one->list == list || other->key == key)
            return true;
    return false;
}

static bool add_watch(struct watch_list *list, struct watched_key *key, bool exists)
{
    struct watch *watch = memory_take(sizeof *watch);
    if (watch == NULL)
        return false;
    *watch = (struct watch){ .next_of_key = key->first,
                             .next_of_list = list->first,
                             .key = key,
                             .list = list,
                             .existed = exists };
    if (key->first != NULL)
        key->first->previous_of_key = watch;
    key->first = watch;
    list->first = watch;
    list->count++;
    list->bytes += sizeof *watch + sizeof *key + key->key.name.count;
    return true;
}

bool watch_key(struct watchers *watchers, struct watch_list *list, unsigned db,
               const struct key *key)
{
    /* One that has expired goes now, and is absent. */
    bool exists = store_read(watchers->store, db, key, STORE_NO_TOUCH | STORE_NO_COUNT) != NULL;
    bool made = make_room(watchers);
    struct watched_key *watched = find_key(watchers, db, key);
    if (made && watched == NULL)
        watched = make_key(watchers, db, key);
    made =
        made && watched != NULL && (is_watched(watched, list) || add_watch(list, watched, exists));
    if (watched != NULL)
        drop_key_if_unused(watchers, watched);
    if (made)
        listen_to_store(watchers);
    else
        leave_store_if_unused(watchers);
    return made;
}

void watch_look(struct watchers *watchers, struct watch_list *list)
{
    for (const struct watch *watch = list->first; watch != NULL && !list->changed;
         watch = watch->next_of_list)
        (void)!store_read(watchers->store, watch->key->db, &watch->key->key,
                          STORE_NO_TOUCH | STORE_NO_COUNT);
}

static void leave_key(struct watch *watch)
{
    if (watch->previous_of_key == NULL)
        watch->key->first = watch->next_of_key;
    else
        watch->previous_of_key->next_of_key = watch->next_of_key;
    if (watch->next_of_key != NULL)
        watch->next_of_key->previous_of_key = watch->previous_of_key;
}

void unwatch_all(struct watchers *watchers, struct watch_list *list)
{
    struct watch *next = NULL;
    for (struct watch *watch = list->first; watch != NULL; watch = next) {
        next = watch->next_of_list;
        leave_key(watch);
        drop_key_if_unused(watchers, watch->key);
        memory_give(watch);
    }
    *list = (struct watch_list){ .first = NULL };
    leave_store_if_unused(watchers);
}
