/* Streams: listpacks node by node, then what the stream knows, then its groups. */
#include "persist/rdb_put.h"

/* --- nodes ------------------------------------------------------------------------------------ */

static bool fields_are_the_first(struct rdb_writer *writer, const struct part *entry)
{
    struct buffer *node = &writer->node;
    size_t end = node->count;
    uint64_t elements = writer->elements;
    if (entry->count / 2 != writer->fields)
        return false;
    /* One text has one form in a listpack: written once more, it must be the same bytes. */
    for (uint64_t i = 0; i < entry->count; i += 2)
        listpack_put(writer, entry->strings[i]);
    size_t bytes = node->count - end;
    bool same = writer->err == ERR_NONE && bytes == writer->fields_end - writer->fields_at &&
                memcmp(node->at + writer->fields_at, node->at + end, bytes) == 0;
    node->count = end;
    writer->elements = elements;
    return same;
}

static void begin_node(struct rdb_writer *writer, const struct part *entry)
{
    writer->node_id = entry->id;
    writer->fields = entry->count / 2;
    listpack_begin(writer);
    listpack_put_integer(writer, (int64_t)writer->entries);
    listpack_put_integer(writer, 0);
    listpack_put_integer(writer, (int64_t)writer->fields);
    writer->fields_at = writer->node.count;
    for (uint64_t i = 0; i < entry->count; i += 2)
        listpack_put(writer, entry->strings[i]);
    writer->fields_end = writer->node.count;
    listpack_put_integer(writer, 0);
}

static void put_entry(struct rdb_writer *writer, const struct part *entry, bool same)
{
    uint64_t before = writer->elements;
    listpack_put_integer(writer, same ? STREAM_SAME_FIELDS : 0);
    listpack_put_integer(writer, (int64_t)(entry->id.ms - writer->node_id.ms));
    listpack_put_integer(writer, (int64_t)(entry->id.seq - writer->node_id.seq));
    if (!same)
        listpack_put_integer(writer, (int64_t)(entry->count / 2));
    for (uint64_t i = 0; i < entry->count; i++) {
        if (i % 2 == 1 || !same)
            listpack_put(writer, entry->strings[i]);
    }
    listpack_put_integer(writer, (int64_t)(writer->elements - before));
}

static void store_id(uint8_t *at, struct stream_id id)
{
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(id.ms >> (56 - 8 * i));
        at[8 + i] = (uint8_t)(id.seq >> (56 - 8 * i));
    }
}

static void put_id(struct rdb_writer *writer, struct stream_id id)
{
    rdb_put_length(writer, id.ms);
    rdb_put_length(writer, id.seq);
}

static void put_facts(struct rdb_writer *writer)
{
    const struct part *stream = &writer->stream;
    rdb_put_length(writer, stream->count);
    put_id(writer, stream->id);
    put_id(writer, stream->first);
    put_id(writer, stream->max_deleted);
    rdb_put_length(writer, stream->added);
    rdb_put_length(writer, stream->groups);
}

static void end_node(struct rdb_writer *writer)
{
    uint8_t id[RDB_ID_BYTES];
    listpack_end(writer);
    store_id(id, writer->node_id);
    rdb_put_string(writer, bytes_of(id, sizeof id));
    rdb_put_string(writer, buffer_view(&writer->node));
    if (--writer->nodes == 0)
        put_facts(writer);
}

/* A node may be left without entries: then it is the first, and 0-0 comes before all others. */
static void put_node(struct rdb_writer *writer, const struct part *part)
{
    ENSURE(writer->entries == 0 && writer->nodes > 0);
    writer->entries = part->count;
    writer->node.count = 0;
    if (part->count > 0)
        return;
    begin_node(writer, &(struct part){ .id = STREAM_ID_ZERO });
    end_node(writer);
}

static void put_stream(struct rdb_writer *writer, const struct part *part)
{
    writer->stream = *part;
    writer->nodes = part->nodes;
    writer->groups = part->groups;
    writer->entries = writer->pending = writer->consumers = writer->owned = 0;
    rdb_put_length(writer, part->nodes);
    if (part->nodes == 0)
        put_facts(writer);
}

static void put_entry_part(struct rdb_writer *writer, const struct part *part)
{
    bool first = writer->node.count == 0;
    ENSURE(writer->entries > 0 && part->count >= 2 && part->count % 2 == 0);
    if (first)
        begin_node(writer, part);
    put_entry(writer, part, first || fields_are_the_first(writer, part));
    if (--writer->entries == 0)
        end_node(writer);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* Groups are counted as they end. */
static void end_group_if_done(struct rdb_writer *writer)
{
    if (writer->pending == 0 && writer->consumers == 0 && writer->owned == 0)
        writer->groups--;
}

static void put_consumers(struct rdb_writer *writer)
{
    rdb_put_length(writer, writer->consumers);
    end_group_if_done(writer);
}

static void put_group(struct rdb_writer *writer, const struct part *part)
{
    ENSURE(writer->nodes == 0 && writer->groups > 0);
    ENSURE(writer->pending == 0 && writer->consumers == 0 && writer->owned == 0);
    writer->pending = part->pending;
    writer->consumers = part->consumers;
    rdb_put_string(writer, part->text);
    put_id(writer, part->id);
    rdb_put_length(writer, (uint64_t)part->read);
    rdb_put_length(writer, part->pending);
    if (part->pending == 0)
        put_consumers(writer);
}

static void put_pending(struct rdb_writer *writer, const struct part *part)
{
    uint8_t id[RDB_ID_BYTES];
    ENSURE(writer->pending > 0);
    store_id(id, part->id);
    rdb_put(writer, bytes_of(id, sizeof id));
    rdb_put_u64(writer, (uint64_t)part->time_ms);
    rdb_put_length(writer, part->count);
    if (--writer->pending == 0)
        put_consumers(writer);
}

static void put_consumer(struct rdb_writer *writer, const struct part *part)
{
    ENSURE(writer->pending == 0 && writer->owned == 0 && writer->consumers > 0);
    writer->consumers--;
    writer->owned = part->pending;
    rdb_put_string(writer, part->text);
    rdb_put_u64(writer, (uint64_t)part->seen_ms);
    if (writer->version >= 11)
        rdb_put_u64(writer, (uint64_t)part->active_ms);
    rdb_put_length(writer, part->pending);
    end_group_if_done(writer);
}

static void put_owned(struct rdb_writer *writer, const struct part *part)
{
    uint8_t id[RDB_ID_BYTES];
    ENSURE(writer->owned > 0);
    store_id(id, part->id);
    rdb_put(writer, bytes_of(id, sizeof id));
    writer->owned--;
    end_group_if_done(writer);
}

void rdb_put_stream_part(struct rdb_writer *writer, const struct part *part)
{
    if (part->kind == PART_STREAM) {
        put_stream(writer, part);
    } else if (part->kind == PART_NODE) {
        put_node(writer, part);
    } else if (part->kind == PART_ENTRY) {
        put_entry_part(writer, part);
    } else if (part->kind == PART_GROUP) {
        put_group(writer, part);
    } else if (part->kind == PART_PENDING) {
        put_pending(writer, part);
    } else if (part->kind == PART_CONSUMER) {
        put_consumer(writer, part);
    } else {
        put_owned(writer, part);
    }
}
