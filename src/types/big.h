/* types/big.h - what all big values share: a body that is an id, and blocks reached from the root.
 * Model:    body = 32-bit id; id -> root -> nodes (struct/nodes.h). A type says how to walk the
 *           strings in a node, for the few that have a run of their own.
 * Owner:    the body owns the root and all behind it.
 * Pointers: as struct/nodes.h.
 * Threads:  the heap's.
 * Failure:  none.
 * Cost:     nodes are walked only where the root counts strings outside. */
#ifndef TYPES_BIG_H
#define TYPES_BIG_H

#include "struct/nodes.h"
#include "struct/packed.h"
#include "types/value.h"

struct big_ops {
    /* Calls visit for each packed string in a node of a set; sets without strings: nothing. */
    void (*walk)(const struct space *space, unsigned set, const struct node *node,
                 void (*visit)(void *context, const uint8_t *element), void *context);
};

static inline uint32_t big_id(const struct value *value)
{
    uint32_t id;
    memcpy(&id, value->body.at, sizeof id);
    return id;
}
static inline struct root *big_root(const struct space *space, const struct value *value)
{
    return root_of(space, big_id(value));
}

/* For a type's row: */
void big_each_ref(const struct space *space, const struct value *value, const struct big_ops *ops,
                  void (*visit)(void *context, uint64_t ref), void *context);
bool big_free_step(struct space *space, const struct value *value, const struct big_ops *ops,
                   uint64_t *cursor);
static inline bool big_has_plain_nodes(const struct space *space, const struct value *value)
{
    (void)space;
    (void)value;
    return true;
}
static inline uint64_t big_bytes(const struct space *space, const struct value *value)
{
    return root_held(space, big_root(space, value));
}
/* The prefetch of a big value whose set `set` is a table; its last stage asks for the bucket. */
enum { BIG_PREFETCH_STAGES = 4 };
bool big_prefetch(const struct space *space, const struct value *value, unsigned set, uint64_t hash,
                  unsigned stage);
/* The body's form, the root's type, and all blocks. */
bool big_valid(const struct space *space, const struct value *value);

/* A value of its own with the same content: block by block, so that nothing is rebuilt and no image
 * of the whole is needed. `body` gets the id appended. Not for types that keep references of their
 * own in root or nodes. */
MUST_CHECK enum err big_copy(struct space *space, const struct value *value,
                             const struct big_ops *ops, struct value *copy, struct buffer *body);

/* Gives a half-built root back with all that it has. */
void big_drop(struct space *space, struct root *root, const struct big_ops *ops);

#endif
