/* proto/reply.h - a reply being written, in RESP2 or RESP3.
 * Model:    bytes appended to a list of chunks; the protocol version decides how a nil, a map, a
 *           double or a push looks. Commands say what they mean, never how it is written.
 * Owner:    a connection owns its reply; chunks come from a shared pool.
 * Pointers: none kept of what is appended.
 * Threads:  the executing thread.
 * Failure:  when memory fails `failed` is set and stays, what was unsent is dropped, nothing more
 *           is written, and the connection will be closed; commands need not look.
 * Cost:     a bounded copy; chunks are reused. */
#ifndef PROTO_REPLY_H
#define PROTO_REPLY_H

#include "base/bytes.h"
#include "base/err.h"

#include <sys/uio.h>

enum { REPLY_CHUNK_BYTES = 16 * 1024 };

struct reply_chunk {
    struct reply_chunk *next;
    uint32_t used, capacity; /* of the last chunk, `used` is behind: the reply's cursor tells */
    uint8_t at[];
};

struct reply;

/* Memory for replies, shared by all connections; all zero is a valid pool.
 *
 *   turn:  one area that the replies of a turn are written to one behind the other, so that a
 *          hundred small replies share a few cache lines. Whoever writes last owns the end of it;
 *          it begins anew when nothing in it is unsent.
 *   free:  chunks of REPLY_CHUNK_BYTES for what does not fit there or is not sent at once. */
struct reply_pool {
    struct reply_chunk *free;
    uint32_t free_count, free_max;
    uint64_t held_bytes; /* by all chunks, free or not, without the turn's area */

    uint8_t *turn;
    uint32_t turn_used, turn_bytes, turn_chunks;
    struct reply *open; /* whose last chunk is the end of the turn's area; or NULL */

    /* Replies with an owner that were empty, and are not any more, in the order it happened. */
    struct reply *written, *last_written;

    /* The first word of the last error reply, NUL-terminated, or "ERR" for what has none; of a
     * muted one too. What INFO errorstats counts by; empty: it has been counted. */
    char error_code[32];
};

struct reply {
    uint8_t *cursor, *limit; /* where to write in the last chunk */
    struct reply_chunk *first, *last;
    struct reply_pool *pool;
    uint64_t bytes;     /* in all chunks but the last */
    uint64_t bytes_max; /* more unsent than that and the reply has failed; 0: no limit */
    uint32_t sent;      /* of the first chunk */
    uint8_t resp;       /* 2 or 3 */
    bool failed;
    bool over_limit; /* why it failed: bytes_max */
    bool muted;      /* CLIENT REPLY OFF or SKIP: nothing is written */
    bool listed;     /* in pool->written */
    uint32_t errors; /* error replies so far: how a caller knows that a command failed */
    void *owner;     /* the client; NULL: a reply that nobody sends, of a script say */
    struct reply *next_written;
};

void reply_ok(struct reply *reply);
void reply_status(struct reply *reply, const char *text); /* +text */
/* The same with any bytes: CR and LF become spaces. */
void reply_status_bytes(struct reply *reply, struct bytes text);
/* "-text"; with its code: "ERR value is not an integer or out of range". CR and LF become spaces.
 */
void reply_error(struct reply *reply, const char *text);
void reply_errorf(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reply_error_bytes(struct reply *reply, struct bytes text);
void reply_i64(struct reply *reply, int64_t number);
void reply_bulk(struct reply *reply, struct bytes bytes);
void reply_bulk_text(struct reply *reply, const char *text);
void reply_bulk_i64(struct reply *reply, int64_t number); /* digits as a bulk string */
void reply_nil(struct reply *reply);                      /* $-1, or _ */
void reply_nil_array(struct reply *reply);                /* *-1, or _ */
void reply_array(struct reply *reply, uint64_t count);
void reply_map(struct reply *reply, uint64_t pairs);
void reply_set(struct reply *reply, uint64_t count);
void reply_attribute(struct reply *reply, uint64_t pairs); /* RESP3 only; nothing in RESP2 */
void reply_push(struct reply *reply, uint64_t count);
void reply_bool(struct reply *reply, bool yes);       /* :1/:0, or #t/#f */
void reply_double(struct reply *reply, double value); /* bulk, or , */
void reply_big_number(struct reply *reply, struct bytes digits);
/* kind is three letters: "txt", "mkd"; a bulk in RESP2. */
void reply_verbatim(struct reply *reply, const char *kind, struct bytes text);

/* A count that is known only later. Between the two any number of elements may be written. Marks
 * nest: the one made last gets its count first. */
struct reply_mark {
    struct reply_chunk *chunk; /* NULL: muted or failed */
    uint32_t at;
    char type;
};
struct reply_mark reply_array_later(struct reply *reply);
struct reply_mark reply_set_later(struct reply *reply);
struct reply_mark reply_map_later(struct reply *reply);
void reply_count(struct reply *reply, struct reply_mark mark, uint64_t count); /* pairs for maps */

/* Bytes already in the protocol's form. */
void reply_raw(struct reply *reply, struct bytes bytes);
/* The same for a message that goes to many: where a chunk must be taken it is no larger than what
 * is unsent calls for, so that a thousand replies do not take a standard chunk each. */
void reply_message(struct reply *reply, struct bytes bytes);
/* The reply has failed for its writer's reasons, or (over_limit) for being too long. */
void reply_give_up(struct reply *reply, bool over_limit);

/* The last error is one of an inner command, which has been counted. */
void reply_error_was_counted(struct reply *reply);

/* The connection's side. */
void reply_init(struct reply *reply, struct reply_pool *pool);
void reply_release(struct reply *reply); /* chunks go back to the pool */
static inline uint64_t reply_unsent(const struct reply *reply)
{
    if (reply->last == NULL)
        return 0;
    return reply->bytes - reply->sent + (uint64_t)(reply->cursor - reply->last->at);
}
/* What to send next: up to `most` parts; then tell how much went. */
int reply_parts(struct reply *reply, struct iovec *parts, int most);
void reply_sent(struct reply *reply, uint64_t bytes);
/* Moves what is unsent out of the turn's area: the connection cannot take it now. */
void reply_keep(struct reply *reply);
/* Chunks of its own, and what they take. */
uint32_t reply_chunks(const struct reply *reply, uint64_t *held_bytes);

/* Gives the pool its turn's area; without one every reply takes a chunk of its own. */
MUST_CHECK bool reply_pool_begin(struct reply_pool *pool, uint32_t turn_bytes, uint32_t free_max);
void reply_pool_release(struct reply_pool *pool);
/* The next reply that was written to since it was empty, or NULL; it leaves the list. */
struct reply *reply_pool_next_written(struct reply_pool *pool);
/* Puts it back into that list. */
void reply_list_written(struct reply *reply);

#endif
