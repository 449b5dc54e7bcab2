/* Reading lists in both forms, and from the small one to the big. */
#include "types/big.h"
#include "types/list.h"

/* --- the tree --------------------------------------------------------------------------------- */

static const struct tree_ops no_keys = { .compare = NULL };

void list_tree_of_ends(struct space *space, struct root *root, struct tree *tree)
{
    *tree = (struct tree){
        .space = space, .root = root, .state = &list_more(root)->tree, .ops = &no_keys
    };
}

/* Counting each push at once would walk up the tree each time. */
void list_settle(const struct tree *tree)
{
    struct list_more *more = list_more(tree->root);
    if (more->first_more > 0)
        tree_add(tree, tree_node(tree, more->first - 1), more->first_more);
    if (more->last_more > 0)
        tree_add(tree, tree_node(tree, more->last - 1), more->last_more);
    more->first_more = more->last_more = 0;
}

void list_tree(struct space *space, struct root *root, struct tree *tree)
{
    list_tree_of_ends(space, root, tree);
    list_settle(tree);
}

struct node *list_close_gap(const struct tree *tree, struct node *leaf)
{
    size_t gap = list_gap(leaf);
    if (gap == 0)
        return leaf;
    leaf = tree_splice(tree, leaf, LIST_LEAF_HEADER, gap, 0, 0);
    ENSURE(leaf != NULL); /* it does not grow */
    list_set_gap(leaf, 0);
    return leaf;
}

struct node *list_close_wide_gap(const struct tree *tree, struct node *leaf)
{
    enum { GAP_MAX = 64 };
    return list_gap(leaf) > leaf->used / 3 + GAP_MAX ? list_close_gap(tree, leaf) : leaf;
}

struct node *list_tidy_leaf(const struct tree *tree, struct node *leaf)
{
    struct node *before = tree_previous(tree, leaf);
    size_t skip = LIST_LEAF_HEADER + list_gap(leaf);
    if (before == NULL || before->used + (leaf->used - skip) > LIST_LEAF_MAX / 4 * 3)
        return leaf;
    list_leaves_change(tree->root);
    struct node *joined = tree_join(tree, before, skip);
    return joined != NULL ? joined : leaf;
}

/* --- opening ---------------------------------------------------------------------------------- */

static uint64_t small_count(struct bytes body)
{
    return body.count == 0 ? 0 : body.at[0] | (uint64_t)body.at[1] << 8;
}

void list_open(struct space *space, const struct value *value, struct list *list)
{
    bool big = value->encoding == LIST_BIG;
    *list = (struct list){ .space = space,
                           .root = big ? big_root(space, value) : NULL,
                           .body = value->body };
    list->count = big ? list->root->count : small_count(value->body);
}

/* --- places ----------------------------------------------------------------------------------- */

/* Item `within` of `count` in the run, from the nearer end. */
static const uint8_t *find_in_run(const struct list_cursor *cursor, uint64_t within, uint64_t count)
{
    if (within <= count / 2)
        return item_forward(cursor->begin, within);
    return item_backward(cursor->end, count - within);
}

static void enter_leaf(struct list_cursor *cursor, const struct node *leaf)
{
    cursor->leaf = leaf;
    cursor->begin = list_leaf_begin(leaf);
    cursor->end = list_leaf_end(leaf);
}

void list_seek(const struct list *list, uint64_t rank, struct list_cursor *cursor)
{
    DCHECK(rank < list->count);
    if (list->root == NULL) {
        cursor->leaf = NULL;
        cursor->begin = list->body.at + LIST_SMALL_HEADER;
        cursor->end = list->body.at + list->body.count;
        cursor->at = find_in_run(cursor, rank, list->count);
        return;
    }
    uint64_t within = 0;
    list_tree(list->space, list->root, &cursor->tree);
    enter_leaf(cursor, tree_at(&cursor->tree, rank, &within));
    cursor->at = find_in_run(cursor, within, tree_leaf_count(&cursor->tree, cursor->leaf));
}

bool list_forward_slow(struct list_cursor *cursor)
{
    if (cursor->leaf == NULL)
        return false;
    const struct node *next = tree_next(&cursor->tree, cursor->leaf);
    if (next == NULL)
        return false;
    enter_leaf(cursor, next);
    cursor->at = cursor->begin;
    return true;
}

bool list_backward_slow(struct list_cursor *cursor)
{
    if (cursor->leaf == NULL)
        return false;
    const struct node *before = tree_previous(&cursor->tree, cursor->leaf);
    if (before == NULL)
        return false;
    enter_leaf(cursor, before);
    cursor->at = item_before(cursor->end);
    return true;
}

/* --- from small to big ------------------------------------------------------------------------ */

static bool fill_first_leaf(struct space *space, struct root *root, const struct list *small)
{
    struct bytes items =
        bytes_of(small->body.at + LIST_SMALL_HEADER, small->body.count - LIST_SMALL_HEADER);
    struct tree tree;
    list_tree(space, root, &tree);
    struct node *leaf =
        tree_insert(&tree, NULL, LIST_LEAF_HEADER + items.count, (struct tree_key){ 0, 0 });
    if (leaf == NULL)
        return false;
    list_set_gap(leaf, 0);
    memcpy(leaf->at + LIST_LEAF_HEADER, items.at, items.count);
    tree_add(&tree, leaf, (int64_t)small->count);
    root->count = small->count;
    list_more(root)->item_bytes = items.count;
    return true;
}

enum err list_become_big(struct value_edit *edit)
{
    struct list small;
    list_of_edit(edit, &small);
    struct root *root = root_new(edit->space, VALUE_LIST, 1, sizeof(struct list_more));
    if (root == NULL)
        return ERR_MEMORY;
    if (edit->value.encoding == LIST_QUICKLIST)
        root->flags = LIST_IS_QUICKLIST;
    if (small.count > 0 && !fill_first_leaf(edit->space, root, &small)) {
        root_drop(edit->space, root);
        return ERR_MEMORY;
    }
    edit_become_big(edit, root, LIST_BIG);
    return ERR_NONE;
}
