#include "cmd/generic.h"

static void remove_keys(struct call *call)
{
    int64_t removed = 0;
    for (uint32_t at = 1; at < call->argc; at++) {
        struct key key = call_key(call, at - 1, at);
        struct entry *entry = store_look(call->store, call->db, &key);
        if (entry == NULL)
            continue;
        store_remove(call->store, call->db, &key, entry, EVENT_DEL);
        removed++;
    }
    reply_i64(call->reply, removed);
}

void generic_del(struct call *call)
{
    remove_keys(call);
}

/* The store gives the memory of big values back in steps anyhow. */
void generic_unlink(struct call *call)
{
    remove_keys(call);
}

static void count_keys(struct call *call, unsigned read_flags)
{
    int64_t count = 0;
    for (uint32_t at = 1; at < call->argc; at++) {
        struct key key = call_key(call, at - 1, at);
        count += store_read(call->store, call->db, &key, read_flags) != NULL;
    }
    reply_i64(call->reply, count);
}

void generic_exists(struct call *call)
{
    count_keys(call, STORE_NO_TOUCH);
}

/* Touches even after CLIENT NO-TOUCH: it was asked for. */
void generic_touch(struct call *call)
{
    count_keys(call, STORE_TOUCH);
}

void generic_type(struct call *call)
{
    const struct entry *entry = store_read(call->store, call->db, &call->first, STORE_NO_TOUCH);
    reply_status(call->reply, entry == NULL ? "none" : type_ops(entry_type(entry))->name);
}

void generic_randomkey(struct call *call)
{
    const struct entry *entry = store_random(call->store, call->db);
    if (entry == NULL)
        reply_nil(call->reply);
    else
        reply_bulk(call->reply, entry_key(entry));
}

/* Looks at the new name first: an expired key there is removed, which may move nothing that is
 * looked up afterwards. False when the reply is
 * written already. */
static bool rename_key(struct call *call, bool only_new)
{
    struct key from = call_key(call, 0, 1), to = call_key(call, 1, 2);
    bool taken = store_look(call->store, call->db, &to) != NULL;
    struct entry *entry = store_look(call->store, call->db, &from);
    if (entry == NULL) {
        call_no_key_error(call);
        return false;
    }
    if (only_new && taken) {
        reply_i64(call->reply, 0);
        return false;
    }
    if (bytes_equal(from.name, to.name))
        return true;
    if (store_rename(call->store, call->db, &from, entry, call->db, &to, EVENT_RENAME_FROM,
                     EVENT_RENAME_TO) == ERR_NONE)
        return true;
    call_memory_error(call);
    return false;
}

void generic_rename(struct call *call)
{
    if (rename_key(call, false))
        reply_ok(call->reply);
}

void generic_renamenx(struct call *call)
{
    if (rename_key(call, true))
        reply_i64(call->reply, 1);
}

static void same_object_error(struct call *call)
{
    reply_error(call->reply, "ERR source and destination objects are the same");
}

void generic_move(struct call *call)
{
    uint32_t to_db = 0;
    if (!call_db(call, 2, &to_db))
        return;
    if (to_db == call->db) {
        same_object_error(call);
        return;
    }
    bool taken = store_look(call->store, to_db, &call->first) != NULL;
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (entry == NULL || taken)
        reply_i64(call->reply, 0);
    else if (store_rename(call->store, call->db, &call->first, entry, to_db, &call->first,
                          EVENT_MOVE_FROM, EVENT_MOVE_TO) == ERR_NONE)
        reply_i64(call->reply, 1);
    else
        call_memory_error(call);
}

/* There are no replicas to wait for, so that none has confirmed anything. */
void generic_wait(struct call *call)
{
    int64_t replicas = 0, timeout_ms = 0;
    if (call_i64(call, 1, &replicas) && call_timeout_ms(call, 2, &timeout_ms))
        reply_i64(call->reply, 0);
}
