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

/* What a node's id leads to is asked for in steps, for all nodes side by side: the table of ids,
 * then the roots, then the directories' slots. */
static void repoint_nodes(struct store *store, struct heap_move *moves, size_t count)
{
    const struct space *space = &store->space;
    for (size_t at = 0; at < count; at++)
        nodes_prefetch_id(space, moves[at].to);
    for (size_t at = 0; at < count; at++)
        nodes_prefetch_root(space, moves[at].to);
    for (size_t at = 0; at < count; at++)
        nodes_prefetch_slot(space, moves[at].to);
    for (size_t at = 0; at < count; at++)
        moves[at].done = nodes_repoint(&store->space, moves[at].from, moves[at].to);
}

static void repoint(void *context, unsigned kind, struct heap_move *moves, size_t count)
{
    struct store *store = context;
    if (kind == BLOCK_VALUE)
        return; /* long strings are runs, which never move */
    for (size_t at = 0; at < count; at += SIDE_BY_SIDE) {
        size_t part = count - at < SIDE_BY_SIDE ? count - at : SIDE_BY_SIDE;
        if (kind == BLOCK_NODE)
            repoint_nodes(store, moves + at, part);
        else
            repoint_entries(store, moves + at, part);
    }
}

struct heap_mover store_mover(struct store *store)
{
    return (struct heap_mover){ repoint, store };
}
