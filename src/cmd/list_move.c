/* LMOVE, RPOPLPUSH and their waiting forms: an item from an end of a list to one of another. */
#include "base/number.h"
#include "cmd/blocking.h"
#include "cmd/effects.h"
#include "cmd/list_command.h"

static enum event pop_event(enum list_end end)
{
    return end == LIST_HEAD ? EVENT_LPOP : EVENT_RPOP;
}

static enum event push_event(enum list_end end)
{
    return end == LIST_HEAD ? EVENT_LPUSH : EVENT_RPUSH;
}

/* A copy of the item at an end, for the list changes meanwhile. */
static bool copy_item(const struct list_write *write, enum list_end end, struct bytes *content)
{
    struct list list;
    struct list_cursor cursor;
    uint8_t digits[NUMBER_I64_MAX];
    list_of_edit(&write->edit, &list);
    list_seek(&list, end == LIST_HEAD ? 0 : list.count - 1, &cursor);
    struct bytes view = packed_view(list.space, cursor.at, digits);
    uint8_t *copy = arena_take(write->call->arena, view.count + 1);
    if (copy == NULL)
        return false;
    if (view.count > 0)
        memcpy(copy, view.at, view.count);
    *content = bytes_of(copy, view.count);
    return true;
}

static enum err remove_at(struct list_write *write, enum list_end end)
{
    uint64_t count = list_write_count(write);
    enum err err = list_remove(&write->edit, end == LIST_HEAD ? 0 : count - 1, 1);
    if (err == ERR_NONE && count > 1)
        list_name_shrunk(&write->edit);
    return err;
}

/* One list: pushed first, so that a failure leaves it whole. */
static bool rotate(struct list_write *list, struct list_ends ends, struct bytes content)
{
    uint64_t count = list_write_count(list);
    uint64_t rank =
        ends.from == LIST_HEAD ? (uint64_t)(ends.to == LIST_HEAD) : count - (ends.to == LIST_TAIL);
    if (list_push(&list->edit, ends.to, content) != ERR_NONE ||
        list_remove(&list->edit, rank, 1) != ERR_NONE) {
        list_write_fail(list);
        return false;
    }
    list_name_shrunk(&list->edit);
    struct call *call = list->call;
    if (!list_write_close(list, push_event(ends.to)))
        return false;
    store_notify(call->store, call->db, list->key.name, pop_event(ends.from));
    return true;
}

/* Redis moves a number as an integer, whose digits it does not count. */
static void name_growing(struct list_write *target, struct bytes content)
{
    int64_t number = 0;
    uint64_t bytes = number_read_i64(content, &number) ? 0 : content.count;
    list_name_growing(&target->edit, bytes, 1);
}

/* A small source is made ready before the target changes; a big one's change cannot fail. */
static bool transfer(struct list_write *source, struct list_write *target, struct list_ends ends,
                     struct bytes content)
{
    struct call *call = source->call;
    bool in_place = source->edit.root != NULL;
    if (!in_place && remove_at(source, ends.from) != ERR_NONE) {
        list_write_fail(source);
        return false;
    }
    name_growing(target, content);
    if (list_push(&target->edit, ends.to, content) != ERR_NONE) {
        list_write_fail(target);
        return false;
    }
    if (!list_write_close(target, push_event(ends.to)))
        return false;
    if (in_place) {
        enum err err = remove_at(source, ends.from);
        ENSURE(err == ERR_NONE);
    }
    source->entry = store_look(call->store, call->db, &source->key);
    return list_write_close(source, pop_event(ends.from));
}

/* BLMOVE and BRPOPLPUSH, which found something, as those that do not wait. */
static void tell_moved(const struct list_write *source, const struct key *to, struct list_ends ends)
{
    struct bytes left = bytes_of_text("LEFT"), right = bytes_of_text("RIGHT");
    struct bytes argv[] = { bytes_of_text("LMOVE"), source->key.name, to->name,
                            ends.from == LIST_HEAD ? left : right,
                            ends.to == LIST_HEAD ? left : right };
    effects_instead(source->call, argv, 5);
}

static void move_item(struct list_write *source, const struct key *to, struct list_ends ends)
{
    struct call *call = source->call;
    struct list_write target;
    struct bytes content;
    if (!list_write_open(call, to, &target))
        return;
    if (!copy_item(source, ends.from, &content)) {
        list_write_fail(source);
        return;
    }
    bool done = bytes_equal(source->key.name, to->name) ? rotate(source, ends, content)
                                                        : transfer(source, &target, ends, content);
    if (!done)
        return;
    reply_bulk(call->reply, content);
    if ((call->command->flags & CMD_BLOCKING) != 0)
        tell_moved(source, to, ends);
}

static void move_now(struct call *call, struct list_ends ends)
{
    struct key from = call_key(call, 0, 1), to = call_key(call, 1, 2);
    struct list_write source;
    if (!list_write_open(call, &from, &source))
        return;
    if (source.entry == NULL)
        reply_nil(call->reply);
    else
        move_item(&source, &to, ends);
}

static void move_or_wait(struct call *call, struct list_ends ends, uint32_t timeout_at)
{
    struct key from = call_key(call, 0, 1), to = call_key(call, 1, 2);
    struct list_write source;
    int64_t timeout_ms = 0;
    if (!call_timeout(call, timeout_at, &timeout_ms) || !list_write_open(call, &from, &source))
        return;
    struct wait wait = { .type = VALUE_LIST,
                         .keys = &call->argv[1],
                         .key_count = 1,
                         .timeout_ms = timeout_ms,
                         .timed_out = reply_nil_array };
    if (source.entry != NULL)
        move_item(&source, &to, ends);
    else if (call_may_wait(call))
        call_wait(call, &wait);
    else
        reply_nil(call->reply);
}

static bool read_ends(struct call *call, struct list_ends *ends)
{
    return list_read_end(call, 3, &ends->from) && list_read_end(call, 4, &ends->to);
}

void cmd_lmove(struct call *call)
{
    struct list_ends ends;
    if (read_ends(call, &ends))
        move_now(call, ends);
}

void cmd_blmove(struct call *call)
{
    struct list_ends ends;
    if (read_ends(call, &ends))
        move_or_wait(call, ends, 5);
}

void cmd_rpoplpush(struct call *call)
{
    move_now(call, (struct list_ends){ LIST_TAIL, LIST_HEAD });
}

void cmd_brpoplpush(struct call *call)
{
    move_or_wait(call, (struct list_ends){ LIST_TAIL, LIST_HEAD }, 3);
}
