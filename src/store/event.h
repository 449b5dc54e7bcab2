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
    EVENTS,
};

struct event_row {
    const char *word; /* NULL: not told */
    char letter;      /* of notify-keyspace-events */
};
extern const struct event_row event_rows[EVENTS];

#endif
