#include "cmd/blocking_queues.h"

#include "base/memory.h"

#include <string.h>

enum { BUCKETS_LEAST = 64, DEADLINES_LEAST = 64 };

/* --- keys ------------------------------------------------------------------------------------- */

static uint32_t bucket_of(const struct queues *queues, uint32_t db, uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32 ^ db * UINT64_C(0x9e3779b1)) & queues->mask;
}

static struct waited_key *find_key(const struct queues *queues, uint32_t db, const struct key *key)
{
    if (queues->buckets == NULL)
        return NULL;
    struct waited_key *at = queues->buckets[bucket_of(queues, db, key->hash)];
    while (at != NULL &&
           (at->db != db || at->key.hash != key->hash || !bytes_equal(at->key.name, key->name)))
        at = at->next;
    return at;
}

static bool resize_buckets(struct queues *queues, uint32_t count)
{
    struct waited_key **old = queues->buckets;
    uint32_t old_count = old == NULL ? 0 : queues->mask + 1;
    struct waited_key **buckets = memory_take_zeroed(count * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    queues->buckets = buckets;
    queues->mask = count - 1;
    for (uint32_t i = 0; i < old_count; i++) {
        struct waited_key *next = NULL;
        for (struct waited_key *key = old[i]; key != NULL; key = next) {
            struct waited_key **bucket = &buckets[bucket_of(queues, key->db, key->key.hash)];
            next = key->next;
            key->next = *bucket;
            *bucket = key;
        }
    }
    memory_give(old);
    return true;
}

/* Without memory the chains get longer; only the first buckets are needed. */
static bool make_room(struct queues *queues)
{
    if (queues->buckets == NULL)
        return resize_buckets(queues, BUCKETS_LEAST);
    if (queues->keys > queues->mask && queues->mask < UINT32_MAX / 2)
        (void)!resize_buckets(queues, (queues->mask + 1) * 2);
    return true;
}

static void drop_buckets_if_unused(struct queues *queues)
{
    if (queues->keys > 0)
        return;
    memory_give(queues->buckets);
    queues->buckets = NULL;
    queues->mask = 0;
}

static struct waited_key *make_key(struct queues *queues, uint32_t db, const struct key *key)
{
    if (!make_room(queues))
        return NULL;
    struct waited_key *made = memory_take_zeroed(sizeof *made + key->name.count);
    if (made == NULL) {
        drop_buckets_if_unused(queues);
        return NULL;
    }
    if (key->name.count > 0)
        memcpy(made->name, key->name.at, key->name.count);
    made->key = (struct key){ bytes_of(made->name, key->name.count), key->hash };
    made->db = db;
    struct waited_key **bucket = &queues->buckets[bucket_of(queues, db, key->hash)];
    made->next = *bucket;
    *bucket = made;
    queues->keys++;
    return made;
}

/* When nobody waits for it and nobody is about to look at it. */
static void drop_key_if_idle(struct queues *queues, struct waited_key *key)
{
    if (key->oldest != NULL || key->ready || key->held)
        return;
    struct waited_key **at = &queues->buckets[bucket_of(queues, key->db, key->key.hash)];
    while (*at != key)
        at = &(*at)->next;
    *at = key->next;
    memory_give(key);
    queues->keys--;
    drop_buckets_if_unused(queues);
}

/* --- links ------------------------------------------------------------------------------------ */

static void count_until_gone(struct queues *queues, struct waited_key *key, int change)
{
    if (key->until_gone == 0)
        queues->keys_until_gone++;
    key->until_gone += (uint32_t)change;
    if (key->until_gone == 0)
        queues->keys_until_gone--;
}

static void join(struct queues *queues, struct waiter *waiter, struct waited_key *key)
{
    struct waiting_link *link = &waiter->links[waiter->link_count++];
    *link = (struct waiting_link){ .waiter = waiter, .key = key, .older = key->newest };
    if (key->newest == NULL)
        key->oldest = link;
    else
        key->newest->newer = link;
    key->newest = link;
    if (waiter->until_gone)
        count_until_gone(queues, key, 1);
}

static void leave(struct queues *queues, struct waiting_link *link)
{
    struct waited_key *key = link->key;
    if (link->older == NULL)
        key->oldest = link->newer;
    else
        link->older->newer = link->newer;
    if (link->newer == NULL)
        key->newest = link->older;
    else
        link->newer->older = link->older;
    if (link->waiter->until_gone)
        count_until_gone(queues, key, -1);
    drop_key_if_idle(queues, key);
}

static void leave_all(struct queues *queues, struct waiter *waiter)
{
    while (waiter->link_count > 0)
        leave(queues, &waiter->links[--waiter->link_count]);
}

/* A key that is named twice is waited for once. */
static bool join_all(struct queues *queues, struct waiter *waiter, const struct key *keys,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct waited_key *key = find_key(queues, waiter->db, &keys[i]);
        if (key == NULL)
            key = make_key(queues, waiter->db, &keys[i]);
        if (key == NULL)
            return false;
        if (key->newest == NULL || key->newest->waiter != waiter)
            join(queues, waiter, key);
    }
    return true;
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void put_deadline(struct queues *queues, uint32_t at, struct waiter *waiter)
{
    queues->deadlines[at] = waiter;
    waiter->deadline_at = at;
}

static void rise(struct queues *queues, struct waiter *waiter)
{
    uint32_t at = waiter->deadline_at;
    while (at > 0) {
        struct waiter *above = queues->deadlines[(at - 1) / 2];
        if (above->deadline_ns <= waiter->deadline_ns)
            break;
        put_deadline(queues, at, above);
        at = (at - 1) / 2;
    }
    put_deadline(queues, at, waiter);
}

static void sink(struct queues *queues, struct waiter *waiter)
{
    uint32_t at = waiter->deadline_at, count = queues->deadline_count;
    for (;;) {
        uint32_t below = 2 * at + 1;
        if (below >= count)
            break;
        struct waiter **all = queues->deadlines;
        if (below + 1 < count && all[below + 1]->deadline_ns < all[below]->deadline_ns)
            below++;
        if (all[below]->deadline_ns >= waiter->deadline_ns)
            break;
        put_deadline(queues, at, all[below]);
        at = below;
    }
    put_deadline(queues, at, waiter);
}

static bool add_deadline(struct queues *queues, struct waiter *waiter)
{
    if (waiter->deadline_ns == WAIT_FOREVER_NS)
        return true;
    if (queues->deadline_count == queues->deadline_capacity) {
        uint32_t capacity =
            queues->deadline_capacity == 0 ? DEADLINES_LEAST : queues->deadline_capacity * 2;
        void *more = memory_resize(queues->deadlines, capacity * sizeof(struct waiter *));
        if (more == NULL)
            return false;
        queues->deadlines = more;
        queues->deadline_capacity = capacity;
    }
    put_deadline(queues, queues->deadline_count++, waiter);
    rise(queues, waiter);
    return true;
}

void queues_drop_deadline(struct queues *queues, struct waiter *waiter)
{
    if (waiter->deadline_ns == WAIT_FOREVER_NS)
        return;
    waiter->deadline_ns = WAIT_FOREVER_NS;
    struct waiter *last = queues->deadlines[--queues->deadline_count];
    if (last != waiter) {
        put_deadline(queues, waiter->deadline_at, last);
        rise(queues, last);
        sink(queues, last);
    }
    if (queues->deadline_count > 0)
        return;
    memory_give(queues->deadlines);
    queues->deadlines = NULL;
    queues->deadline_capacity = 0;
}

/* --- waiters ---------------------------------------------------------------------------------- */

bool queues_add(struct queues *queues, struct waiter *waiter, const struct key *keys,
                uint32_t count)
{
    waiter->link_count = 0;
    if (!join_all(queues, waiter, keys, count) || !add_deadline(queues, waiter)) {
        leave_all(queues, waiter);
        return false;
    }
    queues->waiters++;
    return true;
}

void queues_remove(struct queues *queues, struct waiter *waiter)
{
    leave_all(queues, waiter);
    queues_drop_deadline(queues, waiter);
    queues->waiters--;
}

/* --- ready keys ------------------------------------------------------------------------------- */

static void make_ready(struct queues *queues, struct waited_key *key)
{
    if (key->ready)
        return;
    key->ready = true;
    key->next_ready = NULL;
    if (queues->first_ready == NULL)
        queues->first_ready = key;
    else
        queues->last_ready->next_ready = key;
    queues->last_ready = key;
}

void queues_changed(struct queues *queues, uint32_t db, const struct key *key)
{
    struct waited_key *found = find_key(queues, db, key);
    if (found != NULL)
        make_ready(queues, found);
}

void queues_all_changed(struct queues *queues, uint32_t db)
{
    for (uint32_t i = 0; queues->buckets != NULL && i <= queues->mask; i++)
        for (struct waited_key *key = queues->buckets[i]; key != NULL; key = key->next)
            if (db == STORE_ALL_DATABASES || key->db == db)
                make_ready(queues, key);
}

struct waited_key *queues_next_ready(struct queues *queues)
{
    struct waited_key *key = queues->first_ready;
    if (key == NULL)
        return NULL;
    queues->first_ready = key->next_ready;
    key->ready = false;
    key->held = true;
    return key;
}

void queues_let_go(struct queues *queues, struct waited_key *key)
{
    key->held = false;
    drop_key_if_idle(queues, key);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Every waiter stands in a queue. */
void queues_release(struct queues *queues)
{
    while (queues->first_ready != NULL)
        queues_let_go(queues, queues_next_ready(queues));
    for (uint32_t i = 0; queues->buckets != NULL && i <= queues->mask; i++) {
        while (queues->buckets != NULL && queues->buckets[i] != NULL) {
            struct waiter *waiter = queues->buckets[i]->oldest->waiter;
            queues_remove(queues, waiter);
            memory_give(waiter);
        }
    }
}
