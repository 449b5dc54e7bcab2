/* proto/chunks.h - the room that replies are written to; private to proto/.
 * Model:    a reply is a list of chunks with a cursor in the last one (see reply.h).
 * Owner:    the reply; freed chunks go back to its pool.
 * Pointers: what reply_grow returns is good until the next call.
 * Threads:  the executing thread.
 * Failure:  NULL when muted or failed; the caller then writes nothing.
 * Cost:     a compare and an add on the fast path. */
#ifndef PROTO_CHUNKS_H
#define PROTO_CHUNKS_H

#include "proto/reply.h"

/* The most that is asked for in one piece; longer bytes are split over chunks. */
enum { REPLY_PIECE_MAX = 1024 };

/* A new chunk with room for `bytes` in one piece. pre: not muted. */
uint8_t *reply_grow(struct reply *reply, size_t bytes);
/* The same, with as little room beyond that as what is unsent suggests. */
uint8_t *reply_grow_tight(struct reply *reply, size_t bytes);

/* Room for `bytes` (at most REPLY_PIECE_MAX) in one piece. The caller moves the cursor. */
static inline uint8_t *reply_room(struct reply *reply, size_t bytes)
{
    if (UNLIKELY(reply->muted))
        return NULL;
    if (LIKELY((size_t)(reply->limit - reply->cursor) >= bytes))
        return reply->cursor;
    return reply_grow(reply, bytes);
}

#endif
