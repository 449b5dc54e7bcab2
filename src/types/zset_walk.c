/* Ranks, walks and scans of big sorted sets, and how they are built from pairs in order. */
#include "base/prefetch.h"
#include "types/zset_leaf.h"

/* --- ranks ------------------------------------------------------------------------------------ */

uint64_t zset_big_before(const struct zset_big *big, const struct pair_key *key, bool behind)
{
    const struct node *leaf = tree_find(&big->tree, pair_tree_key(key), key);
    if (leaf == NULL)
        return 0;
    uint64_t index;
    pairs_place(big->table.space, zset_leaf(leaf), key, behind, &index);
    return tree_rank(&big->tree, leaf) + index;
}

void zset_big_walk(const struct zset_big *big, uint64_t rank, uint64_t count, bool reverse,
                   const struct zset_visitor *visitor)
{
    const struct tree *tree = &big->tree;
    uint64_t within;
    if (count == 0)
        return;
    const struct node *leaf = tree_at(tree, rank, &within);
    struct bytes pairs = zset_leaf(leaf);
    const uint8_t *from = pairs_skip(pairs, reverse ? within + 1 : within);
    pairs = reverse ? bytes_of(pairs.at, (size_t)(from - pairs.at))
                    : bytes_of(from, (size_t)(pairs.at + pairs.count - from));
    for (;;) {
        uint64_t shown = pairs_walk(big->table.space, pairs, count, reverse, visitor);
        count -= shown;
        if (shown == 0 || count == 0)
            return;
        leaf = reverse ? tree_previous(tree, leaf) : tree_next(tree, leaf);
        if (leaf == NULL)
            return;
        pairs = zset_leaf(leaf);
    }
}

/* --- SCAN ------------------------------------------------------------------------------------- */

struct scanning {
    const struct zset_big *big;
    const struct zset_visitor *visitor;
};

/* The members of this hash in the record's leaf: one, but for collisions. */
static void scan_record(void *context, const uint8_t *element)
{
    const struct scanning *scanning = context;
    const struct space *space = scanning->big->table.space;
    struct zset_record record = record_at(element);
    const struct node *leaf = tree_node(&scanning->big->tree, record.leaf);
    const uint8_t *at = leaf->at, *end = leaf->at + leaf->used;
    while (at < end) {
        struct pair pair = pair_at(at);
        uint8_t digits[NUMBER_I64_MAX];
        struct zset_item item = pair_item(space, &pair, digits);
        if (zset_hash(space, item.member) == record.hash)
            (void)scanning->visitor->visit(scanning->visitor->context, &item,
                                           item.member.at == digits);
        at = pair.end;
    }
}

static void ask_for_slot(void *context, const uint8_t *element)
{
    const struct scanning *scanning = context;
    const struct tree *tree = &scanning->big->tree;
    prefetch(nodes_slot(tree->space, &tree->root->nodes[tree->set], record_at(element).leaf));
}

static void ask_for_leaf(void *context, const uint8_t *element)
{
    const struct scanning *scanning = context;
    const struct node *leaf = tree_node(&scanning->big->tree, record_at(element).leaf);
    const uint8_t *at = (const uint8_t *)leaf;
    for (size_t offset = 0; offset < NODE_HEADER + ZSET_LEAF_BYTES; offset += 64)
        prefetch(at + offset);
}

/* The leaves of a bucket's records lie anywhere: they are waited for together. */
uint64_t zset_big_scan(const struct zset_big *big, uint64_t cursor,
                       const struct zset_visitor *visitor)
{
    struct scanning scanning = { big, visitor };
    (void)table_scan(&big->table, cursor, ask_for_slot, &scanning);
    (void)table_scan(&big->table, cursor, ask_for_leaf, &scanning);
    return table_scan(&big->table, cursor, scan_record, &scanning);
}

/* --- building --------------------------------------------------------------------------------- */

void zset_build_begin(struct zset_builder *builder, struct space *space, struct root *root)
{
    builder->last = NULL;
    builder->wide = NULL;
    builder->used = 0;
    builder->count = 0;
    zset_big_open(&builder->big, space, root);
}

static enum err record_all(const struct zset_big *big, const struct node *leaf)
{
    const uint8_t *at = leaf->at, *end = leaf->at + leaf->used;
    enum err err = ERR_NONE;
    while (at < end && err == ERR_NONE) {
        struct pair pair = pair_at(at);
        err = zset_record_add(big, leaf, &pair);
        at = pair.end;
    }
    return err;
}

static struct node *add_leaf(struct zset_builder *builder, size_t bytes, uint64_t count)
{
    struct node *leaf =
        tree_insert(&builder->big.tree, builder->last, bytes, (struct tree_key){ 0 });
    if (leaf == NULL)
        return NULL;
    tree_add(&builder->big.tree, leaf, (int64_t)count);
    builder->last = leaf;
    return leaf;
}

/* What has been written becomes leaves, with their keys and records. */
static enum err flush(struct zset_builder *builder)
{
    const struct zset_big *big = &builder->big;
    struct node *leaf = builder->wide;
    if (leaf == NULL && builder->used == 0)
        return ERR_NONE;
    if (leaf == NULL) {
        leaf = add_leaf(builder, builder->used, builder->count);
        if (leaf == NULL)
            return ERR_MEMORY;
        memcpy(leaf->at, builder->part, builder->used);
    }
    builder->wide = NULL;
    builder->used = 0;
    builder->count = 0;
    tree_rekey(&big->tree, leaf, pair_tree_key_at(big->table.space, leaf->at));
    return record_all(big, leaf);
}

uint8_t *zset_build_room(struct zset_builder *builder, size_t bytes, enum err *err)
{
    *err = ERR_NONE;
    if (builder->wide != NULL || builder->used + bytes > ZSET_LEAF_BYTES)
        *err = flush(builder);
    if (*err != ERR_NONE)
        return NULL;
    if (bytes <= ZSET_LEAF_BYTES) {
        builder->used += (uint32_t)bytes;
        builder->count++;
        return builder->part + builder->used - bytes;
    }
    builder->wide = add_leaf(builder, bytes, 1);
    if (builder->wide == NULL) {
        *err = ERR_MEMORY;
        return NULL;
    }
    return builder->wide->at;
}

enum err zset_build_end(struct zset_builder *builder)
{
    return flush(builder);
}

static void walk_strings(const struct space *space, unsigned set, const struct node *node,
                         void (*visit)(void *context, const uint8_t *element), void *context)
{
    const uint8_t *at = node->at, *end = node->at + node->used;
    (void)space;
    if (set != ZSET_LEAVES || !tree_is_leaf(node))
        return;
    while (at < end) {
        struct pair pair = pair_at(at);
        visit(context, pair.member);
        at = pair.end;
    }
}

const struct big_ops zset_big_ops = { walk_strings };

void zset_build_drop(struct zset_builder *builder)
{
    const struct table *table = &builder->big.table;
    const uint8_t *at = builder->part, *end = at + builder->used;
    while (at < end) {
        struct pair pair = pair_at(at);
        packed_empty(table->space, table->root, pair.member);
        at = pair.end;
    }
    big_drop(table->space, table->root, &zset_big_ops);
}
