/* struct/kinds.h - the kinds of blocks in the heap: who finds the one reference to a block that
 * moves.
 * Model:    a kind is a row of spans of its own, for each size class.
 * Owner:    store/ gives the heap their names.
 * Pointers: none.
 * Threads:  any.
 * Failure:  none.
 * Cost:     a partly filled span for each size class in use. */
#ifndef STRUCT_KINDS_H
#define STRUCT_KINDS_H

enum block_kind {
    BLOCK_ENTRY = 0, /* a key of which nothing expires: the index of its database */
    BLOCK_EXPIRING,  /* a key that expires, whole or in part: spans of its own, for the sweep */
    BLOCK_VALUE,     /* long strings and elements: runs, which never move */
    BLOCK_NODE,      /* parts of big values: root, directory or node (struct/nodes.h) */
    BLOCK_KINDS,
};

#endif
