/* types/stream.h - streams: entries in the order of their ids, and groups of consumers.
 * Model:    always a big value. The root has the counters and a tree of nodes full of entries
 *           (types/stream_node.h); its second set of nodes leads to the groups, which are values of
 *           their own (types/stream_group.h).
 *
 *             body: id -> root [ last id ... ] -> tree -> nodes of entries
 *                                              -> sorted by name: ids -> group ... -> consumer ...
 *
 * Owner:    the body owns the root and all that is behind it.
 * Pointers: an entry's addresses die with the next change of the stream; struct stream is good
 *           within one command.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY, with nothing changed.
 * Cost:     O(log n) to append, to find, and for each node that is trimmed. */
#ifndef TYPES_STREAM_H
#define TYPES_STREAM_H

#include "types/stream_node.h"
#include "types/stream_sorted.h"
#include "types/value.h"

struct stream_state {
    struct tree_state entries, groups; /* `entries` counts its leaves: nothing asks for a rank */
    struct stream_id last;             /* given last, by XADD or XSETID */
    struct stream_id max_deleted;      /* the greatest that XDEL has removed */
    uint64_t added;                    /* entries that were ever added */
};

struct stream {
    struct space *space;
    struct root *root; /* root->count: entries */
    struct stream_state *state;
    struct tree entries;
    struct sorted groups;
};

/* An empty stream; NULL: no memory. */
MUST_CHECK struct root *stream_new(struct space *space);
/* pre: `stream` stays where it is while it is used. */
void stream_open(struct stream *stream, struct space *space, struct root *root);

static inline uint64_t stream_count(const struct stream *stream)
{
    return stream->root->count;
}
/* 0-0 when there is none. */
struct stream_id stream_first_id(const struct stream *stream);
struct stream_id stream_last_id(const struct stream *stream);
/* Leaves, each a listpack in Redis, and leaves with inner nodes. */
static inline uint64_t stream_leaves(const struct stream *stream)
{
    return stream->state->entries.count;
}
static inline uint32_t stream_nodes(const struct stream *stream)
{
    return stream->root->nodes[0].count;
}

/* ERR_LIMIT: more than a gigabyte. pre: `id` is greater than state->last. */
enum stream_where {
    STREAM_LAST_NODE, /* in the last node while the limits let it grow, as XADD does */
    STREAM_SAME_NODE, /* there whatever the limits are, but STREAM_NODE_BYTES_MAX */
    STREAM_NEW_NODE,
};
MUST_CHECK enum err stream_append_where(struct stream *stream, struct arena *arena,
                                        struct stream_id id, const struct bytes *strings,
                                        uint32_t fields, enum stream_where where);
MUST_CHECK static inline enum err stream_append(struct stream *stream, struct arena *arena,
                                                struct stream_id id, const struct bytes *strings,
                                                uint32_t fields)
{
    return stream_append_where(stream, arena, id, strings, fields, STREAM_LAST_NODE);
}
/* False when there is no such entry. */
MUST_CHECK bool stream_remove(struct stream *stream, struct stream_id id);
bool stream_has(const struct stream *stream, struct stream_id id);

/* Takes entries away at the front; returns how many. */
struct stream_trim {
    enum { STREAM_TRIM_NOT = 0, STREAM_TRIM_LENGTH, STREAM_TRIM_ID } by;
    bool whole_nodes;    /* "~" */
    uint64_t length;     /* at most that many stay */
    struct stream_id id; /* those from here on stay */
    uint64_t limit;      /* no node that would make it more than this; 0: none */
};
uint64_t stream_trim(struct stream *stream, const struct stream_trim *trim);

/* A walk from one id to another; the stream must not change on the way. */
struct stream_walk {
    const struct stream *stream;
    struct stream_id from, to; /* inclusive; from <= to, also when reverse */
    bool reverse;
    const struct node *node;
    size_t offset; /* of the next entry; reverse: where it ends */
};
void stream_walk_begin(struct stream_walk *walk, const struct stream *stream, struct stream_id from,
                       struct stream_id to, bool reverse);
MUST_CHECK bool stream_walk_next(struct stream_walk *walk, struct stream_entry *entry);

extern const struct type_ops stream_ops;

#endif
