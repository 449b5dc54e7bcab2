/* struct/past.h - big values as they were when a snapshot began, while they change.
 * Model:    every root has an epoch. While a past is open (space->past), a root of another epoch
 *           has not been read yet: before a block of it is first changed, renumbered or given back,
 *           a copy is put aside under its id and number, and one of the root likewise. Runs of long
 *           strings never change in place: one that is given back is kept instead. Who reads asks
 *           for a node as it was, and gets what was put aside, or what stands there now. New roots
 *           have the open epoch: they are none of the snapshot's business.
 *
 *             id, number -> copy of the node        while the root's epoch is an older one
 *                     else: the node as it is now
 *
 * Owner:    the past owns copies and kept runs, until past_done of their value, or past_close; then
 *           they wait for past_free_step.
 * Pointers: what reading gives holds until the next safe point or change of the value.
 * Threads:  the heap's.
 * Failure:  no memory for a copy: the past is spoiled (past_is_spoiled), the change goes on; who
 *           reads must give up. Nothing else is harmed.
 * Cost:     closed: one load at each change. Open: one copy of each block that changes before its
 *           value is read, and a lookup by number for each node that is read of a changed value. */
#ifndef STRUCT_PAST_H
#define STRUCT_PAST_H

#include "struct/nodes.h"

struct past;

/* Everything there is counts as unread from here on. One past at a time; NULL: no memory.
 * `memory_limit`: when copies and kept runs take more, the past is spoiled; those of one value, the
 * first that would pass it, are not counted. */
MUST_CHECK struct past *past_open(struct space *space, uint64_t memory_limit);
/* Gives back whatever is kept. Roots that were not read stay unread only for this past. */
void past_close(struct space *space);
/* Gives back some of what is not needed any more; true: nothing is left. To be called until then,
 * with a past open or not, at safe points. */
MUST_CHECK bool past_free_step(struct space *space);
bool past_is_spoiled(const struct past *past);
/* Nobody will read on: nothing more is put aside, and no value is wanted. */
void past_spoil(struct past *past);
/* Bytes of copies and kept runs. */
uint64_t past_bytes(const struct past *past);
/* What of these is not counted against the limit. */
uint64_t past_large_bytes(const struct past *past);

/* --- for whoever changes a big value -------------------------------------------------------- */

void past_keep_root(struct space *space, struct root *root);
void past_keep_node(struct space *space, struct root *root, unsigned set, const struct node *node);
/* The root is given back, and its id with it. */
void past_keep_dropped(struct space *space, const struct root *root);
/* A slot that is empty is about to be filled. */
void past_keep_empty(struct space *space, struct root *root, unsigned set, uint32_t number);
/* True: the run is kept, the caller must not give it back. */
MUST_CHECK bool past_keep_run(struct space *space, const struct root *root, uint64_t ref);

/* Before the first change of anything in the root: where a value is opened to be changed. */
static inline void past_root_changes(struct space *space, struct root *root)
{
    if (UNLIKELY(space->past != NULL))
        past_keep_root(space, root);
}
/* Before a node's payload, head or link changes, before it is dropped or renumbered. */
static inline void past_node_changes(struct space *space, struct root *root, unsigned set,
                                     const struct node *node)
{
    if (UNLIKELY(space->past != NULL))
        past_keep_node(space, root, set, node);
}
static inline void past_slot_fills(struct space *space, struct root *root, unsigned set,
                                   uint32_t number)
{
    if (UNLIKELY(space->past != NULL))
        past_keep_empty(space, root, set, number);
}

/* --- for whoever reads ---------------------------------------------------------------------- */

/* Whether the value is still to be read: then its blocks must not be given back in whole (a value
 * whose key is gone waits, store/databases.c). False when no past is open. */
bool past_wants(const struct space *space, uint32_t id);
/* The root as it was. `id` comes from an entry, or from a node, as it was. */
const struct root *past_root(const struct space *space, uint32_t id);
/* A node as it was; NULL when its slot was empty. `root` is past_root's. pre: number < count. */
const struct node *past_node(const struct space *space, const struct root *root, unsigned set,
                             uint32_t number);
/* Kept runs, for who verifies the heap. */
void past_each_run(const struct space *space, void (*visit)(void *context, uint64_t ref),
                   void *context);
/* The value has been read: its copies and runs go, and it may change freely. */
void past_done(struct space *space, uint32_t id);

/* From past_hide to past_show values are read as they are now, and that they were is not noted: for
 * who wants a value within one command, whatever snapshot is under way. Nothing may change between
 * the two, and there is no safe point. */
MUST_CHECK static inline struct past *past_hide(struct space *space)
{
    struct past *past = space->past;
    space->past = NULL;
    return past;
}
static inline void past_show(struct space *space, struct past *past)
{
    space->past = past;
}

#endif
