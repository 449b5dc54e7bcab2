#include "base/glob.h"
#include "base/number.h"
#include "cmd/generic.h"

/* --- KEYS ------------------------------------------------------------------------------------- */

struct keys_walk {
    struct call *call;
    struct bytes pattern;
    bool everything;
    uint64_t found;
};

static bool keys_visit(void *context, const struct entry *entry)
{
    struct keys_walk *walk = context;
    struct bytes key = entry_key(entry);
    if (!walk->everything && !glob_match(walk->pattern, key))
        return true;
    if (store_is_expired(walk->call->store, entry))
        return true;
    reply_bulk(walk->call->reply, key);
    walk->found++;
    return true;
}

void generic_keys(struct call *call)
{
    struct keys_walk walk = { .call = call, .pattern = call->argv[1] };
    walk.everything = bytes_equal(walk.pattern, BYTES("*"));
    struct reply_mark mark = reply_array_later(call->reply);
    store_each(call->store, call->db, keys_visit, &walk);
    reply_count(call->reply, mark, walk.found);
}

/* --- SCAN -------------------------------------------------------------------------------------
 * The keys found are views into their entries, gathered in the arena: nothing changes the store
 * between the walk and the reply. */

enum { SCAN_COUNT = 10, SCAN_FIRST_ROOM = 32, SCAN_STEPS_PER_COUNT = 10 };

struct scan {
    struct call *call;
    struct bytes pattern;
    bool has_pattern;
    struct bytes type; /* at NULL: any */
    int64_t count;
    uint64_t visited;
    struct bytes *found;
    size_t found_count, found_room;
    bool failed; /* no memory */
};

static bool make_room(struct scan *scan)
{
    if (scan->found_count < scan->found_room)
        return true;
    size_t room = scan->found_room == 0 ? SCAN_FIRST_ROOM : scan->found_room * 2;
    struct bytes *more = arena_take_many(scan->call->arena, room, sizeof *more);
    if (more == NULL)
        return false;
    if (scan->found_count > 0)
        memcpy(more, scan->found, scan->found_count * sizeof *more);
    scan->found = more;
    scan->found_room = room;
    return true;
}

static void scan_visit(void *context, const struct entry *entry)
{
    struct scan *scan = context;
    struct bytes key = entry_key(entry);
    scan->visited++;
    if (scan->has_pattern && !glob_match(scan->pattern, key))
        return;
    if (scan->type.at != NULL && !bytes_is(scan->type, type_ops(entry_type(entry))->name))
        return;
    if (store_is_expired(scan->call->store, entry))
        return;
    if (scan->failed || !make_room(scan)) {
        scan->failed = true;
        return;
    }
    scan->found[scan->found_count++] = key;
}

static bool read_option(struct scan *scan, uint32_t at)
{
    struct call *call = scan->call;
    if (at + 1 >= call->argc) {
        call_syntax_error(call);
        return false;
    }
    if (call_is(call, at, "count")) {
        if (!call_i64(call, at + 1, &scan->count))
            return false;
        if (scan->count >= 1)
            return true;
    } else if (call_is(call, at, "match")) {
        scan->pattern = call->argv[at + 1];
        scan->has_pattern = !bytes_equal(scan->pattern, BYTES("*"));
        return true;
    } else if (call_is(call, at, "type")) {
        scan->type = call->argv[at + 1];
        return true;
    }
    call_syntax_error(call);
    return false;
}

/* Digits, leading zeros too, up to 2^64 - 1. */
static bool read_cursor(struct bytes text, uint64_t *cursor)
{
    while (text.count > 1 && text.at[0] == '0')
        text = bytes_of(text.at + 1, text.count - 1);
    return number_read_u64(text, cursor);
}

/* Steps until enough keys were looked at; a sparse table ends the call by steps instead. */
static uint64_t scan_steps(struct scan *scan, uint64_t cursor)
{
    uint64_t steps = (uint64_t)scan->count <= UINT64_MAX / SCAN_STEPS_PER_COUNT
                         ? (uint64_t)scan->count * SCAN_STEPS_PER_COUNT
                         : UINT64_MAX;
    do {
        cursor = store_scan(scan->call->store, scan->call->db, cursor, scan_visit, scan);
    } while (cursor != 0 && --steps > 0 && scan->visited < (uint64_t)scan->count);
    return cursor;
}

void generic_scan(struct call *call)
{
    struct scan scan = { .call = call, .count = SCAN_COUNT };
    uint64_t cursor = 0;
    if (!read_cursor(call->argv[1], &cursor)) {
        reply_error(call->reply, "ERR invalid cursor");
        return;
    }
    for (uint32_t at = 2; at < call->argc; at += 2) {
        if (!read_option(&scan, at))
            return;
    }
    cursor = scan_steps(&scan, cursor);
    if (scan.failed) {
        call_memory_error(call);
        return;
    }
    uint8_t digits[NUMBER_I64_MAX];
    reply_array(call->reply, 2);
    reply_bulk(call->reply, bytes_of(digits, number_write_u64(digits, cursor)));
    reply_array(call->reply, scan.found_count);
    for (size_t i = 0; i < scan.found_count; i++)
        reply_bulk(call->reply, scan.found[i]);
}
