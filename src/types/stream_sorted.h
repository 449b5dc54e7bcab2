/* types/stream_sorted.h - short records of one size, in order, in the leaves of a tree.
 * Model:    pending entries by id, and groups and consumers by name: a record begins with what it
 *           is found by (an id), or leads to it (the number of a value that has a name).
 * Owner:    the root whose set of nodes it is.
 * Pointers: a record's address dies with the next change of the records.
 * Threads:  the heap's.
 * Failure:  NULL: no memory, nothing has changed.
 * Cost:     O(log n); full leaves where records come in order. */
#ifndef TYPES_STREAM_SORTED_H
#define TYPES_STREAM_SORTED_H

#include "struct/tree.h"

struct sorted;
struct sorted_order {
    /* The key of what is sought, and of a record: the same where they are equal. */
    struct tree_key (*key)(const void *sought);
    struct tree_key (*key_of)(const struct space *space, const uint8_t *record);
    /* What is sought compared with a record. */
    int (*compare)(const struct space *space, const void *sought, const uint8_t *record);
};

struct sorted {
    struct tree tree;
    const struct sorted_order *order;
    uint32_t bytes; /* of a record */
};

/* pre: `sorted` stays where it is while it is used. */
void sorted_open(struct sorted *sorted, struct space *space, struct root *root, unsigned set,
                 struct tree_state *state, const struct sorted_order *order, uint32_t bytes);

static inline uint64_t sorted_count(const struct sorted *sorted)
{
    return sorted->tree.state->count;
}
/* NULL: there is none. */
uint8_t *sorted_find(const struct sorted *sorted, const void *sought);
/* The record that was found is about to be written over. */
void sorted_touch(const struct sorted *sorted, const void *sought);
/* The first record that is not before `sought`; with `beyond`, the first behind it. */
enum sorted_from { SORTED_AT, SORTED_BEYOND };
uint8_t *sorted_seek(const struct sorted *sorted, const void *sought, enum sorted_from from);
uint8_t *sorted_first(const struct sorted *sorted);
uint8_t *sorted_last(const struct sorted *sorted);

/* A place for a new record, all to be written: at once, before anything else is asked. `key` and
 * order are those of `sought`. pre: there is none like it. */
MUST_CHECK uint8_t *sorted_insert(const struct sorted *sorted, const void *sought);
/* pre: there is one. */
void sorted_remove(const struct sorted *sorted, const void *sought);

/* The tree, and the order of all records. */
bool sorted_valid(const struct sorted *sorted);

#endif
