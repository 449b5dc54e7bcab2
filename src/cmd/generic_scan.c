#include "base/glob.h"
#include "cmd/generic.h"
#include "cmd/scanning.h"

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
 * The keys found are views into their entries: nothing changes the store between the walk and the
 * reply. */

static void scan_visit(void *context, const struct entry *entry)
{
    struct scanning *scanning = context;
    struct bytes key = entry_key(entry), type = scanning->type;
    scanning->visited++;
    if (!scanning_fits(scanning, key))
        return;
    if (type.at != NULL && !bytes_is(type, type_ops(entry_type(entry))->name))
        return;
    if (!store_is_expired(scanning->call->store, entry))
        scanning_keep(scanning, &key);
}

void generic_scan(struct call *call)
{
    struct scanning scanning;
    uint64_t cursor = 0;
    scanning_init(&scanning, call, sizeof(struct bytes));
    if (!scanning_cursor(call, 1, &cursor) || !scanning_read(&scanning, 2, SCANNING_TYPE))
        return;
    do
        cursor = store_scan(call->store, call->db, cursor, scan_visit, &scanning);
    while (scanning_goes_on(&scanning, cursor));
    if (scanning.failed) {
        call_memory_error(call);
        return;
    }
    const struct bytes *found = (const void *)scanning.found;
    scanning_reply(&scanning, cursor, scanning.found_count);
    for (size_t i = 0; i < scanning.found_count; i++)
        reply_bulk(call->reply, found[i]);
}
