/* The interface of types for lists. */
#include "types/list.h"

#include "types/big.h"
#include "types/making.h"
#include "types/telling.h"

static const char *list_encoding_name(const struct space *space, const struct value *value)
{
    return list_is_quicklist(space, value) ? "quicklist" : "listpack";
}

/* --- images: the length of each item in four bytes, and its bytes ----------------------------- */

enum { LENGTH_BYTES = 4 };

static bool append_item(struct buffer *image, struct bytes text)
{
    uint32_t count = (uint32_t)text.count;
    return buffer_append(image, bytes_of(&count, sizeof count)) && buffer_append(image, text);
}

static enum err list_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct list list;
    struct list_cursor cursor;
    uint8_t digits[NUMBER_I64_MAX];
    list_open(space, value, &list);
    if (list.count == 0)
        return ERR_NONE;
    list_seek(&list, 0, &cursor);
    do {
        if (!append_item(image, packed_view(space, cursor.at, digits)))
            return ERR_MEMORY;
    } while (list_forward(&cursor));
    return ERR_NONE;
}

static enum err push_all(struct value_edit *edit, struct bytes image)
{
    size_t at = 0;
    while (at < image.count) {
        uint32_t count = 0;
        if (image.count - at < LENGTH_BYTES)
            return ERR_SYNTAX;
        memcpy(&count, image.at + at, LENGTH_BYTES);
        at += LENGTH_BYTES;
        if (image.count - at < count)
            return ERR_SYNTAX;
        enum err err = list_push(edit, LIST_TAIL, bytes_of(image.at + at, count));
        if (err != ERR_NONE)
            return err;
        at += count;
    }
    return ERR_NONE;
}

static enum err list_decode(struct space *space, struct bytes image, struct value *value,
                            struct buffer *body)
{
    struct value_edit edit;
    struct arena arena;
    if (image.count == 0)
        return ERR_SYNTAX; /* no key has an empty list */
    arena_init(&arena);
    edit_new(&edit, space, &arena, VALUE_LIST, LIST_LISTPACK);
    enum err err = push_all(&edit, image);
    if (err == ERR_NONE) {
        list_name_choose(&edit);
        err = buffer_append(body, edit.value.body) ? ERR_NONE : ERR_MEMORY;
    }
    if (err == ERR_NONE) {
        *value = edit.value;
        value->body =
            bytes_of(body->at + (body->count - edit.value.body.count), edit.value.body.count);
    } else {
        edit_abandon(&edit);
    }
    arena_release(&arena);
    return err;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void walk_node(const struct space *space, unsigned set, const struct node *node,
                      void (*visit)(void *context, const uint8_t *element), void *context)
{
    (void)space;
    (void)set;
    if (!tree_is_leaf(node))
        return;
    const uint8_t *end = list_leaf_end(node);
    for (const uint8_t *at = list_leaf_begin(node), *next; at < end; at = next) {
        next = item_next(at);
        visit(context, at);
    }
}

static const struct big_ops list_big_ops = { .walk = walk_node };

static enum err list_copy(struct space *space, const struct value *value, struct value *copy,
                          struct buffer *body)
{
    if (value->encoding == LIST_BIG)
        return big_copy(space, value, &list_big_ops, copy, body);
    if (!buffer_append(body, value->body))
        return ERR_MEMORY;
    *copy = *value;
    copy->body = bytes_of(body->at + (body->count - value->body.count), value->body.count);
    return ERR_NONE;
}

static void list_each_ref(struct space *space, const struct value *value,
                          void (*visit)(void *context, uint64_t ref), void *context)
{
    if (value->encoding == LIST_BIG)
        big_each_ref(space, value, &list_big_ops, visit, context);
}

static bool list_free_step(struct space *space, const struct value *value, uint64_t *cursor)
{
    return value->encoding != LIST_BIG || big_free_step(space, value, &list_big_ops, cursor);
}

static uint64_t list_bytes(const struct space *space, const struct value *value)
{
    return value->encoding == LIST_BIG ? big_bytes(space, value) : 0;
}

/* --- digest and validity ---------------------------------------------------------------------- */

static void list_digest(struct space *space, const struct value *value, struct digest *digest)
{
    struct list list;
    struct list_cursor cursor;
    uint8_t digits[NUMBER_I64_MAX];
    list_open(space, value, &list);
    if (list.count == 0)
        return;
    list_seek(&list, 0, &cursor);
    do {
        digest_mix(digest, packed_view(space, cursor.at, digits));
    } while (list_forward(&cursor));
}

/* How many items there are from `begin` to `end`, exactly, walked both ways; 0 when they do not
 * fit. */
static uint64_t check_run(const uint8_t *begin, const uint8_t *end, uint64_t *runs)
{
    uint64_t count = 0;
    const uint8_t *at = begin;
    while (at < end) {
        size_t left = (size_t)(end - at);
        bool outside = at[0] == PACKED_RUN && left >= PACKED_HEAD_MAX;
        if (!outside && !packed_check(at, left, false))
            return 0;
        if (item_bytes(at) > left || item_before(item_next(at)) != at)
            return 0;
        *runs += outside;
        at = item_next(at);
        count++;
    }
    return count;
}

static bool small_valid(const struct list *list)
{
    uint64_t runs = 0;
    const uint8_t *begin = list->body.at + LIST_SMALL_HEADER;
    if (list->body.count <= LIST_SMALL_HEADER || list->body.count > LIST_SMALL_MAX)
        return false;
    return check_run(begin, list->body.at + list->body.count, &runs) == list->count && runs == 0;
}

struct leaf_sums {
    uint64_t count, bytes, runs;
};

static bool leaf_valid(const struct tree *tree, const struct node *leaf, struct leaf_sums *sums)
{
    if (leaf->used < LIST_LEAF_HEADER || LIST_LEAF_HEADER + list_gap(leaf) >= leaf->used)
        return false;
    const uint8_t *begin = list_leaf_begin(leaf), *end = list_leaf_end(leaf);
    uint64_t count = check_run(begin, end, &sums->runs);
    sums->count += count;
    sums->bytes += (uint64_t)(end - begin);
    return count == tree_leaf_count(tree, leaf) && (leaf->used <= LIST_LEAF_MAX || count == 1);
}

static bool ends_valid(const struct tree *tree)
{
    const struct list_more *more = list_more(tree->root);
    return (more->first == 0 || tree_node(tree, more->first - 1) == tree_first(tree)) &&
           (more->last == 0 || tree_node(tree, more->last - 1) == tree_last(tree));
}

static bool tree_of_leaves_valid(const struct list *list)
{
    struct tree tree;
    struct leaf_sums sums = { 0 };
    list_tree(list->space, list->root, &tree);
    if (!tree_valid(&tree) || !ends_valid(&tree))
        return false;
    for (const struct node *leaf = tree_first(&tree); leaf != NULL; leaf = tree_next(&tree, leaf))
        if (!leaf_valid(&tree, leaf, &sums))
            return false;
    return sums.count == list->count && sums.runs == list->root->outside &&
           sums.bytes == list_more(list->root)->item_bytes;
}

static bool list_valid(const struct space *space, const struct value *value)
{
    struct list list;
    if (value->type != VALUE_LIST || value->encoding > LIST_BIG)
        return false;
    if (value->encoding == LIST_BIG && !big_valid(space, value))
        return false;
    list_open((struct space *)(uintptr_t)space, value, &list);
    return value->encoding == LIST_BIG ? tree_of_leaves_valid(&list) : small_valid(&list);
}

const struct type_ops list_ops = {
    .name = "list",
    .encoding_name = list_encoding_name,
    .encode = list_encode,
    .decode = list_decode,
    .copy = list_copy,
    .each_ref = list_each_ref,
    .free_step = list_free_step,
    .has_plain_nodes = big_has_plain_nodes,
    .bytes = list_bytes,
    .digest = list_digest,
    .valid = list_valid,
    .summarise = list_summarise,
    .tell = list_tell,
    .make_begin = list_make_begin,
    .make_part = list_make_part,
    .make_end = list_make_end,
    .root_id = list_root_id,
};
