/* LPUSH, RPUSH and their like: items at an end. */
#include "cmd/list_command.h"

static uint64_t argument_bytes(const struct call *call, uint32_t from)
{
    uint64_t bytes = 0;
    for (uint32_t at = from; at < call->argc; at++)
        bytes += call->argv[at].count;
    return bytes;
}

/* What was pushed before memory failed goes again: a big list is changed in place. */
static void take_back(struct list_write *write, enum list_end end, uint64_t pushed)
{
    uint64_t count = list_write_count(write);
    if (write->edit.root == NULL || write->edit.became_big || pushed == 0)
        return;
    enum err err = list_remove(&write->edit, end == LIST_HEAD ? 0 : count - pushed, pushed);
    ENSURE(err == ERR_NONE); /* nothing is needed for it */
}

static bool push_all(struct list_write *write, enum list_end end)
{
    const struct call *call = write->call;
    list_name_growing(&write->edit, argument_bytes(call, 2), call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        if (LIKELY(list_push(&write->edit, end, call->argv[at]) == ERR_NONE))
            continue;
        take_back(write, end, at - 2);
        list_write_fail(write);
        return false;
    }
    return true;
}

static void push(struct call *call, enum list_end end, bool only_existing)
{
    struct list_write write;
    if (!list_write_open(call, &call->first, &write))
        return;
    if (only_existing && write.entry == NULL) {
        reply_i64(call->reply, 0);
        return;
    }
    if (!push_all(&write, end))
        return;
    uint64_t count = list_write_count(&write);
    if (list_write_close(&write, end == LIST_HEAD ? EVENT_LPUSH : EVENT_RPUSH))
        reply_i64(call->reply, (int64_t)count);
}

void cmd_lpush(struct call *call)
{
    push(call, LIST_HEAD, false);
}

void cmd_rpush(struct call *call)
{
    push(call, LIST_TAIL, false);
}

void cmd_lpushx(struct call *call)
{
    push(call, LIST_HEAD, true);
}

void cmd_rpushx(struct call *call)
{
    push(call, LIST_TAIL, true);
}
