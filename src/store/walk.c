/* The walk over every entry, and the barrier in front of it: who is visited when. */
#include "store/walk.h"

#include "base/memory.h"
#include "store/inside.h"
#include "struct/past.h"

enum { EPOCHS = 4 };

/* --- visiting --------------------------------------------------------------------------------- */

/* Entries of a database that was being given back already are nobody's. */
static void pass_over(struct store *store, const struct value *value)
{
    uint32_t id = value_root_id(value);
    if (id != 0 && past_wants(&store->space, id))
        past_done(&store->space, id);
}

static void visit(struct store *store, const struct db *db, struct entry *entry, bool early)
{
    struct store_walk *walk = &store->walk;
    struct value value = entry_value(entry);
    if (UNLIKELY(db->dying_then)) {
        pass_over(store, &value);
        return;
    }
    if (entry_epoch(entry) == walk->epoch)
        return;
    DCHECK(db->number_then > 0);
    entry_set_epoch(entry, walk->epoch);
    walk->visited++;
    walk_show(store, &value);
    if (walk->watching)
        walk->options.visit(walk->options.context, db->number_then - 1, entry, early);
}

void walk_visit_early(struct store *store, const struct db *db, struct entry *entry)
{
    visit(store, db, entry, true);
}

struct stepping {
    struct store *store;
    const struct db *db;
};

static void visit_in_turn(void *context, uint64_t ref)
{
    const struct stepping *stepping = context;
    struct store *store = stepping->store;
    if (store->walk.watching)
        visit(store, stepping->db, entry_at(store, ref), false);
}

static void next_slot(struct store_walk *walk)
{
    walk->slot++;
    walk->cursor = 0;
}

bool store_walk_step(struct store *store, uint64_t deadline_ns, uint64_t most)
{
    struct store_walk *walk = &store->walk;
    walk->visited = 0;
    while (walk->watching && walk->slot < store->slot_count) {
        const struct db *db = store->slots[walk->slot];
        if (db == NULL || db->number_then == 0) {
            next_slot(walk);
            continue;
        }
        struct stepping stepping = { store, db };
        walk->cursor = index_scan(&db->index, walk->cursor, visit_in_turn, &stepping);
        if (walk->cursor == 0)
            next_slot(walk);
        if (walk->visited >= most || seam_now_ns(store->seam) >= deadline_ns)
            break;
    }
    if (!store_walk_goes_on(store))
        return true;
    walk->whole = walk->slot >= store->slot_count;
    return walk->whole;
}

/* --- beginning and end ------------------------------------------------------------------------ */

/* What there is now; databases that are being given back already are not of the walk. */
static bool note_databases(struct store *store)
{
    struct store_walk *walk = &store->walk;
    walk->field_expiries = false;
    walk->counts = memory_take_zeroed(store->databases * sizeof *walk->counts);
    if (walk->counts == NULL)
        return false;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        struct db *db = store->slots[slot];
        if (db == NULL)
            continue;
        db->number_then = db->dying ? 0 : db->number + 1;
        db->dying_then = db->dying;
        if (db->dying)
            continue;
        walk->counts[db->number] = (struct walk_counts){ db->index.count, db->expires };
        walk->field_expiries = walk->field_expiries || db->inner_expires > 0;
    }
    return true;
}

static void drop_counts(struct store_walk *walk)
{
    memory_give(walk->counts);
    walk->counts = NULL;
}

enum err store_walk_begin(struct store *store, const struct store_walk_options *options)
{
    struct store_walk *walk = &store->walk;
    ENSURE(!walk->open);
    unsigned epoch = 0;
    while (epoch < EPOCHS && (walk->epochs & 1u << epoch) != 0)
        epoch++;
    if (epoch == EPOCHS)
        return ERR_LIMIT;
    if (!note_databases(store))
        return ERR_MEMORY;
    if (past_open(&store->space, options->past_limit) == NULL) {
        drop_counts(walk);
        return ERR_MEMORY;
    }
    walk->open = walk->watching = true;
    walk->whole = false;
    walk->broken = NULL;
    walk->epoch = (uint8_t)epoch;
    walk->epochs |= (uint8_t)(1u << epoch);
    walk->options = *options;
    walk->slot = 0;
    walk->cursor = 0;
    return ERR_NONE;
}

void store_walk_end(struct store *store)
{
    struct store_walk *walk = &store->walk;
    if (!walk->open)
        return;
    walk->open = walk->watching = false;
    past_close(&store->space);
    walk_keep_nothing(store);
    drop_counts(walk);
    if (walk->whole)
        walk->epochs = (uint8_t)(1u << walk->epoch);
    walk->slot = 0;
    walk->cursor = 0;
}

void walk_break(struct store *store, const char *reason)
{
    store->walk.broken = reason;
    store->walk.watching = false;
    past_spoil(store->space.past);
}

void walk_abandon(struct store *store, const char *reason)
{
    struct store_walk *walk = &store->walk;
    if (!walk->open)
        return;
    walk_break(store, reason);
    walk->options.abandoned(walk->options.context, reason);
    store_walk_end(store);
}

bool store_walk_goes_on(struct store *store)
{
    struct store_walk *walk = &store->walk;
    if (walk->open && walk->broken != NULL)
        walk_abandon(store, walk->broken);
    else if (walk->open && past_is_spoiled(store->space.past))
        walk_abandon(store, "changes since it began take more memory than it may have");
    return walk->open;
}

bool store_walk_is_open(const struct store *store)
{
    return store->walk.open;
}

/* --- marking ---------------------------------------------------------------------------------- */

static void mark_ref(void *context, uint64_t ref)
{
    const struct store *store = context;
    struct entry *entry = entry_at(store, ref);
    if (entry_epoch(entry) != store->walk.epoch)
        entry_set_epoch(entry, store->walk.epoch);
}

bool store_walk_tidy(struct store *store, uint64_t deadline_ns)
{
    struct store_walk *walk = &store->walk;
    unsigned own = 1u << walk->epoch;
    if (walk->open || walk->epochs == own)
        return true;
    while (walk->slot < store->slot_count) {
        const struct db *db = store->slots[walk->slot];
        if (db != NULL)
            walk->cursor = index_scan(&db->index, walk->cursor, mark_ref, store);
        if (db == NULL || walk->cursor == 0)
            next_slot(walk);
        if (seam_now_ns(store->seam) >= deadline_ns)
            break;
    }
    if (walk->slot < store->slot_count)
        return false;
    walk->epochs = (uint8_t)own;
    return true;
}

/* --- figures ---------------------------------------------------------------------------------- */

void store_walk_counts(const struct store *store, unsigned db, uint64_t *keys, uint64_t *expires)
{
    *keys = store->walk.counts[db].keys;
    *expires = store->walk.counts[db].expires;
}

bool store_walk_had_field_expiries(const struct store *store)
{
    return store->walk.field_expiries;
}

uint64_t store_walk_bytes(const struct store *store)
{
    const struct past *past = store->space.past;
    return (past != NULL ? past_bytes(past) : 0) + store->walk.keeping.bytes;
}

uint64_t store_walk_large_bytes(const struct store *store)
{
    const struct past *past = store->space.past;
    return (past != NULL ? past_large_bytes(past) : 0) + store->walk.keeping.large_bytes;
}
