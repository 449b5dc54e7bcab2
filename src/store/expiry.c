/* Keys that are due go without being asked for: keys with an expiry live in spans of their own, and
 * each span knows the earliest of its keys, so that a sweep visits only where something is due. */
#include "store/inside.h"

enum { SIDE_BY_SIDE = 16 };

/* Elements of this value have expired. They go when the step is over: what is left may need another
 * block, and a visit must not take any. False when no more can be remembered. */
static bool remember_inner(struct store *store, struct entry *entry)
{
    store->inner_due[store->inner_due_count++] = entry;
    return store->inner_due_count < INNER_AT_ONCE;
}

/* False when enough has been found for one step. What is due goes when the step is over, so that
 * the lines of the index it needs can be asked for side by side. */
static bool visit_expiring(void *context, void *block, uint64_t *tag)
{
    struct store *store = context;
    struct entry *entry = block;
    struct db *db = db_of_entry(store, entry);
    int64_t expiry = entry_expires(entry) ? entry_expiry(entry) : VALUE_NEVER;
    if (expiry < store->now_ms && !db->dying) {
        store->due[store->due_count++] = entry;
        return store->due_count < EXPIRE_AT_ONCE;
    }
    if (db->dying)
        return true;
    int64_t inner = store_inner_expiry(store, entry);
    bool inner_due = inner < store->now_ms;
    if (!inner_due && inner < expiry)
        expiry = inner;
    uint64_t due = expiry > 0 ? (uint64_t)expiry : 0;
    if (expiry != VALUE_NEVER && due < *tag)
        *tag = due;
    return !inner_due || remember_inner(store, entry);
}

static void expire_some(struct store *store, struct entry **entries, unsigned count)
{
    struct key keys[SIDE_BY_SIDE];
    for (unsigned i = 0; i < count; i++) {
        keys[i] = store_key(store, entry_key(entries[i]));
        index_prefetch(&db_of_entry(store, entries[i])->index, keys[i].hash);
    }
    for (unsigned i = 0; i < count; i++) {
        struct db *db = db_of_entry(store, entries[i]);
        /* Told before it goes: the key's bytes stand in the entry. */
        store_changed(store, db, keys[i].name, EVENT_EXPIRED);
        store_discard(store, db, &keys[i], entries[i]);
    }
}

static void expire_due(struct store *store)
{
    store->swept_stale += store->due_count;
    store->expired += store->due_count;
    for (unsigned at = 0; at < store->due_count; at += SIDE_BY_SIDE) {
        unsigned left = store->due_count - at;
        expire_some(store, store->due + at, left < SIDE_BY_SIDE ? left : SIDE_BY_SIDE);
    }
    store->due_count = 0;
}

/* What is left of the value, of which `done` tells. */
static void put_rest(struct store *store, struct db *db, const struct key *key, struct entry *entry,
                     bool small, const struct value_expiry *done)
{
    size_t bytes = small ? done->body_bytes : entry_body(entry).count;
    if (small || done->encoding != entry_encoding(entry)) {
        uint8_t *body =
            store_edit(store, db->number, key, &entry, bytes, done->encoding, EVENT_HEXPIRED);
        if (body != NULL && small)
            memcpy(body, done->room, bytes);
    } else {
        store_note(store, db->number, key, EVENT_HEXPIRED);
    }
    store_written(store, entry);
}

struct telling_gone {
    struct store *store;
    unsigned db;
    struct bytes key;
};

static void tell_gone(void *context, struct bytes element)
{
    const struct telling_gone *telling = context;
    store_tell_element(telling->store, telling->db, telling->key, element);
}

/* Takes expired elements out of a value: some of them, when it is big. True when that was all. */
static bool expire_inner(struct store *store, struct entry *entry)
{
    struct db *db = db_of_entry(store, entry);
    struct value value = entry_value(entry);
    struct bytes name = entry_key(entry);
    struct buffer *room = &store->inner_room;
    room->count = 0; /* the name stands in the entry, which may go */
    if (!buffer_append(room, name) || !buffer_reserve(room, value.body.count)) {
        store_written(store, entry);
        return true; /* no memory: another time */
    }
    struct key key = store_key(store, bytes_of(room->at, name.count));
    struct telling_gone telling = { store, db->number, key.name };
    struct value_expiry done = { .room = room->at + name.count,
                                 .gone = store_elements_wanted(store) ? tell_gone : NULL,
                                 .context = &telling };
    type_ops(value.type)->expire_step(&store->space, &value, store->now_ms, &done);
    store->inner_expired += done.removed;
    bool all = done.empty || done.body_bytes > 0 ||
               type_ops(value.type)->earliest(&store->space, &value) >= store->now_ms;
    if (done.empty) {
        store_note(store, db->number, &key, EVENT_HEXPIRED);
        store_remove(store, db->number, &key, entry, EVENT_DEL);
    } else if (done.removed > 0) {
        put_rest(store, db, &key, entry, done.body_bytes > 0, &done);
    } else {
        store_written(store, entry);
    }
    return all;
}

/* True when nothing is due any more in what this step has found. */
static bool expire_inner_due(struct store *store, uint64_t deadline_ns)
{
    bool all = true;
    for (unsigned i = 0; i < store->inner_due_count; i++) {
        if (seam_now_ns(store->seam) < deadline_ns) {
            all = expire_inner(store, store->inner_due[i]) && all;
        } else {
            store_written(store, store->inner_due[i]);
            all = false;
        }
    }
    store->inner_due_count = 0;
    return all;
}

/* A round finds all that is due, so that the share is exact; the mean goes over some 20 rounds. */
static void end_round(struct store *store)
{
    uint64_t there = store->swept_stale;
    for (unsigned number = 0; number < store->databases; number++)
        there += db_of(store, number)->expires;
    double percent = there > 0 ? 100 * (double)store->swept_stale / (double)there : 0;
    store->stale_percent = store->stale_percent * 0.95 + percent * 0.05;
    store->swept_stale = 0;
}

bool store_expire_step(struct store *store, uint64_t deadline_ns)
{
    if (!store->active_expire || store->now_ms <= 0)
        return true;
    bool all = true; /* of what this round has found */
    for (;;) {
        /* An entry is due when its time is less than now. */
        bool more = heap_sweep_step(store->heap, &store->sweep, BLOCK_EXPIRING,
                                    (uint64_t)store->now_ms - 1, visit_expiring, store);
        expire_due(store);
        if (UNLIKELY(store->inner_due_count > 0))
            all = expire_inner_due(store, deadline_ns) && all;
        if (!more) {
            end_round(store);
            if (all)
                return true;
            all = true; /* a big value goes on in the next round */
        }
        if (seam_now_ns(store->seam) >= deadline_ns)
            return false;
    }
}

void store_set_active_expire(struct store *store, bool on)
{
    store->active_expire = on;
}
