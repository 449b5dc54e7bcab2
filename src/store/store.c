#include "store/store.h"

#include "base/memory.h"
#include "store/inside.h"
#include "struct/past.h"

static const char *const kind_names[BLOCK_KINDS] = { "keys", "expiring-keys", "values", "nodes" };

struct store *store_new(const struct store_options *options)
{
    ENSURE(options->databases > 0 && options->databases <= ENTRY_DATABASES_MAX);
    struct store *store = memory_take_zeroed(sizeof *store);
    if (store == NULL)
        return NULL;
    store->seam = options->seam;
    store->seed = options->seed;
    store->databases = options->databases;
    store->active_expire = true;
    store->walk.epochs = 1;
    store->use = (struct store_use_options){ false, 10, 1 };
    rng_init(&store->rng, options->rng_seed);
    store->heap = heap_new(
        options->seam, &(struct heap_options){ kind_names, BLOCK_KINDS, options->reserve_bytes });
    if (store->heap == NULL || !databases_init(store)) {
        store_drop(store);
        return NULL;
    }
    store->base = heap_base(store->heap);
    store->limits = type_limits_default;
    space_init(&store->space, store->heap, &store->seed, &store->rng, &store->limits);
    store_set_now_ms(store, seam_wall_ms(options->seam));
    return store;
}

void store_drop(struct store *store)
{
    if (store == NULL)
        return;
    if (store->walk.open)
        store_walk_end(store);
    while (store->dying_values != NULL) {
        struct dying_value *next = store->dying_values->next;
        memory_give(store->dying_values);
        store->dying_values = next;
    }
    while (!past_free_step(&store->space))
        continue;
    databases_release(store);
    touched_stop(store);
    buffer_release(&store->inner_room);
    space_release(&store->space);
    heap_drop(store->heap);
    memory_give(store);
}

struct heap *store_heap(struct store *store)
{
    return store->heap;
}

struct space *store_space(struct store *store)
{
    return &store->space;
}

void store_set_limits(struct store *store, const struct type_limits *limits)
{
    store->limits = *limits;
}

struct key store_key(const struct store *store, struct bytes name)
{
    return (struct key){ name, hash_bytes(&store->seed, name) };
}

void store_prefetch_bucket(const struct store *store, unsigned db, const struct key *key)
{
    index_prefetch(&db_of(store, db)->index, key->hash);
}

void store_prefetch_entry(const struct store *store, unsigned db, const struct key *key)
{
    index_prefetch_found(&db_of(store, db)->index, key->hash);
}

static void set_clock(struct store *store, int64_t now_ms)
{
    store->now_ms = now_ms;
    heap_set_present(store->heap, now_ms > 0 ? (uint64_t)now_ms : 0);
    store->clock = (uint32_t)((uint64_t)now_ms / 1000) & 0xffffffu;
}

void store_set_now_ms(struct store *store, int64_t now_ms)
{
    if (LIKELY(!store->clock_held))
        set_clock(store, now_ms);
}

void store_hold_clock(struct store *store, int64_t now_ms)
{
    if (now_ms == STORE_LONG_AGO) {
        store->now_ms = now_ms; /* the use of keys goes by the clock as it was */
        heap_set_present(store->heap, (uint64_t)seam_wall_ms(store->seam));
    } else {
        set_clock(store, now_ms);
    }
    store->clock_held = true;
}

void store_free_clock(struct store *store)
{
    store->clock_held = false;
}

int64_t store_now_ms(const struct store *store)
{
    return store->now_ms;
}

bool store_is_expired(const struct store *store, const struct entry *entry)
{
    return entry_expires(entry) && entry_expiry(entry) < store->now_ms;
}

static bool has_key(const struct entry *entry, struct bytes name)
{
    if (entry->key_low != (uint8_t)name.count)
        return false;
    struct bytes key = entry_key(entry);
    return key.count == name.count && memcmp(key.at, name.at, name.count) == 0;
}

/* The entry, expired or not. */
static struct entry *find(const struct store *store, const struct db *db, const struct key *key)
{
    struct index_probe probe;
    for (uint64_t ref = index_first(&db->index, key->hash, &probe); ref != 0;
         ref = index_next(&db->index, &probe)) {
        struct entry *entry = entry_at(store, ref);
        if (LIKELY(has_key(entry, key->name)))
            return entry;
    }
    return NULL;
}

bool store_ahead_begin(const struct store *store, unsigned db, const struct key *key,
                       struct bytes field, struct store_ahead *ahead)
{
    const struct entry *entry = find(store, db_of(store, db), key);
    if (entry == NULL)
        return false;
    ahead->value = entry_value(entry);
    ahead->ops = type_ops(ahead->value.type);
    if (ahead->ops->prefetch == NULL || !ahead->ops->prefetch(&store->space, &ahead->value, 0, 0))
        return false;
    ahead->field = hash_bytes(&store->seed, field);
    return true;
}

bool store_ahead_step(const struct store *store, const struct store_ahead *ahead, unsigned stage)
{
    return ahead->ops->prefetch(&store->space, &ahead->value, ahead->field, stage + 1);
}

static void expire_by_reading(struct store *store, struct db *db, const struct key *key,
                              struct entry *entry)
{
    store->expired++;
    store->expired_by_reading++;
    /* Told before it goes: the key's bytes may stand in the entry. */
    store_changed(store, db, key->name, EVENT_EXPIRED);
    store_discard(store, db, key, entry);
}

static struct entry *look(struct store *store, struct db *db, const struct key *key)
{
    struct entry *entry = find(store, db, key);
    note_touch(store, TOUCH_LOOKED, db->number, key->name);
    if (entry != NULL && UNLIKELY(store_is_expired(store, entry))) {
        expire_by_reading(store, db, key, entry);
        return NULL;
    }
    return entry;
}

struct entry *store_look(struct store *store, unsigned db, const struct key *key)
{
    return look(store, db_of(store, db), key);
}

bool store_holds(const struct store *store, unsigned db, const struct key *key)
{
    const struct entry *entry = find(store, db_of(store, db), key);
    return entry != NULL && !store_is_expired(store, entry);
}

struct entry *store_read(struct store *store, unsigned db, const struct key *key, unsigned flags)
{
    struct entry *entry = look(store, db_of(store, db), key);
    if ((flags & STORE_NO_COUNT) == 0) {
        if (entry != NULL)
            store->hits++;
        else
            store->misses++;
        if (entry == NULL && (flags & STORE_NO_NOTIFY) == 0)
            store_notify(store, db, key->name, EVENT_KEYMISS);
    }
    if (entry != NULL && (flags & STORE_NO_TOUCH) == 0)
        store_touch(store, entry);
    return entry;
}

/* --- telling ---------------------------------------------------------------------------------- */

void store_add_hooks(struct store *store, const struct store_hooks *hooks)
{
    ENSURE(store->hook_count < STORE_HOOKS_MAX);
    store->hooks[store->hook_count++] = *hooks;
}

void store_remove_hooks(struct store *store, const void *context)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < store->hook_count; i++)
        if (store->hooks[i].context != context)
            store->hooks[kept++] = store->hooks[i];
    store->hook_count = kept;
}

void store_notify(struct store *store, unsigned db, struct bytes key, enum event event)
{
    for (uint32_t i = 0; i < store->hook_count; i++) {
        const struct store_hooks *hooks = &store->hooks[i];
        if (hooks->notified != NULL)
            hooks->notified(hooks->context, db, key, event);
    }
}

void store_changed(struct store *store, const struct db *db, struct bytes key, enum event event)
{
    bool by_itself = event == EVENT_EXPIRED || event == EVENT_EVICTED;
    store->dirty += !by_itself; /* such is no change that a snapshot is due for */
    note_touch(store, by_itself || event == EVENT_HEXPIRED ? TOUCH_GONE : TOUCH_CHANGED, db->number,
               key);
    for (uint32_t i = 0; i < store->hook_count; i++) {
        const struct store_hooks *hooks = &store->hooks[i];
        if (hooks->changed != NULL)
            hooks->changed(hooks->context, db->number, key, event);
    }
}

bool store_elements_wanted(const struct store *store)
{
    for (uint32_t i = 0; i < store->hook_count; i++)
        if (store->hooks[i].element_gone != NULL)
            return true;
    return false;
}

void store_tell_element(struct store *store, unsigned db, struct bytes key, struct bytes element)
{
    for (uint32_t i = 0; i < store->hook_count; i++) {
        const struct store_hooks *hooks = &store->hooks[i];
        if (hooks->element_gone != NULL)
            hooks->element_gone(hooks->context, db, key, element);
    }
}

void store_tell_flushed(struct store *store, unsigned db)
{
    for (uint32_t i = 0; i < store->hook_count; i++) {
        const struct store_hooks *hooks = &store->hooks[i];
        if (hooks->flushed != NULL)
            hooks->flushed(hooks->context, db);
    }
}
