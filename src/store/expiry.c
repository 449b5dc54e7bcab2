/* Keys that are due go without being asked for: keys with an expiry live in spans of their own, and
 * each span knows the earliest of its keys, so that a sweep visits only where something is due. */
#include "store/inside.h"

enum { EXPIRE_AT_ONCE = 128 };

/* False when enough has been removed for one step: each costs a hash and a line of the index. */
static bool visit_expiring(void *context, void *block, uint64_t *tag)
{
    struct store *store = context;
    struct entry *entry = block;
    struct db *db = db_of_entry(store, entry);
    int64_t expiry = entry_expiry(entry);
    store->swept++;
    if (expiry < store->now_ms && !db->dying) {
        struct key key = store_key(store, entry_key(entry));
        /* Told before it goes: the key's bytes stand in the entry. */
        store->swept_stale++;
        store->expired++;
        store_changed(store, db, key.name, EVENT_EXPIRED);
        store_discard(store, db, &key, entry);
        return ++store->swept_now < EXPIRE_AT_ONCE;
    }
    uint64_t due = expiry > 0 ? (uint64_t)expiry : 0;
    if (!db->dying && due < *tag)
        *tag = due;
    return true;
}

static void end_round(struct store *store)
{
    if (store->swept > 0)
        store->stale_percent =
            store->stale_percent * 0.95 + (double)store->swept_stale * 5 / (double)store->swept;
    store->swept = 0;
    store->swept_stale = 0;
}

bool store_expire_step(struct store *store, uint64_t deadline_ns)
{
    if (!store->active_expire || store->now_ms <= 0)
        return true;
    for (;;) {
        store->swept_now = 0;
        /* An entry is due when its time is less than now. */
        if (!heap_sweep_step(store->heap, &store->sweep, BLOCK_EXPIRING,
                             (uint64_t)store->now_ms - 1, visit_expiring, store)) {
            end_round(store);
            return true;
        }
        if (seam_now_ns(store->seam) >= deadline_ns)
            return false;
    }
}

void store_set_active_expire(struct store *store, bool on)
{
    store->active_expire = on;
}
