/* Records of members, and how they follow when pairs come to stand in another leaf. */
#include "types/zset_leaf.h"

#include "base/prefetch.h"

uint32_t zset_hash(const struct space *space, struct bytes member)
{
    return (uint32_t)hash_bytes(&space->seed, member);
}

static uint32_t hash_packed(const struct space *space, const uint8_t *member)
{
    return (uint32_t)packed_hash(space, member);
}

/* --- the table's side ------------------------------------------------------------------------- */

static size_t record_bytes(const uint8_t *element)
{
    (void)element;
    return sizeof(struct zset_record);
}

static uint64_t record_hash(const struct space *space, const uint8_t *element)
{
    (void)space;
    return record_at(element).hash;
}

static const struct table_ops record_ops = { record_bytes, record_hash };

/* The record that says so; NULL when none does. */
static uint8_t *record_find(const struct table *table, struct zset_record sought,
                            struct table_place *place)
{
    size_t used;
    const uint8_t *bucket = table_bucket(table, sought.hash, place, &used);
    for (size_t offset = 0; offset < used; offset += sizeof sought) {
        if (memcmp(bucket + offset, &sought, sizeof sought) == 0) {
            table_stand(place, bucket, offset);
            return place->at;
        }
    }
    return NULL;
}

void zset_record_remove(const struct zset_big *big, const uint8_t *member, uint32_t leaf)
{
    struct table_place place;
    struct zset_record sought = { hash_packed(big->table.space, member), leaf };
    ENSURE(record_find(&big->table, sought, &place) != NULL);
    table_remove(&big->table, &place);
    table_settle(&big->table);
}

enum err zset_record_add(const struct zset_big *big, const struct node *leaf,
                         const struct pair *pair)
{
    const struct space *space = big->table.space;
    uint8_t digits[NUMBER_I64_MAX];
    struct packed_item item;
    struct zset_spot spot;
    struct bytes member = packed_view(space, pair->member, digits);
    uint32_t hash = zset_hash(space, member);
    packed_sought(member, &item);
    /* Another member of this leaf may have the same hash: then the pair itself is found. */
    if (zset_big_find(big, &item, hash, &spot) && spot.pair.at != pair->at)
        return ERR_EXISTS;
    uint8_t *record = table_add(&big->table, &spot.record, sizeof(struct zset_record));
    if (record == NULL)
        return ERR_MEMORY;
    record_write(record, (struct zset_record){ hash, node_number(leaf) });
    table_settle(&big->table);
    return ERR_NONE;
}

/* --- the tree's side -------------------------------------------------------------------------- */

static int leaf_compare(const struct tree *tree, const void *sought, const struct node *leaf)
{
    return pair_compare(tree->space, sought, leaf->at);
}

enum { TOLD_TOGETHER = 32 };

static void prefetch_slot(const struct table *table, uint32_t hash)
{
    const struct nodes *nodes = &table->root->nodes[table->set];
    const uint8_t *directory = space_at(table->space, nodes->directory);
    prefetch(directory + DIRECTORY_HEADER +
             (size_t)linear_bucket(hash, nodes->count) * DIRECTORY_SLOT);
}

static void prefetch_bucket(const struct table *table, uint32_t hash)
{
    const struct nodes *nodes = &table->root->nodes[table->set];
    table_prefetch_node(node_of(table->space, nodes, linear_bucket(hash, nodes->count)));
}

/* Records lie all over the table: what they need is asked for side by side. */
static void tell_records(const struct table *table, const uint32_t *hashes, unsigned count,
                         uint32_t before, uint32_t now)
{
    for (unsigned i = 0; i < count; i++)
        prefetch_slot(table, hashes[i]);
    for (unsigned i = 0; i < count; i++)
        prefetch_bucket(table, hashes[i]);
    for (unsigned i = 0; i < count; i++) {
        struct table_place place;
        uint8_t *record = record_find(table, (struct zset_record){ hashes[i], before }, &place);
        ENSURE(record != NULL);
        record_write(record, (struct zset_record){ hashes[i], now });
    }
}

static void leaf_moved(const struct tree *tree, const struct node *leaf, size_t offset,
                       uint32_t before)
{
    const uint8_t *at = leaf->at + offset, *end = leaf->at + leaf->used;
    while (at < end) {
        uint32_t hashes[TOLD_TOGETHER];
        unsigned count = 0;
        for (; count < TOLD_TOGETHER && at < end; count++) {
            struct pair pair = pair_at(at);
            hashes[count] = hash_packed(tree->space, pair.member);
            at = pair.end;
        }
        tell_records(tree->context, hashes, count, before, node_number(leaf));
    }
}

static size_t leaf_pair_bytes(const uint8_t *pair)
{
    return (size_t)(pair_at(pair).end - pair);
}

static struct tree_key leaf_pair_key(const struct tree *tree, const uint8_t *pair)
{
    return pair_tree_key_at(tree->space, pair);
}

static const struct tree_ops leaf_ops = {
    .compare = leaf_compare,
    .moved = leaf_moved,
    .bytes = leaf_pair_bytes,
    .key = leaf_pair_key,
    .leaf_bytes = ZSET_LEAF_BYTES,
};

/* --- both together ---------------------------------------------------------------------------- */

void zset_big_open(struct zset_big *big, struct space *space, struct root *root)
{
    big->table = (struct table){ space, root, ZSET_RECORDS, &record_ops, &root->count };
    big->tree = (struct tree){ space, root, ZSET_LEAVES, root_more(root), &leaf_ops, &big->table };
}

struct root *zset_big_new(struct space *space)
{
    struct root *root = root_new(space, VALUE_ZSET, NODES_SETS, sizeof(struct tree_state));
    if (root == NULL)
        return NULL;
    struct zset_big big;
    zset_big_open(&big, space, root);
    if (table_begin(&big.table))
        return root;
    root_drop(space, root);
    return NULL;
}

/* Every pair of a leaf has its record, and all are in order. */
static bool leaf_valid(const struct zset_big *big, const struct node *leaf, uint64_t *pairs)
{
    const struct space *space = big->table.space;
    const uint8_t *at = leaf->at, *end = leaf->at + leaf->used;
    for (; at < end; ++*pairs) {
        struct pair pair = pair_at(at);
        struct table_place place;
        uint8_t digits[NUMBER_I64_MAX];
        struct zset_item item = pair_item(space, &pair, digits);
        struct pair_key key = pair_key_of(item.score, item.member);
        struct zset_record record = { zset_hash(space, item.member), node_number(leaf) };
        if (pair.end > end || record_find(&big->table, record, &place) == NULL ||
            (pair.end < end && pair_compare(space, &key, pair.end) >= 0))
            return false;
        at = pair.end;
    }
    struct node *next = tree_next(&big->tree, leaf);
    struct pair last = pair_at(pairs_skip(zset_leaf(leaf), tree_leaf_count(&big->tree, leaf) - 1));
    uint8_t digits[NUMBER_I64_MAX];
    struct zset_item item = pair_item(space, &last, digits);
    struct pair_key key = pair_key_of(item.score, item.member);
    return at == end && last.end == end &&
           (next == NULL || pair_compare(space, &key, next->at) < 0);
}

bool zset_big_valid(const struct zset_big *big)
{
    uint64_t pairs = 0;
    if (!tree_valid(&big->tree) || !table_valid(&big->table))
        return false;
    struct node *leaf = tree_first(&big->tree);
    for (; leaf != NULL; leaf = tree_next(&big->tree, leaf))
        if (!leaf_valid(big, leaf, &pairs))
            return false;
    return pairs == big->tree.state->count && pairs == big->table.root->count;
}
