/* Streams as commands: entries, the numbers of the stream, then groups with what is pending. */
#include "persist/aof_commands_put.h"

/* Of a group, by id, until its consumers have claimed theirs. */
struct pending {
    struct stream_id id;
    int64_t time_ms;
    uint64_t count;
};

static bool put_id(struct buffer *out, struct stream_id id)
{
    uint8_t text[STREAM_ID_TEXT_MAX];
    return aof_put(out, bytes_of(text, stream_id_write(text, id)));
}

static bool put_entry(struct aof_commands *commands, const struct part *part)
{
    struct buffer *out = commands->out;
    bool done = aof_put_head(out, 3 + part->count) && aof_put(out, BYTES("XADD")) &&
                aof_put_key(commands) && put_id(out, part->id);
    for (uint64_t i = 0; i < part->count && done; i++)
        done = aof_put(out, part->strings[i]);
    commands->entries++;
    return done;
}

/* A stream without entries comes to be by an entry that is trimmed at once. */
static bool put_empty(struct aof_commands *commands)
{
    struct buffer *out = commands->out;
    return aof_put_head(out, 7) && aof_put(out, BYTES("XADD")) && aof_put_key(commands) &&
           aof_put(out, BYTES("MAXLEN")) && aof_put(out, BYTES("0")) &&
           put_id(out, (struct stream_id){ .ms = 0, .seq = 1 }) && aof_put(out, BYTES("x")) &&
           aof_put(out, BYTES("y"));
}

/* Behind the last entry: what entries do not say. */
static bool put_numbers(struct aof_commands *commands)
{
    struct buffer *out = commands->out;
    const struct part *stream = &commands->stream;
    if (commands->stream_set)
        return true;
    commands->stream_set = true;
    if (commands->entries == 0 && !put_empty(commands))
        return false;
    return aof_put_head(out, 7) && aof_put(out, BYTES("XSETID")) && aof_put_key(commands) &&
           put_id(out, stream->id) && aof_put(out, BYTES("ENTRIESADDED")) &&
           aof_put_u64(out, stream->added) && aof_put(out, BYTES("MAXDELETEDID")) &&
           put_id(out, stream->max_deleted);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* A consumer that owns nothing is not made by a claim. */
static bool end_consumer(struct aof_commands *commands)
{
    struct buffer *out = commands->out;
    if (!commands->has_consumer || commands->owned > 0)
        return true;
    commands->has_consumer = false;
    return aof_put_head(out, 5) && aof_put(out, BYTES("XGROUP")) &&
           aof_put(out, BYTES("CREATECONSUMER")) && aof_put_key(commands) &&
           aof_put(out, buffer_view(&commands->group)) &&
           aof_put(out, buffer_view(&commands->consumer));
}

static bool put_group(struct aof_commands *commands, const struct part *part)
{
    struct buffer *out = commands->out;
    if (!put_numbers(commands) || !end_consumer(commands))
        return false;
    commands->has_consumer = false;
    commands->pending.count = commands->group.count = 0;
    return buffer_append(&commands->group, part->text) && aof_put_head(out, 7) &&
           aof_put(out, BYTES("XGROUP")) && aof_put(out, BYTES("CREATE")) &&
           aof_put_key(commands) && aof_put(out, part->text) && put_id(out, part->id) &&
           aof_put(out, BYTES("ENTRIESREAD")) && aof_put_i64(out, part->read);
}

static bool put_consumer(struct aof_commands *commands, const struct part *part)
{
    if (!end_consumer(commands))
        return false;
    commands->has_consumer = true;
    commands->owned = 0;
    commands->consumer.count = 0;
    return buffer_append(&commands->consumer, part->text);
}

static bool keep_pending(struct aof_commands *commands, const struct part *part)
{
    struct pending pending = { part->id, part->time_ms, part->count };
    return buffer_append(&commands->pending, bytes_of(&pending, sizeof pending));
}

static const struct pending *find_pending(const struct aof_commands *commands, struct stream_id id)
{
    const struct pending *all = (const void *)commands->pending.at;
    size_t low = 0, high = commands->pending.count / sizeof *all;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = stream_id_compare(all[middle].id, id);
        if (order == 0)
            return &all[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool put_claim(struct aof_commands *commands, const struct part *part)
{
    struct buffer *out = commands->out;
    const struct pending *pending = find_pending(commands, part->id);
    commands->owned++;
    if (pending == NULL) /* a file may say so; nobody can claim it */
        return true;
    return aof_put_head(out, 12) && aof_put(out, BYTES("XCLAIM")) && aof_put_key(commands) &&
           aof_put(out, buffer_view(&commands->group)) &&
           aof_put(out, buffer_view(&commands->consumer)) && aof_put(out, BYTES("0")) &&
           put_id(out, part->id) && aof_put(out, BYTES("TIME")) &&
           aof_put_i64(out, pending->time_ms) && aof_put(out, BYTES("RETRYCOUNT")) &&
           aof_put_u64(out, pending->count) && aof_put(out, BYTES("JUSTID")) &&
           aof_put(out, BYTES("FORCE"));
}

/* --- all -------------------------------------------------------------------------------------- */

bool aof_put_stream_part(struct aof_commands *commands, const struct part *part)
{
    switch (part->kind) {
    case PART_STREAM:
        commands->stream = *part;
        return true;
    case PART_ENTRY:
        return put_entry(commands, part);
    case PART_GROUP:
        return put_group(commands, part);
    case PART_PENDING:
        return keep_pending(commands, part);
    case PART_CONSUMER:
        return put_consumer(commands, part);
    case PART_OWNED:
        return put_claim(commands, part);
    case PART_NODE:
    case PART_TEXT:
    case PART_ITEM:
    case PART_MEMBER:
    case PART_SCORED:
    case PART_FIELD:
        break;
    }
    return true;
}

bool aof_put_stream_end(struct aof_commands *commands)
{
    return put_numbers(commands) && end_consumer(commands);
}
