/* Streams: entries node by node, then each group with what is pending, then its consumers with
 * theirs. Groups and consumers are values of their own: their ids are noted, then they are read. */
#include "types/big.h"
#include "types/stream_group.h"
#include "types/telling.h"

enum { TELL_STREAM = 0, TELL_ENTRIES, TELL_GROUP, TELL_PENDING, TELL_CONSUMER, TELL_OWNED };

uint32_t stream_root_id(const struct value *value)
{
    return big_id(value);
}

/* --- ids of what is below --------------------------------------------------------------------- */

static uint32_t id_at(const struct buffer *ids, size_t index)
{
    uint32_t id;
    memcpy(&id, ids->at + index * sizeof id, sizeof id);
    return id;
}

/* The ids in a tree of names. */
static bool note_ids(struct value_telling *telling, const struct root *root, unsigned set,
                     const struct tree_state *names, struct buffer *ids)
{
    struct past_tree_walk walk;
    const struct node *leaf;
    ids->count = 0;
    past_tree_begin(&walk, root, set, names);
    while ((leaf = past_tree_next(&walk, telling->space)) != NULL)
        if (!buffer_append(ids, bytes_of(leaf->at, leaf->used)))
            return false;
    return true;
}

static struct bytes name_of(const struct root *root)
{
    const uint8_t *more = root_more(root);
    struct stream_name name;
    memcpy(&name, more, sizeof name);
    return bytes_of(more + name.at, name.bytes);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Leaves that have an entry, and the id of the first of all entries. Only the first leaf may have
 * none. */
static uint64_t nodes_to_tell(struct space *space, const struct root *root, struct stream_id *first)
{
    const struct stream_state *state = root_more(root);
    struct past_tree_walk walk;
    struct stream_entry entry;
    const struct node *leaf;
    uint64_t empty = 0;
    *first = STREAM_ID_ZERO;
    past_tree_begin(&walk, root, 0, &state->entries);
    while ((leaf = past_tree_next(&walk, space)) != NULL && stream_head_of(leaf)->live == 0)
        empty++;
    if (leaf != NULL) {
        stream_entry_at(leaf, stream_head_of(leaf)->begin, &entry);
        *first = entry.id;
    }
    return state->entries.count - empty;
}

void stream_summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    const struct root *root = past_root(space, big_id(value));
    struct stream_id first;
    summary->count = root->count;
    summary->nodes = nodes_to_tell(space, root, &first);
}

static bool tell_stream(struct value_telling *telling)
{
    const struct root *root = past_root(telling->space, big_id(&telling->value));
    const struct stream_state *state = root_more(root);
    if (!note_ids(telling, root, 1, &state->groups, &telling->ids))
        return false;
    struct part part = { .kind = PART_STREAM,
                         .id = state->last,
                         .max_deleted = state->max_deleted,
                         .count = root->count,
                         .added = state->added,
                         .groups = telling->ids.count / sizeof(uint32_t) };
    part.nodes = nodes_to_tell(telling->space, root, &part.first);
    past_tree_begin(&telling->walk, root, 0, &state->entries);
    tell_part(telling, &part);
    return true;
}

/* The entry's strings; their texts, and the digits of those that are integers, go into `room`. */
static bool tell_entry(struct value_telling *telling, struct stream_entry *entry,
                       struct buffer *room)
{
    size_t count = 2 * (size_t)entry->fields;
    size_t texts = count * sizeof(struct bytes);
    room->count = 0;
    if (!buffer_reserve(room, texts + count * NUMBER_I64_MAX))
        return false;
    struct bytes *strings = (void *)room->at;
    uint8_t *digits = room->at + texts;
    const uint8_t *field, *value;
    for (size_t i = 0; stream_entry_pair(entry, &field, &value); i += 2) {
        strings[i] = packed_view(telling->space, field, digits + i * NUMBER_I64_MAX);
        strings[i + 1] = packed_view(telling->space, value, digits + (i + 1) * NUMBER_I64_MAX);
    }
    struct part part = { .kind = PART_ENTRY, .id = entry->id, .strings = strings, .count = count };
    tell_part(telling, &part);
    return true;
}

/* False: no memory. */
static bool tell_node(struct value_telling *telling, const struct node *node)
{
    struct buffer room = { 0 };
    struct part part = { .kind = PART_NODE, .count = stream_head_of(node)->live };
    struct stream_entry entry;
    bool done = true;
    tell_part(telling, &part);
    for (size_t at = stream_head_of(node)->begin; done && at < node->used; at += entry.bytes) {
        stream_entry_at(node, at, &entry);
        done = tell_entry(telling, &entry, &room);
    }
    buffer_release(&room);
    return done;
}

/* --- groups and consumers --------------------------------------------------------------------- */

static bool tell_group(struct value_telling *telling)
{
    uint32_t id = id_at(&telling->ids, telling->next_id);
    const struct root *root = past_root(telling->space, id);
    const struct group_state *state = root_more(root);
    if (!note_ids(telling, root, 1, &state->consumers, &telling->inner_ids))
        return false;
    struct part part = { .kind = PART_GROUP,
                         .text = name_of(root),
                         .id = state->last,
                         .read = state->read,
                         .pending = state->pending.count,
                         .consumers = telling->inner_ids.count / sizeof(uint32_t) };
    telling->next_inner_id = 0;
    past_tree_begin(&telling->walk, root, 0, &state->pending);
    tell_part(telling, &part);
    return true;
}

static void tell_consumer(struct value_telling *telling)
{
    uint32_t id = id_at(&telling->inner_ids, telling->next_inner_id);
    const struct root *root = past_root(telling->space, id);
    const struct consumer_state *state = root_more(root);
    struct part part = { .kind = PART_CONSUMER,
                         .text = name_of(root),
                         .seen_ms = state->seen_ms,
                         .active_ms = state->active_ms,
                         .pending = state->pending.count };
    past_tree_begin(&telling->walk, root, 0, &state->pending);
    tell_part(telling, &part);
}

/* One leaf of what is pending; false: there is none any more. */
static bool tell_pending(struct value_telling *telling, bool owned)
{
    const struct node *leaf = past_tree_next(&telling->walk, telling->space);
    size_t bytes = owned ? sizeof(struct stream_id) : pending_record_bytes();
    if (leaf == NULL)
        return false;
    for (size_t at = 0; at < leaf->used; at += bytes) {
        struct part part = { .kind = owned ? PART_OWNED : PART_PENDING };
        memcpy(&part.id, leaf->at + at, sizeof part.id);
        if (!owned) {
            struct pending pending = pending_of_record(leaf->at + at);
            part.time_ms = pending.time_ms;
            part.count = pending.count;
        }
        tell_part(telling, &part);
    }
    return true;
}

static unsigned after_consumer(struct value_telling *telling)
{
    if (telling->next_inner_id < telling->inner_ids.count / sizeof(uint32_t))
        return TELL_CONSUMER;
    past_done(telling->space, id_at(&telling->ids, telling->next_id++));
    return TELL_GROUP;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Each stage says which one is next. */
static void tell_stage(struct value_telling *telling)
{
    const struct node *leaf;
    switch (telling->stage) {
    case TELL_STREAM:
        telling->spoiled = !tell_stream(telling);
        telling->stage = TELL_ENTRIES;
        break;
    case TELL_ENTRIES:
        leaf = past_tree_next(&telling->walk, telling->space);
        if (leaf == NULL)
            telling->stage = TELL_GROUP;
        else if (stream_head_of(leaf)->live > 0)
            telling->spoiled = !tell_node(telling, leaf);
        break;
    case TELL_GROUP:
        telling->spoiled = !tell_group(telling);
        telling->stage = TELL_PENDING;
        break;
    case TELL_PENDING:
        if (!tell_pending(telling, false))
            telling->stage = after_consumer(telling);
        break;
    case TELL_CONSUMER:
        tell_consumer(telling);
        telling->stage = TELL_OWNED;
        break;
    default:
        if (tell_pending(telling, true))
            break;
        past_done(telling->space, id_at(&telling->inner_ids, telling->next_inner_id++));
        telling->stage = after_consumer(telling);
    }
}

bool stream_tell(struct value_telling *telling)
{
    bool groups_left =
        telling->stage < TELL_GROUP || telling->next_id < telling->ids.count / sizeof(uint32_t);
    if (groups_left)
        tell_stage(telling);
    return !groups_left || telling->spoiled;
}
