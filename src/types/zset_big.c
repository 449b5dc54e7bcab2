/* Big sorted sets: members found, inserted, moved and removed. */
#include "types/zset_big.h"

#include "base/prefetch.h"
#include "struct/past.h"
#include "types/zset_leaf.h"

/* --- finding ---------------------------------------------------------------------------------- */

bool zset_big_find(const struct zset_big *big, const struct packed_item *member, uint32_t hash,
                   struct zset_spot *spot)
{
    size_t used;
    const uint8_t *bucket = table_bucket(&big->table, hash, &spot->record, &used);
    for (size_t offset = 0; offset < used; offset += sizeof(struct zset_record)) {
        struct zset_record record = record_at(bucket + offset);
        if (LIKELY(record.hash != hash))
            continue;
        spot->leaf = tree_node(&big->tree, record.leaf);
        if (pairs_find(big->table.space, zset_leaf(spot->leaf), member, &spot->pair,
                       &spot->index)) {
            table_stand(&spot->record, bucket, offset);
            return true;
        }
    }
    return false;
}

/* The slot of the leaf that the record of this hash names; NULL: there is none. */
static const uint8_t *leaf_slot(const struct space *space, const struct value *value, uint32_t hash)
{
    const struct root *root = big_root(space, value);
    const struct nodes *records = &root->nodes[ZSET_RECORDS], *leaves = &root->nodes[ZSET_LEAVES];
    const struct node *bucket = node_of(space, records, linear_bucket(hash, records->count));
    if (bucket == NULL)
        return NULL;
    for (size_t offset = 0; offset < bucket->used; offset += sizeof(struct zset_record)) {
        struct zset_record record = record_at(bucket->at + offset);
        if (record.hash == hash)
            return nodes_slot(space, leaves, record.leaf);
    }
    return NULL;
}

bool zset_big_prefetch(const struct space *space, const struct value *value, uint64_t hash,
                       unsigned stage)
{
    if (stage < BIG_PREFETCH_STAGES) {
        (void)big_prefetch(space, value, ZSET_RECORDS, (uint32_t)hash, stage);
        return true;
    }
    const uint8_t *slot = leaf_slot(space, value, (uint32_t)hash);
    if (slot == NULL)
        return false;
    if (stage == BIG_PREFETCH_STAGES) {
        prefetch(slot);
        return true;
    }
    uint64_t ref = 0;
    memcpy(&ref, slot, DIRECTORY_SLOT);
    table_prefetch_node(space_at(space, ref));
    return false;
}

/* --- taking out ------------------------------------------------------------------------------- */

static struct leaf_place place_of(struct node *leaf, const uint8_t *at, uint64_t index)
{
    return (struct leaf_place){ leaf, (size_t)(at - leaf->at), index };
}

void zset_big_remove(const struct zset_big *big, struct zset_spot *spot)
{
    struct leaf_place place = place_of(spot->leaf, spot->pair.at, spot->index);
    table_remove(&big->table, &spot->record);
    packed_empty(big->table.space, big->table.root, spot->pair.member);
    leaves_cut(&big->tree, &place, 1);
    table_settle(&big->table);
}

/* Records go before their pairs, so that those who stay are told where they are by the cut. */
static void forget(const struct zset_big *big, const struct leaf_place *place, uint64_t count)
{
    const uint8_t *at = place->leaf->at + place->offset;
    for (uint64_t i = 0; i < count; i++) {
        struct pair pair = pair_at(at);
        zset_record_remove(big, pair.member, node_number(place->leaf));
        packed_empty(big->table.space, big->table.root, pair.member);
        at = pair.end;
    }
}

void zset_big_remove_ranks(const struct zset_big *big, uint64_t rank, uint64_t count)
{
    struct leaf_place place;
    leaves_at(&big->tree, rank, &place);
    while (count > 0) {
        uint64_t part = leaves_left(&big->tree, &place);
        if (part > count)
            part = count;
        forget(big, &place, part);
        leaves_cut(&big->tree, &place, part);
        count -= part;
    }
}

/* --- putting in and changing ------------------------------------------------------------------ */

/* Writes the pair to its place in the order, in `leaf` or beside it. */
static bool put_pair(const struct zset_big *big, const struct pair_key *key,
                     const struct pair_items *items, struct node *leaf, struct leaf_place *place)
{
    *place = (struct leaf_place){ .leaf = leaf };
    if (leaf != NULL) {
        const uint8_t *at =
            pairs_place(big->table.space, zset_leaf(leaf), key, false, &place->within);
        place->offset = (size_t)(at - leaf->at);
    }
    uint8_t *at = leaves_put(&big->tree, place, pair_items_bytes(items), pair_tree_key(key));
    if (at != NULL)
        pair_write(at, items);
    return at != NULL;
}

/* The pair is in the tree before its record is in the table; without memory for that it is taken
 * out again, which needs none. */
static enum err insert(const struct zset_big *big, struct zset_spot *spot,
                       const struct pair_key *key, const struct pair_items *items, uint32_t hash)
{
    struct leaf_place place;
    struct node *leaf = tree_find(&big->tree, pair_tree_key(key), key);
    if (!put_pair(big, key, items, leaf, &place))
        return ERR_MEMORY;
    uint8_t *record = table_add(&big->table, &spot->record, sizeof(struct zset_record));
    if (record == NULL) {
        leaves_cut(&big->tree, &place, 1);
        return ERR_MEMORY;
    }
    record_write(record, (struct zset_record){ hash, node_number(place.leaf) });
    table_settle(&big->table);
    return ERR_NONE;
}

enum err zset_big_insert(const struct zset_big *big, struct zset_spot *spot, uint32_t hash,
                         struct bytes member, double score)
{
    struct space *space = big->table.space;
    struct pair_key key = pair_key_of(score, member);
    struct pair_items items;
    packed_prepare_score(score, &items.score);
    if (packed_prepare(space, big->table.root, member, &items.member) != ERR_NONE)
        return ERR_MEMORY;
    enum err err = insert(big, spot, &key, &items, hash);
    if (err != ERR_NONE)
        packed_item_empty(space, big->table.root, &items.member);
    return err;
}

/* The member as it is stored: a run goes along to the new place. */
static void take_along(const struct pair *pair, struct bytes member, struct packed_item *item)
{
    if (LIKELY(packed_run(pair->member) == 0)) {
        packed_sought(member, item);
        return;
    }
    item->head_bytes = (uint8_t)(pair->end - pair->member);
    memcpy(item->head, pair->member, item->head_bytes);
    item->tail = bytes_of("", 0);
}

/* The new score keeps the pair between its neighbours of the leaf, or the leaf's edges are its. */
static bool stays(const struct zset_big *big, const struct zset_spot *spot,
                  const struct pair_key *key)
{
    const struct node *leaf = spot->leaf;
    const uint8_t *end = leaf->at + leaf->used;
    struct space *space = big->table.space;
    if (spot->pair.end == end || spot->pair.at == leaf->at ||
        pair_compare(space, key, spot->pair.end) > 0)
        return false;
    const uint8_t *before = pairs_skip(zset_leaf(leaf), spot->index - 1);
    return pair_compare(space, key, before) > 0;
}

static enum err overwrite_score(const struct zset_big *big, const struct zset_spot *spot,
                                const struct packed_item *score)
{
    size_t offset = (size_t)(spot->pair.at - spot->leaf->at);
    size_t bytes = (size_t)(spot->pair.member - spot->pair.at);
    struct node *leaf = spot->leaf;
    past_node_changes(big->table.space, big->table.root, ZSET_LEAVES, leaf);
    if (bytes != packed_item_bytes(score))
        leaf = tree_splice(&big->tree, leaf, offset, bytes, packed_item_bytes(score), 0);
    if (leaf == NULL)
        return ERR_MEMORY;
    packed_write(leaf->at + offset, score);
    return ERR_NONE;
}

/* Within its leaf the pair is written to its new place before it leaves the old one. */
static enum err move_within(const struct zset_big *big, const struct zset_spot *spot,
                            const struct pair_key *key, const struct pair_items *items)
{
    struct node *leaf = spot->leaf;
    uint64_t index;
    size_t bytes = pair_items_bytes(items), from = (size_t)(spot->pair.at - leaf->at);
    size_t old_bytes = (size_t)(spot->pair.end - spot->pair.at);
    size_t to =
        (size_t)(pairs_place(big->table.space, zset_leaf(leaf), key, false, &index) - leaf->at);
    leaf = tree_splice(&big->tree, leaf, to, 0, bytes, 0);
    if (leaf == NULL)
        return ERR_MEMORY;
    pair_write(leaf->at + to, items);
    if (to <= from)
        from += bytes;
    leaf = tree_splice(&big->tree, leaf, from, old_bytes, 0, 0);
    ENSURE(leaf != NULL); /* it has not grown */
    if (to == 0 || from == 0)
        tree_rekey(&big->tree, leaf, pair_tree_key_at(big->table.space, leaf->at));
    return ERR_NONE;
}

enum err zset_big_change(const struct zset_big *big, struct zset_spot *spot, struct bytes member,
                         double score)
{
    struct pair_key key = pair_key_of(score, member);
    struct pair_items items;
    packed_prepare_score(score, &items.score);
    if (stays(big, spot, &key))
        return overwrite_score(big, spot, &items.score);
    take_along(&spot->pair, member, &items.member);
    struct node *leaf = tree_find(&big->tree, pair_tree_key(&key), &key);
    if (leaf == spot->leaf)
        return move_within(big, spot, &key, &items);
    struct leaf_place to, from = place_of(spot->leaf, spot->pair.at, spot->index);
    if (!put_pair(big, &key, &items, leaf, &to))
        return ERR_MEMORY;
    struct zset_record record = record_at(spot->record.at);
    record.leaf = node_number(to.leaf);
    record_write(spot->record.at, record);
    leaves_cut(&big->tree, &from, 1);
    return ERR_NONE;
}
