/* SADD, SREM and SMOVE. */
#include "cmd/set_command.h"

/* A big set keeps what was done to it when memory fails half-way; anything else is as before. */
static bool in_place(const struct value_edit *edit)
{
    return edit->root != NULL && !edit->became_big;
}

/* Commits `done` changes and replies how many there were. */
static void finish(struct call *call, struct entry *entry, struct value_edit *edit,
                   enum event event, enum err err, int64_t done)
{
    if (done == 0 || (err != ERR_NONE && !in_place(edit))) {
        edit_abandon(edit);
    } else {
        bool empty = set_count(call->space, &edit->value) == 0;
        if (call_commit(call, call->db, &call->first, entry, edit, event, empty) != ERR_NONE)
            return;
    }
    if (err != ERR_NONE)
        call_memory_error(call);
    else
        reply_i64(call->reply, done);
}

/* An edit of the set, or of a new one that `count` members from argv[at] on are added to. */
static enum err open_to_add(struct call *call, const struct entry *entry, struct value_edit *edit,
                            uint32_t at, uint32_t count)
{
    if (entry != NULL) {
        struct value value = entry_value(entry);
        set_open(edit, call->space, call->arena, &value);
        return set_expect(edit, count);
    }
    struct packed_item first;
    packed_sought(call->argv[at], &first);
    set_new(edit, call->space, call->arena, set_new_name(call->space, &first, count));
    return ERR_NONE;
}

void cmd_sadd(struct call *call)
{
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (!call_type_fits(call, entry, VALUE_SET))
        return;
    struct value_edit edit;
    int64_t done = 0;
    enum err err = open_to_add(call, entry, &edit, 2, call->argc - 2);
    for (uint32_t at = 2; at < call->argc && err == ERR_NONE; at++) {
        struct packed_item item;
        bool added;
        packed_sought(call->argv[at], &item);
        err = set_add(&edit, &item, &added);
        done += added;
    }
    finish(call, entry, &edit, EVENT_SADD, err, done);
}

void cmd_srem(struct call *call)
{
    struct entry *entry = store_look(call->store, call->db, &call->first);
    if (!call_type_fits(call, entry, VALUE_SET))
        return;
    if (entry == NULL) {
        reply_i64(call->reply, 0);
        return;
    }
    struct value_edit edit;
    struct value value = entry_value(entry);
    int64_t done = 0;
    enum err err = ERR_NONE;
    set_open(&edit, call->space, call->arena, &value);
    for (uint32_t at = 2; at < call->argc && err == ERR_NONE; at++) {
        struct packed_item item;
        bool removed;
        packed_sought(call->argv[at], &item);
        err = set_remove(&edit, &item, &removed);
        done += removed;
    }
    finish(call, entry, &edit, EVENT_SREM, err, done);
}

/* --- SMOVE ------------------------------------------------------------------------------------ */

/* The member is put into the target before it leaves the source, so that it is never lost; those
 * who listen hear it the other way round, as from Redis. */
static bool add_to_target(struct call *call, const struct packed_item *item, bool *added)
{
    struct key key = call_key(call, 1, 2);
    struct entry *entry = store_look(call->store, call->db, &key);
    struct value_edit edit;
    struct value value;
    if (entry != NULL) {
        value = entry_value(entry);
        set_open(&edit, call->space, call->arena, &value);
    } else {
        set_new(&edit, call->space, call->arena, set_new_name(call->space, item, 1));
    }
    if (set_add(&edit, item, added) != ERR_NONE) {
        edit_abandon(&edit);
        call_memory_error(call);
        return false;
    }
    return call_commit(call, call->db, &key, entry, &edit, EVENT_NONE, false) == ERR_NONE;
}

static bool take_from_source(struct call *call, const struct packed_item *item)
{
    struct entry *entry = store_look(call->store, call->db, &call->first);
    struct value value = entry_value(entry);
    struct value_edit edit;
    bool removed;
    set_open(&edit, call->space, call->arena, &value);
    if (set_remove(&edit, item, &removed) != ERR_NONE) {
        call_memory_error(call);
        return false;
    }
    bool empty = set_count(call->space, &edit.value) == 0;
    return call_commit(call, call->db, &call->first, entry, &edit, EVENT_SREM, empty) == ERR_NONE;
}

void cmd_smove(struct call *call)
{
    struct key target = call_key(call, 1, 2);
    const struct entry *to = store_look(call->store, call->db, &target);
    const struct entry *from = store_look(call->store, call->db, &call->first);
    struct packed_item item;
    bool added;
    if (from == NULL) {
        reply_i64(call->reply, 0);
        return;
    }
    if (!call_type_fits(call, from, VALUE_SET) || !call_type_fits(call, to, VALUE_SET))
        return;
    struct value value = entry_value(from);
    packed_sought(call->argv[3], &item);
    bool there = set_has(call->space, &value, &item);
    if (there && from != to) {
        if (!add_to_target(call, &item, &added) || !take_from_source(call, &item))
            return;
        if (added)
            store_notify(call->store, call->db, target.name, EVENT_SADD);
    }
    reply_i64(call->reply, there);
}
