/* How the one reference to a moved block is found: an entry's key leads to its slot, a node's id
 * and number to the directory of its value. */
#include "store/relocate.h"

#include "store/inside.h"
#include "struct/nodes.h"

enum { SIDE_BY_SIDE = 32 };

static void repoint_entries(struct store *store, struct heap_move *moves, size_t count)
{
    uint64_t hashes[SIDE_BY_SIDE];
    for (size_t at = 0; at < count; at++) {
        const struct entry *entry = moves[at].to;
        hashes[at] = hash_bytes(&store->seed, entry_key(entry));
        index_prefetch(&db_of_entry(store, entry)->index, hashes[at]);
    }
    for (size_t at = 0; at < count; at++) {
        struct entry *from = moves[at].from, *to = moves[at].to;
        struct db *db = db_of_entry(store, to);
        moves[at].done =
            index_move(&db->index, hashes[at], entry_ref(store, from), entry_ref(store, to));
        store->key_hits += moves[at].done;
        store->key_misses += !moves[at].done;
    }
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct store *store = context;
    if (kind == BLOCK_VALUE)
        return; /* long strings are runs, which never move */
    if (kind == BLOCK_NODE) {
        for (size_t at = 0; at < count; at++)
            moves[at].done = nodes_repoint(&store->space, moves[at].from, moves[at].to);
        return;
    }
    for (size_t at = 0; at < count; at += SIDE_BY_SIDE)
        repoint_entries(store, moves + at, count - at < SIDE_BY_SIDE ? count - at : SIDE_BY_SIDE);
}

struct heap_mover store_mover(struct store *store)
{
    return (struct heap_mover){ repoint, store };
}
