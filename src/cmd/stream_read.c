/* XREAD and XREADGROUP. */
#include "cmd/blocking.h"
#include "cmd/stream_command.h"

struct reading {
    bool by_group, no_ack, blocks;
    int64_t count; /* 0: all */
    int64_t timeout_ms;
    uint32_t group_at;       /* GROUP's name; the consumer's is behind. 0: none */
    uint32_t streams_at;     /* the first key; 0: none */
    uint32_t streams;        /* keys; as many ids follow */
    struct stream_id *after; /* of each stream: what is behind this id is wanted */
    bool *is_new;            /* of each: "$", or "+" where there is no entry */
    uint64_t served;
    struct reply_mark mark; /* of all streams; begun with the first that has something */
};

static const char NO_SUCH_GROUP[] =
    "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP option";

static bool fail(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

/* --- options ---------------------------------------------------------------------------------- */

static bool read_streams(struct call *call, struct reading *reading, uint32_t at)
{
    uint32_t rest = call->argc - at;
    if (rest % 2 != 0) {
        reply_errorf(call->reply,
                     "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%s' must "
                     "be specified.",
                     call->command->name, reading->by_group ? ">" : "$");
        return false;
    }
    reading->streams_at = at;
    reading->streams = rest / 2;
    return true;
}

/* The option at *at; *at is then its last argument. */
static bool read_option(struct call *call, struct reading *reading, uint32_t *at)
{
    uint32_t more = call->argc - 1 - *at;
    if (more >= 1 && call_is(call, *at, "BLOCK")) {
        reading->blocks = true;
        return call_timeout_ms(call, ++*at, &reading->timeout_ms);
    }
    if (more >= 1 && call_is(call, *at, "COUNT")) {
        if (!call_i64(call, ++*at, &reading->count))
            return false;
        reading->count = reading->count < 0 ? 0 : reading->count;
        return true;
    }
    if (more >= 2 && call_is(call, *at, "GROUP")) {
        if (!reading->by_group)
            return fail(call, "ERR The GROUP option is only supported by XREADGROUP. You called "
                              "XREAD instead.");
        reading->group_at = *at + 1;
        *at += 2;
        return true;
    }
    if (call_is(call, *at, "NOACK")) {
        reading->no_ack = true;
        return reading->by_group || fail(call, "ERR The NOACK option is only supported by "
                                               "XREADGROUP. You called XREAD instead.");
    }
    call_syntax_error(call);
    return false;
}

static bool read_options(struct call *call, struct reading *reading)
{
    for (uint32_t at = 1; at < call->argc; at++) {
        if (at + 1 < call->argc && call_is(call, at, "STREAMS")) {
            if (!read_streams(call, reading, at + 1))
                return false;
            break;
        }
        if (!read_option(call, reading, &at))
            return false;
    }
    if (reading->streams_at == 0) {
        call_syntax_error(call);
        return false;
    }
    if (reading->by_group && reading->group_at == 0)
        return fail(call, "ERR Missing GROUP option for XREADGROUP");
    return true;
}

/* --- ids -------------------------------------------------------------------------------------- */

static bool look_group(struct call *call, const struct reading *reading,
                       const struct stream_place *place, struct group *group)
{
    struct bytes key = place->key.name, name = call->argv[reading->group_at];
    if (place->entry != NULL && group_find(&place->stream, name, group))
        return true;
    reply_errorf(call->reply, NO_SUCH_GROUP, stream_quoted(key), (const char *)key.at,
                 stream_quoted(name), (const char *)name.at);
    return false;
}

static bool is_word(struct bytes text, char word)
{
    return text.count > 0 && text.at[0] == (uint8_t)word && (text.count == 1 || text.at[1] == '\0');
}

/* "$" is what was there last, "+" what is before the last entry. */
static void read_end(const struct stream_place *place, bool last_too, struct stream_id *after,
                     bool *is_new)
{
    *after = place->entry == NULL ? STREAM_ID_ZERO : place->stream.state->last;
    *is_new = true;
    if (!last_too || place->entry == NULL || stream_count(&place->stream) == 0)
        return;
    *after = stream_last_id(&place->stream);
    *is_new = !stream_id_previous(after);
}

static bool read_id(struct call *call, const struct reading *reading, uint32_t index)
{
    struct stream_place place;
    struct group group;
    uint32_t key_at = reading->streams_at + index, id_at = key_at + reading->streams;
    struct bytes text = call->argv[id_at];
    if (!stream_look(call, index, key_at, STREAM_READS, &place))
        return false;
    if (reading->by_group && !look_group(call, reading, &place, &group))
        return false;
    if (is_word(text, '$') && reading->by_group)
        return fail(call, "ERR The $ ID is meaningless in the context of XREADGROUP: you want to "
                          "read the history of this consumer by specifying a proper ID, or use "
                          "the > ID to get new messages. The $ ID would just return an empty "
                          "result set.");
    if (is_word(text, '$') || (is_word(text, '+') && !reading->by_group)) {
        read_end(&place, is_word(text, '+'), &reading->after[index], &reading->is_new[index]);
        return true;
    }
    if (is_word(text, '>')) {
        reading->after[index] = STREAM_ID_MAX;
        return reading->by_group || fail(call, "ERR The > ID can be specified only when calling "
                                               "XREADGROUP using the GROUP <group> <consumer> "
                                               "option.");
    }
    return stream_arg_id(call, id_at, &reading->after[index]);
}

static bool read_ids(struct call *call, struct reading *reading)
{
    reading->after = arena_take_many(call->arena, reading->streams, sizeof *reading->after);
    reading->is_new = arena_take_many(call->arena, reading->streams, sizeof *reading->is_new);
    if (reading->streams > 0 && (reading->after == NULL || reading->is_new == NULL)) {
        call_memory_error(call);
        return false;
    }
    for (uint32_t i = 0; i < reading->streams; i++) {
        reading->is_new[i] = false;
        if (!read_id(call, reading, i))
            return false;
    }
    return true;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* RESP3 has a map from keys to entries, RESP2 an array of pairs. */
static void begin_stream(struct call *call, struct reading *reading, struct bytes key)
{
    if (reading->served++ == 0)
        reading->mark =
            call->reply->resp == 3 ? reply_map_later(call->reply) : reply_array_later(call->reply);
    if (call->reply->resp != 3)
        reply_array(call->reply, 2);
    reply_bulk(call->reply, key);
}

static uint64_t count_of(const struct reading *reading)
{
    return reading->count == 0 ? UINT64_MAX : (uint64_t)reading->count;
}

static void serve_plain(struct call *call, struct reading *reading,
                        const struct stream_place *place, struct stream_id after)
{
    if (stream_id_compare(stream_last_id(&place->stream), after) <= 0 || !stream_id_next(&after))
        return;
    begin_stream(call, reading, place->key.name);
    stream_reply_range(call, &place->stream, after, STREAM_ID_MAX, false, count_of(reading));
}

/* What the consumer was given and has not acknowledged; an entry that is gone is told as nil. */
static void serve_history(struct call *call, struct reading *reading,
                          const struct stream_place *place, struct group *group,
                          const struct consumer *consumer, struct stream_id from)
{
    struct pending pending;
    uint64_t written = 0;
    bool more = stream_id_next(&from);
    begin_stream(call, reading, place->key.name);
    struct reply_mark mark = reply_array_later(call->reply);
    while (more && written < count_of(reading) && pending_from(group, consumer, from, &pending)) {
        if (stream_reply_one(call, &place->stream, pending.id)) {
            pending.time_ms = store_now_ms(call->store);
            pending.count++;
            enum err err = pending_put(group, &pending);
            ENSURE(err == ERR_NONE); /* it is there, and stays with its consumer */
            stream_tell_pending(call, place, group, pending.id);
        } else {
            reply_array(call->reply, 2);
            stream_reply_id(call, pending.id);
            reply_nil_array(call->reply);
        }
        written++;
        from = pending.id;
        more = stream_id_next(&from);
    }
    reply_count(call->reply, mark, written);
}

/* An entry that cannot be noted for want of memory is not delivered, nor any behind it. */
static void serve_new(struct call *call, struct reading *reading, const struct stream_place *place,
                      struct group *group, const struct consumer *consumer)
{
    struct stream_walk walk;
    struct stream_entry entry;
    struct stream_id from = group->state->last;
    uint64_t written = 0;
    if (stream_count(&place->stream) == 0 ||
        stream_id_compare(stream_last_id(&place->stream), from) <= 0 || !stream_id_next(&from))
        return;
    begin_stream(call, reading, place->key.name);
    struct reply_mark mark = reply_array_later(call->reply);
    struct stream_delivered delivered = { .place = place, .group = group, .consumer = consumer };
    stream_walk_begin(&walk, &place->stream, from, STREAM_ID_MAX, false);
    while (written < count_of(reading) && stream_walk_next(&walk, &entry)) {
        struct pending pending = { entry.id, consumer->root->head.id, store_now_ms(call->store),
                                   1 };
        if (!reading->no_ack && pending_put(group, &pending) != ERR_NONE)
            break;
        group_advance(&place->stream, group, entry.id);
        if (!reading->no_ack)
            stream_tell_delivered(call, &delivered, entry.id);
        stream_reply_entry(call, &entry);
        written++;
    }
    reply_count(call->reply, mark, written);
    stream_tell_delivered_end(call, &delivered);
    if (written > 0)
        stream_tell_group(call, place, group);
    if (written > 0 && !reading->no_ack)
        consumer->state->active_ms = store_now_ms(call->store);
}

/* Without memory for its consumer a stream is left out, where the reply has others already. */
static bool serve_group(struct call *call, struct reading *reading,
                        const struct stream_place *place, struct stream_id after)
{
    struct group group;
    struct consumer consumer;
    uint64_t served = reading->served;
    if (!look_group(call, reading, place, &group))
        return false;
    if (!stream_seen_consumer(call, place, &group, call->argv[reading->group_at + 1], &consumer)) {
        if (served == 0)
            call_memory_error(call);
        return served > 0;
    }
    if (stream_id_compare(after, STREAM_ID_MAX) == 0)
        serve_new(call, reading, place, &group, &consumer);
    else
        serve_history(call, reading, place, &group, &consumer, after);
    if (reading->served > served)
        stream_note(call, place, EVENT_GROUP);
    return true;
}

static bool serve(struct call *call, struct reading *reading)
{
    for (uint32_t i = 0; i < reading->streams; i++) {
        struct stream_place place;
        if (!stream_look(call, i, reading->streams_at + i, STREAM_READS, &place))
            return false;
        if (place.entry == NULL)
            continue;
        if (!reading->by_group)
            serve_plain(call, reading, &place, reading->after[i]);
        else if (!serve_group(call, reading, &place, reading->after[i]))
            return false;
    }
    return true;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void timed_out(struct reply *reply)
{
    reply_nil_array(reply);
}

/* The arguments of the next run: ids for "$", so that what came meanwhile counts as new. */
static struct bytes *next_arguments(struct call *call, const struct reading *reading)
{
    struct bytes *argv = arena_take_many(call->arena, call->argc, sizeof *argv);
    uint8_t *texts = arena_take_many(call->arena, reading->streams, STREAM_ID_TEXT_MAX);
    if (argv == NULL || texts == NULL)
        return NULL;
    memcpy(argv, call->argv, call->argc * sizeof *argv);
    for (uint32_t i = 0; i < reading->streams; i++) {
        uint8_t *text = texts + (size_t)i * STREAM_ID_TEXT_MAX;
        if (reading->is_new[i])
            argv[reading->streams_at + reading->streams + i] =
                bytes_of(text, stream_id_write(text, reading->after[i]));
    }
    return argv;
}

static void wait_for_more(struct call *call, const struct reading *reading)
{
    const struct bytes *argv = next_arguments(call, reading);
    if (argv == NULL) {
        call_memory_error(call);
        return;
    }
    call_wait(call, &(struct wait){ .type = VALUE_STREAM,
                                    .flags = reading->by_group ? WAIT_UNTIL_GONE : 0,
                                    .keys = call->argv + reading->streams_at,
                                    .key_count = reading->streams,
                                    .timeout_ms = reading->timeout_ms,
                                    .argv = argv,
                                    .argc = call->argc,
                                    .timed_out = timed_out });
}

static void read_all(struct call *call, bool by_group)
{
    struct reading reading = { .by_group = by_group };
    effects_nothing(call); /* but what is said of each stream */
    if (!read_options(call, &reading) || !read_ids(call, &reading) || !serve(call, &reading))
        return;
    if (reading.served > 0)
        reply_count(call->reply, reading.mark, reading.served);
    else if (reading.blocks && call_may_wait(call))
        wait_for_more(call, &reading);
    else
        timed_out(call->reply);
}

void cmd_xread(struct call *call)
{
    read_all(call, false);
}

void cmd_xreadgroup(struct call *call)
{
    read_all(call, true);
}
