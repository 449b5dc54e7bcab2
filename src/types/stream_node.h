/* types/stream_node.h - a leaf of a stream's tree: some entries one behind the other.
 * Model:    a head, the names of the first entry's fields (the master's), then entries. An entry
 *           that has the master's fields in their order stores its values only:
 *
 *             head | field ... | entry entry entry ...
 *             entry: fields << 1 | same      a varint; of a same entry just 1
 *                    ms after the head's     a varint
 *                    seq                     a varint; after the head's where ms is the head's
 *                    value ...  or  field value ...       packed elements
 *                    bytes before this       a varint readable from behind
 *
 *           A removed entry is cut out; the head counts it on, and the bytes that a listpack of
 *           Redis would have for all that was ever put here, so that nodes begin and go as there.
 * Owner:    the tree owns the node; an element owns its run.
 * Pointers: an entry's addresses die with the next change of the node.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY, with nothing changed.
 * Cost:     56 bytes a node; 4 to 6 an entry over its elements. */
#ifndef TYPES_STREAM_NODE_H
#define TYPES_STREAM_NODE_H

#include "base/arena.h"
#include "struct/packed.h"
#include "struct/tree.h"
#include "types/stream_id.h"

/* What one node takes at the most, unless one entry alone is bigger. */
enum { STREAM_NODE_BYTES_MAX = 1024 * 1024 };

struct stream_head {
    struct stream_id first, last; /* of all that was ever put here; `first` is the tree's key */
    uint32_t live, deleted;       /* entries; none alive at most in a stream's first node */
    uint32_t fields;              /* of the master */
    uint32_t begin;               /* where entries begin in the payload */
    uint64_t model_bytes;         /* a listpack's, without the two counts of its own */
};

static inline struct stream_head *stream_head_of(const struct node *node)
{
    return (struct stream_head *)(void *)(uintptr_t)node->at;
}

/* An entry as it stands in a node, and its pairs as they are walked. */
struct stream_entry {
    struct stream_id id;
    uint64_t left;        /* pairs not yet walked */
    const uint8_t *field; /* where the next ones are */
    const uint8_t *value; /* the same place, in an entry with fields of its own */
    bool same;
    uint32_t offset, bytes; /* in the payload */
    uint64_t fields;
};

/* The entry at an offset. pre: there is one. */
void stream_entry_at(const struct node *node, size_t offset, struct stream_entry *entry);
/* Where the entry that ends at `end` begins. pre: there is one. */
size_t stream_entry_before(const struct node *node, size_t end);
/* The next pair of packed elements; false behind the last. */
bool stream_entry_pair(struct stream_entry *entry, const uint8_t **field, const uint8_t **value);

/* An entry on its way into a node. */
struct stream_draft {
    struct stream_id id;
    struct packed_item *items; /* field and value in turn; of fields that are not stored: sought */
    uint32_t fields;
    uint64_t model_strings; /* a listpack's bytes of all strings, and of values only */
    uint64_t model_values;
};

/* Prepares the values (runs are taken for long ones); fields are prepared when it is known whether
 * they are stored. `strings` are field, value, field, value. */
MUST_CHECK enum err stream_draft_make(struct space *space, struct root *root, struct arena *arena,
                                      struct stream_id id, const struct bytes *strings,
                                      uint32_t fields, struct stream_draft *draft);
/* Gives the runs back of a draft that found no place. */
void stream_draft_drop(struct space *space, struct root *root, const struct stream_draft *draft);
/* Whether the entry has the master's fields in their order. */
bool stream_draft_is_same(const struct space *space, const struct node *node,
                          const struct stream_draft *draft);
/* Fields are to be stored: as a master, or in the entry. */
MUST_CHECK enum err stream_draft_own_fields(struct space *space, struct root *root,
                                            struct stream_draft *draft);
/* Payload bytes of a new node for this draft, and of the entry in a node. */
size_t stream_draft_master_bytes(const struct stream_draft *draft);
size_t stream_draft_bytes(const struct stream_draft *draft, struct stream_id first, bool same);
/* Writes head and master; no entry. */
void stream_node_begin(struct node *node, const struct stream_draft *draft);
/* Writes the entry into a gap at `offset`, and tells the head of it. */
void stream_node_write(struct node *node, size_t offset, const struct stream_draft *draft,
                       bool same);

/* Bytes that the node's listpack would have. */
uint64_t stream_node_model_bytes(const struct node *node);

/* Each packed string: the master's fields and all entries' (struct big_ops). */
void stream_node_walk(const struct node *node, void (*visit)(void *context, const uint8_t *element),
                      void *context);
/* Each packed string of one entry that is stored there. */
void stream_entry_walk(const struct stream_entry *entry,
                       void (*visit)(void *context, const uint8_t *element), void *context);

/* The node's own invariants: lengths, order, counts. */
bool stream_node_valid(const struct node *node);

#endif
