#include "types/stream_image.h"

#include "types/big.h"
#include "types/stream_group.h"

/* --- writing ---------------------------------------------------------------------------------- */

static bool put_number(struct buffer *image, uint64_t number)
{
    uint8_t at[10];
    size_t count = 0;
    for (; number >= 0x80; number >>= 7)
        at[count++] = (uint8_t)(number | 0x80);
    at[count++] = (uint8_t)number;
    return buffer_append(image, bytes_of(at, count));
}

static bool put_id(struct buffer *image, struct stream_id id)
{
    return put_number(image, id.ms) && put_number(image, id.seq);
}

static bool put_text(struct buffer *image, struct bytes text)
{
    return put_number(image, text.count) && buffer_append(image, text);
}

static bool put_element(struct buffer *image, const struct space *space, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    return put_text(image, packed_view(space, element, digits));
}

/* An entry with the master's fields says 0 for their number. */
static bool put_entry(struct buffer *image, const struct space *space, struct stream_entry *entry)
{
    const uint8_t *field, *value;
    bool done = put_id(image, entry->id) && put_number(image, entry->same ? 0 : entry->fields);
    while (done && stream_entry_pair(entry, &field, &value))
        done =
            (entry->same || put_element(image, space, field)) && put_element(image, space, value);
    return done;
}

static bool put_node(struct buffer *image, const struct space *space, const struct node *node)
{
    const struct stream_head *head = stream_head_of(node);
    bool done = put_id(image, head->first) && put_id(image, head->last) &&
                put_number(image, head->live) && put_number(image, head->deleted) &&
                put_number(image, head->model_bytes) && put_number(image, head->fields);
    const uint8_t *at = node->at + sizeof *head;
    for (uint32_t i = 0; done && i < head->fields; i++, at = packed_next(at))
        done = put_element(image, space, at);
    struct stream_entry entry;
    for (size_t offset = head->begin; done && offset < node->used; offset += entry.bytes) {
        stream_entry_at(node, offset, &entry);
        done = put_entry(image, space, &entry);
    }
    return done;
}

/* Consumers with what is pending there, so that nothing has to be looked up. */
static bool put_consumer(struct buffer *image, const struct group *group,
                         const struct consumer *consumer)
{
    bool done = put_text(image, consumer_name(consumer)) &&
                put_number(image, (uint64_t)consumer->state->seen_ms) &&
                put_number(image, (uint64_t)consumer->state->active_ms + 1) &&
                put_number(image, consumer_pending_count(consumer));
    struct pending pending;
    struct stream_id from = STREAM_ID_ZERO;
    bool more = true;
    while (done && more && pending_from(group, consumer, from, &pending)) {
        done = put_id(image, pending.id) && put_number(image, (uint64_t)pending.time_ms) &&
               put_number(image, pending.count);
        from = pending.id;
        more = stream_id_next(&from);
    }
    return done;
}

static bool put_group(struct buffer *image, const struct group *group)
{
    bool done = put_text(image, stream_name_of(group->space, group->root->head.id)) &&
                put_id(image, group->state->last) &&
                put_number(image, (uint64_t)group->state->read + 1) &&
                put_number(image, sorted_count(&group->consumers));
    for (uint32_t id = stream_names_next(&group->consumers, 0); done && id != 0;
         id = stream_names_next(&group->consumers, id)) {
        struct consumer consumer;
        consumer_open(&consumer, group->space, id);
        done = put_consumer(image, group, &consumer);
    }
    return done;
}

enum err stream_encode(struct space *space, const struct value *value, struct buffer *image)
{
    struct stream stream;
    stream_open(&stream, space, big_root(space, value));
    const struct stream_state *state = stream.state;
    bool done = put_id(image, state->last) && put_id(image, state->max_deleted) &&
                put_number(image, state->added);
    for (const struct node *node = tree_first(&stream.entries); done && node != NULL;
         node = tree_next(&stream.entries, node))
        done = put_number(image, 1) && put_node(image, space, node);
    done = done && put_number(image, 0) && put_number(image, sorted_count(&stream.groups));
    for (uint32_t id = stream_names_next(&stream.groups, 0); done && id != 0;
         id = stream_names_next(&stream.groups, id)) {
        struct group group;
        group_open(&group, space, id);
        done = put_group(image, &group);
    }
    return done ? ERR_NONE : ERR_MEMORY;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Where a reader is in the image, and how it has fared: after the first error it reads nothing. */
struct source {
    const uint8_t *at, *end;
    enum err err;
    struct space *space;
    struct arena *arena; /* forgotten after each entry */
};

static uint64_t fail(struct source *source, enum err err)
{
    if (source->err == ERR_NONE)
        source->err = err;
    return 0;
}

static uint64_t get_number(struct source *source)
{
    uint64_t number = 0;
    for (unsigned shift = 0; source->err == ERR_NONE; shift += 7) {
        if (source->at == source->end || (shift == 63 && *source->at > 1))
            return fail(source, ERR_SYNTAX);
        uint8_t byte = *source->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte == 0 && shift > 0 ? fail(source, ERR_SYNTAX) : number;
    }
    return 0;
}

static uint64_t get_number_within(struct source *source, uint64_t most)
{
    uint64_t number = get_number(source);
    return number <= most ? number : fail(source, ERR_SYNTAX);
}

static struct stream_id get_id(struct source *source)
{
    uint64_t ms = get_number(source);
    return (struct stream_id){ ms, get_number(source) };
}

static struct bytes get_text(struct source *source)
{
    uint64_t count = get_number(source);
    if (source->err != ERR_NONE || count > (uint64_t)(source->end - source->at)) {
        fail(source, ERR_SYNTAX);
        return bytes_of("", 0);
    }
    source->at += count;
    return bytes_of(source->at - count, (size_t)count);
}

/* An array of so many field-value pairs; as many strings as are there follow, at the least. */
static struct bytes *pairs_of(struct source *source, uint64_t fields)
{
    if (source->err != ERR_NONE || fields == 0 || fields > (uint64_t)(source->end - source->at)) {
        fail(source, ERR_SYNTAX);
        return NULL;
    }
    struct bytes *pairs = arena_take_many(source->arena, 2 * (size_t)fields, sizeof *pairs);
    if (pairs == NULL)
        fail(source, ERR_MEMORY);
    for (uint64_t i = 0; pairs != NULL && i < 2 * fields; i++)
        pairs[i] = bytes_of("", 0);
    return pairs;
}

static struct node *get_master(struct source *source, struct stream *stream, struct stream_id first)
{
    uint64_t fields = get_number_within(source, UINT32_MAX / 4);
    struct bytes *pairs = pairs_of(source, fields);
    struct stream_draft draft;
    for (uint64_t i = 0; pairs != NULL && i < fields; i++)
        pairs[2 * i] = get_text(source);
    if (source->err != ERR_NONE)
        return NULL;
    enum err err = stream_draft_make(source->space, stream->root, source->arena, first, pairs,
                                     (uint32_t)fields, &draft);
    if (err != ERR_NONE) {
        fail(source, err);
        return NULL;
    }
    struct node *node = NULL;
    if (stream_draft_own_fields(source->space, stream->root, &draft) == ERR_NONE)
        node = tree_insert(&stream->entries, tree_last(&stream->entries),
                           stream_draft_master_bytes(&draft),
                           (struct tree_key){ first.ms, first.seq });
    if (node == NULL) {
        stream_draft_drop(source->space, stream->root, &draft);
        fail(source, ERR_MEMORY);
        return NULL;
    }
    tree_add(&stream->entries, node, 1);
    stream_node_begin(node, &draft);
    return node;
}

/* The strings of an entry: values only where it has the master's fields. */
static struct bytes *get_pairs(struct source *source, bool same, uint64_t fields)
{
    struct bytes *pairs = pairs_of(source, fields);
    for (uint64_t i = 0; pairs != NULL && i < fields; i++) {
        if (!same)
            pairs[2 * i] = get_text(source);
        pairs[2 * i + 1] = get_text(source);
    }
    return source->err == ERR_NONE ? pairs : NULL;
}

static struct node *get_entry(struct source *source, struct stream *stream, struct node *node,
                              struct stream_id id)
{
    uint64_t fields = get_number_within(source, UINT32_MAX / 4);
    bool same = fields == 0;
    if (same)
        fields = stream_head_of(node)->fields;
    struct bytes *pairs = get_pairs(source, same, fields);
    struct stream_draft draft;
    if (pairs == NULL)
        return NULL;
    enum err err = stream_draft_make(source->space, stream->root, source->arena, id, pairs,
                                     (uint32_t)fields, &draft);
    if (err == ERR_NONE) {
        if (!same)
            err = stream_draft_own_fields(source->space, stream->root, &draft);
        size_t offset = node->used;
        size_t bytes = stream_draft_bytes(&draft, stream_head_of(node)->first, same);
        struct node *grown =
            err == ERR_NONE ? tree_splice(&stream->entries, node, offset, 0, bytes, 0) : NULL;
        if (grown != NULL) {
            stream_node_write(grown, offset, &draft, same);
            stream->root->count++;
            return grown;
        }
        stream_draft_drop(source->space, stream->root, &draft);
        err = ERR_MEMORY;
    }
    fail(source, err);
    return NULL;
}

/* Ids go up from `*before`, which becomes the node's last. */
static void get_node(struct source *source, struct stream *stream, struct stream_id *before)
{
    bool any = stream_nodes(stream) > 0;
    struct stream_id first = get_id(source), last = get_id(source);
    uint64_t live = get_number_within(source, UINT32_MAX);
    uint64_t deleted = get_number_within(source, UINT32_MAX);
    uint64_t model = get_number_within(source, INT64_MAX);
    if ((any && (live == 0 || stream_id_compare(first, *before) <= 0)) ||
        stream_id_compare(first, last) > 0 || stream_id_compare(last, stream->state->last) > 0)
        fail(source, ERR_SYNTAX);
    struct node *node = source->err == ERR_NONE ? get_master(source, stream, first) : NULL;
    struct stream_id previous = first;
    for (uint64_t i = 0; node != NULL && i < live; i++) {
        struct stream_id id = get_id(source);
        int order = stream_id_compare(id, previous);
        if (order < 0 || (order == 0 && i > 0) || stream_id_compare(id, last) > 0)
            fail(source, ERR_SYNTAX);
        node = source->err == ERR_NONE ? get_entry(source, stream, node, id) : NULL;
        previous = id;
        arena_reset(source->arena);
    }
    if (node == NULL)
        return;
    struct stream_head *head = stream_head_of(node);
    head->last = last;
    head->deleted = (uint32_t)deleted;
    head->model_bytes = model;
    *before = last;
}

static void get_pending(struct source *source, struct group *group, const struct consumer *consumer)
{
    struct pending pending = { .id = get_id(source), .consumer = consumer->root->head.id };
    pending.time_ms = (int64_t)get_number_within(source, ((uint64_t)1 << 47) - 1);
    pending.count = get_number(source);
    struct pending found;
    if (source->err == ERR_NONE && pending_find(group, pending.id, &found))
        fail(source, ERR_SYNTAX);
    if (source->err == ERR_NONE && pending_put(group, &pending) != ERR_NONE)
        fail(source, ERR_MEMORY);
}

static void get_consumer(struct source *source, struct group *group)
{
    struct bytes name = get_text(source);
    int64_t seen = (int64_t)get_number_within(source, INT64_MAX);
    int64_t active = (int64_t)get_number_within(source, INT64_MAX) - 1;
    uint64_t count = get_number(source);
    struct consumer consumer;
    if (source->err == ERR_NONE && consumer_find(group, name, &consumer))
        fail(source, ERR_SYNTAX);
    if (source->err != ERR_NONE)
        return;
    if (consumer_create(group, name, seen, &consumer) != ERR_NONE) {
        fail(source, ERR_MEMORY);
        return;
    }
    consumer.state->active_ms = active;
    for (uint64_t i = 0; i < count && source->err == ERR_NONE; i++)
        get_pending(source, group, &consumer);
}

static void get_group(struct source *source, struct stream *stream)
{
    struct bytes name = get_text(source);
    struct stream_id last = get_id(source);
    int64_t read = (int64_t)(get_number(source) - 1);
    uint64_t count = get_number(source);
    struct group group;
    if (source->err != ERR_NONE)
        return;
    enum err err = group_create(stream, name, last, read);
    if (err != ERR_NONE) {
        fail(source, err == ERR_EXISTS ? ERR_SYNTAX : err);
        return;
    }
    bool found = group_find(stream, name, &group);
    ENSURE(found);
    for (uint64_t i = 0; i < count && source->err == ERR_NONE; i++)
        get_consumer(source, &group);
}

static void get_stream(struct source *source, struct stream *stream)
{
    struct stream_id before = STREAM_ID_ZERO;
    stream->state->last = get_id(source);
    stream->state->max_deleted = get_id(source);
    stream->state->added = get_number(source);
    while (get_number_within(source, 1) == 1)
        get_node(source, stream, &before);
    uint64_t groups = get_number(source);
    for (uint64_t i = 0; i < groups && source->err == ERR_NONE; i++)
        get_group(source, stream);
    if (source->at != source->end)
        fail(source, ERR_SYNTAX);
}

enum err stream_decode(struct space *space, struct bytes image, struct value *value,
                       struct buffer *body)
{
    struct arena arena;
    struct stream stream;
    if (!buffer_reserve(body, sizeof(uint32_t)))
        return ERR_MEMORY;
    struct root *root = stream_new(space);
    if (root == NULL)
        return ERR_MEMORY;
    arena_init(&arena);
    stream_open(&stream, space, root);
    struct source source = { image.at, image.at + image.count, ERR_NONE, space, &arena };
    get_stream(&source, &stream);
    arena_release(&arena);
    uint32_t id = root->head.id;
    struct value made = { VALUE_STREAM, 0, bytes_of(&id, sizeof id) };
    if (source.err != ERR_NONE) {
        value_drop(space, &made);
        return source.err;
    }
    bool appended = buffer_append(body, made.body);
    ENSURE(appended); /* it was reserved */
    made.body.at = body->at + body->count - sizeof id;
    *value = made;
    return ERR_NONE;
}
