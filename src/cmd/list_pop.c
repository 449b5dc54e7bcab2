/* LPOP, RPOP, LMPOP, and their waiting forms BLPOP, BRPOP, BLMPOP. */
#include "cmd/blocking.h"
#include "cmd/effects.h"
#include "cmd/list_command.h"

/* --- popping ---------------------------------------------------------------------------------- */

/* The items from `rank` on, to be read when the list has changed: in a big one they are read
 * before, for removing them cannot fail; of a small one a copy is kept. False: no memory. */
static bool keep_items(const struct list_write *write, uint64_t rank, uint64_t count,
                       struct list *kept)
{
    struct list_cursor cursor;
    list_of_edit(&write->edit, kept);
    if (kept->root != NULL)
        return true;
    list_seek(kept, rank, &cursor);
    size_t bytes = (size_t)(item_forward(cursor.at, count) - cursor.at);
    uint8_t *copy = arena_take(write->call->arena, LIST_SMALL_HEADER + bytes);
    if (copy == NULL)
        return false;
    copy[0] = (uint8_t)count;
    copy[1] = (uint8_t)(count >> 8);
    memcpy(copy + LIST_SMALL_HEADER, cursor.at, bytes);
    kept->body = bytes_of(copy, LIST_SMALL_HEADER + bytes);
    kept->count = count;
    return true;
}

static void write_items(struct call *call, const struct key *key, const struct list_pop *pop,
                        const struct list *items, uint64_t count)
{
    if (pop->with_key) {
        reply_array(call->reply, 2);
        reply_bulk(call->reply, key->name);
    }
    if (pop->as_array)
        reply_array(call->reply, count);
    list_reply_items(call, items, pop->end == LIST_HEAD ? 0 : items->count - 1, count, pop->end);
}

/* Of several keys the one that had something; LPOP and RPOP are what they are. */
static void tell_popped(const struct list_write *write, const struct list_pop *pop, uint64_t count)
{
    const char *command = pop->end == LIST_HEAD ? "LPOP" : "RPOP";
    if (!pop->with_key)
        return;
    if (count > 1)
        effect_of_key_number(write->call, command, write->key.name, (int64_t)count);
    else
        effect_of_key(write->call, command, write->key.name);
}

void list_pop(struct list_write *write, const struct list_pop *pop)
{
    uint64_t there = list_write_count(write);
    uint64_t count = pop->count < there ? pop->count : there;
    uint64_t rank = pop->end == LIST_HEAD ? 0 : there - count;
    struct list kept;
    if (!keep_items(write, rank, count, &kept)) {
        list_write_fail(write);
        return;
    }
    if (kept.root != NULL)
        write_items(write->call, &write->key, pop, &kept, count);
    if (list_remove(&write->edit, rank, count) != ERR_NONE) {
        list_write_fail(write);
        return;
    }
    if (count < there)
        list_name_shrunk(&write->edit);
    if (!list_write_close(write, pop->end == LIST_HEAD ? EVENT_LPOP : EVENT_RPOP))
        return;
    tell_popped(write, pop, count);
    if (kept.root == NULL)
        write_items(write->call, &write->key, pop, &kept, count);
}

/* --- LPOP and RPOP ---------------------------------------------------------------------------- */

static bool read_within(struct call *call, uint32_t at, int64_t least, const char *error,
                        int64_t *number)
{
    if (number_read_i64(call->argv[at], number) && *number >= least)
        return true;
    reply_error(call->reply, error);
    return false;
}

static void pop_one_key(struct call *call, enum list_end end)
{
    bool has_count = call->argc == 3;
    int64_t count = 1;
    struct list_write write;
    if (call->argc > 3) {
        call_arity_error(call);
        return;
    }
    if (has_count &&
        !read_within(call, 2, 0, "ERR value is out of range, must be positive", &count))
        return;
    if (!list_write_open(call, &call->first, &write))
        return;
    if (write.entry == NULL && has_count)
        reply_nil_array(call->reply);
    else if (write.entry == NULL)
        reply_nil(call->reply);
    else if (count == 0)
        reply_array(call->reply, 0);
    else
        list_pop(&write, &(struct list_pop){ end, (uint64_t)count, has_count, false });
}

void cmd_lpop(struct call *call)
{
    pop_one_key(call, LIST_HEAD);
}

void cmd_rpop(struct call *call)
{
    pop_one_key(call, LIST_TAIL);
}

/* --- several keys ----------------------------------------------------------------------------- */

struct pop_keys {
    uint32_t first, count; /* in argv */
    struct list_pop pop;
};

/* Pops from the first key that is there; false when none is, and no reply is written. */
static bool pop_first(struct call *call, const struct pop_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        struct key key = call_key(call, i, keys->first + i);
        struct list_write write;
        if (!list_write_open(call, &key, &write))
            return true;
        if (write.entry == NULL)
            continue;
        list_pop(&write, &keys->pop);
        return true;
    }
    return false;
}

static void wait_for_lists(struct call *call, const struct pop_keys *keys, int64_t timeout_ms)
{
    struct wait wait = { .type = VALUE_LIST,
                         .keys = &call->argv[keys->first],
                         .key_count = keys->count,
                         .timeout_ms = timeout_ms,
                         .timed_out = reply_nil_array };
    if (call_may_wait(call))
        call_wait(call, &wait);
    else
        reply_nil_array(call->reply);
}

/* numkeys key [key ...] LEFT|RIGHT [COUNT count], from argv[at] on. */
static bool read_pop_keys(struct call *call, uint32_t at, struct pop_keys *keys)
{
    int64_t count = 0, items = 1;
    bool has_count = false;
    if (!read_within(call, at, 1, "ERR numkeys should be greater than 0", &count))
        return false;
    if (count >= (int64_t)call->argc - at - 1) {
        call_syntax_error(call);
        return false;
    }
    keys->first = at + 1;
    keys->count = (uint32_t)count;
    keys->pop = (struct list_pop){ .as_array = true, .with_key = true };
    at += 1 + keys->count;
    if (!list_read_end(call, at, &keys->pop.end))
        return false;
    for (at++; at < call->argc; at++) {
        if (has_count || !call_is(call, at, "count") || at + 1 == call->argc) {
            call_syntax_error(call);
            return false;
        }
        if (!read_within(call, ++at, 1, "ERR count should be greater than 0", &items))
            return false;
        has_count = true;
    }
    keys->pop.count = (uint64_t)items;
    return true;
}

void cmd_lmpop(struct call *call)
{
    struct pop_keys keys;
    if (read_pop_keys(call, 1, &keys) && !pop_first(call, &keys))
        reply_nil_array(call->reply);
}

void cmd_blmpop(struct call *call)
{
    struct pop_keys keys;
    int64_t timeout_ms = 0;
    if (!read_pop_keys(call, 2, &keys) || !call_timeout(call, 1, &timeout_ms))
        return;
    if (!pop_first(call, &keys))
        wait_for_lists(call, &keys, timeout_ms);
}

/* The key and the item, in one array. */
static void pop_or_wait(struct call *call, enum list_end end)
{
    struct pop_keys keys = { .first = 1, .count = call->argc - 2 };
    int64_t timeout_ms = 0;
    keys.pop = (struct list_pop){ .end = end, .count = 1, .with_key = true };
    if (!call_timeout(call, call->argc - 1, &timeout_ms))
        return;
    if (!pop_first(call, &keys))
        wait_for_lists(call, &keys, timeout_ms);
}

void cmd_blpop(struct call *call)
{
    pop_or_wait(call, LIST_HEAD);
}

void cmd_brpop(struct call *call)
{
    pop_or_wait(call, LIST_TAIL);
}
