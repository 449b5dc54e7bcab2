/* store/event.h - what can happen to a key, as keyspace notifications name it.
 * Model:    one row for each event: its word and its class letter (notify-keyspace-events).
 * Owner:    static rows.
 * Pointers: static text.
 * Threads:  any.
 * Failure:  none.
 * Cost:     an array access. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdint.h>

enum event {
    EVENT_NONE = 0, /* changed, but nobody is told (a detail of a larger step) */
    EVENT_FORM,     /* held in another form; the value is the same, and nobody is told */
    EVENT_SET,
    EVENT_SETRANGE,
    EVENT_APPEND,
    EVENT_INCRBY,
    EVENT_INCRBYFLOAT,
    EVENT_SETBIT,
    EVENT_DEL,
    EVENT_EXPIRE,
    EVENT_PERSIST,
    EVENT_EXPIRED,
    EVENT_EVICTED,
    EVENT_RENAME_FROM,
    EVENT_RENAME_TO,
    EVENT_MOVE_FROM,
    EVENT_MOVE_TO,
    EVENT_COPY_TO,
    EVENT_RESTORE,
    EVENT_NEW,
    EVENT_KEYMISS,
    EVENT_LPUSH,
    EVENT_RPUSH,
    EVENT_LPOP,
    EVENT_RPOP,
    EVENT_LINSERT,
    EVENT_LSET,
    EVENT_LREM,
    EVENT_LTRIM,
    EVENT_HSET,
    EVENT_HDEL,
    EVENT_HINCRBY,
    EVENT_HINCRBYFLOAT,
    EVENT_HEXPIRE,
    EVENT_HEXPIRED,
    EVENT_HPERSIST,
    EVENT_SADD,
    EVENT_SREM,
    EVENT_SPOP,
    EVENT_SINTERSTORE,
    EVENT_SUNIONSTORE,
    EVENT_SDIFFSTORE,
    EVENT_ZADD,
    EVENT_ZINCR,
    EVENT_ZREM,
    EVENT_ZPOPMIN,
    EVENT_ZPOPMAX,
    EVENT_ZREMRANGEBYRANK,
    EVENT_ZREMRANGEBYSCORE,
    EVENT_ZREMRANGEBYLEX,
    EVENT_ZRANGESTORE,
    EVENT_ZUNIONSTORE,
    EVENT_ZINTERSTORE,
    EVENT_ZDIFFSTORE,
    EVENT_GEOSEARCHSTORE,
    EVENT_GEORADIUSSTORE,
    EVENT_GROUP, /* what a group of a stream has read and awaits; nobody is told */
    EVENT_XADD,
    EVENT_XDEL,
    EVENT_XTRIM,
    EVENT_XSETID,
    EVENT_XGROUP_CREATE,
    EVENT_XGROUP_CREATECONSUMER,
    EVENT_XGROUP_DELCONSUMER,
    EVENT_XGROUP_DESTROY,
    EVENT_XGROUP_SETID,
    EVENT_XAUTOCLAIM,
    EVENT_XCLAIM,
    EVENT_SORTSTORE,
    EVENT_PFADD,
    EVENTS,
};

struct event_row {
    const char *word; /* NULL: not told */
    char letter;      /* of notify-keyspace-events */
};
extern const struct event_row event_rows[EVENTS];

#endif
