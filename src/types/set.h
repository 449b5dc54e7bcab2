/* types/set.h - sets: integers in order, packed members, or a table.
 * Model:    what OBJECT ENCODING says (the name) goes by Redis 7.2's rules and limits; the physical
 *           form is this:
 *             SET_INTEGERS  width 1 | integers of that width (2, 4 or 8), ascending     "intset"
 *             SET_PACKED    packed members in the order they came                       "listpack"
 *             SET_FLAT      the same                                                    "hashtable"
 *             SET_BIG       an id; its root has a table; root->flags is the name        any
 *           A member on its way in or looked for is a packed_item made by packed_sought; one that
 *           comes out is a packed element (struct/packed.h).
 * Owner:    the entry or the edit.
 * Pointers: an element is good until the set's next change; one of SET_INTEGERS until visit or the
 *           caller of set_random (its room) is done with it.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY: the member is not added; the set holds what it held, in whatever form.
 * Cost:     O(log n) of integers, a scan of at most 8 KiB, or one bucket. */
#ifndef TYPES_SET_H
#define TYPES_SET_H

#include "struct/packed.h"
#include "types/edit.h"

enum set_encoding { SET_INTEGERS = 0, SET_PACKED = 1, SET_FLAT = 2, SET_BIG = 3 };
/* The same numbers as the encodings that have this name. */
enum set_name { SET_INTSET = 0, SET_LISTPACK = 1, SET_HASHTABLE = 2 };

/* Members that SET_FLAT may have: more are found faster in a table. */
enum { SET_FLAT_MAX = 64 };

enum set_name set_name(const struct space *space, const struct value *value);
uint64_t set_count(const struct space *space, const struct value *value);
bool set_has(const struct space *space, const struct value *value, const struct packed_item *item);
/* To look for an element of one set in another; the item views the element. */
void set_item(const struct space *space, const uint8_t *element, struct packed_item *item);

/* Every member; visit says false to end it. Integers come in ascending order. */
void set_each(const struct space *space, const struct value *value,
              bool (*visit)(void *context, const uint8_t *element), void *context);
/* SSCAN's walk: a small set as a whole, else as table_scan. */
uint64_t set_scan(const struct space *space, const struct value *value, uint64_t cursor,
                  void (*visit)(void *context, const uint8_t *element), void *context);

/* A member at random, each with the same chance (a big set's: about). pre: not empty. */
const uint8_t *set_random(const struct space *space, const struct value *value,
                          struct packed_item *room);
/* `count` different members at random. ERR_MEMORY before the first visit. pre: count < members. */
MUST_CHECK enum err set_sample(const struct space *space, const struct value *value, uint64_t count,
                               struct arena *arena,
                               bool (*visit)(void *context, const uint8_t *element), void *context);

/* --- changes ---------------------------------------------------------------------------------- */

static inline void set_open(struct value_edit *edit, struct space *space, struct arena *arena,
                            const struct value *value)
{
    edit_open(edit, space, arena, value, value->encoding == SET_BIG);
}
/* An empty set of this name, to be filled. */
void set_new(struct value_edit *edit, struct space *space, struct arena *arena, enum set_name name);
/* The name of a new set whose first member is `first`, when `count` members are about to come. */
enum set_name set_new_name(const struct space *space, const struct packed_item *first,
                           uint64_t count);
/* So many members are about to be added: the name may change at once. */
MUST_CHECK enum err set_expect(struct value_edit *edit, uint64_t count);

MUST_CHECK enum err set_add(struct value_edit *edit, const struct packed_item *item, bool *added);
/* The same where the caller knows that it is not there. */
MUST_CHECK enum err set_append(struct value_edit *edit, const struct packed_item *item);
MUST_CHECK enum err set_remove(struct value_edit *edit, const struct packed_item *item,
                               bool *removed);
/* A set of few integers only becomes an intset: what SINTERSTORE does at its end. */
MUST_CHECK enum err set_to_integers(struct value_edit *edit);
/* Members were taken away, and Redis would have made the rest a new set: a hashtable may be called
 * listpack again. pre: a small set has been changed. */
void set_name_anew(struct value_edit *edit);
/* Adds under a name that stays, whatever the limits say: for images. */
MUST_CHECK enum err set_put(struct value_edit *edit, const struct packed_item *item, bool *added);

extern const struct type_ops set_ops;

#endif
