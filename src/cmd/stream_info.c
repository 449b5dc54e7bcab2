/* XINFO. */
#include "cmd/stream_command.h"

enum { FULL_COUNT_DEFAULT = 10 };

static const char *const help_lines[] = {
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
    NULL,
};

void cmd_xinfo_help(struct call *call)
{
    call_help(call, "xinfo", help_lines);
}

static bool look(struct call *call, struct stream_place *place)
{
    if (!stream_look(call, 0, 2, STREAM_READS, place))
        return false;
    if (place->entry == NULL)
        call_no_key_error(call);
    return place->entry != NULL;
}

static void put_number(struct call *call, const char *name, int64_t number)
{
    reply_bulk_text(call->reply, name);
    reply_i64(call->reply, number);
}

static void put_id(struct call *call, const char *name, struct stream_id id)
{
    reply_bulk_text(call->reply, name);
    stream_reply_id(call, id);
}

static void put_text(struct call *call, const char *name, struct bytes text)
{
    reply_bulk_text(call->reply, name);
    reply_bulk(call->reply, text);
}

/* --- groups and consumers --------------------------------------------------------------------- */

static void put_progress(struct call *call, const struct stream *stream, const struct group *group)
{
    int64_t lag;
    reply_bulk_text(call->reply, "entries-read");
    if (group->state->read == STREAM_READ_UNKNOWN)
        reply_nil(call->reply);
    else
        reply_i64(call->reply, group->state->read);
    reply_bulk_text(call->reply, "lag");
    if (group_lag(stream, group, &lag))
        reply_i64(call->reply, lag);
    else
        reply_nil(call->reply);
}

void cmd_xinfo_groups(struct call *call)
{
    struct stream_place place;
    if (!look(call, &place))
        return;
    const struct stream *stream = &place.stream;
    reply_array(call->reply, sorted_count(&stream->groups));
    for (uint32_t id = stream_names_next(&stream->groups, 0); id != 0;
         id = stream_names_next(&stream->groups, id)) {
        struct group group;
        group_open(&group, call->space, id);
        reply_map(call->reply, 6);
        put_text(call, "name", stream_name_of(call->space, id));
        put_number(call, "consumers", (int64_t)sorted_count(&group.consumers));
        put_number(call, "pending", (int64_t)group_pending_count(&group));
        put_id(call, "last-delivered-id", group.state->last);
        put_progress(call, stream, &group);
    }
}

static int64_t since(const struct call *call, int64_t time_ms)
{
    int64_t elapsed = store_now_ms(call->store) - time_ms;
    return elapsed < 0 ? 0 : elapsed;
}

void cmd_xinfo_consumers(struct call *call)
{
    struct stream_place place;
    struct group group;
    if (!look(call, &place))
        return;
    struct bytes key = call->argv[2], name = call->argv[3];
    if (!group_find(&place.stream, name, &group)) {
        reply_errorf(call->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                     stream_quoted(name), (const char *)name.at, stream_quoted(key),
                     (const char *)key.at);
        return;
    }
    reply_array(call->reply, sorted_count(&group.consumers));
    for (uint32_t id = stream_names_next(&group.consumers, 0); id != 0;
         id = stream_names_next(&group.consumers, id)) {
        struct consumer consumer;
        consumer_open(&consumer, call->space, id);
        int64_t active = consumer.state->active_ms;
        reply_map(call->reply, 4);
        put_text(call, "name", consumer_name(&consumer));
        put_number(call, "pending", (int64_t)consumer_pending_count(&consumer));
        put_number(call, "idle", since(call, consumer.state->seen_ms));
        put_number(call, "inactive", active == STREAM_NEVER ? -1 : since(call, active));
    }
}

/* --- XINFO STREAM ----------------------------------------------------------------------------- */

/* What every form tells, 7 pairs. A listpack of Redis is a node here; its radix tree has a node
 * more than there are leaves and inner nodes, while it is small. */
static void put_stream(struct call *call, const struct stream *stream)
{
    put_number(call, "length", (int64_t)stream_count(stream));
    put_number(call, "radix-tree-keys", (int64_t)stream_leaves(stream));
    put_number(call, "radix-tree-nodes", (int64_t)stream_nodes(stream) + 1);
    put_id(call, "last-generated-id", stream->state->last);
    put_id(call, "max-deleted-entry-id", stream->state->max_deleted);
    put_number(call, "entries-added", (int64_t)stream->state->added);
    put_id(call, "recorded-first-entry-id", stream_first_id(stream));
}

static void put_entry(struct call *call, const struct stream *stream, const char *name,
                      struct stream_id id)
{
    reply_bulk_text(call->reply, name);
    if (stream_count(stream) == 0)
        reply_nil(call->reply);
    else
        (void)stream_reply_one(call, stream, id);
}

static void reply_short(struct call *call, const struct stream *stream)
{
    reply_map(call->reply, 10);
    put_stream(call, stream);
    put_number(call, "groups", (int64_t)sorted_count(&stream->groups));
    put_entry(call, stream, "first-entry", stream_first_id(stream));
    put_entry(call, stream, "last-entry", stream_last_id(stream));
}

/* Of a group each says its consumer; in a consumer's list that is known. */
static void put_pending(struct call *call, const struct group *group,
                        const struct consumer *consumer, uint64_t most)
{
    struct pending pending;
    struct stream_id from = STREAM_ID_ZERO;
    uint64_t written = 0;
    bool more = true;
    struct reply_mark mark;
    uint64_t count =
        consumer == NULL ? group_pending_count(group) : consumer_pending_count(consumer);
    put_number(call, "pel-count", (int64_t)count);
    reply_bulk_text(call->reply, "pending");
    mark = reply_array_later(call->reply);
    for (; more && written < most && pending_from(group, consumer, from, &pending); written++) {
        reply_array(call->reply, consumer == NULL ? 4 : 3);
        stream_reply_id(call, pending.id);
        if (consumer == NULL)
            reply_bulk(call->reply, stream_name_of(call->space, pending.consumer));
        reply_i64(call->reply, pending.time_ms);
        reply_i64(call->reply, (int64_t)pending.count);
        from = pending.id;
        more = stream_id_next(&from);
    }
    reply_count(call->reply, mark, written);
}

static void reply_full_consumers(struct call *call, const struct group *group, uint64_t most)
{
    reply_bulk_text(call->reply, "consumers");
    reply_array(call->reply, sorted_count(&group->consumers));
    for (uint32_t id = stream_names_next(&group->consumers, 0); id != 0;
         id = stream_names_next(&group->consumers, id)) {
        struct consumer consumer;
        consumer_open(&consumer, call->space, id);
        reply_map(call->reply, 5);
        put_text(call, "name", consumer_name(&consumer));
        put_number(call, "seen-time", consumer.state->seen_ms);
        put_number(call, "active-time", consumer.state->active_ms);
        put_pending(call, group, &consumer, most);
    }
}

static void reply_full(struct call *call, const struct stream *stream, int64_t count)
{
    uint64_t most = count == 0 ? UINT64_MAX : (uint64_t)count;
    reply_map(call->reply, 9);
    put_stream(call, stream);
    reply_bulk_text(call->reply, "entries");
    stream_reply_range(call, stream, STREAM_ID_ZERO, STREAM_ID_MAX, false, most);
    reply_bulk_text(call->reply, "groups");
    reply_array(call->reply, sorted_count(&stream->groups));
    for (uint32_t id = stream_names_next(&stream->groups, 0); id != 0;
         id = stream_names_next(&stream->groups, id)) {
        struct group group;
        group_open(&group, call->space, id);
        reply_map(call->reply, 7);
        put_text(call, "name", stream_name_of(call->space, id));
        put_id(call, "last-delivered-id", group.state->last);
        put_progress(call, stream, &group);
        put_pending(call, &group, NULL, most);
        reply_full_consumers(call, &group, most);
    }
}

void cmd_xinfo_stream(struct call *call)
{
    struct stream_place place;
    int64_t count = FULL_COUNT_DEFAULT;
    uint32_t options = call->argc - 3;
    if (!look(call, &place))
        return;
    if (options == 0) {
        reply_short(call, &place.stream);
        return;
    }
    if ((options != 1 && options != 3) || !call_is(call, 3, "FULL") ||
        (options == 3 && !call_is(call, 4, "COUNT"))) {
        stream_subcommand_error(call, "XINFO");
        return;
    }
    if (options == 3 && !call_i64(call, 5, &count))
        return;
    reply_full(call, &place.stream, count < 0 ? FULL_COUNT_DEFAULT : count);
}
