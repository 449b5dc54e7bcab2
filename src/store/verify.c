#include "store/inside.h"
#include "struct/kinds.h"
#include "struct/nodes.h"
#include "struct/past.h"

struct tally {
    struct store *store;
    const struct db *db;
    uint64_t count, expires, inner_expires, blocks, bytes;
    unsigned type; /* of the value whose blocks are counted; VALUE_TYPES: of none */
    uint64_t by_type[VALUE_TYPES + 1];
    uint64_t asked; /* before rounding */
    unsigned __int128 expiry_sum;
    bool valid;
};

/* A run's own bytes are known to the heap alone, and counted by store_held as it says. */
static uint64_t asked_of(const struct store *store, const void *block)
{
    const struct node_head *head = block;
    uint64_t held = heap_block_bytes(store->heap, block);
    if (heap_block_kind(store->heap, block) == BLOCK_VALUE)
        return 0;
    if (head->number == NODE_ROOT) {
        const struct root *root = block;
        return sizeof *root + root->sets * sizeof *root->nodes + root->more_bytes;
    }
    if ((head->number & ~NODE_SECOND) == NODE_DIRECTORY)
        return held;
    return NODE_HEADER + (uint64_t)((const struct node *)block)->used;
}

static void count_ref(void *context, uint64_t ref)
{
    struct tally *tally = context;
    const void *block = heap_at(tally->store->base, ref);
    uint64_t held = heap_block_bytes(tally->store->heap, block);
    tally->blocks++;
    tally->bytes += held;
    tally->by_type[tally->type] += held;
    tally->asked += asked_of(tally->store, block);
}

static bool visit_entry(void *context, const struct entry *entry)
{
    struct tally *tally = context;
    struct store *store = tally->store;
    struct value value = entry_value(entry);
    struct key key = store_key(store, entry_key(entry));
    size_t bytes = entry_bytes(key.name.count, value.body.count, entry_expires(entry));
    bool inner = value_may_expire(value.type, value.encoding);
    bool kind = heap_block_kind(store->heap, entry) ==
                (unsigned)(entry_expires(entry) || inner ? BLOCK_EXPIRING : BLOCK_ENTRY);
    tally->valid = tally->valid && kind && entry_db(entry) == tally->db->slot &&
                   bytes <= heap_block_bytes(store->heap, entry) &&
                   type_ops(value.type)->valid(&store->space, &value);
    tally->count++;
    tally->inner_expires += inner;
    if (tally->valid && inner && !tally->db->dying) {
        int64_t earliest = store_inner_expiry(store, entry);
        tally->valid = heap_tag(store->heap, entry) <= (uint64_t)(earliest > 0 ? earliest : 0);
    }
    tally->blocks++;
    tally->bytes += heap_block_bytes(store->heap, entry);
    tally->type = value.type;
    tally->by_type[value.type] += heap_block_bytes(store->heap, entry);
    tally->asked += bytes;
    if (entry_expires(entry)) {
        int64_t expiry = entry_expiry(entry);
        tally->expires++;
        tally->expiry_sum += (uint64_t)(expiry + ((int64_t)1 << ENTRY_EXPIRY_BITS));
        if (!tally->db->dying)
            tally->valid = tally->valid &&
                           heap_tag(store->heap, entry) <= (uint64_t)(expiry > 0 ? expiry : 0) &&
                           heap_tag_most(store->heap, entry) >= (uint64_t)(expiry > 0 ? expiry : 0);
    }
    type_ops(value.type)->each_ref(&store->space, &value, count_ref, tally);
    return tally->valid;
}

static void visit_ref(void *context, uint64_t ref)
{
    struct tally *tally = context;
    if (tally->valid)
        visit_entry(tally, entry_at(tally->store, ref));
}

static bool db_valid(struct store *store, const struct db *db, struct tally *total)
{
    struct tally tally = { .store = store, .db = db, .valid = true };
    if (!index_valid(&db->index))
        return false;
    uint64_t cursor = 0;
    do
        cursor = index_scan(&db->index, cursor, visit_ref, &tally);
    while (cursor != 0 && tally.valid);
    total->blocks += tally.blocks;
    total->bytes += tally.bytes;
    total->asked += tally.asked;
    for (unsigned type = 0; type < VALUE_TYPES; type++)
        total->by_type[type] += tally.by_type[type];
    return tally.valid && tally.count == db->index.count && tally.expires == db->expires &&
           tally.inner_expires == db->inner_expires && tally.expiry_sum == db->expiry_sum;
}

static void count_value(void *context, const struct value *value)
{
    struct tally *total = context;
    total->type = value->type;
    type_ops(value->type)->each_ref(&total->store->space, value, count_ref, total);
}

/* What no entry owns any more. */
static void count_dying(struct store *store, struct tally *total)
{
    for (const struct dying_value *dying = store->dying_values; dying != NULL;
         dying = dying->next) {
        struct value value = dying_as_value(dying);
        count_value(total, &value);
    }
    walk_each_kept(store, count_value, total);
    total->type = VALUE_TYPES;
    past_each_run(&store->space, count_ref, total);
}

static bool held_valid(const struct store *store, const struct tally *total)
{
    struct store_held held;
    struct heap_run_figures runs;
    store_held(store, &held);
    heap_run_figures(store->heap, BLOCK_VALUE, &runs);
    for (unsigned type = 0; type < VALUE_TYPES; type++)
        if (total->by_type[type] != held.by_type[type])
            return false;
    return total->by_type[VALUE_TYPES] == held.kept &&
           held.rounding == total->bytes - runs.bytes - total->asked + runs.slack;
}

bool store_valid(struct store *store)
{
    struct tally total = { .store = store };
    struct heap_figures heap;
    if (!heap_valid(store->heap))
        return false;
    for (uint32_t slot = 0; slot < store->slot_count; slot++)
        if (store->slots[slot] != NULL && !db_valid(store, store->slots[slot], &total))
            return false;
    count_dying(store, &total);
    heap_figures(store->heap, &heap);
    return total.blocks == heap.blocks && total.bytes == heap.allocated &&
           held_valid(store, &total);
}
