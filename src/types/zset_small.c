#include "types/zset_small.h"

#include "types/zset_big.h"

static void write_count(uint8_t *body, uint64_t count)
{
    body[0] = (uint8_t)count;
    body[1] = (uint8_t)(count >> 8);
}

/* --- changes ---------------------------------------------------------------------------------- */

/* An empty body gets its count first; unchanged, as far as anybody is told. */
static bool begin(struct value_edit *edit)
{
    if (edit->value.body.count > 0)
        return true;
    uint8_t *body = edit_splice(edit, 0, 0, ZSET_SMALL_HEAD);
    if (body == NULL)
        return false;
    write_count(body, 0);
    return true;
}

/* Where a pair of this key would be, in the body. */
static size_t place_of(const struct zset *zset, const struct pair_key *key)
{
    uint64_t index;
    const uint8_t *at = pairs_place(zset->space, zset->pairs, key, false, &index);
    return ZSET_SMALL_HEAD + (size_t)(at - zset->pairs.at);
}

static enum err put_new(struct value_edit *edit, const struct pair_key *key,
                        const struct pair_items *items)
{
    if (!begin(edit))
        return ERR_MEMORY;
    struct zset zset = zset_edited(edit);
    uint8_t *at = edit_splice(edit, place_of(&zset, key), 0, pair_items_bytes(items));
    if (at == NULL)
        return ERR_MEMORY;
    pair_write(at, items);
    write_count(edit->own, zset.count + 1);
    return ERR_NONE;
}

/* The old pair goes and the new one comes; room for both is made first, so that nothing fails in
 * between. */
static enum err put_again(struct value_edit *edit, const struct pair *old,
                          const struct pair_key *key, const struct pair_items *items)
{
    struct zset zset = zset_edited(edit);
    size_t from = (size_t)(old->at - edit->value.body.at), to = place_of(&zset, key);
    size_t old_bytes = (size_t)(old->end - old->at), bytes = pair_items_bytes(items);
    uint8_t *at = edit_splice(edit, to, 0, bytes);
    if (at == NULL)
        return ERR_MEMORY;
    pair_write(at, items);
    at = edit_splice(edit, to <= from ? from + bytes : from, old_bytes, 0);
    ENSURE(at != NULL); /* the body is a copy already, and shrinks */
    return ERR_NONE;
}

enum err zset_small_put(struct value_edit *edit, const struct pair *old, struct bytes member,
                        double score)
{
    struct zset zset = zset_edited(edit);
    struct pair_key key = pair_key_of(score, member);
    struct pair_items items;
    packed_prepare_score(score, &items.score);
    packed_sought(member, &items.member);
    if (items.member.head[0] == PACKED_RUN || zset.count >= ZSET_SMALL_COUNT_MAX ||
        ZSET_SMALL_HEAD + zset.pairs.count + pair_items_bytes(&items) > VALUE_SMALL_MAX)
        return ERR_LIMIT;
    return old == NULL ? put_new(edit, &key, &items) : put_again(edit, old, &key, &items);
}

enum err zset_small_cut(struct value_edit *edit, const uint8_t *from, size_t bytes, uint64_t count)
{
    struct zset zset = zset_edited(edit);
    size_t offset = (size_t)(from - edit->value.body.at);
    if (edit_splice(edit, offset, bytes, 0) == NULL)
        return ERR_MEMORY;
    write_count(edit->own, zset.count - count);
    return ERR_NONE;
}

/* --- whole values ----------------------------------------------------------------------------- */

static enum err copy_pairs(struct zset_builder *builder, struct bytes pairs)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    enum err err = ERR_NONE;
    while (at < end) {
        struct pair pair = pair_at(at);
        uint8_t *room = zset_build_room(builder, (size_t)(pair.end - at), &err);
        if (room == NULL)
            return err;
        memcpy(room, at, (size_t)(pair.end - at));
        at = pair.end;
    }
    return zset_build_end(builder);
}

/* The root is the value's, or given back. */
static enum err finish(struct value_edit *edit, struct zset_builder *builder, enum err err)
{
    struct root *root = builder->big.table.root;
    if (err != ERR_NONE) {
        zset_build_drop(builder);
        return err;
    }
    if (edit->value.encoding == ZSET_SKIPLIST)
        root->flags |= ZSET_NAMED_SKIPLIST;
    edit_become_big(edit, root, ZSET_BIG);
    return ERR_NONE;
}

enum err zset_small_grow_up(struct value_edit *edit)
{
    struct zset zset = zset_edited(edit);
    struct zset_builder builder;
    struct root *root = zset_big_new(edit->space);
    if (root == NULL)
        return ERR_MEMORY;
    zset_build_begin(&builder, edit->space, root);
    return finish(edit, &builder, copy_pairs(&builder, zset.pairs));
}

static size_t bytes_of_item(const struct zset_item *item, struct pair_items *items)
{
    packed_prepare_score(item->score, &items->score);
    packed_sought(item->member, &items->member);
    return pair_items_bytes(items);
}

enum err zset_small_fill(struct value_edit *edit, const struct zset_item *items, uint64_t count)
{
    size_t bytes = ZSET_SMALL_HEAD;
    struct pair_items parts;
    if (count > ZSET_SMALL_COUNT_MAX)
        return ERR_LIMIT;
    for (uint64_t i = 0; i < count && bytes <= VALUE_SMALL_MAX; i++)
        bytes += bytes_of_item(&items[i], &parts);
    if (bytes > VALUE_SMALL_MAX)
        return ERR_LIMIT;
    uint8_t *body = edit_splice(edit, 0, edit->value.body.count, bytes), *at = body;
    if (body == NULL)
        return ERR_MEMORY;
    write_count(at, count);
    at += ZSET_SMALL_HEAD;
    for (uint64_t i = 0; i < count; i++) {
        bytes = bytes_of_item(&items[i], &parts);
        pair_write(at, &parts);
        at += bytes;
    }
    return ERR_NONE;
}

static enum err put_item(struct zset_builder *builder, const struct zset_item *item)
{
    const struct table *table = &builder->big.table;
    struct pair_items parts;
    enum err err = packed_prepare(table->space, table->root, item->member, &parts.member);
    if (err != ERR_NONE)
        return err;
    packed_prepare_score(item->score, &parts.score);
    uint8_t *room = zset_build_room(builder, pair_items_bytes(&parts), &err);
    if (room == NULL)
        packed_item_empty(table->space, table->root, &parts.member);
    else
        pair_write(room, &parts);
    return err;
}

enum err zset_fill_big(struct value_edit *edit, const struct zset_item *items, uint64_t count)
{
    struct zset_builder builder;
    enum err err = ERR_NONE;
    struct root *root = zset_big_new(edit->space);
    if (root == NULL)
        return ERR_MEMORY;
    zset_build_begin(&builder, edit->space, root);
    for (uint64_t i = 0; i < count && err == ERR_NONE; i++)
        err = put_item(&builder, &items[i]);
    if (err == ERR_NONE)
        err = zset_build_end(&builder);
    return finish(edit, &builder, err);
}
