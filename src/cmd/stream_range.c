/* XRANGE and XREVRANGE. */
#include "cmd/stream_command.h"

/* COUNT may come more than once: the last one counts. -1: there is none. */
static bool read_count(struct call *call, int64_t *count)
{
    *count = -1;
    for (uint32_t at = 4; at < call->argc; at += 2) {
        if (!call_is(call, at, "COUNT") || at + 1 >= call->argc) {
            call_syntax_error(call);
            return false;
        }
        if (!call_i64(call, at + 1, count))
            return false;
        *count = *count < 0 ? 0 : *count;
    }
    return true;
}

static void range(struct call *call, bool reverse)
{
    struct stream_place place;
    struct stream_id from, to;
    int64_t count;
    if (!stream_arg_start(call, reverse ? 3 : 2, &from) ||
        !stream_arg_end(call, reverse ? 2 : 3, &to) || !read_count(call, &count) ||
        !stream_look(call, 0, 1, STREAM_READS, &place))
        return;
    if (place.entry == NULL)
        reply_array(call->reply, 0);
    else if (count == 0)
        reply_nil_array(call->reply);
    else
        stream_reply_range(call, &place.stream, from, to, reverse,
                           count < 0 ? UINT64_MAX : (uint64_t)count);
}

void cmd_xrange(struct call *call)
{
    range(call, false);
}

void cmd_xrevrange(struct call *call)
{
    range(call, true);
}
