/* Looking into one set. */
#include "base/glob.h"
#include "cmd/set_command.h"

bool set_read_first(struct call *call, struct value *value, bool *there)
{
    const struct entry *entry = call_read(call, &call->first);
    *there = entry != NULL;
    if (!call_type_fits(call, entry, VALUE_SET))
        return false;
    if (*there)
        *value = entry_value(entry);
    return true;
}

void set_reply_element(struct call *call, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    reply_bulk(call->reply, packed_view(call->space, element, digits));
}

static bool reply_one(void *context, const uint8_t *element)
{
    struct call *call = context;
    set_reply_element(call, element);
    return !call->reply->failed;
}

void set_reply_all(struct call *call, const struct value *value)
{
    set_each(call->space, value, reply_one, call);
}

void cmd_scard(struct call *call)
{
    struct value value;
    bool there;
    if (set_read_first(call, &value, &there))
        reply_i64(call->reply, there ? (int64_t)set_count(call->space, &value) : 0);
}

void cmd_sismember(struct call *call)
{
    struct value value;
    struct packed_item item;
    bool there;
    if (!set_read_first(call, &value, &there))
        return;
    packed_sought(call->argv[2], &item);
    reply_i64(call->reply, there && set_has(call->space, &value, &item));
}

void cmd_smismember(struct call *call)
{
    struct value value;
    bool there;
    if (!set_read_first(call, &value, &there))
        return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        struct packed_item item;
        packed_sought(call->argv[at], &item);
        reply_i64(call->reply, there && set_has(call->space, &value, &item));
    }
}

void cmd_smembers(struct call *call)
{
    struct value value;
    bool there;
    if (!set_read_first(call, &value, &there))
        return;
    reply_set(call->reply, there ? set_count(call->space, &value) : 0);
    if (there)
        set_reply_all(call, &value);
}

/* --- SSCAN ------------------------------------------------------------------------------------
 * Elements of a table stay where they are until the reply; a small set is told at once. */

enum { SCAN_COUNT = 10, SCAN_FIRST_ROOM = 32, SCAN_STEPS_PER_COUNT = 10 };

struct set_scan {
    struct call *call;
    struct bytes pattern;
    bool has_pattern;
    int64_t count;
    uint64_t visited;
    const uint8_t **found;
    size_t found_count, found_room;
    bool failed; /* no memory */
};

static bool read_scan_option(struct set_scan *scan, uint32_t at)
{
    struct call *call = scan->call;
    if (at + 1 < call->argc && call_is(call, at, "count")) {
        if (!call_i64(call, at + 1, &scan->count))
            return false;
        if (scan->count >= 1)
            return true;
    } else if (at + 1 < call->argc && call_is(call, at, "match")) {
        scan->pattern = call->argv[at + 1];
        scan->has_pattern = !bytes_equal(scan->pattern, BYTES("*"));
        return true;
    }
    call_syntax_error(call);
    return false;
}

static bool matches(const struct set_scan *scan, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    return !scan->has_pattern ||
           glob_match(scan->pattern, packed_view(scan->call->space, element, digits));
}

static bool make_room(struct set_scan *scan)
{
    if (scan->found_count < scan->found_room)
        return true;
    size_t room = scan->found_room == 0 ? SCAN_FIRST_ROOM : scan->found_room * 2;
    const uint8_t **more = arena_take_many(scan->call->arena, room, sizeof *more);
    if (more == NULL)
        return false;
    if (scan->found_count > 0)
        memcpy(more, scan->found, scan->found_count * sizeof *more);
    scan->found = more;
    scan->found_room = room;
    return true;
}

static void gather(void *context, const uint8_t *element)
{
    struct set_scan *scan = context;
    scan->visited++;
    if (scan->failed || !matches(scan, element))
        return;
    if (make_room(scan))
        scan->found[scan->found_count++] = element;
    else
        scan->failed = true;
}

static void scan_big(struct set_scan *scan, const struct value *value, uint64_t cursor)
{
    struct call *call = scan->call;
    uint64_t steps = (uint64_t)scan->count <= UINT64_MAX / SCAN_STEPS_PER_COUNT
                         ? (uint64_t)scan->count * SCAN_STEPS_PER_COUNT
                         : UINT64_MAX;
    do {
        cursor = set_scan(call->space, value, cursor, gather, scan);
    } while (cursor != 0 && --steps > 0 && scan->visited < (uint64_t)scan->count);
    if (scan->failed) {
        call_memory_error(call);
        return;
    }
    uint8_t digits[NUMBER_I64_MAX];
    reply_array(call->reply, 2);
    reply_bulk(call->reply, bytes_of(digits, number_write_u64(digits, cursor)));
    reply_array(call->reply, scan->found_count);
    for (size_t i = 0; i < scan->found_count; i++)
        set_reply_element(call, scan->found[i]);
}

static void reply_match(void *context, const uint8_t *element)
{
    struct set_scan *scan = context;
    if (!matches(scan, element))
        return;
    set_reply_element(scan->call, element);
    scan->found_count++;
}

static void scan_small(struct set_scan *scan, const struct value *value)
{
    struct reply *reply = scan->call->reply;
    reply_array(reply, 2);
    reply_bulk(reply, BYTES("0"));
    struct reply_mark mark = reply_array_later(reply);
    (void)set_scan(scan->call->space, value, 0, reply_match, scan);
    reply_count(reply, mark, scan->found_count);
}

/* Digits, leading zeros too, up to 2^64 - 1. */
static bool read_cursor(struct bytes text, uint64_t *cursor)
{
    while (text.count > 1 && text.at[0] == '0')
        text = bytes_of(text.at + 1, text.count - 1);
    return number_read_u64(text, cursor);
}

void cmd_sscan(struct call *call)
{
    struct set_scan scan = { .call = call, .count = SCAN_COUNT };
    struct value value;
    uint64_t cursor = 0;
    bool there;
    if (!read_cursor(call->argv[2], &cursor)) {
        reply_error(call->reply, "ERR invalid cursor");
        return;
    }
    if (!set_read_first(call, &value, &there))
        return;
    if (!there) {
        reply_array(call->reply, 2);
        reply_bulk(call->reply, BYTES("0"));
        reply_array(call->reply, 0);
        return;
    }
    for (uint32_t at = 3; at < call->argc; at += 2) {
        if (!read_scan_option(&scan, at))
            return;
    }
    if (value.encoding == SET_BIG)
        scan_big(&scan, &value, cursor);
    else
        scan_small(&scan, &value);
}
