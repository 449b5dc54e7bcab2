/* Changes of lists: pushing, removing, putting in, replacing. What needs memory comes first. */
#include "types/list.h"

#include "struct/past.h"
#include "types/big.h"

static const struct tree_key no_key = { 0, 0 };

/* --- small ------------------------------------------------------------------------------------ */

static bool fits_small(const struct value_edit *edit, size_t remove, size_t insert)
{
    size_t body = edit->value.body.count == 0 ? LIST_SMALL_HEADER : edit->value.body.count;
    return body - remove + insert <= LIST_SMALL_MAX;
}

/* Takes `remove` bytes of `removed` items out, and puts an item in where `item` is not NULL. */
static enum err change_small(struct value_edit *edit, size_t offset, size_t remove,
                             uint64_t removed, const struct packed_item *item)
{
    struct list list;
    list_of_edit(edit, &list);
    if (edit->value.body.count == 0 && edit_splice(edit, 0, 0, LIST_SMALL_HEADER) == NULL)
        return ERR_MEMORY;
    uint8_t *at = edit_splice(edit, offset, remove, item != NULL ? item_bytes_of(item) : 0);
    if (at == NULL)
        return ERR_MEMORY;
    if (item != NULL)
        item_write(at, item);
    uint64_t count = list.count - removed + (item != NULL);
    uint8_t *body = at - offset;
    body[0] = (uint8_t)count;
    body[1] = (uint8_t)(count >> 8);
    return ERR_NONE;
}

/* Where item `rank` begins in a small body; the end when there is none. */
static size_t small_offset(const struct value_edit *edit, uint64_t rank)
{
    struct list list;
    struct list_cursor cursor;
    list_of_edit(edit, &list);
    if (rank >= list.count)
        return list.body.count == 0 ? LIST_SMALL_HEADER : list.body.count;
    list_seek(&list, rank, &cursor);
    return (size_t)(cursor.at - list.body.at);
}

/* True when the content may stand in a small body: *item is made of it. */
static bool small_item(const struct value_edit *edit, struct bytes content,
                       struct packed_item *item)
{
    if (edit->root != NULL || content.count > LIST_SMALL_MAX)
        return false;
    packed_sought(content, item);
    return true;
}

/* --- big: items come -------------------------------------------------------------------------- */

static void count_item(const struct space *space, struct root *root, const uint8_t *at)
{
    struct list_more *more = list_more(root);
    root->count++;
    more->item_bytes += item_bytes(at);
    if (UNLIKELY(more->listpack_bytes != 0))
        more->listpack_bytes += list_entry_bytes(space, at);
}

/* NULL: there is none. */
static struct node *first_leaf(const struct tree *tree)
{
    struct list_more *more = list_more(tree->root);
    if (LIKELY(more->first != 0))
        return tree_node(tree, more->first - 1);
    struct node *leaf = tree_first(tree);
    if (leaf != NULL)
        more->first = node_number(leaf) + 1;
    return leaf;
}

static struct node *last_leaf(const struct tree *tree)
{
    struct list_more *more = list_more(tree->root);
    if (LIKELY(more->last != 0))
        return tree_node(tree, more->last - 1);
    struct node *leaf = tree_last(tree);
    if (leaf != NULL)
        more->last = node_number(leaf) + 1;
    return leaf;
}

/* A leaf of its own, with room for `bytes`. */
static uint8_t *new_leaf(const struct tree *tree, const struct node *after, size_t bytes)
{
    list_leaves_change(tree->root);
    struct node *leaf = tree_insert(tree, after, LIST_LEAF_HEADER + bytes, no_key);
    if (leaf == NULL)
        return NULL;
    list_set_gap(leaf, 0);
    tree_add(tree, leaf, 1);
    return leaf->at + LIST_LEAF_HEADER;
}

static uint8_t *room_at_tail(const struct tree *tree, size_t bytes)
{
    struct node *leaf = last_leaf(tree);
    if (leaf == NULL || leaf->used + bytes > LIST_LEAF_MAX) {
        list_settle(tree);
        return new_leaf(tree, leaf, bytes);
    }
    leaf = tree_splice(tree, leaf, leaf->used, 0, bytes, 0);
    if (leaf == NULL)
        return NULL;
    list_more(tree->root)->last_more++;
    return leaf->at + leaf->used - bytes;
}

/* The gap grows by an eighth of the leaf, so that it seldom does; in a list of many leaves, where
 * one half empty is nothing, the leaf doubles. */
static struct node *widen_gap(const struct tree *tree, struct node *leaf, size_t bytes)
{
    enum { GAP_SHARES = 8, GAP_LEAST = 64 };
    size_t gap = list_gap(leaf), least = bytes - gap, most = LIST_LEAF_MAX - leaf->used;
    size_t nodes = tree->root->nodes[0].count, shares = nodes < GAP_SHARES ? nodes : GAP_SHARES;
    size_t more = leaf->used * shares / GAP_SHARES + GAP_LEAST;
    if (more < least)
        more = least;
    if (more > most)
        more = most;
    leaf = tree_splice(tree, leaf, LIST_LEAF_HEADER, 0, more, 0);
    if (leaf != NULL)
        list_set_gap(leaf, gap + more);
    return leaf;
}

/* A full leaf that will not be the first any more needs no gap. */
static uint8_t *room_at_head(const struct tree *tree, size_t bytes)
{
    struct node *leaf = first_leaf(tree);
    if (leaf == NULL)
        return new_leaf(tree, NULL, bytes);
    size_t gap = list_gap(leaf);
    if (UNLIKELY(gap < bytes || leaf->used > LIST_LEAF_MAX)) {
        list_settle(tree);
        if (leaf->used > LIST_LEAF_MAX) { /* one long item, which stays alone */
            leaf = list_close_gap(tree, leaf);
            gap = 0;
        }
        if (leaf->used - gap + bytes > LIST_LEAF_MAX) {
            list_close_gap(tree, leaf);
            return new_leaf(tree, NULL, bytes);
        }
        leaf = widen_gap(tree, leaf, bytes);
        if (leaf == NULL)
            return NULL;
        gap = list_gap(leaf);
    }
    past_node_changes(tree->space, tree->root, tree->set, leaf);
    list_set_gap(leaf, gap - bytes);
    list_more(tree->root)->first_more++;
    return leaf->at + LIST_LEAF_HEADER + gap - bytes;
}

/* Cuts a leaf near the middle of its bytes, or where said. */
static bool split_leaf(const struct tree *tree, struct node *leaf, const uint8_t *at)
{
    uint64_t moved = 0;
    for (const uint8_t *item = at; item < list_leaf_end(leaf); item = item_next(item))
        moved++;
    size_t offset = (size_t)(at - leaf->at);
    list_leaves_change(tree->root);
    struct node *made = tree_split(tree, &leaf, offset, moved, no_key, LIST_LEAF_HEADER);
    if (made == NULL)
        return false;
    list_set_gap(made, 0);
    return true;
}

static const uint8_t *middle_of(const struct node *leaf)
{
    const uint8_t *end = list_leaf_end(leaf), *at = list_leaf_begin(leaf);
    const uint8_t *middle = at + (end - at) / 2;
    do
        at = item_next(at);
    while (at < middle);
    return at < end ? at : item_before(end);
}

/* Room in front of the first item of a full leaf: behind the last of the one before. */
static uint8_t *room_between(const struct tree *tree, const struct node *leaf, size_t bytes)
{
    struct node *before = tree_previous(tree, leaf);
    if (before == NULL)
        return room_at_head(tree, bytes);
    if (before->used + bytes > LIST_LEAF_MAX)
        return new_leaf(tree, before, bytes);
    before = tree_splice(tree, before, before->used, 0, bytes, 1);
    return before == NULL ? NULL : before->at + before->used - bytes;
}

/* pre: rank < count. */
static uint8_t *room_before(const struct tree *tree, uint64_t rank, size_t bytes)
{
    for (;;) {
        uint64_t within = 0;
        struct node *leaf = list_close_gap(tree, tree_at(tree, rank, &within));
        const uint8_t *at = item_forward(list_leaf_begin(leaf), within);
        if (leaf->used + bytes <= LIST_LEAF_MAX) {
            size_t offset = (size_t)(at - leaf->at);
            leaf = tree_splice(tree, leaf, offset, 0, bytes, 1);
            return leaf == NULL ? NULL : leaf->at + offset;
        }
        if (within == 0)
            return room_between(tree, leaf, bytes);
        bool long_one = bytes > LIST_LEAF_MAX / 2;
        if (!split_leaf(tree, leaf, long_one ? at : middle_of(leaf)))
            return NULL;
    }
}

enum { AT_HEAD, AT_TAIL, AT_RANK };

/* The item's run, if it has one, is given back when there is no room. */
static enum err put_item(struct value_edit *edit, unsigned where, uint64_t rank,
                         const struct packed_item *item)
{
    struct tree tree;
    if (where == AT_RANK)
        list_tree(edit->space, edit->root, &tree);
    else
        list_tree_of_ends(edit->space, edit->root, &tree);
    size_t bytes = item_bytes_of(item);
    uint8_t *at = where == AT_HEAD   ? room_at_head(&tree, bytes)
                  : where == AT_TAIL ? room_at_tail(&tree, bytes)
                                     : room_before(&tree, rank, bytes);
    if (at == NULL) {
        packed_item_empty(edit->space, edit->root, item);
        return ERR_MEMORY;
    }
    item_write(at, item);
    count_item(edit->space, edit->root, at);
    edit_changed(edit);
    return ERR_NONE;
}

static enum err put_big(struct value_edit *edit, unsigned where, uint64_t rank,
                        struct bytes content)
{
    struct packed_item item;
    enum err err = packed_prepare(edit->space, edit->root, content, &item);
    return err == ERR_NONE ? put_item(edit, where, rank, &item) : err;
}

static enum err put(struct value_edit *edit, unsigned where, uint64_t rank, struct bytes content)
{
    struct packed_item item;
    if (small_item(edit, content, &item) && fits_small(edit, 0, item_bytes_of(&item))) {
        size_t offset = where == AT_HEAD   ? LIST_SMALL_HEADER
                        : where == AT_TAIL ? small_offset(edit, UINT64_MAX)
                                           : small_offset(edit, rank);
        return change_small(edit, offset, 0, 0, &item);
    }
    if (edit->root == NULL) {
        enum err err = list_become_big(edit);
        if (err != ERR_NONE)
            return err;
    }
    return put_big(edit, where, rank, content);
}

enum err list_push(struct value_edit *edit, enum list_end end, struct bytes content)
{
    return put(edit, end == LIST_HEAD ? AT_HEAD : AT_TAIL, 0, content);
}

enum err list_insert(struct value_edit *edit, uint64_t rank, struct bytes content)
{
    struct list list;
    list_of_edit(edit, &list);
    return rank == list.count ? put(edit, AT_TAIL, 0, content) : put(edit, AT_RANK, rank, content);
}

/* --- items go --------------------------------------------------------------------------------- */

/* Runs of their own are given back. */
static void empty_items(const struct tree *tree, const uint8_t *begin, const uint8_t *end)
{
    if (LIKELY(tree->root->outside == 0))
        return;
    for (const uint8_t *at = begin; at < end; at = item_next(at))
        packed_empty(tree->space, tree->root, at);
}

static void uncount_items(const struct tree *tree, uint64_t count, const uint8_t *begin,
                          const uint8_t *end)
{
    enum { FEW = 16 };
    struct list_more *more = list_more(tree->root);
    tree->root->count -= count;
    more->item_bytes -= (size_t)(end - begin);
    if (LIKELY(more->listpack_bytes == 0))
        return;
    for (const uint8_t *at = begin; at < end && count <= FEW; at = item_next(at))
        more->listpack_bytes -= list_entry_bytes(tree->space, at);
    if (count > FEW)
        more->listpack_bytes = 0;
}

/* Items at the front leave a gap behind. */
static void cut_leaf(const struct tree *tree, struct node *leaf, const uint8_t *begin,
                     const uint8_t *end, uint64_t count)
{
    size_t bytes = (size_t)(end - begin);
    if (begin == list_leaf_begin(leaf)) {
        past_node_changes(tree->space, tree->root, tree->set, leaf);
        list_set_gap(leaf, list_gap(leaf) + bytes);
        tree_add(tree, leaf, -(int64_t)count);
    } else {
        leaf = tree_splice(tree, leaf, (size_t)(begin - leaf->at), bytes, 0, -(int64_t)count);
        ENSURE(leaf != NULL); /* it does not grow */
    }
    list_close_wide_gap(tree, leaf);
}

/* Removes up to `count` items from `rank` on, in one leaf; how many. */
static uint64_t remove_in_leaf(const struct tree *tree, uint64_t rank, uint64_t count)
{
    uint64_t within = 0;
    struct node *leaf = tree_at(tree, rank, &within);
    uint64_t there = tree_leaf_count(tree, leaf);
    if (count > there - within)
        count = there - within;
    const uint8_t *begin = list_leaf_begin(leaf), *end = list_leaf_end(leaf);
    if (within + count == there && within > 0) {
        begin = item_backward(end, count);
    } else if (count < there) {
        begin = item_forward(begin, within);
        end = item_forward(begin, count);
    }
    uncount_items(tree, count, begin, end);
    empty_items(tree, begin, end);
    if (count < there) {
        cut_leaf(tree, leaf, begin, end, count);
        return count;
    }
    list_leaves_change(tree->root);
    tree_remove(tree, leaf);
    return count;
}

/* What was removed in the middle may leave two rather empty leaves side by side. */
static void tidy_at(const struct tree *tree, uint64_t rank)
{
    uint64_t within = 0;
    if (rank > 0 && rank < tree->root->count)
        list_tidy_leaf(tree, tree_at(tree, rank, &within));
}

static void remove_big(struct value_edit *edit, uint64_t rank, uint64_t count)
{
    struct tree tree;
    list_tree(edit->space, edit->root, &tree);
    while (count > 0)
        count -= remove_in_leaf(&tree, rank, count);
    tidy_at(&tree, rank);
    edit_changed(edit);
}

enum err list_remove(struct value_edit *edit, uint64_t rank, uint64_t count)
{
    if (count == 0)
        return ERR_NONE;
    if (edit->root != NULL) {
        remove_big(edit, rank, count);
        return ERR_NONE;
    }
    size_t begin = small_offset(edit, rank), end = small_offset(edit, rank + count);
    return change_small(edit, begin, end - begin, count, NULL);
}

/* --- replacing -------------------------------------------------------------------------------- */

/* pre: the leaf has room. The old item's run goes when nothing can fail any more. */
static enum err replace_in_leaf(struct value_edit *edit, const struct tree *tree, struct node *leaf,
                                const uint8_t *at, const struct packed_item *item)
{
    uint8_t old[PACKED_HEAD_MAX] = { 0 };
    size_t offset = (size_t)(at - leaf->at), before = item_bytes(at), bytes = item_bytes_of(item);
    memcpy(old, at, packed_run(at) != 0 ? PACKED_HEAD_MAX : 1);
    leaf = tree_splice(tree, leaf, offset, before, bytes, 0);
    if (leaf == NULL)
        return ERR_MEMORY;
    item_write(leaf->at + offset, item);
    if (packed_run(old) != 0)
        packed_empty(edit->space, edit->root, old);
    struct list_more *more = list_more(edit->root);
    more->item_bytes = more->item_bytes - before + bytes;
    more->listpack_bytes = 0;
    edit_changed(edit);
    return ERR_NONE;
}

static enum err set_big(struct value_edit *edit, uint64_t rank, struct bytes content)
{
    struct list list;
    struct list_cursor cursor;
    struct packed_item item;
    enum err err = packed_prepare(edit->space, edit->root, content, &item);
    if (err != ERR_NONE)
        return err;
    list_of_edit(edit, &list);
    list_seek(&list, rank, &cursor);
    size_t used = cursor.leaf->used - item_bytes(cursor.at) + item_bytes_of(&item);
    bool alone = cursor.begin == cursor.at && cursor.end == item_next(cursor.at);
    if (used > LIST_LEAF_MAX && !alone) {
        err = put_item(edit, AT_RANK, rank, &item);
        if (err == ERR_NONE)
            remove_big(edit, rank + 1, 1);
        return err;
    }
    struct node *leaf = tree_node(&cursor.tree, node_number(cursor.leaf));
    err = replace_in_leaf(edit, &cursor.tree, leaf, cursor.at, &item);
    if (err != ERR_NONE)
        packed_item_empty(edit->space, edit->root, &item);
    return err;
}

enum err list_set(struct value_edit *edit, uint64_t rank, struct bytes content)
{
    struct packed_item item;
    if (small_item(edit, content, &item)) {
        size_t offset = small_offset(edit, rank);
        size_t before = item_bytes(edit->value.body.at + offset);
        if (fits_small(edit, before, item_bytes_of(&item)))
            return change_small(edit, offset, before, 1, &item);
    }
    if (edit->root == NULL) {
        enum err err = list_become_big(edit);
        if (err != ERR_NONE)
            return err;
    }
    return set_big(edit, rank, content);
}
