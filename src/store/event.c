#include "store/event.h"

const struct event_row event_rows[EVENTS] = {
    [EVENT_NONE] = { 0, 0 },
    [EVENT_SET] = { "set", '$' },
    [EVENT_SETRANGE] = { "setrange", '$' },
    [EVENT_APPEND] = { "append", '$' },
    [EVENT_INCRBY] = { "incrby", '$' },
    [EVENT_INCRBYFLOAT] = { "incrbyfloat", '$' },
    [EVENT_SETBIT] = { "setbit", '$' },
    [EVENT_DEL] = { "del", 'g' },
    [EVENT_EXPIRE] = { "expire", 'g' },
    [EVENT_PERSIST] = { "persist", 'g' },
    [EVENT_EXPIRED] = { "expired", 'x' },
    [EVENT_EVICTED] = { "evicted", 'e' },
    [EVENT_RENAME_FROM] = { "rename_from", 'g' },
    [EVENT_RENAME_TO] = { "rename_to", 'g' },
    [EVENT_MOVE_FROM] = { "move_from", 'g' },
    [EVENT_MOVE_TO] = { "move_to", 'g' },
    [EVENT_COPY_TO] = { "copy_to", 'g' },
    [EVENT_RESTORE] = { "restore", 'g' },
    [EVENT_NEW] = { "new", 'n' },
    [EVENT_KEYMISS] = { "keymiss", 'm' },
};
