/* types/telling.h - a value that is being told part by part, for the types' own files.
 * Model:    struct type_ops has `tell`, which is called again and again: each call tells some parts
 *           through tell_part and moves the telling on; true after the last. A big value is read
 *           through struct/past.h alone, by numbers, so that it may change between two calls.
 * Owner:    types/teller.c.
 * Pointers: none into the value, but the body of a small one.
 * Threads:  the executing thread.
 * Failure:  `spoiled`: no memory; whoever tells gives up at once, as if that were the end.
 * Cost:     a call tells a node's parts, or 64 KiB. */
#ifndef TYPES_TELLING_H
#define TYPES_TELLING_H

#include "struct/past_tree.h"
#include "types/parts.h"

struct value_telling {
    struct space *space;
    struct value value;
    uint8_t own_body[16]; /* of a big value */
    void (*visit)(void *context, const struct part *part);
    void *context;

    unsigned stage;               /* all zero at first */
    uint64_t at;                  /* a bucket, or bytes */
    struct past_tree_walk walk;   /* of leaves */
    struct buffer ids, inner_ids; /* of values below, 4 bytes each */
    size_t next_id, next_inner_id;
    bool spoiled;
};

static inline void tell_part(const struct value_telling *telling, const struct part *part)
{
    telling->visit(telling->context, part);
}

/* Whatever is made of one element each. */
static inline void tell_text(const struct value_telling *telling, enum part_kind kind,
                             struct bytes text)
{
    struct part part = { .kind = kind, .text = text };
    tell_part(telling, &part);
}

/* The next bucket that has something, of a table that stands in a set of a root's nodes; NULL: that
 * was the last. */
static inline const struct node *tell_bucket(struct value_telling *telling, uint32_t id,
                                             unsigned set)
{
    const struct root *root = past_root(telling->space, id);
    while (telling->at < root->nodes[set].count) {
        const struct node *node = past_node(telling->space, root, set, (uint32_t)telling->at++);
        if (node != NULL)
            return node;
    }
    return NULL;
}

/* What the types' rows have. */
void string_summarise(struct space *space, const struct value *value,
                      struct value_summary *summary);
bool string_tell(struct value_telling *telling);
void list_summarise(struct space *space, const struct value *value, struct value_summary *summary);
bool list_tell(struct value_telling *telling);
uint32_t list_root_id(const struct value *value);
void set_summarise(struct space *space, const struct value *value, struct value_summary *summary);
bool set_tell(struct value_telling *telling);
uint32_t set_root_id(const struct value *value);
void hash_summarise(struct space *space, const struct value *value, struct value_summary *summary);
bool hash_tell(struct value_telling *telling);
uint32_t hash_root_id(const struct value *value);
void zset_summarise(struct space *space, const struct value *value, struct value_summary *summary);
bool zset_tell(struct value_telling *telling);
uint32_t zset_root_id(const struct value *value);
void stream_summarise(struct space *space, const struct value *value,
                      struct value_summary *summary);
bool stream_tell(struct value_telling *telling);
uint32_t stream_root_id(const struct value *value);

#endif
