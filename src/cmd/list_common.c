#include "cmd/list_command.h"

bool list_write_open(struct call *call, const struct key *key, struct list_write *write)
{
    write->call = call;
    write->key = *key;
    write->entry = store_look(call->store, call->db, key);
    if (!call_type_fits(call, write->entry, VALUE_LIST))
        return false;
    if (write->entry == NULL) {
        edit_new(&write->edit, call->space, call->arena, VALUE_LIST, LIST_LISTPACK);
        return true;
    }
    struct value value = entry_value(write->entry);
    edit_open(&write->edit, call->space, call->arena, &value, value.encoding == LIST_BIG);
    return true;
}

uint64_t list_write_count(const struct list_write *write)
{
    struct list list;
    if (LIKELY(write->edit.root != NULL))
        return write->edit.root->count;
    list_of_edit(&write->edit, &list);
    return list.count;
}

bool list_write_close(struct list_write *write, enum event event)
{
    bool empty = list_write_count(write) == 0;
    return call_commit(write->call, write->call->db, &write->key, write->entry, &write->edit, event,
                       empty) == ERR_NONE;
}

void list_write_fail(struct list_write *write)
{
    edit_abandon(&write->edit);
    call_memory_error(write->call);
}

bool list_read(struct call *call, const struct key *key, struct list *list, bool *there)
{
    const struct entry *entry = call_read(call, key);
    *there = entry != NULL;
    if (!call_type_fits(call, entry, VALUE_LIST))
        return false;
    if (entry != NULL) {
        struct value value = entry_value(entry);
        list_open(call->space, &value, list);
    }
    return true;
}

void list_reply_items(struct call *call, const struct list *list, uint64_t rank, uint64_t count,
                      enum list_end from)
{
    struct list_cursor cursor;
    if (count == 0)
        return;
    list_seek(list, rank, &cursor);
    for (;;) {
        list_reply_item(call, cursor.at);
        if (--count == 0)
            return;
        bool more = from == LIST_HEAD ? list_forward(&cursor) : list_backward(&cursor);
        ENSURE(more);
    }
}

bool list_read_end(struct call *call, uint32_t at, enum list_end *end)
{
    if (call_is(call, at, "left")) {
        *end = LIST_HEAD;
    } else if (call_is(call, at, "right")) {
        *end = LIST_TAIL;
    } else {
        call_syntax_error(call);
        return false;
    }
    return true;
}
