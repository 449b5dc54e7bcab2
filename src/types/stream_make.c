/* Streams of entries, groups and consumers. What STREAM says is kept until the end, so that it may
 * come before the entries or behind them; what is pending belongs to nobody until OWNED. */
#include "types/big.h"
#include "types/making.h"
#include "types/stream_group.h"

enum { FIELDS_MAX = 1 << 28 };

enum err stream_make_begin(struct value_making *making)
{
    struct root *root = stream_new(making->space);
    if (root == NULL)
        return ERR_MEMORY;
    edit_become_big(&making->edit, root, 0);
    return ERR_NONE;
}

/* Nodes are cut as they were, as when Redis loads them. */
static enum stream_where where_next(struct making_stream *making)
{
    enum stream_where where = making->node_left == 0 ? STREAM_LAST_NODE : STREAM_SAME_NODE;
    if (making->node_begins)
        where = STREAM_NEW_NODE;
    making->node_begins = false;
    making->node_left -= making->node_left > 0;
    return where;
}

static enum err take_entry(struct value_making *making, const struct part *part)
{
    struct stream stream;
    uint64_t fields = part->count / 2;
    stream_open(&stream, making->space, making->edit.root);
    if (making->stream.group != 0 || part->count % 2 != 0 || fields == 0 || fields > FIELDS_MAX ||
        stream_id_compare(part->id, stream.state->last) <= 0)
        return ERR_SYNTAX;
    for (uint64_t i = 0; i < part->count; i++)
        if (part->strings[i].count > MAKING_TEXT_MAX)
            return ERR_SYNTAX;
    enum stream_where where = where_next(&making->stream);
    enum err err = stream_append_where(&stream, &making->arena, part->id, part->strings,
                                       (uint32_t)fields, where);
    return err == ERR_LIMIT ? ERR_SYNTAX : err;
}

static enum err take_state(struct value_making *making, const struct part *part)
{
    if (making->stream.stated)
        return ERR_SYNTAX;
    making->stream.stated = true;
    making->stream.state = *part;
    return ERR_NONE;
}

/* --- groups ----------------------------------------------------------------------------------- */

/* All that is pending in the group has an owner. */
static bool group_is_whole(const struct making_stream *making)
{
    return making->unowned == 0;
}

static enum err take_group(struct value_making *making, const struct part *part)
{
    struct making_stream *told = &making->stream;
    struct stream stream;
    struct group group;
    stream_open(&stream, making->space, making->edit.root);
    if (!told->stated || !group_is_whole(told))
        return ERR_SYNTAX;
    int64_t read = part->read < 0 ? STREAM_READ_UNKNOWN : part->read;
    enum err err = group_create(&stream, part->text, part->id, read);
    if (err != ERR_NONE)
        return err == ERR_EXISTS ? ERR_SYNTAX : err;
    bool found = group_find(&stream, part->text, &group);
    ENSURE(found);
    told->group = group.root->head.id;
    told->consumer = 0;
    return ERR_NONE;
}

static enum err take_pending(struct value_making *making, const struct part *part)
{
    const int64_t time_max = ((int64_t)1 << 47) - 1; /* what a record holds */
    struct pending pending = { .id = part->id, .time_ms = part->time_ms, .count = part->count };
    struct group group;
    if (making->stream.group == 0)
        return ERR_SYNTAX;
    if (pending.time_ms < 0)
        pending.time_ms = 0;
    else if (pending.time_ms > time_max)
        pending.time_ms = time_max;
    if (pending.count > INT64_MAX)
        pending.count = INT64_MAX;
    group_open(&group, making->space, making->stream.group);
    enum err err = pending_announce(&group, &pending);
    if (err != ERR_NONE)
        return err == ERR_EXISTS ? ERR_SYNTAX : err;
    making->stream.unowned++;
    return ERR_NONE;
}

static enum err take_consumer(struct value_making *making, const struct part *part)
{
    struct group group;
    struct consumer consumer;
    if (making->stream.group == 0)
        return ERR_SYNTAX;
    group_open(&group, making->space, making->stream.group);
    if (consumer_find(&group, part->text, &consumer))
        return ERR_SYNTAX;
    int64_t seen = part->seen_ms < 0 ? 0 : part->seen_ms;
    enum err err = consumer_create(&group, part->text, seen, &consumer);
    if (err != ERR_NONE)
        return err;
    consumer.state->active_ms = part->active_ms < 0 ? STREAM_NEVER : part->active_ms;
    making->stream.consumer = consumer.root->head.id;
    return ERR_NONE;
}

static enum err take_owned(struct value_making *making, const struct part *part)
{
    struct group group;
    struct consumer consumer;
    if (making->stream.consumer == 0)
        return ERR_SYNTAX;
    group_open(&group, making->space, making->stream.group);
    consumer_open(&consumer, making->space, making->stream.consumer);
    enum err err = pending_give(&group, &consumer, part->id);
    if (err != ERR_NONE)
        return err == ERR_MEMORY ? err : ERR_SYNTAX;
    making->stream.unowned--;
    return ERR_NONE;
}

/* --- all of it -------------------------------------------------------------------------------- */

enum err stream_make_part(struct value_making *making, const struct part *part)
{
    switch (part->kind) {
    case PART_STREAM:
        return take_state(making, part);
    case PART_NODE:
        making->stream.node_begins = true;
        making->stream.node_left = part->count;
        return ERR_NONE;
    case PART_ENTRY:
        return take_entry(making, part);
    case PART_GROUP:
        return take_group(making, part);
    case PART_PENDING:
        return take_pending(making, part);
    case PART_CONSUMER:
        return take_consumer(making, part);
    case PART_OWNED:
        return take_owned(making, part);
    case PART_TEXT:
    case PART_ITEM:
    case PART_MEMBER:
    case PART_SCORED:
    case PART_FIELD:
    default:
        return ERR_SYNTAX;
    }
}

enum err stream_make_end(struct value_making *making)
{
    const struct part *told = &making->stream.state;
    struct stream stream;
    stream_open(&stream, making->space, making->edit.root);
    if (!making->stream.stated || !group_is_whole(&making->stream) ||
        stream_id_compare(told->id, stream.state->last) < 0)
        return ERR_SYNTAX;
    stream.state->last = told->id;
    stream.state->max_deleted = told->max_deleted;
    stream.state->added = told->added < stream_count(&stream) ? stream_count(&stream) : told->added;
    return ERR_NONE;
}
