/* LSET, LINSERT, LREM, LTRIM: changes inside a list. */
#include "cmd/list_command.h"

void cmd_lset(struct call *call)
{
    struct list_write write;
    int64_t index = 0;
    if (!list_write_open(call, &call->first, &write))
        return;
    if (write.entry == NULL) {
        call_no_key_error(call);
        return;
    }
    if (!call_i64(call, 2, &index))
        return;
    int64_t count = (int64_t)list_write_count(&write);
    if (index < 0)
        index += count;
    if (index < 0 || index >= count) {
        reply_error(call->reply, "ERR index out of range");
        return;
    }
    list_name_growing(&write.edit, call->argv[3].count, 1);
    if (list_set(&write.edit, (uint64_t)index, call->argv[3]) != ERR_NONE) {
        list_write_fail(&write);
        return;
    }
    list_name_shrunk(&write.edit);
    if (list_write_close(&write, EVENT_LSET))
        reply_ok(call->reply);
}

/* --- LINSERT ---------------------------------------------------------------------------------- */

static bool find_pivot(const struct list *list, struct bytes content, uint64_t *rank)
{
    struct packed_item sought;
    struct list_cursor cursor;
    packed_sought(content, &sought);
    list_seek(list, 0, &cursor);
    *rank = 0;
    while (!packed_is(list->space, cursor.at, &sought)) {
        ++*rank;
        if (!list_forward(&cursor))
            return false;
    }
    return true;
}

static void insert(struct call *call, bool behind)
{
    struct list_write write;
    struct list list;
    uint64_t rank = 0;
    if (!list_write_open(call, &call->first, &write))
        return;
    if (write.entry == NULL) {
        reply_i64(call->reply, 0);
        return;
    }
    list_of_edit(&write.edit, &list);
    if (!find_pivot(&list, call->argv[3], &rank)) {
        reply_i64(call->reply, -1);
        return;
    }
    list_name_growing(&write.edit, call->argv[4].count, 1);
    if (list_insert(&write.edit, rank + behind, call->argv[4]) != ERR_NONE)
        list_write_fail(&write);
    else if (list_write_close(&write, EVENT_LINSERT))
        reply_i64(call->reply, (int64_t)list.count + 1);
}

void cmd_linsert(struct call *call)
{
    if (call_is(call, 2, "after"))
        insert(call, true);
    else if (call_is(call, 2, "before"))
        insert(call, false);
    else
        call_syntax_error(call);
}

/* --- LREM ------------------------------------------------------------------------------------- */

void cmd_lrem(struct call *call)
{
    struct list_write write;
    int64_t count = 0;
    uint64_t removed = 0;
    if (!call_i64(call, 2, &count) || !list_write_open(call, &call->first, &write))
        return;
    uint64_t most = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (count == 0)
        most = UINT64_MAX;
    enum list_end from = count < 0 ? LIST_TAIL : LIST_HEAD;
    if (list_remove_equal(&write.edit, call->argv[3], most, from, &removed) != ERR_NONE) {
        list_write_fail(&write);
        return;
    }
    if (removed > 0 && list_write_count(&write) > 0)
        list_name_shrunk(&write.edit);
    if (list_write_close(&write, EVENT_LREM))
        reply_i64(call->reply, (int64_t)removed);
}

/* --- LTRIM ------------------------------------------------------------------------------------ */

struct list_range list_range(uint64_t count, int64_t first, int64_t last)
{
    int64_t all = (int64_t)count;
    if (first < 0)
        first = first + all < 0 ? 0 : first + all;
    if (last < 0)
        last += all;
    if (last >= all)
        last = all - 1;
    if (first > last)
        return (struct list_range){ 0, 0 };
    return (struct list_range){ (uint64_t)first, (uint64_t)(last - first + 1) };
}

static enum err keep_range(struct value_edit *edit, uint64_t count, struct list_range range)
{
    uint64_t behind = range.rank + range.count;
    enum err err = list_remove(edit, behind, count - behind);
    return err == ERR_NONE ? list_remove(edit, 0, range.rank) : err;
}

/* The key goes with its items, not one after the other: where they are many, in steps, later. */
static void drop_all(struct list_write *write)
{
    struct call *call = write->call;
    if (write->entry != NULL)
        edit_changed(&write->edit);
    if (call_commit(call, call->db, &write->key, write->entry, &write->edit, EVENT_LTRIM, true) ==
        ERR_NONE)
        reply_ok(call->reply);
}

void cmd_ltrim(struct call *call)
{
    struct list_write write;
    int64_t first = 0, last = 0;
    if (!call_i64(call, 2, &first) || !call_i64(call, 3, &last) ||
        !list_write_open(call, &call->first, &write))
        return;
    uint64_t count = list_write_count(&write);
    struct list_range range = list_range(count, first, last);
    if (range.count == 0) {
        drop_all(&write);
        return;
    }
    if (keep_range(&write.edit, count, range) != ERR_NONE) {
        list_write_fail(&write);
        return;
    }
    list_name_shrunk(&write.edit);
    if (range.count == count)
        store_notify(call->store, call->db, call->first.name, EVENT_LTRIM);
    if (list_write_close(&write, EVENT_LTRIM))
        reply_ok(call->reply);
}
