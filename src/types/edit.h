/* types/edit.h - a value being changed by a command.
 * Model:    a small value is its whole body, in the key's entry: it is copied at the first change
 *           (edit_splice), with room to grow, and written back once, when the command is done
 *           (call_commit in cmd/). A big value's body is the id of its root and is changed in
 *           place, node by node. edit_become_big turns the one into the other.
 *
 *              entry --view--> edit --splice--> copy in the arena --commit--> entry
 *                                `--become_big--> root, nodes      --commit--> entry: the id
 *
 * Owner:    the edit owns what it has made until it is committed; edit_abandon gives that back.
 * Pointers: a body's address holds until the next edit_splice.
 * Threads:  the executing thread.
 * Failure:  NULL or ERR_MEMORY: the edit is as before.
 * Cost:     one copy of at most VALUE_SMALL_MAX bytes, and one back. */
#ifndef TYPES_EDIT_H
#define TYPES_EDIT_H

#include "base/arena.h"
#include "types/value.h"

/* What the body of a small collection may have at most; its physical form, not the name that OBJECT
 * ENCODING tells. */
enum { VALUE_SMALL_MAX = 8 * 1024, BIG_BODY_BYTES = 4 };

struct value_edit {
    struct space *space;
    struct arena *arena;
    struct value value; /* as it is now */
    uint8_t *own;       /* the body's copy; NULL: still the entry's bytes */
    size_t capacity;    /* of `own` */
    struct root *root;  /* of a big value; else NULL. Its address holds within the command */
    bool existed;       /* there was such a key */
    bool became_big;    /* in this edit */
    bool changed;       /* anything, so that commit writes and tells */
    uint8_t id[BIG_BODY_BYTES];
};

/* An existing value; `big`: its body is an id. */
void edit_open(struct value_edit *edit, struct space *space, struct arena *arena,
               const struct value *value, bool big);
/* A value that is not there yet: an empty body of this type and encoding. */
void edit_new(struct value_edit *edit, struct space *space, struct arena *arena, unsigned type,
              unsigned encoding);

/* Takes `remove` bytes out of a small value's body at `offset`, makes a gap of `insert` bytes, to
 * be written, and returns where it is. Marks the value as changed. NULL: no memory. */
MUST_CHECK uint8_t *edit_splice(struct value_edit *edit, size_t offset, size_t remove,
                                size_t insert);
/* A small value's writable body; NULL: no memory. */
MUST_CHECK uint8_t *edit_body(struct value_edit *edit);
/* A whole new small body, which is copied. */
MUST_CHECK enum err edit_replace(struct value_edit *edit, unsigned encoding, struct bytes body);

/* The value is what `root` holds now: the caller has built it from the small body, which it could
 * read until here (the elements were copied). */
void edit_become_big(struct value_edit *edit, struct root *root, unsigned encoding);
static inline void edit_changed(struct value_edit *edit)
{
    edit->changed = true;
}
/* Gives a root back that was made in this edit. What was changed in place in a big value stays. */
void edit_abandon(struct value_edit *edit);

#endif
