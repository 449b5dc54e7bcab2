#include "store/evict.h"

#include "base/prefetch.h"
#include "store/evict_lfu.h"
#include "store/inside.h"

enum {
    BUCKET_MAX = 32,        /* keys of one bucket that are looked at */
    BUCKETS_MAX = 64,       /* for one sample, beyond those that the keys asked for are in */
    LOOK_STEPS = 16 * 1024, /* tens of GB where hardly anything expires */
};

void evictor_init(struct evictor *evictor, struct store *store)
{
    *evictor = (struct evictor){ .store = store, .look_steps = LOOK_STEPS };
}

void evictor_set_rule(struct evictor *evictor, const struct evict_rule *rule)
{
    bool same = rule->by == evictor->rule.by && rule->volatile_only == evictor->rule.volatile_only;
    evictor->rule = *rule;
    if (!same)
        evictor->count = evictor->drawn_count = 0;
}

/* --- how willingly a key goes ----------------------------------------------------------------- */

/* The time of the last use, and not how long ago it is: that stays true while the key waits. */
static uint64_t score_by_use(const struct store *store, const struct entry *entry)
{
    int64_t used_s = store->now_ms / 1000 - (int64_t)store_idle_seconds(store, entry);
    return (uint64_t)(INT64_MAX / 2 - used_s);
}

static uint64_t score_of(const struct evictor *evictor, const struct entry *entry)
{
    struct store *store = evictor->store;
    switch (evictor->rule.by) {
    case EVICT_LRU:
        return score_by_use(store, entry);
    case EVICT_LFU:
        return lfu_score(evictor, entry);
    case EVICT_TTL:
        return entry_expires(entry) ? (uint64_t)(INT64_MAX / 2 - entry_expiry(entry)) : 0;
    case EVICT_RANDOM:
        return rng_next(&store->rng);
    case EVICT_NOTHING:
    default:
        return 0;
    }
}

/* --- the pool --------------------------------------------------------------------------------- */

static bool is_in_pool(const struct evictor *evictor, uint64_t hash)
{
    for (unsigned at = 0; at < evictor->count; at++)
        if (evictor->pool[at].hash == hash)
            return true;
    return false;
}

static void offer(struct evictor *evictor, struct entry *entry)
{
    struct evict_candidate *pool = evictor->pool;
    uint64_t score = score_of(evictor, entry);
    if (evictor->rule.by == EVICT_LFU)
        lfu_look(evictor, entry); /* it is idle from here on, not before */
    evictor->seen++;
    if (evictor->count == EVICT_POOL && score <= pool[0].score)
        return;
    uint64_t hash = hash_bytes(&evictor->store->seed, entry_key(entry));
    if (is_in_pool(evictor, hash))
        return;
    unsigned at = evictor->count;
    if (at == EVICT_POOL) { /* the first makes room */
        for (at = 1; at < EVICT_POOL && pool[at].score < score; at++)
            pool[at - 1] = pool[at];
        at--;
    } else {
        for (; at > 0 && pool[at - 1].score >= score; at--)
            pool[at] = pool[at - 1];
        evictor->count++;
    }
    pool[at] = (struct evict_candidate){ score, hash, entry_db(entry) };
}

/* --- samples ---------------------------------------------------------------------------------- */

static uint64_t weight(const struct evictor *evictor, const struct db *db)
{
    return evictor->rule.volatile_only ? db->expires : db->index.count;
}

/* Databases for the next samples, by how many keys of each may go: equal steps from a random start,
 * so that one pass over all of them, who may be thousands, serves for many samples. */
static void draw_some(struct evictor *evictor)
{
    struct store *store = evictor->store;
    uint64_t all = 0, passed = 0;
    evictor->drawn_count = 0;
    for (unsigned number = 0; number < store->databases; number++)
        all += weight(evictor, db_of(store, number));
    if (all == 0)
        return;
    uint64_t step = (all + EVICT_DRAWN - 1) / EVICT_DRAWN, at = rng_below(&store->rng, step);
    for (unsigned number = 0; number < store->databases && at < all; number++) {
        passed += weight(evictor, db_of(store, number));
        for (; at < passed; at += step)
            evictor->drawn[evictor->drawn_count++] = number;
    }
}

/* A database of which keys may go; NULL: there is none. */
static const struct db *draw_database(struct evictor *evictor)
{
    for (unsigned round = 0; round < 2; round++) {
        while (evictor->drawn_count > 0) {
            const struct db *db = db_of(evictor->store, evictor->drawn[--evictor->drawn_count]);
            if (weight(evictor, db) > 0)
                return db;
        }
        if (round == 0)
            draw_some(evictor);
    }
    return NULL;
}

static void look_at_bucket(struct evictor *evictor, const struct db *db)
{
    struct store *store = evictor->store;
    uint64_t refs[BUCKET_MAX];
    uint64_t count = index_sample(&db->index, &store->rng, refs, BUCKET_MAX);
    for (uint64_t at = 0; at < count; at++)
        prefetch(entry_at(store, refs[at]));
    for (uint64_t at = 0; at < count; at++) {
        struct entry *entry = entry_at(store, refs[at]);
        if (!evictor->rule.volatile_only || entry_expires(entry))
            offer(evictor, entry);
    }
}

static void look_at_block(void *context, void *block)
{
    struct evictor *evictor = context;
    struct entry *entry = block;
    if (entry_expires(entry) && !db_of_entry(evictor->store, entry)->dying)
        offer(evictor, entry);
}

/* Where hardly any key has an expiry they are looked for in the spans that hold nothing else. */
static void sample(struct evictor *evictor)
{
    unsigned most = BUCKETS_MAX + (evictor->rule.samples < 1024 ? evictor->rule.samples : 1024);
    const struct db *db = draw_database(evictor);
    evictor->seen = 0;
    evictor->looking = false;
    if (evictor->rule.by == EVICT_LFU && lfu_learn(evictor))
        evictor->count = 0; /* they were chosen by other scores */
    if (db == NULL)
        return;
    for (unsigned bucket = 0; bucket < most && evictor->seen < evictor->rule.samples; bucket++)
        look_at_bucket(evictor, db);
    if (evictor->seen == 0 && evictor->rule.volatile_only)
        evictor->looking =
            heap_look_tagged(evictor->store->heap, &evictor->look_at, BLOCK_EXPIRING,
                             evictor->look_steps, look_at_block, evictor) != HEAP_LOOKED_NONE;
}

/* --- going ------------------------------------------------------------------------------------ */

static struct entry *find_by_hash(const struct store *store, const struct db *db, uint64_t hash)
{
    struct index_probe probe;
    for (uint64_t ref = index_first(&db->index, hash, &probe); ref != 0;
         ref = index_next(&db->index, &probe)) {
        struct entry *entry = entry_at(store, ref);
        if (hash_bytes(&store->seed, entry_key(entry)) == hash)
            return entry;
    }
    return NULL;
}

static void evict(struct evictor *evictor, struct db *db, struct entry *entry, uint64_t hash)
{
    struct store *store = evictor->store;
    const struct key key = { entry_key(entry), hash };
    evictor->evicted++;
    /* Told before it goes: the key's bytes stand in the entry. */
    store_changed(store, db, key.name, EVENT_EVICTED);
    store_discard(store, db, &key, entry);
}

static struct db *database_of(const struct evictor *evictor,
                              const struct evict_candidate *candidate)
{
    const struct store *store = evictor->store;
    struct db *db = candidate->slot < store->slot_count ? store->slots[candidate->slot] : NULL;
    return db == NULL || db->dying ? NULL : db;
}

/* The entry, if it is there still and has not been used since. */
static struct entry *still_there(const struct evictor *evictor,
                                 const struct evict_candidate *candidate)
{
    const struct db *db = database_of(evictor, candidate);
    struct entry *entry = db == NULL ? NULL : find_by_hash(evictor->store, db, candidate->hash);
    if (entry == NULL || (evictor->rule.volatile_only && !entry_expires(entry)))
        return NULL;
    bool used = evictor->rule.by != EVICT_RANDOM && score_of(evictor, entry) < candidate->score;
    return used ? NULL : entry;
}

bool evict_one(struct evictor *evictor)
{
    if (evictor->rule.by == EVICT_NOTHING)
        return false;
    sample(evictor);
    while (evictor->count > 0) {
        const struct evict_candidate candidate = evictor->pool[--evictor->count];
        struct entry *entry = still_there(evictor, &candidate);
        if (entry == NULL)
            continue;
        evict(evictor, evictor->store->slots[candidate.slot], entry, candidate.hash);
        return true;
    }
    return false;
}

/* --- whole spans ------------------------------------------------------------------------------ */

static void collect(void *context, void *block)
{
    struct evictor *evictor = context;
    const struct entry *entry = block;
    if (evictor->leaving_count == EVICT_POOL || db_of_entry(evictor->store, entry)->dying ||
        (evictor->rule.volatile_only && !entry_expires(entry)))
        return;
    evictor->leaving[evictor->leaving_count++] =
        (struct evict_candidate){ .hash = hash_bytes(&evictor->store->seed, entry_key(entry)),
                                  .slot = entry_db(entry) };
}

/* The span that is being emptied, until it is; then another. */
static bool collect_some(struct evictor *evictor)
{
    struct heap *heap = evictor->store->heap;
    unsigned kinds = 1u << BLOCK_EXPIRING;
    if (!evictor->rule.volatile_only)
        kinds |= 1u << BLOCK_ENTRY;
    heap_show(heap, evictor->leaving_row, kinds, collect, evictor);
    if (evictor->leaving_count == 0 && heap_sparsest(heap, &evictor->leaving_row, kinds))
        heap_show(heap, evictor->leaving_row, kinds, collect, evictor);
    return evictor->leaving_count > 0;
}

bool evict_sparse(struct evictor *evictor)
{
    if (evictor->rule.by == EVICT_NOTHING)
        return false;
    while (evictor->leaving_count > 0 || collect_some(evictor)) {
        const struct evict_candidate candidate = evictor->leaving[--evictor->leaving_count];
        struct db *db = database_of(evictor, &candidate);
        struct entry *entry = db == NULL ? NULL : find_by_hash(evictor->store, db, candidate.hash);
        if (entry == NULL || (evictor->rule.volatile_only && !entry_expires(entry)))
            continue;
        evict(evictor, db, entry, candidate.hash);
        return true;
    }
    return evict_one(evictor); /* what is left has no span: long keys, or none near enough */
}
