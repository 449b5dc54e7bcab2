/* types/list.h - lists: items in order, cheap at both ends.
 * Model:    small: a count and a run of items (types/list_items.h) in the key's entry. Big: a
 *           counted tree (struct/tree.h) whose leaves are runs, with a gap in front, so that what
 *           comes and goes at the head moves nothing:
 *
 *             small  [ count 2 | item item ... ]
 *             big    root -> tree -> leaf [ gap's bytes 2 | gap | item item ... ]
 *
 *           The name that OBJECT ENCODING tells goes by list-max-listpack-size alone
 *           (types/list_name.c), whatever the form.
 * Owner:    as types/value.h; changes go through struct value_edit.
 * Pointers: items and cursors die with the next change of the list.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY: the list is as before.
 * Cost:     O(log n) for an index; a change copies at most a small value or a leaf, of 8 KiB. */
#ifndef TYPES_LIST_H
#define TYPES_LIST_H

#include "struct/tree.h"
#include "types/edit.h"
#include "types/list_items.h"

/* Encodings of a value. A big one's name stands in its root's flags. */
enum { LIST_LISTPACK = 0, LIST_QUICKLIST = 1, LIST_BIG = 2 };

enum {
#ifdef SNUG_MOVE_ALL
    LIST_SMALL_MAX = 64,
    LIST_LEAF_MAX = 128, /* so that trees have many leaves */
#else
    LIST_SMALL_MAX = 2048, /* of a body; copying more for each push would be slow */
    /* Payload of a leaf that has more than one item: a size class of the heap, exactly. */
    LIST_LEAF_MAX = 8192 - NODE_HEADER,
#endif
    LIST_SMALL_HEADER = 2, /* the count */
    LIST_LEAF_HEADER = 2,  /* the gap's bytes */
    LIST_IS_QUICKLIST = 1, /* flag of a root */
};

enum list_end { LIST_HEAD, LIST_TAIL };

/* What a big list keeps in its root. */
struct list_more {
    struct tree_state tree;
    uint64_t item_bytes;     /* of all items, trailers included */
    uint64_t listpack_bytes; /* as Redis's listpack of all; 0: not known */
    uint32_t first, last;    /* leaves, their numbers + 1, for who pushes; 0: to be looked up */
    /* Items pushed to those leaves that the tree has not been told of yet. */
    uint32_t first_more, last_more;
};

/* A list to be read. */
struct list {
    struct space *space;
    struct root *root; /* NULL: small */
    struct bytes body; /* of a small one */
    uint64_t count;
};
void list_open(struct space *space, const struct value *value, struct list *list);
/* As it is in the edit now. */
static inline void list_of_edit(const struct value_edit *edit, struct list *list)
{
    list_open(edit->space, &edit->value, list);
}

/* A place in a list. */
struct list_cursor {
    struct tree tree;           /* of a big one */
    const struct node *leaf;    /* NULL: small */
    const uint8_t *at;          /* the item there, a packed element */
    const uint8_t *begin, *end; /* of the run that it stands in */
};
/* pre: rank < list->count. */
void list_seek(const struct list *list, uint64_t rank, struct list_cursor *cursor);
/* The next item, or the one before; false at the end of the list. */
MUST_CHECK bool list_forward_slow(struct list_cursor *cursor);
MUST_CHECK bool list_backward_slow(struct list_cursor *cursor);
MUST_CHECK static inline bool list_forward(struct list_cursor *cursor)
{
    cursor->at = item_next(cursor->at);
    return LIKELY(cursor->at < cursor->end) || list_forward_slow(cursor);
}
MUST_CHECK static inline bool list_backward(struct list_cursor *cursor)
{
    if (UNLIKELY(cursor->at == cursor->begin))
        return list_backward_slow(cursor);
    cursor->at = item_before(cursor->at);
    return true;
}

/* --- changes ----------------------------------------------------------------------------------
 * Of a list in an edit; edit_new's is empty. A list left without items is to be removed by the
 * caller (call_commit). */

MUST_CHECK enum err list_push(struct value_edit *edit, enum list_end end, struct bytes content);
/* Takes `count` items away from `rank` on. pre: they are there. */
MUST_CHECK enum err list_remove(struct value_edit *edit, uint64_t rank, uint64_t count);
/* Puts one in front of the item at `rank`, or at the end. pre: rank <= count. */
MUST_CHECK enum err list_insert(struct value_edit *edit, uint64_t rank, struct bytes content);
/* pre: rank < count. */
MUST_CHECK enum err list_set(struct value_edit *edit, uint64_t rank, struct bytes content);
/* Removes up to `most` items that equal `content`, from the end that is said. */
MUST_CHECK enum err list_remove_equal(struct value_edit *edit, struct bytes content, uint64_t most,
                                      enum list_end from, uint64_t *removed);

/* --- the name, see list_name.c ---------------------------------------------------------------- */

/* `count` strings of `bytes` in all are about to come: it may become a quicklist. */
void list_name_growing(struct value_edit *edit, uint64_t bytes, uint64_t count);
/* Items have gone: it may become a listpack. */
void list_name_shrunk(struct value_edit *edit);
/* What Redis would choose for a list that is new and as it is. */
void list_name_choose(struct value_edit *edit);
/* What an item takes in a listpack, for list_more's sum. */
uint64_t list_entry_bytes(const struct space *space, const uint8_t *at);
bool list_is_quicklist(const struct space *space, const struct value *value);

/* list_forms.c: for the files of this type. */
/* For who pushes at an end: nothing may be asked of the tree before list_settle. */
void list_tree_of_ends(struct space *space, struct root *root, struct tree *tree);
/* The tree is told of what was pushed. */
void list_settle(const struct tree *tree);
void list_tree(struct space *space, struct root *root, struct tree *tree);
static inline struct list_more *list_more(const struct root *root)
{
    return root_more(root);
}
/* Leaves are about to come or go, and others to get their numbers. */
static inline void list_leaves_change(const struct root *root)
{
    list_more(root)->first = list_more(root)->last = 0;
}
static inline size_t list_gap(const struct node *leaf)
{
    return leaf->at[0] | (size_t)leaf->at[1] << 8;
}
static inline void list_set_gap(struct node *leaf, size_t gap)
{
    leaf->at[0] = (uint8_t)gap;
    leaf->at[1] = (uint8_t)(gap >> 8);
}
static inline const uint8_t *list_leaf_begin(const struct node *leaf)
{
    return leaf->at + LIST_LEAF_HEADER + list_gap(leaf);
}
static inline const uint8_t *list_leaf_end(const struct node *leaf)
{
    return leaf->at + leaf->used;
}
/* A small list becomes a big one with one leaf. */
MUST_CHECK enum err list_become_big(struct value_edit *edit);
struct node *list_close_gap(const struct tree *tree, struct node *leaf);
/* When the gap is a third of the leaf. Who pushes at the head leaves less in a list of one leaf, so
 * that it is not closed and opened in turn. */
struct node *list_close_wide_gap(const struct tree *tree, struct node *leaf);
/* Joins the leaf with the one in front when both are rather empty. Returns where its items are. */
struct node *list_tidy_leaf(const struct tree *tree, struct node *leaf);

extern const struct type_ops list_ops;

#endif
