/* Databases as wholes: made, counted, walked, swapped, emptied. */
#include "base/memory.h"
#include "base/prefetch.h"
#include "store/inside.h"
#include "struct/kinds.h"
#include "struct/past.h"

enum {
    POP_AT_ONCE = 64,
    ALL_KINDS = 2, /* of blocks that are entries */
    FEW_SHARE = 8, /* of all keys: fewer are not looked for in all spans */
};

static uint64_t hash_of_ref(void *context, uint64_t ref)
{
    const struct store *store = context;
    return hash_bytes(&store->seed, entry_key(entry_at(store, ref)));
}

static void prefetch_ref(void *context, uint64_t ref)
{
    const struct store *store = context;
    const uint8_t *entry = heap_at(store->base, ref);
    prefetch(entry);
    prefetch(entry + 64); /* most entries take two lines, or three */
}

static struct db *make_db(struct store *store, uint32_t slot)
{
    struct db *db = memory_take_zeroed(sizeof *db);
    struct index_ops ops = { hash_of_ref, prefetch_ref, store };
    if (db == NULL)
        return NULL;
    if (!index_init(&db->index, store->seam, &ops)) {
        memory_give(db);
        return NULL;
    }
    db->slot = slot;
    store->slots[slot] = db;
    return db;
}

static void drop_db(struct store *store, struct db *db)
{
    store->slots[db->slot] = NULL;
    index_release(&db->index);
    memory_give(db);
}

bool databases_init(struct store *store)
{
    store->slots = memory_take_zeroed(store->databases * sizeof *store->slots);
    store->slot_of = memory_take_zeroed(store->databases * sizeof *store->slot_of);
    if (store->slots == NULL || store->slot_of == NULL)
        return false;
    store->slot_count = store->databases;
    for (uint32_t number = 0; number < store->databases; number++) {
        struct db *db = make_db(store, number);
        if (db == NULL)
            return false;
        db->number = number;
        store->slot_of[number] = (uint16_t)number;
    }
    return true;
}

void databases_release(struct store *store)
{
    for (uint32_t slot = 0; slot < store->slot_count && store->slots != NULL; slot++)
        if (store->slots[slot] != NULL)
            drop_db(store, store->slots[slot]);
    memory_give(store->slots);
    memory_give(store->slot_of);
}

/* --- figures ---------------------------------------------------------------------------------- */

unsigned store_databases(const struct store *store)
{
    return store->databases;
}

uint64_t store_count(const struct store *store, unsigned db)
{
    return db_of(store, db)->index.count;
}

uint64_t store_inner_expires_count(const struct store *store, unsigned db)
{
    return db_of(store, db)->inner_expires;
}

uint64_t store_expires_count(const struct store *store, unsigned db)
{
    return db_of(store, db)->expires;
}

int64_t store_average_ttl_ms(const struct store *store, unsigned db)
{
    const struct db *database = db_of(store, db);
    if (database->expires == 0)
        return 0;
    uint64_t mean = (uint64_t)(database->expiry_sum / database->expires);
    int64_t left = (int64_t)(mean - ((uint64_t)1 << ENTRY_EXPIRY_BITS)) - store->now_ms;
    return left > 0 ? left : 0;
}

uint64_t store_index_bytes(const struct store *store, unsigned db)
{
    return index_bytes(&db_of(store, db)->index);
}

uint64_t store_all_index_bytes(const struct store *store)
{
    uint64_t bytes = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++)
        if (store->slots[slot] != NULL)
            bytes += index_bytes(&store->slots[slot]->index);
    return bytes;
}

void store_index_figures(const struct store *store, unsigned db, struct index_figures *figures)
{
    index_figures(&db_of(store, db)->index, figures);
}

void store_count_change(struct store *store)
{
    store->dirty++;
}

void store_figures(const struct store *store, struct store_figures *figures)
{
    struct heap_figures heap;
    heap_figures(store->heap, &heap);
    *figures = (struct store_figures){ .keyspace_hits = store->hits,
                                       .keyspace_misses = store->misses,
                                       .expired = store->expired,
                                       .expired_by_reading = store->expired_by_reading,
                                       .inner_expired = store->inner_expired,
                                       .expired_stale_percent = store->stale_percent,
                                       .dirty = store->dirty,
                                       .lazyfree_pending = store->lazyfree_pending,
                                       .lazyfreed = store->lazyfreed,
                                       .value_bytes = heap.allocated,
                                       .key_hits = store->key_hits,
                                       .key_misses = store->key_misses };
    figures->index_bytes = store_all_index_bytes(store);
}

void store_held(const struct store *store, struct store_held *held)
{
    const struct entries_held *entries = &store->held;
    const struct space_held *values = &store->space.held;
    struct heap_run_figures runs;
    heap_run_figures(store->heap, BLOCK_VALUE, &runs);
    uint64_t past = store->space.past == NULL ? 0 : past_bytes(store->space.past);
    *held = (struct store_held){ .kept = values->kept,
                                 .copies = past > values->kept ? past - values->kept : 0,
                                 .ids = roots_bytes(&store->space.roots) };
    for (unsigned type = 0; type < VALUE_TYPES; type++) {
        held->by_type[type] = entries->by_type[type] + values->by_type[type];
        held->rounding += held->by_type[type];
    }
    held->rounding -= entries->asked + values->asked + values->outside;
    held->rounding += runs.slack;
    held->by_type[VALUE_STRING] += runs.bytes - values->outside - values->kept;
}

void store_reset_counters(struct store *store)
{
    store->hits = store->misses = store->expired = store->expired_by_reading = 0;
    store->inner_expired = 0;
    store->lazyfreed = store->key_hits = store->key_misses = 0;
    store->stale_percent = 0;
    heap_reset_counters(store->heap);
}

uint64_t store_entry_bytes(struct store *store, const struct entry *entry)
{
    struct value value = entry_value(entry);
    const struct db *db = db_of_entry(store, entry);
    uint64_t share = db->index.count > 0 ? index_bytes(&db->index) / db->index.count : 0;
    return heap_block_bytes(store->heap, entry) +
           type_ops(value.type)->bytes(&store->space, &value) + (share < 16 ? share : 16);
}

/* --- walking ---------------------------------------------------------------------------------- */

struct walk {
    const struct store *store;
    void (*visit)(void *context, const struct entry *entry);
    bool (*visit_while)(void *context, const struct entry *entry);
    void *context;
    bool ended;
};

static void visit_ref(void *context, uint64_t ref)
{
    struct walk *walk = context;
    const struct entry *entry = entry_at(walk->store, ref);
    note_touch(walk->store, TOUCH_WALKED, db_of_entry(walk->store, entry)->number,
               entry_key(entry));
    if (walk->visit != NULL)
        walk->visit(walk->context, entry);
    else if (!walk->ended)
        walk->ended = !walk->visit_while(walk->context, entry);
}

uint64_t store_scan(struct store *store, unsigned db, uint64_t cursor,
                    void (*visit)(void *context, const struct entry *entry), void *context)
{
    struct walk walk = { .store = store, .visit = visit, .context = context };
    return index_scan(&db_of(store, db)->index, cursor, visit_ref, &walk);
}

void store_each(struct store *store, unsigned db,
                bool (*visit)(void *context, const struct entry *entry), void *context)
{
    struct walk walk = { .store = store, .visit_while = visit, .context = context };
    uint64_t cursor = 0;
    do
        cursor = index_scan(&db_of(store, db)->index, cursor, visit_ref, &walk);
    while (cursor != 0 && !walk.ended);
}

struct entry *store_random(struct store *store, unsigned db)
{
    enum { TRIES = 100 }; /* then an expired one is removed and counts as none */
    struct db *database = db_of(store, db);
    for (int tries = 0; tries < TRIES && database->index.count > 0; tries++) {
        struct entry *entry = entry_at(store, index_random(&database->index, &store->rng));
        note_touch(store, TOUCH_WALKED, db, entry_key(entry));
        if (!store_is_expired(store, entry))
            return entry;
        struct key key = store_key(store, entry_key(entry));
        if (store_look(store, db, &key) != NULL) /* removes it */
            return entry;
    }
    return NULL;
}

/* --- swapping and emptying -------------------------------------------------------------------- */

void store_swap(struct store *store, unsigned one, unsigned other)
{
    if (one == other)
        return;
    uint16_t slot = store->slot_of[one];
    store->slot_of[one] = store->slot_of[other];
    store->slot_of[other] = slot;
    db_of(store, one)->number = one;
    db_of(store, other)->number = other;
    store->dirty++;
    store_tell_flushed(store, one);
    store_tell_flushed(store, other);
}

static bool free_slot(struct store *store, uint32_t *slot)
{
    for (*slot = 0; *slot < store->slot_count; ++*slot)
        if (store->slots[*slot] == NULL)
            return true;
    if (store->slot_count == ENTRY_DATABASES_MAX)
        return false;
    void *more = memory_resize(store->slots, (store->slot_count + 1) * sizeof *store->slots);
    if (more == NULL)
        return false;
    store->slots = more;
    store->slots[store->slot_count++] = NULL;
    return true;
}

/* Gives back some of the entries; true when there are none left. */
static bool empty_step(struct store *store, struct db *db)
{
    uint64_t refs[POP_AT_ONCE];
    uint64_t count = index_pop(&db->index, refs, POP_AT_ONCE);
    for (uint64_t at = 0; at < count; at++)
        prefetch(entry_at(store, refs[at]));
    for (uint64_t at = 0; at < count; at++) {
        struct entry *entry = entry_at(store, refs[at]);
        struct value value = entry_value(entry);
        walk_before_change(store, db, entry);
        count_expiry(db, entry_expiry(entry), -1);
        count_inner(db, entry, -1);
        store_give_value(store, &value);
        store_give_entry(store, entry);
    }
    if (db->dying) {
        store->lazyfree_pending -= count;
        store->lazyfreed += count;
    }
    return db->index.count == 0;
}

static uint64_t keys_of_all(const struct store *store)
{
    uint64_t count = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++)
        count += store->slots[slot] != NULL ? store->slots[slot]->index.count : 0;
    return count;
}

struct found_entries {
    struct store *store;
    const struct db *db;
    struct entry *entries[POP_AT_ONCE];
    unsigned count;
};

static void find_entry(void *context, void *block)
{
    struct found_entries *found = context;
    if (found->count < POP_AT_ONCE && db_of_entry(found->store, block) == found->db)
        found->entries[found->count++] = block;
}

/* Entries of the next span in turn, so that its memory comes back before the next one is touched:
 * in the order of the index the last keys would hold every span. True when all spans have been
 * looked at: what is left are long keys, and those that were moved. */
static bool empty_spans_step(struct store *store, struct db *db)
{
    static const uint8_t kinds[ALL_KINDS] = { BLOCK_ENTRY, BLOCK_EXPIRING };
    if (db->emptied_kinds == ALL_KINDS)
        return true;
    struct found_entries found = { .store = store, .db = db };
    struct key keys[POP_AT_ONCE];
    uint32_t row = db->emptied_row;
    bool any = heap_look(store->heap, &row, kinds[db->emptied_kinds], find_entry, &found);
    bool round = row <= db->emptied_row; /* or it is the only span, which was just looked at */
    for (unsigned i = 0; i < found.count; i++) {
        keys[i] = store_key(store, entry_key(found.entries[i]));
        index_prefetch(&db->index, keys[i].hash);
    }
    for (unsigned i = 0; i < found.count; i++)
        store_discard(store, db, &keys[i], found.entries[i]);
    store->lazyfree_pending -= found.count;
    store->lazyfreed += found.count;
    if (any && !round && found.count == POP_AT_ONCE)
        return false; /* there may be more in this one */
    db->emptied_row = round ? 0 : row;
    db->emptied_kinds += round;
    return false;
}

/* The database starts anew; the old one is on the list of those to be given back. */
static bool detach(struct store *store, struct db *db)
{
    uint32_t slot;
    if (!free_slot(store, &slot))
        return false;
    struct db *fresh = make_db(store, slot);
    if (fresh == NULL)
        return false;
    fresh->number = db->number;
    store->slot_of[db->number] = (uint16_t)slot;
    db->dying = true;
    if (db->index.count < keys_of_all(store) / FEW_SHARE)
        db->emptied_kinds = ALL_KINDS;
    db->next_dying = store->dying;
    store->dying = db;
    store->lazyfree_pending += db->index.count;
    return true;
}

static uint64_t flush_one(struct store *store, unsigned number, bool wait)
{
    struct db *db = db_of(store, number);
    uint64_t count = db->index.count;
    if (count == 0)
        return 0;
    if (!wait && detach(store, db))
        return count;
    while (!empty_step(store, db))
        ;
    return count;
}

uint64_t store_flush(struct store *store, unsigned db, bool wait)
{
    uint64_t count = 0;
    if (db == STORE_ALL_DATABASES)
        walk_abandon(store, "all keys were removed");
    for (uint32_t number = 0; number < store->databases; number++)
        if (db == STORE_ALL_DATABASES || db == number)
            count += flush_one(store, number, wait);
    store->dirty += count;
    store_tell_flushed(store, db);
    return count;
}

static void drop_first_dying(struct store *store)
{
    struct db *db = store->dying;
    store->dying = db->next_dying;
    drop_db(store, db);
}

static void free_some_of_value(struct store *store)
{
    struct dying_value *dying = store->dying_values;
    struct value value = dying_as_value(dying);
    uint32_t id = value_root_id(&value);
    if (UNLIKELY(store->space.past != NULL) && id != 0 && past_wants(&store->space, id))
        past_done(&store->space, id); /* it was dying when the walk began */
    if (!type_ops(value.type)->free_step(&store->space, &value, &dying->cursor))
        return;
    store->dying_values = dying->next;
    memory_give(dying);
    store->lazyfree_pending--;
    store->lazyfreed++;
}

bool store_free_step(struct store *store, uint64_t deadline_ns)
{
    bool past = past_free_step(&store->space);
    while (!past || store->dying != NULL || store->dying_values != NULL) {
        if (!past)
            past = past_free_step(&store->space);
        else if (store->dying == NULL)
            free_some_of_value(store);
        else if (empty_spans_step(store, store->dying) && empty_step(store, store->dying))
            drop_first_dying(store);
        if (seam_now_ns(store->seam) >= deadline_ns)
            return past && store->dying == NULL && store->dying_values == NULL;
    }
    return true;
}
