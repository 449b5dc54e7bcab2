/* struct/nodes.h - the blocks of one big value, numbered: what tables and trees are made of.
 * Model:    root -> directory -> nodes. A directory is an array of 40-bit references, dense: slot n
 *           leads to node n. Every block begins with the value's id and its own number, so that a
 *           moved block's one reference is found by two lookups, whatever the value is.
 *
 *             id -> [ root: counts, directories ] -> [ ref 0 | ref 1 | ... ]
 *                                                        `-> [ id n used link | payload ]
 *
 *           A value may have two sets of nodes (a sorted set: its tree and its table of members).
 * Owner:    the root owns directories and nodes; the entry's body, which holds the id, the root.
 * Pointers: a node's address holds until it is spliced, dropped, or the next safe point; a root's
 *           until the next safe point.
 * Threads:  the heap's.
 * Failure:  NULL or false: no memory, nothing has changed.
 * Cost:     16 bytes a node and 5 in the directory; a splice that changes the size class copies
 *           the node. Directories over 64 KiB are runs: they grow by pages and are not copied. */
#ifndef STRUCT_NODES_H
#define STRUCT_NODES_H

#include "struct/space.h"

/* Numbers with this bit belong to the second set of nodes. */
#define NODE_SECOND (UINT32_C(1) << 31)
#define NODE_NUMBER_MAX (UINT32_C(0x7ffffff0))
/* Numbers that are no nodes, in either set: */
#define NODE_DIRECTORY (UINT32_C(0x7ffffffe))
#define NODE_ROOT (UINT32_C(0x7fffffff))

enum { NODES_SETS = 2, NODE_HEADER = 16, DIRECTORY_HEADER = 8, DIRECTORY_SLOT = 5 };

/* Blocks of kind BLOCK_NODE begin with these eight bytes. */
struct node_head {
    uint32_t id;
    uint32_t number; /* with NODE_SECOND where it applies */
};

struct node {
    struct node_head head;
    uint32_t used; /* bytes of payload */
    uint32_t link; /* the structure's own: a tree keeps the parent's number here */
    uint8_t at[];
};

struct nodes {
    uint64_t directory;       /* reference; 0: none */
    uint32_t count, capacity; /* numbers in use: 0 .. count - 1; slots there are */
    uint64_t used;            /* payload bytes of all nodes */
    uint64_t held;            /* bytes of the heap, as rounded: nodes and directory */
};

struct root {
    struct node_head head; /* number NODE_ROOT */
    uint8_t type;          /* enum value_type, for whoever verifies the heap */
    uint8_t sets : 7;      /* of nodes: 0 to NODES_SETS */
    uint8_t doomed : 1;    /* it is being given back: see root_doom */
    uint16_t flags;        /* the type's own */
    uint32_t more_bytes;
    uint64_t count;         /* elements; the type's own */
    uint32_t outside;       /* elements with a run of their own (struct/packed.h) */
    uint32_t epoch;         /* when it was made or read last (struct/past.h) */
    uint64_t outside_bytes; /* of those runs, as the heap rounds them */
    struct nodes nodes[];   /* `sets` of them, then more_bytes of the type's, see root_more */
};

/* A root with an id, all zero beside; NULL: no memory. */
MUST_CHECK struct root *root_new(struct space *space, unsigned type, unsigned sets,
                                 size_t more_bytes);
/* pre: its nodes are gone (nodes_cut to 0). */
void root_drop(struct space *space, struct root *root);
/* From here on whoever empties a span of another such root may drop nodes of this one as well, so
 * that many that lie among each other leave whole spans. pre: its nodes own no blocks, but for
 * strings that are counted in `outside`; of a root with some, its owner alone drops nodes. */
void root_doom(struct space *space, struct root *root);
static inline struct root *root_of(const struct space *space, uint32_t id)
{
    return space_at(space, roots_ref(&space->roots, id));
}
/* The type's own part; aligned to 8. */
static inline void *root_more(const struct root *root)
{
    return (void *)(uintptr_t)&root->nodes[root->sets];
}
/* Bytes of the heap that the value holds: root, directories, nodes and runs outside. */
uint64_t root_held(const struct space *space, const struct root *root);

/* Where the directory has the reference of a node. */
static inline uint8_t *nodes_slot(const struct space *space, const struct nodes *nodes,
                                  uint32_t number)
{
    uint8_t *directory = space_at(space, nodes->directory);
    return directory + DIRECTORY_HEADER + (size_t)number * DIRECTORY_SLOT;
}
static inline uint64_t nodes_ref(const struct space *space, const struct nodes *nodes,
                                 uint32_t number)
{
    const uint8_t *slot = nodes_slot(space, nodes, number);
    uint32_t low; /* five bytes by way of the stack would wait for two stores to come together */
    memcpy(&low, slot, sizeof low);
    return low | (uint64_t)slot[sizeof low] << 32;
}
/* Node n of a set, or NULL when its slot is empty. pre: number < nodes->count. */
static inline struct node *node_of(const struct space *space, const struct nodes *nodes,
                                   uint32_t number)
{
    uint64_t ref = nodes_ref(space, nodes, number);
    return ref == 0 ? NULL : space_at(space, ref);
}
static inline uint32_t node_number(const struct node *node)
{
    return node->head.number & ~NODE_SECOND;
}

/* Below, `set` is 0 or 1: which nodes of the root. */

/* One more number, `count` before the call; its slot is empty. */
MUST_CHECK bool nodes_extend(struct space *space, struct root *root, unsigned set);
/* Takes numbers away from the end until `count` are left; their slots must be empty. Gives memory
 * of the directory back on the way; with 0 the directory goes. */
void nodes_cut(struct space *space, struct root *root, unsigned set, uint32_t count);
/* A node in an empty slot, with `used` bytes of payload to be written; link 0. */
MUST_CHECK struct node *node_make(struct space *space, struct root *root, unsigned set,
                                  uint32_t number, size_t used);
/* Takes `remove` bytes of payload out at `offset` and makes a gap of `insert` bytes there. The node
 * may get another address. pre: offset + remove <= used. Never fails where it does not grow. */
MUST_CHECK struct node *node_splice(struct space *space, struct root *root, unsigned set,
                                    struct node *node, size_t offset, size_t remove, size_t insert);
/* Puts the node into another block of its size where the heap has one in a fuller span; else, or
 * without memory, it stays where it is. */
void node_tidy(struct space *space, struct root *root, unsigned set, struct node *node);
/* Gives the block back; the slot is empty then. */
void node_drop(struct space *space, struct root *root, unsigned set, struct node *node);
/* The nodes in a span (heap_row) that go with the value `id`, its own and those of doomed ones;
 * `most` at the most. Returns how many; *seen are the blocks looked at. */
unsigned nodes_in_span(const struct space *space, uint32_t id, uint32_t row, struct node **found,
                       unsigned most, unsigned *seen);
/* Gives the node another number, whose slot is empty; its old slot is empty then. */
void node_renumber(struct space *space, struct root *root, unsigned set, struct node *node,
                   uint32_t number);

/* The mover's: `to` holds a copy of a block of kind BLOCK_NODE (root, directory or node) that the
 * value knows at `from`, which must hold it still. False when nobody refers to `from`. */
MUST_CHECK bool nodes_repoint(struct space *space, const void *from, void *to);

/* Ask the processor for what nodes_repoint will read, one dependency at a time: call the first for
 * many moved blocks, then the second for all of them, then the third. */
void nodes_prefetch_id(const struct space *space, const void *to);
void nodes_prefetch_root(const struct space *space, const void *to);
void nodes_prefetch_slot(const struct space *space, const void *to);

/* Every block of the value: root, directories, nodes. Not the runs outside. */
void root_each_ref(const struct space *space, const struct root *root,
                   void (*visit)(void *context, uint64_t ref), void *context);

/* Heads, slots, sums and kinds of all blocks. */
bool root_valid(const struct space *space, const struct root *root);

#endif
