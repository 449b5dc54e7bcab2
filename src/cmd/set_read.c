/* Looking into one set. */
#include "cmd/scanning.h"
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

static bool fits(const struct scanning *scanning, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    return scanning_fits(scanning, packed_view(scanning->call->space, element, digits));
}

static void gather(void *context, const uint8_t *element)
{
    struct scanning *scanning = context;
    scanning->visited++;
    if (fits(scanning, element))
        scanning_keep(scanning, &element);
}

static void scan_big(struct scanning *scanning, const struct value *value, uint64_t cursor)
{
    struct call *call = scanning->call;
    do
        cursor = set_scan(call->space, value, cursor, gather, scanning);
    while (scanning_goes_on(scanning, cursor));
    if (scanning->failed) {
        call_memory_error(call);
        return;
    }
    const uint8_t *const *found = (const void *)scanning->found;
    scanning_reply(scanning, cursor, scanning->found_count);
    for (size_t i = 0; i < scanning->found_count; i++)
        set_reply_element(call, found[i]);
}

static void reply_match(void *context, const uint8_t *element)
{
    struct scanning *scanning = context;
    if (!fits(scanning, element))
        return;
    set_reply_element(scanning->call, element);
    scanning->found_count++;
}

static void scan_small(struct scanning *scanning, const struct value *value)
{
    struct reply *reply = scanning->call->reply;
    reply_array(reply, 2);
    reply_bulk(reply, BYTES("0"));
    struct reply_mark mark = reply_array_later(reply);
    (void)set_scan(scanning->call->space, value, 0, reply_match, scanning);
    reply_count(reply, mark, scanning->found_count);
}

void cmd_sscan(struct call *call)
{
    struct scanning scanning;
    struct value value;
    uint64_t cursor = 0;
    bool there;
    scanning_init(&scanning, call, sizeof(const uint8_t *));
    if (!scanning_cursor(call, 2, &cursor) || !set_read_first(call, &value, &there) ||
        (there && !scanning_read(&scanning, 3, 0)))
        return;
    if (!there)
        scanning_reply(&scanning, 0, 0);
    else if (value.encoding == SET_BIG)
        scan_big(&scanning, &value, cursor);
    else
        scan_small(&scanning, &value);
}
