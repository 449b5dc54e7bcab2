/* XPENDING. */
#include "cmd/stream_command.h"

static void reply_consumers(struct call *call, const struct group *group)
{
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t written = 0;
    for (uint32_t id = stream_names_next(&group->consumers, 0); id != 0;
         id = stream_names_next(&group->consumers, id)) {
        struct consumer consumer;
        consumer_open(&consumer, group->space, id);
        if (consumer_pending_count(&consumer) == 0)
            continue;
        reply_array(call->reply, 2);
        reply_bulk(call->reply, consumer_name(&consumer));
        reply_bulk_i64(call->reply, (int64_t)consumer_pending_count(&consumer));
        written++;
    }
    reply_count(call->reply, mark, written);
}

static void reply_summary(struct call *call, const struct group *group)
{
    struct pending first, last;
    reply_array(call->reply, 4);
    reply_i64(call->reply, (int64_t)group_pending_count(group));
    if (!pending_from(group, NULL, STREAM_ID_ZERO, &first) || !pending_last(group, &last)) {
        reply_nil(call->reply);
        reply_nil(call->reply);
        reply_nil_array(call->reply);
        return;
    }
    stream_reply_id(call, first.id);
    stream_reply_id(call, last.id);
    reply_consumers(call, group);
}

struct filter {
    int64_t idle_ms;
    int64_t count;
    struct stream_id from, to;
    uint32_t consumer_at; /* 0: all */
};

/* [IDLE ms] start end count [consumer], looked at from the count on. */
static bool read_filter(struct call *call, struct filter *filter)
{
    uint32_t at = 3;
    if (call_is(call, 3, "IDLE")) {
        if (!call_i64(call, 4, &filter->idle_ms))
            return false;
        if (call->argc < 8) {
            call_syntax_error(call);
            return false;
        }
        at = 5;
    }
    if (!call_i64(call, at + 2, &filter->count) || !stream_arg_start(call, at, &filter->from) ||
        !stream_arg_end(call, at + 1, &filter->to))
        return false;
    filter->consumer_at = at + 3 < call->argc ? at + 3 : 0;
    return true;
}

static void reply_pending(struct call *call, const struct group *group,
                          const struct pending *pending)
{
    int64_t idle = store_now_ms(call->store) - pending->time_ms;
    reply_array(call->reply, 4);
    stream_reply_id(call, pending->id);
    reply_bulk(call->reply, stream_name_of(group->space, pending->consumer));
    reply_i64(call->reply, idle < 0 ? 0 : idle);
    reply_i64(call->reply, (int64_t)pending->count);
}

static void reply_list(struct call *call, const struct group *group, const struct filter *filter)
{
    struct consumer consumer;
    struct pending pending;
    struct stream_id from = filter->from;
    bool more = true;
    int64_t written = 0, now = store_now_ms(call->store);
    if (filter->consumer_at != 0 &&
        !consumer_find(group, call->argv[filter->consumer_at], &consumer)) {
        reply_array(call->reply, 0);
        return;
    }
    struct reply_mark mark = reply_array_later(call->reply);
    while (more && written < filter->count &&
           pending_from(group, filter->consumer_at == 0 ? NULL : &consumer, from, &pending) &&
           stream_id_compare(pending.id, filter->to) <= 0) {
        from = pending.id;
        more = stream_id_next(&from);
        if (filter->idle_ms != 0 && now - pending.time_ms < filter->idle_ms)
            continue;
        reply_pending(call, group, &pending);
        written++;
    }
    reply_count(call->reply, mark, (uint64_t)written);
}

void cmd_xpending(struct call *call)
{
    struct filter filter = { 0 };
    struct stream_place place;
    struct group group;
    bool summary = call->argc == 3;
    if (!summary && (call->argc < 6 || call->argc > 9)) {
        call_syntax_error(call);
        return;
    }
    if ((!summary && !read_filter(call, &filter)) ||
        !stream_look(call, 0, 1, STREAM_READS, &place) ||
        !stream_look_group(call, &place, 2, &group))
        return;
    if (summary)
        reply_summary(call, &group);
    else
        reply_list(call, &group, &filter);
}
