/* Streams of all three forms. */
#include "persist/rdb_items.h"
#include "persist/rdb_take.h"

struct stream_read {
    unsigned type;
    struct part facts; /* STREAM, as it becomes known */
    struct stream_id last_entry;
};

/* A node under way. */
struct node_read {
    struct rdb_items items;
    struct stream_id id;
    uint64_t live, deleted, fields; /* as it says at its head */
    uint64_t live_found, deleted_found;
};

static const char NODE_IS_BAD[] = "a stream's node that does not hold together";

static uint64_t load_big(const uint8_t *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

static bool take_raw_id(struct rdb_reader *reader, struct stream_id *id)
{
    uint8_t at[RDB_ID_BYTES];
    if (!rdb_take(reader, at, sizeof at))
        return false;
    *id = (struct stream_id){ load_big(at), load_big(at + 8) };
    return true;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static bool next_integer(struct rdb_reader *reader, struct node_read *node, int64_t *value)
{
    struct rdb_item item;
    if (rdb_items_next(&node->items, &item) != RDB_ITEMS_ONE || !item.integer)
        return rdb_fail(reader, NODE_IS_BAD);
    *value = item.value;
    return true;
}

static bool next_count(struct rdb_reader *reader, struct node_read *node, uint64_t *count)
{
    int64_t value = 0;
    /* What is counted takes two bytes at least. */
    if (!next_integer(reader, node, &value) || value < 0 ||
        (uint64_t)value > (node->items.bytes.count - node->items.at) / 2)
        return rdb_fail(reader, NODE_IS_BAD);
    *count = (uint64_t)value;
    return true;
}

/* Room for so many strings, and for the digits of those that are integers. pre: no more than the
 * node may have. */
static bool make_room(struct rdb_reader *reader, struct rdb_strings *strings, uint64_t count)
{
    strings->views.count = strings->digits.count = 0;
    if (!buffer_reserve(&strings->views, (count + 1) * sizeof(struct bytes)) ||
        !buffer_reserve(&strings->digits, (count + 1) * NUMBER_I64_MAX))
        return rdb_fail_memory(reader);
    return true;
}

static struct bytes *string_at(const struct rdb_strings *strings, uint64_t place)
{
    return (struct bytes *)(void *)strings->views.at + place;
}

static bool next_string(struct rdb_reader *reader, struct node_read *node,
                        struct rdb_strings *strings, uint64_t place)
{
    struct rdb_item item;
    if (rdb_items_next(&node->items, &item) != RDB_ITEMS_ONE)
        return rdb_fail(reader, NODE_IS_BAD);
    if (item.integer) {
        uint8_t *digits = strings->digits.at + place * NUMBER_I64_MAX;
        memcpy(digits, item.text.at, item.text.count);
        item.text.at = digits;
    }
    *string_at(strings, place) = item.text;
    return true;
}

static bool take_node_head(struct rdb_reader *reader, struct node_read *node)
{
    int64_t zero = 0;
    if (!next_count(reader, node, &node->live) || !next_count(reader, node, &node->deleted) ||
        !next_count(reader, node, &node->fields) || !make_room(reader, &reader->head, node->fields))
        return false;
    for (uint64_t i = 0; i < node->fields; i++) {
        if (!next_string(reader, node, &reader->head, i))
            return false;
    }
    return next_integer(reader, node, &zero) && (zero == 0 || rdb_fail(reader, NODE_IS_BAD));
}

/* Field, value, field, value ... */
static bool take_entry_strings(struct rdb_reader *reader, struct node_read *node, bool same,
                               uint64_t *fields)
{
    *fields = node->fields;
    if ((!same && !next_count(reader, node, fields)) ||
        !make_room(reader, &reader->entry, 2 * *fields))
        return false;
    for (uint64_t i = 0; i < *fields; i++) {
        if (same)
            *string_at(&reader->entry, 2 * i) = *string_at(&reader->head, i);
        else if (!next_string(reader, node, &reader->entry, 2 * i))
            return false;
        if (!next_string(reader, node, &reader->entry, 2 * i + 1))
            return false;
    }
    return true;
}

static bool tell_entry(struct rdb_reader *reader, struct stream_read *stream, struct stream_id id,
                       uint64_t fields)
{
    struct part part = { .kind = PART_ENTRY, .id = id, .count = 2 * fields };
    part.strings = string_at(&reader->entry, 0);
    if (fields == 0)
        return rdb_fail(reader, "a stream's entry without fields");
    if (stream->facts.count == 0)
        stream->facts.first = id;
    else if (stream_id_compare(id, stream->last_entry) <= 0)
        return rdb_fail(reader, "a stream's entries out of order");
    stream->last_entry = id;
    stream->facts.count++;
    return rdb_tell(reader, &part);
}

static bool take_entry(struct rdb_reader *reader, struct stream_read *stream,
                       struct node_read *node, int64_t flags)
{
    int64_t ms = 0, seq = 0, items = 0;
    uint64_t fields, first = node->items.told - 1;
    bool same = (flags & STREAM_SAME_FIELDS) != 0;
    if (!next_integer(reader, node, &ms) || !next_integer(reader, node, &seq) ||
        !take_entry_strings(reader, node, same, &fields))
        return false;
    uint64_t items_found = node->items.told - first;
    if (!next_integer(reader, node, &items))
        return false;
    if (items < 0 || (uint64_t)items != items_found)
        return rdb_fail(reader, NODE_IS_BAD);
    if ((flags & STREAM_DELETED) != 0) {
        node->deleted_found++;
        return true;
    }
    if (++node->live_found > node->live)
        return rdb_fail(reader, NODE_IS_BAD);
    struct stream_id id = { node->id.ms + (uint64_t)ms, node->id.seq + (uint64_t)seq };
    return tell_entry(reader, stream, id, fields);
}

static bool take_entries(struct rdb_reader *reader, struct stream_read *stream,
                         struct node_read *node)
{
    struct rdb_item item;
    enum rdb_items_result result;
    while ((result = rdb_items_next(&node->items, &item)) == RDB_ITEMS_ONE) {
        if (!item.integer || !take_entry(reader, stream, node, item.value))
            return rdb_fail(reader, NODE_IS_BAD);
    }
    return (result == RDB_ITEMS_END && node->live_found == node->live &&
            node->deleted_found == node->deleted) ||
           rdb_fail(reader, NODE_IS_BAD);
}

static bool take_node(struct rdb_reader *reader, struct stream_read *stream)
{
    struct node_read node = { 0 };
    if (!rdb_take_string(reader, &reader->text) || !rdb_take_string(reader, &reader->node))
        return false;
    if (reader->text.count != RDB_ID_BYTES)
        return rdb_fail(reader, "a stream's node whose key is no id");
    node.id = (struct stream_id){ load_big(reader->text.at), load_big(reader->text.at + 8) };
    if (!rdb_items_open(&node.items, RDB_ITEMS_LISTPACK, buffer_view(&reader->node)))
        return rdb_fail(reader, NODE_IS_BAD);
    if (!take_node_head(reader, &node))
        return false;
    if (node.live > 0) {
        stream->facts.nodes++;
        if (!rdb_tell(reader, &(struct part){ .kind = PART_NODE, .count = node.live }))
            return false;
    }
    return take_entries(reader, stream, &node);
}

/* --- what the stream knows -------------------------------------------------------------------- */

/* The count of entries is what was found: it can be no other. */
static bool take_facts(struct rdb_reader *reader, struct stream_read *stream)
{
    struct part *facts = &stream->facts;
    struct stream_id first;
    uint64_t count;
    if (!rdb_take_length(reader, &count) || !rdb_take_id(reader, &facts->id))
        return false;
    facts->added = facts->count;
    if (stream->type != RDB_STREAM_LISTPACKS &&
        (!rdb_take_id(reader, &first) || !rdb_take_id(reader, &facts->max_deleted) ||
         !rdb_take_length(reader, &facts->added)))
        return false;
    if (facts->added < facts->count)
        facts->added = facts->count;
    if (facts->count > 0 && stream_id_compare(facts->id, stream->last_entry) < 0)
        return rdb_fail(reader, "a stream's entry behind its last one");
    return rdb_take_count(reader, &facts->groups) && rdb_tell(reader, facts);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* The first form of streams did not say how far a group has come: what can be known without having
 * followed it, as Redis estimates it. */
static int64_t estimate_read(const struct part *stream, struct stream_id id)
{
    int with_last = stream_id_compare(id, stream->id);
    int with_first = stream_id_compare(id, stream->first);
    if (stream->added == 0)
        return 0;
    if (with_last == 0)
        return (int64_t)stream->added;
    if (with_last > 0 || with_first > 0)
        return -1;
    return with_first == 0 ? 1 : 0;
}

static bool take_pendings(struct rdb_reader *reader, uint64_t count)
{
    while (count-- > 0) {
        struct part part = { .kind = PART_PENDING };
        uint64_t time;
        if (!take_raw_id(reader, &part.id) || !rdb_take_u64(reader, &time) ||
            !rdb_take_length(reader, &part.count))
            return false;
        part.time_ms = (int64_t)time;
        if (!rdb_tell(reader, &part))
            return false;
    }
    return true;
}

static bool take_consumer(struct rdb_reader *reader, struct stream_read *stream, uint64_t *pending)
{
    struct part part = { .kind = PART_CONSUMER };
    uint64_t seen, active;
    if (!rdb_take_string(reader, &reader->text) || !rdb_take_u64(reader, &seen))
        return false;
    active = seen;
    if (stream->type == RDB_STREAM_LISTPACKS_3 && !rdb_take_u64(reader, &active))
        return false;
    if (!rdb_take_count(reader, &part.pending))
        return false;
    if (part.pending > *pending)
        return rdb_fail(reader, "a stream's consumers have more than is pending");
    *pending -= part.pending;
    part.text = buffer_view(&reader->text);
    part.seen_ms = (int64_t)seen;
    part.active_ms = (int64_t)active;
    if (!rdb_tell(reader, &part))
        return false;
    for (uint64_t i = 0; i < part.pending; i++) {
        struct part owned = { .kind = PART_OWNED };
        if (!take_raw_id(reader, &owned.id) || !rdb_tell(reader, &owned))
            return false;
    }
    return true;
}

static bool take_group(struct rdb_reader *reader, struct stream_read *stream)
{
    struct part part = { .kind = PART_GROUP };
    uint64_t read, consumers;
    if (!rdb_take_string(reader, &reader->text) || !rdb_take_id(reader, &part.id))
        return false;
    part.read = estimate_read(&stream->facts, part.id);
    if (stream->type != RDB_STREAM_LISTPACKS) {
        if (!rdb_take_length(reader, &read))
            return false;
        part.read = (int64_t)read;
    }
    if (!rdb_take_count(reader, &part.pending))
        return false;
    uint64_t pending = part.pending;
    part.text = buffer_view(&reader->text);
    if (!rdb_tell(reader, &part) || !take_pendings(reader, pending) ||
        !rdb_take_count(reader, &consumers))
        return false;
    while (consumers-- > 0) {
        if (!take_consumer(reader, stream, &pending))
            return false;
    }
    return pending == 0 || rdb_fail(reader, "what is pending in a stream belongs to no consumer");
}

bool rdb_take_stream(struct rdb_reader *reader, unsigned type)
{
    struct stream_read stream = { .type = type, .facts = { .kind = PART_STREAM } };
    uint64_t nodes;
    if (!rdb_take_count(reader, &nodes))
        return false;
    while (nodes-- > 0) {
        if (!take_node(reader, &stream))
            return false;
    }
    if (!take_facts(reader, &stream))
        return false;
    for (uint64_t i = 0; i < stream.facts.groups; i++) {
        if (!take_group(reader, &stream))
            return false;
    }
    return true;
}
