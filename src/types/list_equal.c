/* LREM: items that equal one are taken out run by run; what stays moves up within its run. */
#include "struct/past.h"
#include "types/list.h"

struct removal {
    struct space *space;
    struct root *root; /* NULL: a small list */
    struct packed_item sought;
    uint64_t left; /* may be removed still */
    enum list_end from;
};

/* What is to go from one run. */
struct in_run {
    uint64_t spared; /* of the equal ones, the first: when removing begins at the tail */
    uint64_t most;
    uint64_t removed;
};

static uint64_t equal_in(const struct removal *removal, const uint8_t *at, const uint8_t *end)
{
    uint64_t count = 0;
    for (; at < end; at = item_next(at))
        count += packed_is(removal->space, at, &removal->sought);
    return count;
}

static bool plan_run(const struct removal *removal, const uint8_t *begin, const uint8_t *end,
                     struct in_run *run)
{
    uint64_t equal = equal_in(removal, begin, end);
    *run = (struct in_run){ .most = equal < removal->left ? equal : removal->left };
    if (removal->from == LIST_TAIL)
        run->spared = equal - run->most;
    return run->most > 0;
}

static bool goes(const struct removal *removal, struct in_run *run, const uint8_t *at)
{
    if (run->removed == run->most || !packed_is(removal->space, at, &removal->sought))
        return false;
    if (run->spared > 0) {
        run->spared--;
        return false;
    }
    run->removed++;
    return true;
}

/* Returns the run's new end. */
static uint8_t *compact(struct removal *removal, struct in_run *run, uint8_t *begin,
                        const uint8_t *end)
{
    uint8_t *to = begin;
    const uint8_t *next = NULL;
    for (const uint8_t *at = begin; at < end; at = next) {
        next = item_next(at);
        if (goes(removal, run, at)) {
            packed_empty(removal->space, removal->root, at);
            continue;
        }
        if (to != at)
            memmove(to, at, (size_t)(next - at));
        to += next - at;
    }
    removal->left -= run->removed;
    return to;
}

/* --- small ------------------------------------------------------------------------------------ */

static enum err remove_small(struct value_edit *edit, struct removal *removal, uint64_t count)
{
    struct in_run run;
    struct bytes body = edit->value.body;
    if (!plan_run(removal, body.at + LIST_SMALL_HEADER, body.at + body.count, &run))
        return ERR_NONE;
    uint8_t *own = edit_body(edit);
    if (own == NULL)
        return ERR_MEMORY;
    uint8_t *end = compact(removal, &run, own + LIST_SMALL_HEADER, own + body.count);
    count -= run.removed;
    own[0] = (uint8_t)count;
    own[1] = (uint8_t)(count >> 8);
    size_t kept = (size_t)(end - own);
    return edit_splice(edit, kept, body.count - kept, 0) != NULL ? ERR_NONE : ERR_MEMORY;
}

/* --- big -------------------------------------------------------------------------------------- */

/* What is left of a leaf joins a neighbour that has been seen to already. */
static void tidy(const struct tree *tree, const struct removal *removal, struct node *leaf)
{
    struct node *behind = removal->from == LIST_HEAD ? leaf : tree_next(tree, leaf);
    if (behind != NULL)
        list_tidy_leaf(tree, behind);
}

static void remove_from_leaf(const struct tree *tree, struct removal *removal, struct node *leaf)
{
    struct in_run run;
    uint8_t *begin = leaf->at + LIST_LEAF_HEADER + list_gap(leaf);
    if (!plan_run(removal, begin, list_leaf_end(leaf), &run))
        return;
    past_node_changes(tree->space, tree->root, tree->set, leaf);
    uint8_t *end = compact(removal, &run, begin, list_leaf_end(leaf));
    size_t kept = (size_t)(end - leaf->at), gone = leaf->used - kept;
    struct list_more *more = list_more(tree->root);
    more->item_bytes -= gone;
    more->listpack_bytes = 0;
    tree->root->count -= run.removed;
    if (end == begin) {
        list_leaves_change(tree->root);
        tree_remove(tree, leaf);
        return;
    }
    leaf = tree_splice(tree, leaf, kept, gone, 0, -(int64_t)run.removed);
    ENSURE(leaf != NULL); /* it does not grow */
    leaf = list_close_wide_gap(tree, leaf);
    tidy(tree, removal, leaf);
}

/* The leaf beside is found before this one goes: its address holds when others change. */
static void remove_big(const struct tree *tree, struct removal *removal)
{
    bool forward = removal->from == LIST_HEAD;
    struct node *leaf = forward ? tree_first(tree) : tree_last(tree);
    while (leaf != NULL && removal->left > 0) {
        struct node *beside = forward ? tree_next(tree, leaf) : tree_previous(tree, leaf);
        remove_from_leaf(tree, removal, leaf);
        leaf = beside;
    }
}

enum err list_remove_equal(struct value_edit *edit, struct bytes content, uint64_t most,
                           enum list_end from, uint64_t *removed)
{
    struct removal removal = {
        .space = edit->space, .root = edit->root, .left = most, .from = from
    };
    struct list list;
    *removed = 0;
    list_of_edit(edit, &list);
    if (list.count == 0 || most == 0)
        return ERR_NONE;
    packed_sought(content, &removal.sought);
    if (edit->root == NULL) {
        enum err err = remove_small(edit, &removal, list.count);
        if (err != ERR_NONE)
            return err;
    } else {
        struct tree tree;
        list_tree(edit->space, edit->root, &tree);
        remove_big(&tree, &removal);
        if (removal.left != most)
            edit_changed(edit);
    }
    *removed = most - removal.left;
    return ERR_NONE;
}
