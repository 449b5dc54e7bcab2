/* What a command has made of a value, put through the store's door. */
#include "cmd/args.h"

/* The id in the entry stays; what is behind it has changed already. */
static bool in_place(const struct value_edit *edit, const struct entry *entry)
{
    return edit->root != NULL && !edit->became_big && edit->value.encoding == entry_encoding(entry);
}

static enum err put_new(struct call *call, uint32_t db, const struct key *key,
                        struct value_edit *edit, enum event event)
{
    return store_put(call->store, db, key, NULL, &edit->value, STORE_NO_EXPIRY, event, NULL);
}

static enum err put_body(struct call *call, uint32_t db, const struct key *key, struct entry *entry,
                         struct value_edit *edit, enum event event)
{
    const struct value *value = &edit->value;
    uint8_t *body =
        store_edit(call->store, db, key, &entry, value->body.count, value->encoding, event);
    if (body == NULL)
        return ERR_MEMORY;
    if (value->body.count > 0)
        memcpy(body, value->body.at, value->body.count);
    store_written(call->store, entry);
    return ERR_NONE;
}

static void remove_key(struct call *call, uint32_t db, const struct key *key, struct entry *entry,
                       struct value_edit *edit, enum event event)
{
    edit_abandon(edit);
    if (entry == NULL)
        return;
    store_note(call->store, db, key, event);
    store_remove(call->store, db, key, entry, EVENT_DEL);
}

enum err call_commit(struct call *call, uint32_t db, const struct key *key, struct entry *entry,
                     struct value_edit *edit, enum event event, bool empty)
{
    enum err err = ERR_NONE;
    if (!edit->changed)
        return ERR_NONE;
    if (empty) {
        remove_key(call, db, key, entry, edit, event);
    } else if (entry == NULL) {
        err = put_new(call, db, key, edit, event);
    } else if (in_place(edit, entry)) {
        store_written(call->store, entry);
        store_note(call->store, db, key, event);
    } else {
        err = put_body(call, db, key, entry, edit, event);
    }
    if (err != ERR_NONE) {
        edit_abandon(edit);
        call_memory_error(call);
    }
    return err;
}
