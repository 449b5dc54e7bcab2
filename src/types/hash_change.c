/* Hashes: changing them. A small one is spliced, a big one is changed bucket by bucket. */
#include "struct/past.h"
#include "types/hash_pairs.h"
#include "types/limits.h"

/* A pair to be written: its strings as items, and its expiry. */
struct pair_parts {
    struct packed_item field, value;
    int64_t expiry;
};

static size_t parts_bytes(const struct pair_parts *parts)
{
    return (parts->expiry == HASH_NO_EXPIRY ? 0 : (size_t)PAIR_MARK_BYTES) +
           packed_item_bytes(&parts->field) + packed_item_bytes(&parts->value);
}

static void write_parts(uint8_t *at, const struct pair_parts *parts)
{
    at = pair_write_mark(at, parts->expiry);
    at = packed_write(at, &parts->field);
    packed_write(at, &parts->value);
}

/* --- the word and the names ------------------------------------------------------------------- */

bool hash_begin(struct value_edit *edit)
{
    uint8_t *at = edit_splice(edit, 0, 0, HASH_WORD_BYTES);
    if (at != NULL)
        hash_write_word(at, 0);
    return at != NULL;
}

/* pre: a small body was made the edit's own. */
static void add_to_word(struct value_edit *edit, int count, unsigned names)
{
    unsigned word = hash_word(edit->value.body);
    hash_write_word(edit->own, (unsigned)((int)word + count) | names);
}

static unsigned names_of(const struct value_edit *edit)
{
    return edit->root != NULL ? edit->root->flags : hash_word(edit->value.body);
}

static bool add_names(struct value_edit *edit, unsigned names)
{
    if ((names_of(edit) & names) == names)
        return true;
    if (edit->root != NULL) {
        edit->root->flags = (uint16_t)(edit->root->flags | names);
    } else {
        if (edit_body(edit) == NULL)
            return false;
        add_to_word(edit, 0, names);
    }
    edit_changed(edit);
    return true;
}

bool hash_expect(struct value_edit *edit, const struct bytes *texts, size_t count)
{
    const struct type_limits *limits = edit->space->limits;
    bool table = limits->hash_listpack_entries < (int64_t)(count / 2);
    for (size_t i = 0; i < count && !table; i++)
        table = texts[i].count > limits->hash_listpack_value;
    return !table || add_names(edit, HASH_NAMED_TABLE);
}

/* What one more pair, or another value, makes of the name. */
static bool name_after(struct value_edit *edit, struct bytes field, struct bytes value,
                       uint64_t count, int64_t expiry)
{
    const struct type_limits *limits = edit->space->limits;
    unsigned names = expiry == HASH_NO_EXPIRY ? 0 : HASH_NAMED_EX;
    if (field.count > limits->hash_listpack_value || value.count > limits->hash_listpack_value ||
        (int64_t)count > limits->hash_listpack_entries)
        names |= HASH_NAMED_TABLE;
    return names == 0 || add_names(edit, names);
}

/* --- from small to big ------------------------------------------------------------------------ */

struct root *hash_root_new(struct space *space, unsigned names, bool expiring)
{
    struct root *root = root_new(space, VALUE_HASH, HASH_SETS, sizeof(struct hash_more));
    if (root == NULL)
        return NULL;
    struct table table = hash_table_of(space, root);
    *hash_more_of(root) =
        (struct hash_more){ .earliest = HASH_NO_EXPIRY, .pass_least = HASH_NO_EXPIRY };
    root->flags = (uint16_t)(names & (HASH_NAMED_EX | HASH_NAMED_TABLE));
    if (table_begin(&table) && (!expiring || hash_allow_expiries(space, root)))
        return root;
    big_drop(space, root, &hash_big_ops);
    return NULL;
}

/* The table has changed by whole pairs. */
static void settle_table(struct space *space, struct root *root)
{
    struct table table = hash_table_of(space, root);
    table_settle(&table);
    if (hash_more_of(root)->slots > 0)
        hash_due_settle(space, root);
}

bool hash_add_raw(struct space *space, struct root *root, const uint8_t *pair)
{
    struct table table = hash_table_of(space, root);
    struct table_place place;
    size_t used, bytes = pair_bytes(pair);
    uint64_t hash = pair_hash(space, pair);
    (void)table_bucket(&table, hash, &place, &used);
    uint8_t *at = table_add(&table, &place, bytes);
    if (at == NULL)
        return false;
    memcpy(at, pair, bytes);
    if (pair[0] == PAIR_MARK) {
        hash_more_of(root)->expiring++;
        hash_due_note(space, root, hash, pair_expiry(pair));
    }
    settle_table(space, root);
    return true;
}

static enum err become_big(struct value_edit *edit)
{
    struct bytes body = edit->value.body;
    bool expiring = (edit->value.encoding & HASH_EXPIRING) != 0;
    struct root *root = hash_root_new(edit->space, hash_word(body), expiring);
    if (root == NULL)
        return ERR_MEMORY;
    for (size_t at = HASH_WORD_BYTES; at < body.count; at += pair_bytes(body.at + at)) {
        if (!hash_add_raw(edit->space, root, body.at + at)) {
            big_drop(edit->space, root, &hash_big_ops);
            return ERR_MEMORY;
        }
    }
    edit_become_big(edit, root, edit->value.encoding | HASH_BIG);
    return ERR_NONE;
}

/* --- setting ---------------------------------------------------------------------------------- */

static size_t old_bytes(const struct hash_place *place)
{
    return place->pair.at == NULL ? 0 : pair_bytes(place->pair.at);
}

static bool fits_small(const struct value_edit *edit, const struct hash_place *place,
                       const struct pair_parts *parts)
{
    size_t body = edit->value.body.count - old_bytes(place);
    if (parts->field.head[0] == PACKED_RUN || parts->value.head[0] == PACKED_RUN)
        return false;
    if (place->pair.at == NULL &&
        (hash_word(edit->value.body) & HASH_COUNT_BITS) >= HASH_SMALL_PAIRS_MAX)
        return false;
    return body + parts_bytes(parts) <= VALUE_SMALL_MAX;
}

static enum err set_small(struct value_edit *edit, const struct hash_place *place,
                          const struct pair_parts *parts)
{
    struct bytes body = edit->value.body;
    bool adds = place->pair.at == NULL;
    size_t offset = adds ? body.count : (size_t)(place->pair.at - body.at);
    uint8_t *at = edit_splice(edit, offset, old_bytes(place), parts_bytes(parts));
    if (at == NULL)
        return ERR_MEMORY;
    write_parts(at, parts);
    add_to_word(edit, adds, 0);
    if (parts->expiry != HASH_NO_EXPIRY)
        edit->value.encoding |= HASH_EXPIRING;
    return ERR_NONE;
}

/* An element that is in memory already, as an item: only a run need be, which is short. */
static void item_of_run(const uint8_t *at, struct packed_item *item)
{
    item->head_bytes = PACKED_HEAD_MAX;
    memcpy(item->head, at, PACKED_HEAD_MAX);
    item->tail = bytes_of("", 0);
}

static void count_expiries(struct root *root, int64_t before, int64_t after)
{
    struct hash_more *more = hash_more_of(root);
    more->expiring -= before != HASH_NO_EXPIRY;
    more->expiring += after != HASH_NO_EXPIRY;
}

/* pre: the value's item has its run already. */
static const struct node *bucket_of(const struct space *space, const struct root *root,
                                    const struct hash_place *place)
{
    return node_of(space, &root->nodes[HASH_TABLE_SET], place->in.bucket);
}

static enum err replace_in_table(struct value_edit *edit, struct hash_place *place,
                                 struct pair_parts *parts)
{
    struct space *space = edit->space;
    struct root *root = edit->root;
    size_t before = old_bytes(place), after;
    uint8_t old_value[PACKED_HEAD_MAX] = { 0 };
    if (place->pair.field[0] == PACKED_RUN)
        item_of_run(place->pair.field, &parts->field);
    if (place->pair.value[0] == PACKED_RUN)
        memcpy(old_value, place->pair.value, sizeof old_value);
    after = parts_bytes(parts);
    uint8_t *at = place->in.at;
    if (after != before) {
        struct table table = hash_table_of(space, root);
        at = table_resize(&table, &place->in, after);
        if (at == NULL)
            return ERR_MEMORY;
    } else {
        past_node_changes(space, root, HASH_TABLE_SET, bucket_of(space, root, place));
    }
    write_parts(at, parts);
    if (old_value[0] == PACKED_RUN)
        packed_empty(space, root, old_value);
    count_expiries(root, place->pair.expiry, parts->expiry);
    if (parts->expiry != HASH_NO_EXPIRY)
        hash_due_note(space, root, place->hash, parts->expiry);
    if (after != before)
        settle_table(space, root);
    return ERR_NONE;
}

static enum err add_to_table(struct value_edit *edit, struct bytes field, struct hash_place *place,
                             struct pair_parts *parts)
{
    struct space *space = edit->space;
    struct root *root = edit->root;
    struct table table = hash_table_of(space, root);
    if (packed_prepare(space, root, field, &parts->field) != ERR_NONE)
        return ERR_MEMORY;
    uint8_t *at = table_add(&table, &place->in, parts_bytes(parts));
    if (at == NULL) {
        packed_item_empty(space, root, &parts->field);
        return ERR_MEMORY;
    }
    write_parts(at, parts);
    count_expiries(root, HASH_NO_EXPIRY, parts->expiry);
    if (parts->expiry != HASH_NO_EXPIRY)
        hash_due_note(space, root, place->hash, parts->expiry);
    settle_table(space, root);
    return ERR_NONE;
}

static enum err set_big(struct value_edit *edit, struct bytes field, struct bytes value,
                        struct hash_place *place, struct pair_parts *parts)
{
    DCHECK(parts->expiry == HASH_NO_EXPIRY || hash_more_of(edit->root)->slots > 0);
    if (parts->value.head[0] == PACKED_RUN &&
        packed_prepare(edit->space, edit->root, value, &parts->value) != ERR_NONE)
        return ERR_MEMORY;
    enum err err = place->pair.at != NULL ? replace_in_table(edit, place, parts)
                                          : add_to_table(edit, field, place, parts);
    if (err != ERR_NONE)
        packed_item_empty(edit->space, edit->root, &parts->value);
    else
        edit_changed(edit);
    return err;
}

static int64_t expiry_to_be(const struct hash_place *place, bool live, int64_t expiry)
{
    if (expiry != HASH_KEEP_EXPIRY)
        return expiry;
    return live ? place->pair.expiry : HASH_NO_EXPIRY;
}

enum err hash_set(struct value_edit *edit, int64_t now_ms, struct bytes field, struct bytes value,
                  int64_t expiry, enum hash_outcome *outcome)
{
    struct hash hash;
    struct hash_place place;
    struct pair_parts parts;
    hash_view_edit(&hash, edit, now_ms);
    packed_sought(field, &parts.field);
    packed_sought(value, &parts.value);
    hash_find(&hash, field, &parts.field, &place);
    bool live = place.pair.at != NULL && hash_is_live(&hash, &place.pair);
    uint64_t count = hash_count(&hash) + (place.pair.at == NULL);
    *outcome = live ? HASH_REPLACED : HASH_ADDED;
    parts.expiry = expiry_to_be(&place, live, expiry);
    enum err err = ERR_NONE;
    if (edit->root == NULL && !fits_small(edit, &place, &parts)) {
        if (parts.expiry != HASH_NO_EXPIRY)
            edit->value.encoding |= HASH_EXPIRING;
        err = become_big(edit);
        if (err == ERR_NONE) {
            hash_view_edit(&hash, edit, now_ms);
            hash_find(&hash, field, &parts.field, &place);
        }
    }
    if (err == ERR_NONE)
        err = edit->root == NULL ? set_small(edit, &place, &parts)
                                 : set_big(edit, field, value, &place, &parts);
    if (err == ERR_NONE && !name_after(edit, field, value, count, parts.expiry))
        err = ERR_MEMORY;
    return err;
}

/* --- removing, and expiries ------------------------------------------------------------------- */

enum err hash_remove(struct value_edit *edit, const struct hash_place *place)
{
    if (edit->root == NULL) {
        size_t offset = (size_t)(place->pair.at - edit->value.body.at);
        if (edit_splice(edit, offset, old_bytes(place), 0) == NULL)
            return ERR_MEMORY;
        add_to_word(edit, -1, 0);
        return ERR_NONE;
    }
    struct table table = hash_table_of(edit->space, edit->root);
    struct table_place in = place->in;
    packed_empty(edit->space, edit->root, place->pair.field);
    packed_empty(edit->space, edit->root, place->pair.value);
    count_expiries(edit->root, place->pair.expiry, HASH_NO_EXPIRY);
    table_remove(&table, &in);
    settle_table(edit->space, edit->root);
    edit_changed(edit);
    return ERR_NONE;
}

static enum err set_expiry_in_table(struct value_edit *edit, const struct hash_place *place,
                                    size_t before, int64_t expiry)
{
    struct root *root = edit->root;
    size_t after = expiry == HASH_NO_EXPIRY ? 0 : (size_t)PAIR_MARK_BYTES;
    struct node *node = node_of(edit->space, &root->nodes[HASH_TABLE_SET], place->in.bucket);
    past_node_changes(edit->space, root, HASH_TABLE_SET, node);
    if (before != after)
        node =
            node_splice(edit->space, root, HASH_TABLE_SET, node, place->in.offset, before, after);
    if (node == NULL)
        return ERR_MEMORY;
    pair_write_mark(node->at + place->in.offset, expiry);
    count_expiries(root, place->pair.expiry, expiry);
    if (expiry != HASH_NO_EXPIRY)
        hash_due_note(edit->space, root, place->hash, expiry);
    if (before != after)
        settle_table(edit->space, root);
    edit_changed(edit);
    return ERR_NONE;
}

/* Without a place in the body any more the hash becomes big, and the place is found again. */
static enum err set_expiry_of_outgrown(struct value_edit *edit, const struct hash_place *place,
                                       int64_t expiry)
{
    struct hash hash;
    struct hash_place found;
    struct packed_item needle;
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes field = packed_view(edit->space, place->pair.field, digits);
    edit->value.encoding |= HASH_EXPIRING;
    if (become_big(edit) != ERR_NONE)
        return ERR_MEMORY;
    packed_sought(field, &needle); /* a view of the body that was: it is there still */
    hash_view_edit(&hash, edit, INT64_MIN);
    hash_find(&hash, field, &needle, &found);
    return set_expiry_in_table(edit, &found, pair_mark_bytes(found.pair.at), expiry);
}

enum err hash_set_expiry(struct value_edit *edit, const struct hash_place *place, int64_t expiry)
{
    size_t before = pair_mark_bytes(place->pair.at);
    size_t after = expiry == HASH_NO_EXPIRY ? 0 : (size_t)PAIR_MARK_BYTES;
    enum err err = ERR_NONE;
    if (edit->root != NULL) {
        err = set_expiry_in_table(edit, place, before, expiry);
    } else if (edit->value.body.count + after - before > VALUE_SMALL_MAX) {
        err = set_expiry_of_outgrown(edit, place, expiry);
    } else {
        size_t offset = (size_t)(place->pair.at - edit->value.body.at);
        uint8_t *at = edit_splice(edit, offset, before, after);
        if (at == NULL)
            return ERR_MEMORY;
        pair_write_mark(at, expiry);
        if (expiry != HASH_NO_EXPIRY)
            edit->value.encoding |= HASH_EXPIRING;
    }
    if (err == ERR_NONE && expiry != HASH_NO_EXPIRY && !add_names(edit, HASH_NAMED_EX))
        err = ERR_MEMORY;
    return err;
}

static bool any_expiry(const struct value_edit *edit)
{
    if (edit->root != NULL)
        return hash_more_of(edit->root)->expiring > 0;
    return hash_earliest(edit->space, &edit->value) != HASH_NO_EXPIRY;
}

void hash_settle(struct value_edit *edit)
{
    if (!edit->changed || (edit->value.encoding & HASH_EXPIRING) == 0 || any_expiry(edit))
        return;
    edit->value.encoding &= (uint8_t)~HASH_EXPIRING;
    if (edit->root == NULL || edit->became_big)
        return;
    memcpy(edit->id, &edit->root->head.id, sizeof edit->id);
    edit->value.body = bytes_of(edit->id, sizeof edit->id); /* it is written anew */
}
