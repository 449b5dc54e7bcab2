#include "types/stream.h"

#include "struct/past.h"
#include "types/limits.h"
#include "types/stream_group.h"

enum { APPEND_MAX = 1024 * 1024 * 1024 };

static const struct tree_ops entries_ops = { 0 };

static struct tree_key key_of(struct stream_id id)
{
    return (struct tree_key){ id.ms, id.seq };
}

struct root *stream_new(struct space *space)
{
    return root_new(space, VALUE_STREAM, 2, sizeof(struct stream_state));
}

void stream_open(struct stream *stream, struct space *space, struct root *root)
{
    struct stream_state *state = root_more(root);
    *stream = (struct stream){ .space = space, .root = root, .state = state };
    stream->entries = (struct tree){
        .space = space, .root = root, .set = 0, .state = &state->entries, .ops = &entries_ops
    };
    stream_names_open(&stream->groups, space, root, &state->groups);
    past_root_changes(space, root);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct stream_id stream_first_id(const struct stream *stream)
{
    struct stream_entry entry;
    const struct node *node = tree_first(&stream->entries);
    while (node != NULL && stream_head_of(node)->live == 0)
        node = tree_next(&stream->entries, node);
    if (node == NULL)
        return STREAM_ID_ZERO;
    stream_entry_at(node, stream_head_of(node)->begin, &entry);
    return entry.id;
}

struct stream_id stream_last_id(const struct stream *stream)
{
    struct stream_entry entry;
    const struct node *node = tree_last(&stream->entries);
    while (node != NULL && stream_head_of(node)->live == 0)
        node = tree_previous(&stream->entries, node);
    if (node == NULL)
        return STREAM_ID_ZERO;
    stream_entry_at(node, stream_entry_before(node, node->used), &entry);
    return entry.id;
}

/* The first entry of the node that is not before `id`; false when there is none. */
static bool find_in_node(const struct node *node, struct stream_id id, struct stream_entry *entry)
{
    for (size_t offset = stream_head_of(node)->begin; offset < node->used; offset += entry->bytes) {
        stream_entry_at(node, offset, entry);
        if (stream_id_compare(entry->id, id) >= 0)
            return true;
    }
    return false;
}

static struct node *find_exact(const struct stream *stream, struct stream_id id,
                               struct stream_entry *entry)
{
    struct node *node = tree_find(&stream->entries, key_of(id), NULL);
    if (node == NULL || stream_id_compare(stream_head_of(node)->last, id) < 0 ||
        !find_in_node(node, id, entry) || stream_id_compare(entry->id, id) != 0)
        return NULL;
    return node;
}

bool stream_has(const struct stream *stream, struct stream_id id)
{
    struct stream_entry entry;
    return find_exact(stream, id, &entry) != NULL;
}

/* Where the last entry that is not behind `id` ends. */
static size_t end_in_node(const struct node *node, struct stream_id id)
{
    struct stream_entry entry;
    if (stream_id_compare(stream_head_of(node)->last, id) <= 0 || !find_in_node(node, id, &entry))
        return node->used;
    return entry.offset + (stream_id_compare(entry.id, id) == 0 ? entry.bytes : 0);
}

void stream_walk_begin(struct stream_walk *walk, const struct stream *stream, struct stream_id from,
                       struct stream_id to, bool reverse)
{
    *walk = (struct stream_walk){ .stream = stream, .from = from, .to = to, .reverse = reverse };
    const struct node *node = tree_find(&stream->entries, key_of(reverse ? to : from), NULL);
    if (node == NULL || stream_id_compare(from, to) > 0)
        return;
    struct stream_entry entry;
    walk->node = node;
    if (reverse)
        walk->offset = end_in_node(node, to);
    else
        walk->offset = find_in_node(node, from, &entry) ? entry.offset : node->used;
}

static bool walk_back(struct stream_walk *walk, struct stream_entry *entry)
{
    const struct tree *tree = &walk->stream->entries;
    while (walk->node != NULL && walk->offset == stream_head_of(walk->node)->begin) {
        walk->node = tree_previous(tree, walk->node);
        walk->offset = walk->node == NULL ? 0 : walk->node->used;
    }
    if (walk->node == NULL)
        return false;
    walk->offset = stream_entry_before(walk->node, walk->offset);
    stream_entry_at(walk->node, walk->offset, entry);
    return stream_id_compare(entry->id, walk->from) >= 0;
}

bool stream_walk_next(struct stream_walk *walk, struct stream_entry *entry)
{
    if (walk->reverse)
        return walk_back(walk, entry);
    while (walk->node != NULL && walk->offset == walk->node->used) {
        walk->node = tree_next(&walk->stream->entries, walk->node);
        walk->offset = walk->node == NULL ? 0 : stream_head_of(walk->node)->begin;
    }
    if (walk->node == NULL)
        return false;
    stream_entry_at(walk->node, walk->offset, entry);
    walk->offset += entry->bytes;
    return stream_id_compare(entry->id, walk->to) <= 0;
}

/* --- appending -------------------------------------------------------------------------------- */

/* Whether the last node takes one more entry, by the limits of nodes as Redis reads them. */
static bool node_has_room(const struct stream *stream, const struct node *node, uint64_t strings,
                          size_t entry_bytes)
{
    const struct type_limits *limits = stream->space->limits;
    const struct stream_head *head = stream_head_of(node);
    uint64_t model = stream_node_model_bytes(node) + strings;
    if (limits->stream_node_bytes != 0 && model >= limits->stream_node_bytes)
        return false;
    if (limits->stream_node_entries > 0 &&
        (int64_t)head->live + head->deleted >= limits->stream_node_entries)
        return false;
    return node->used + entry_bytes <= STREAM_NODE_BYTES_MAX;
}

static enum err append_to_node(struct stream *stream, struct node *node,
                               const struct stream_draft *draft, bool same)
{
    size_t bytes = stream_draft_bytes(draft, stream_head_of(node)->first, same);
    size_t offset = node->used;
    node = tree_splice(&stream->entries, node, offset, 0, bytes, 0);
    if (node == NULL)
        return ERR_MEMORY;
    stream_node_write(node, offset, draft, same);
    return ERR_NONE;
}

static enum err append_new_node(struct stream *stream, const struct node *last,
                                struct stream_draft *draft)
{
    enum err err = stream_draft_own_fields(stream->space, stream->root, draft);
    if (err != ERR_NONE)
        return err;
    size_t begin = stream_draft_master_bytes(draft);
    size_t bytes = begin + stream_draft_bytes(draft, draft->id, true);
    struct node *node = tree_insert(&stream->entries, last, bytes, key_of(draft->id));
    if (node == NULL)
        return ERR_MEMORY;
    tree_add(&stream->entries, node, 1);
    stream_node_begin(node, draft);
    stream_node_write(node, begin, draft, true);
    return ERR_NONE;
}

static enum err append_draft(struct stream *stream, struct stream_draft *draft, uint64_t strings,
                             enum stream_where where)
{
    struct node *last = tree_last(&stream->entries);
    if (last == NULL || where == STREAM_NEW_NODE)
        return append_new_node(stream, last, draft);
    bool same = stream_draft_is_same(stream->space, last, draft);
    size_t bytes = stream_draft_bytes(draft, stream_head_of(last)->first, same);
    bool room = where == STREAM_SAME_NODE ? last->used + bytes <= STREAM_NODE_BYTES_MAX
                                          : node_has_room(stream, last, strings, bytes);
    if (!room)
        return append_new_node(stream, last, draft);
    if (!same && stream_draft_own_fields(stream->space, stream->root, draft) != ERR_NONE)
        return ERR_MEMORY;
    return append_to_node(stream, last, draft, same);
}

enum err stream_append_where(struct stream *stream, struct arena *arena, struct stream_id id,
                             const struct bytes *strings, uint32_t fields, enum stream_where where)
{
    struct stream_draft draft;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 2 * fields; i++)
        bytes += strings[i].count;
    if (bytes > APPEND_MAX)
        return ERR_LIMIT;
    enum err err =
        stream_draft_make(stream->space, stream->root, arena, id, strings, fields, &draft);
    if (err != ERR_NONE)
        return err;
    err = append_draft(stream, &draft, bytes, where);
    if (err != ERR_NONE) {
        stream_draft_drop(stream->space, stream->root, &draft);
        return err;
    }
    stream->root->count++;
    stream->state->added++;
    stream->state->last = id;
    return ERR_NONE;
}

/* --- removing --------------------------------------------------------------------------------- */

static void empty_element(void *context, const uint8_t *element)
{
    const struct stream *stream = context;
    packed_empty(stream->space, stream->root, element);
}

static void remove_node(struct stream *stream, struct node *node)
{
    stream->root->count -= stream_head_of(node)->live;
    if (stream->root->outside > 0)
        stream_node_walk(node, empty_element, stream);
    (void)tree_remove(&stream->entries, node);
}

/* Cuts `count` entries out, which are `bytes` from `offset` on. */
static void cut(struct stream *stream, struct node *node, size_t offset, size_t bytes,
                uint32_t count)
{
    struct stream_entry entry;
    for (size_t at = offset; stream->root->outside > 0 && at < offset + bytes; at += entry.bytes) {
        stream_entry_at(node, at, &entry);
        stream_entry_walk(&entry, empty_element, stream);
    }
    node = tree_splice(&stream->entries, node, offset, bytes, 0, 0);
    ENSURE(node != NULL); /* it has not grown */
    stream_head_of(node)->live -= count;
    stream_head_of(node)->deleted += count;
    stream->root->count -= count;
}

bool stream_remove(struct stream *stream, struct stream_id id)
{
    struct stream_entry entry;
    struct node *node = find_exact(stream, id, &entry);
    if (node == NULL)
        return false;
    if (stream_head_of(node)->live == 1)
        remove_node(stream, node);
    else
        cut(stream, node, entry.offset, entry.bytes, 1);
    return true;
}

static bool whole_goes(const struct stream *stream, const struct stream_head *head,
                       const struct stream_trim *trim)
{
    if (trim->by == STREAM_TRIM_LENGTH)
        return stream_count(stream) - head->live >= trim->length;
    return stream_id_compare(head->last, trim->id) < 0;
}

/* The entries at the front of the node that are too many, or too old. Where XDEL has removed a
 * later one they may be all, and the node stays without any, as it does in Redis: where the next
 * entries go, and what "~" takes, follows from that. */
static uint64_t trim_within(struct stream *stream, struct node *node,
                            const struct stream_trim *trim)
{
    const struct stream_head *head = stream_head_of(node);
    size_t offset = head->begin;
    uint32_t count = 0;
    struct stream_entry entry;
    for (; offset < node->used; offset += entry.bytes, count++) {
        stream_entry_at(node, offset, &entry);
        if (trim->by == STREAM_TRIM_LENGTH ? stream_count(stream) - count <= trim->length
                                           : stream_id_compare(entry.id, trim->id) >= 0)
            break;
    }
    if (count > 0)
        cut(stream, node, head->begin, offset - head->begin, count);
    return count;
}

uint64_t stream_trim(struct stream *stream, const struct stream_trim *trim)
{
    uint64_t removed = 0;
    struct node *node;
    if (trim->by == STREAM_TRIM_NOT)
        return 0;
    while ((node = tree_first(&stream->entries)) != NULL) {
        const struct stream_head *head = stream_head_of(node);
        if (trim->by == STREAM_TRIM_LENGTH && stream_count(stream) <= trim->length)
            break;
        if (trim->limit != 0 && removed + head->live > trim->limit)
            break;
        if (whole_goes(stream, head, trim)) {
            removed += head->live;
            remove_node(stream, node);
            continue;
        }
        if (!trim->whole_nodes)
            removed += trim_within(stream, node, trim);
        break;
    }
    return removed;
}
