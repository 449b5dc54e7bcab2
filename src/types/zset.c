/* Sorted sets in either form, as commands look at them and change them. */
#include "types/zset.h"

#include "types/limits.h"
#include "types/zset_big.h"
#include "types/zset_small.h"

/* --- looking ---------------------------------------------------------------------------------- */

struct zset zset_view(struct space *space, const struct value *value)
{
    struct bytes body = value->body;
    if (value->encoding == ZSET_BIG) {
        struct root *root = big_root(space, value);
        return (struct zset){ .space = space, .root = root, .count = root->count };
    }
    if (body.count < ZSET_SMALL_HEAD)
        return (struct zset){ .space = space };
    return (struct zset){
        .space = space,
        .pairs = bytes_of(body.at + ZSET_SMALL_HEAD, body.count - ZSET_SMALL_HEAD),
        .count = (uint64_t)body.at[0] | (uint64_t)body.at[1] << 8,
    };
}

static bool find_in_big(const struct zset *zset, struct bytes member, struct zset_big *big,
                        struct zset_spot *spot)
{
    struct packed_item item;
    zset_big_open(big, zset->space, zset->root);
    packed_sought(member, &item);
    return zset_big_find(big, &item, zset_hash(zset->space, member), spot);
}

static bool find_in_small(const struct zset *zset, struct bytes member, struct pair *pair,
                          uint64_t *index)
{
    struct packed_item item;
    packed_sought(member, &item);
    return pairs_find(zset->space, zset->pairs, &item, pair, index);
}

bool zset_score(const struct zset *zset, struct bytes member, double *score)
{
    struct zset_spot spot;
    if (zset->root != NULL) {
        struct zset_big big;
        if (!find_in_big(zset, member, &big, &spot))
            return false;
    } else if (!find_in_small(zset, member, &spot.pair, &spot.index)) {
        return false;
    }
    *score = packed_score(spot.pair.at);
    return true;
}

bool zset_rank(const struct zset *zset, struct bytes member, uint64_t *rank, double *score)
{
    struct zset_spot spot;
    if (zset->root != NULL) {
        struct zset_big big;
        if (!find_in_big(zset, member, &big, &spot))
            return false;
        spot.index += tree_rank(&big.tree, spot.leaf);
    } else if (!find_in_small(zset, member, &spot.pair, &spot.index)) {
        return false;
    }
    *rank = spot.index;
    *score = packed_score(spot.pair.at);
    return true;
}

static bool keep_score(void *context, const struct zset_item *item, bool passing)
{
    (void)passing;
    *(double *)context = item->score;
    return false;
}

static struct pair_key key_of_bound(const struct zset *zset, const struct zset_bound *bound)
{
    if (bound->kind == ZSET_BY_SCORE)
        return (struct pair_key){ .score = bound->score, .edge = bound->behind ? 1 : -1 };
    struct pair_key key = { .member = bound->member };
    zset_walk(zset, 0, 1, false, &(struct zset_visitor){ keep_score, &key.score });
    return key;
}

uint64_t zset_before(const struct zset *zset, const struct zset_bound *bound)
{
    if (bound->kind == ZSET_FROM_START || zset->count == 0)
        return 0;
    if (bound->kind == ZSET_FROM_END)
        return zset->count;
    struct pair_key key = key_of_bound(zset, bound);
    uint64_t index;
    if (zset->root != NULL) {
        struct zset_big big;
        zset_big_open(&big, zset->space, zset->root);
        return zset_big_before(&big, &key, bound->behind);
    }
    pairs_place(zset->space, zset->pairs, &key, bound->behind, &index);
    return index;
}

void zset_walk(const struct zset *zset, uint64_t rank, uint64_t count, bool reverse,
               const struct zset_visitor *visitor)
{
    if (count == 0)
        return;
    if (zset->root != NULL) {
        struct zset_big big;
        zset_big_open(&big, zset->space, zset->root);
        zset_big_walk(&big, rank, count, reverse, visitor);
        return;
    }
    struct bytes pairs = zset->pairs;
    size_t passed = (size_t)(pairs_skip(pairs, reverse ? rank + 1 : rank) - pairs.at);
    pairs =
        reverse ? bytes_of(pairs.at, passed) : bytes_of(pairs.at + passed, pairs.count - passed);
    (void)pairs_walk(zset->space, pairs, count, reverse, visitor);
}

uint64_t zset_scan(const struct zset *zset, uint64_t cursor, const struct zset_visitor *visitor)
{
    if (zset->root == NULL) {
        zset_walk(zset, 0, zset->count, false, visitor);
        return 0;
    }
    struct zset_big big;
    zset_big_open(&big, zset->space, zset->root);
    return zset_big_scan(&big, cursor, visitor);
}

/* --- names ------------------------------------------------------------------------------------ */

static bool within_limits(const struct value_edit *edit, uint64_t count, size_t member_bytes)
{
    const struct type_limits *limits = edit->space->limits;
    return limits->zset_listpack_entries >= 0 && count <= (uint64_t)limits->zset_listpack_entries &&
           member_bytes <= limits->zset_listpack_value;
}

static void name_skiplist(struct value_edit *edit)
{
    if (edit->root != NULL)
        edit->root->flags |= ZSET_NAMED_SKIPLIST;
    else
        edit->value.encoding = ZSET_SKIPLIST;
}

/* The length matters to a new value only: a member's own is looked at when it comes. */
void zset_expect(struct value_edit *edit, uint64_t count, size_t member_bytes)
{
    if (!within_limits(edit, count, edit->existed ? 0 : member_bytes))
        name_skiplist(edit);
}

static bool named_listpack(const struct value_edit *edit)
{
    if (edit->root != NULL)
        return (edit->root->flags & ZSET_NAMED_SKIPLIST) == 0;
    return edit->value.encoding == ZSET_LISTPACK;
}

/* Redis keeps a score that is a whole number as such in a listpack, where zero has no sign. */
static double score_in_listpack(double score)
{
    return score == 0 ? 0 : score;
}

/* --- changing --------------------------------------------------------------------------------- */

/* What becomes of a score; *score is the new one when it is to be set. */
static enum zset_outcome judge(const double *before, unsigned conditions, double *score)
{
    if (before == NULL)
        return (conditions & ZSET_KNOWN_ONLY) != 0 ? ZSET_REFUSED : ZSET_ADDED;
    if ((conditions & ZSET_NEW_ONLY) != 0)
        return ZSET_REFUSED;
    double now = (conditions & ZSET_ADD_UP) != 0 ? *before + *score : *score;
    if (now != now)
        return ZSET_NAN;
    if (((conditions & ZSET_GREATER) != 0 && now <= *before) ||
        ((conditions & ZSET_LESS) != 0 && now >= *before))
        return ZSET_REFUSED;
    *score = now;
    return now == *before ? ZSET_SAME : ZSET_CHANGED;
}

static enum err add_to_big(struct value_edit *edit, struct bytes member, double score,
                           unsigned conditions, struct zset_result *result)
{
    struct packed_item item;
    struct zset_big big;
    struct zset_spot spot;
    uint32_t hash = zset_hash(edit->space, member);
    enum err err = ERR_NONE;
    zset_big_open(&big, edit->space, edit->root);
    packed_sought(member, &item);
    bool found = zset_big_find(&big, &item, hash, &spot);
    double before = found ? packed_score(spot.pair.at) : 0;
    result->outcome = judge(found ? &before : NULL, conditions, &score);
    result->score = score;
    if (result->outcome == ZSET_CHANGED) {
        err = zset_big_change(&big, &spot, member,
                              named_listpack(edit) ? score_in_listpack(score) : score);
    } else if (result->outcome == ZSET_ADDED) {
        bool within = within_limits(edit, edit->root->count + 1, member.count);
        bool listpack = within && named_listpack(edit);
        err =
            zset_big_insert(&big, &spot, hash, member, listpack ? score_in_listpack(score) : score);
        if (err == ERR_NONE && !within)
            name_skiplist(edit);
    } else {
        return ERR_NONE;
    }
    if (err == ERR_NONE)
        edit_changed(edit);
    return err;
}

static enum err add_to_small(struct value_edit *edit, struct bytes member, double score,
                             unsigned conditions, struct zset_result *result)
{
    struct zset zset = zset_edited(edit);
    struct pair pair;
    uint64_t index;
    bool found = find_in_small(&zset, member, &pair, &index);
    double before = found ? packed_score(pair.at) : 0;
    result->outcome = judge(found ? &before : NULL, conditions, &score);
    result->score = score;
    if (result->outcome == ZSET_CHANGED)
        return zset_small_put(edit, &pair, member,
                              named_listpack(edit) ? score_in_listpack(score) : score);
    if (result->outcome != ZSET_ADDED)
        return ERR_NONE;
    bool within = within_limits(edit, zset.count + 1, member.count);
    bool listpack = within && named_listpack(edit);
    enum err err = zset_small_put(edit, NULL, member, listpack ? score_in_listpack(score) : score);
    if (err == ERR_NONE && !within)
        name_skiplist(edit);
    return err;
}

/* A small value that has no room for a member becomes big, and is asked again. */
enum err zset_add(struct value_edit *edit, struct bytes member, double score, unsigned conditions,
                  struct zset_result *result)
{
    if (edit->root == NULL) {
        enum err err = add_to_small(edit, member, score, conditions, result);
        if (err == ERR_LIMIT)
            err = zset_small_grow_up(edit);
        else
            return err;
        if (err != ERR_NONE)
            return err;
    }
    return add_to_big(edit, member, score, conditions, result);
}

enum err zset_remove(struct value_edit *edit, struct bytes member, bool *removed)
{
    struct zset zset = zset_edited(edit);
    struct zset_spot spot;
    struct zset_big big;
    *removed = zset.root != NULL ? find_in_big(&zset, member, &big, &spot)
                                 : find_in_small(&zset, member, &spot.pair, &spot.index);
    if (!*removed)
        return ERR_NONE;
    if (zset.root == NULL)
        return zset_small_cut(edit, spot.pair.at, (size_t)(spot.pair.end - spot.pair.at), 1);
    zset_big_remove(&big, &spot);
    edit_changed(edit);
    return ERR_NONE;
}

enum err zset_remove_ranks(struct value_edit *edit, uint64_t rank, uint64_t count)
{
    struct zset zset = zset_edited(edit);
    if (count == 0)
        return ERR_NONE;
    if (count < zset.count && zset.root == NULL) {
        const uint8_t *from = pairs_skip(zset.pairs, rank);
        size_t left = zset.pairs.count - (size_t)(from - zset.pairs.at);
        const uint8_t *to = pairs_skip(bytes_of(from, left), count);
        return zset_small_cut(edit, from, (size_t)(to - from), count);
    }
    if (count < zset.count) {
        struct zset_big big;
        zset_big_open(&big, edit->space, edit->root);
        zset_big_remove_ranks(&big, rank, count);
    }
    edit_changed(edit);
    return ERR_NONE;
}

enum err zset_fill(struct value_edit *edit, struct zset_item *items, uint64_t count,
                   enum zset_encoding name)
{
    size_t longest = 0;
    for (uint64_t i = 0; i < count; i++)
        if (items[i].member.count > longest)
            longest = items[i].member.count;
    bool listpack = name == ZSET_LISTPACK && within_limits(edit, count, longest);
    for (uint64_t i = 0; i < count && listpack; i++)
        items[i].score = score_in_listpack(items[i].score);
    enum err err = zset_small_fill(edit, items, count);
    if (err == ERR_LIMIT)
        err = zset_fill_big(edit, items, count);
    if (err == ERR_NONE && !listpack)
        name_skiplist(edit);
    return err;
}
