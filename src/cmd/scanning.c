#include "cmd/scanning.h"

#include "base/glob.h"
#include "base/number.h"

enum { COUNT = 10, FIRST_ROOM = 32, STEPS_PER_COUNT = 10 };

void scanning_init(struct scanning *scanning, struct call *call, size_t item_bytes)
{
    *scanning = (struct scanning){ .call = call, .count = COUNT, .item_bytes = item_bytes };
}

bool scanning_cursor(struct call *call, uint32_t at, uint64_t *cursor)
{
    struct bytes text = call->argv[at];
    while (text.count > 1 && text.at[0] == '0')
        text = bytes_of(text.at + 1, text.count - 1);
    if (number_read_u64(text, cursor))
        return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

/* An option of two words, the second of which is there. */
static bool read_pair(struct scanning *scanning, uint32_t at, unsigned also, bool *known)
{
    struct call *call = scanning->call;
    *known = true;
    if (call_is(call, at, "count")) {
        if (!call_i64(call, at + 1, &scanning->count))
            return false;
        *known = scanning->count >= 1;
    } else if (call_is(call, at, "match")) {
        scanning->pattern = call->argv[at + 1];
        scanning->has_pattern = !bytes_equal(scanning->pattern, BYTES("*"));
    } else if ((also & SCANNING_TYPE) != 0 && call_is(call, at, "type")) {
        scanning->type = call->argv[at + 1];
    } else {
        *known = false;
    }
    return true;
}

bool scanning_read(struct scanning *scanning, uint32_t at, unsigned also)
{
    struct call *call = scanning->call;
    while (at < call->argc) {
        bool known = false;
        if ((also & SCANNING_NO_VALUES) != 0 && call_is(call, at, "novalues")) {
            scanning->no_values = true;
            at++;
            continue;
        }
        if (at + 1 < call->argc && !read_pair(scanning, at, also, &known))
            return false;
        if (!known) {
            call_syntax_error(call);
            return false;
        }
        at += 2;
    }
    return true;
}

bool scanning_fits(const struct scanning *scanning, struct bytes text)
{
    return !scanning->has_pattern || glob_match(scanning->pattern, text);
}

static bool make_room(struct scanning *scanning)
{
    if (scanning->found_count < scanning->found_room)
        return true;
    size_t room = scanning->found_room == 0 ? FIRST_ROOM : scanning->found_room * 2;
    uint8_t *more = arena_take_many(scanning->call->arena, room, scanning->item_bytes);
    if (more == NULL)
        return false;
    if (scanning->found_count > 0)
        memcpy(more, scanning->found, scanning->found_count * scanning->item_bytes);
    scanning->found = more;
    scanning->found_room = room;
    return true;
}

void scanning_keep(struct scanning *scanning, const void *item)
{
    scanning->failed = scanning->failed || !make_room(scanning);
    if (scanning->failed)
        return;
    memcpy(scanning->found + scanning->found_count++ * scanning->item_bytes, item,
           scanning->item_bytes);
}

bool scanning_goes_on(struct scanning *scanning, uint64_t cursor)
{
    uint64_t count = (uint64_t)scanning->count;
    scanning->steps++;
    return cursor != 0 && scanning->visited < count && scanning->steps / STEPS_PER_COUNT < count;
}

void scanning_reply(const struct scanning *scanning, uint64_t cursor, uint64_t elements)
{
    struct reply *reply = scanning->call->reply;
    uint8_t digits[NUMBER_I64_MAX];
    reply_array(reply, 2);
    reply_bulk(reply, bytes_of(digits, number_write_u64(digits, cursor)));
    reply_array(reply, elements);
}
