#include "types/stream_group.h"

#include "struct/past.h"

enum { ID_BYTES = 16, TIME_BYTES = 6, NAME_BYTES = 4 };
/* id 16 | consumer 4 | time 6 | count 8 */
enum {
    CONSUMER_AT = ID_BYTES,
    TIME_AT = CONSUMER_AT + 4,
    COUNT_AT = TIME_AT + TIME_BYTES,
    PENDING_BYTES = COUNT_AT + 8,
};

/* --- names ------------------------------------------------------------------------------------ */

static struct tree_key key_of_name(struct bytes name)
{
    struct tree_key key = { 0, 0 };
    for (size_t i = 0; i < 16; i++) {
        uint64_t byte = i < name.count ? name.at[i] : 0;
        if (i < 8)
            key.high = key.high << 8 | byte;
        else
            key.low = key.low << 8 | byte;
    }
    return key;
}

struct bytes stream_name_of(const struct space *space, uint32_t id)
{
    const uint8_t *more = root_more(root_of(space, id));
    struct stream_name name;
    memcpy(&name, more, sizeof name);
    return bytes_of(more + name.at, name.bytes);
}

static struct tree_key name_key(const void *sought)
{
    return key_of_name(*(const struct bytes *)sought);
}

static struct tree_key name_key_of(const struct space *space, const uint8_t *record)
{
    return key_of_name(stream_name_of(space, stream_name_id(record)));
}

static int name_compare(const struct space *space, const void *sought, const uint8_t *record)
{
    return bytes_compare(*(const struct bytes *)sought,
                         stream_name_of(space, stream_name_id(record)));
}

static const struct sorted_order by_name = { name_key, name_key_of, name_compare };

void stream_names_open(struct sorted *names, struct space *space, struct root *root,
                       struct tree_state *state)
{
    sorted_open(names, space, root, 1, state, &by_name, NAME_BYTES);
}

uint32_t stream_names_next(const struct sorted *names, uint32_t id)
{
    const uint8_t *record;
    if (id == 0) {
        record = sorted_first(names);
    } else {
        struct bytes name = stream_name_of(names->tree.space, id);
        record = sorted_seek(names, &name, SORTED_BEYOND);
    }
    return record == NULL ? 0 : stream_name_id(record);
}

/* A root with a name behind its own part, known to nobody. */
static struct root *named_root(struct space *space, unsigned sets, size_t own, struct bytes name)
{
    struct root *root = root_new(space, VALUE_STREAM, sets, own + name.count);
    if (root == NULL)
        return NULL;
    struct stream_name place = { (uint32_t)own, (uint32_t)name.count };
    uint8_t *more = root_more(root);
    memcpy(more, &place, sizeof place);
    if (name.count > 0)
        memcpy(more + own, name.at, name.count);
    return root;
}

static bool names_add(struct sorted *names, struct bytes name, const struct root *root)
{
    uint8_t *record = sorted_insert(names, &name);
    if (record == NULL)
        return false;
    memcpy(record, &root->head.id, NAME_BYTES);
    return true;
}

/* --- ids -------------------------------------------------------------------------------------- */

static struct stream_id id_of(const uint8_t *record)
{
    struct stream_id id;
    memcpy(&id, record, sizeof id);
    return id;
}

static struct tree_key id_key(const void *sought)
{
    const struct stream_id *id = sought;
    return (struct tree_key){ id->ms, id->seq };
}

static struct tree_key id_key_of(const struct space *space, const uint8_t *record)
{
    (void)space;
    struct stream_id id = id_of(record);
    return (struct tree_key){ id.ms, id.seq };
}

static int id_compare(const struct space *space, const void *sought, const uint8_t *record)
{
    (void)space;
    return stream_id_compare(*(const struct stream_id *)sought, id_of(record));
}

static const struct sorted_order by_id = { id_key, id_key_of, id_compare };

/* --- groups ----------------------------------------------------------------------------------- */

void group_open(struct group *group, struct space *space, uint32_t id)
{
    struct root *root = root_of(space, id);
    struct group_state *state = root_more(root);
    *group = (struct group){ .space = space, .root = root, .state = state };
    sorted_open(&group->pending, space, root, 0, &state->pending, &by_id, PENDING_BYTES);
    stream_names_open(&group->consumers, space, root, &state->consumers);
    past_root_changes(space, root);
}

bool group_find(const struct stream *stream, struct bytes name, struct group *group)
{
    const uint8_t *record = sorted_find(&stream->groups, &name);
    if (record == NULL)
        return false;
    group_open(group, stream->space, stream_name_id(record));
    return true;
}

enum err group_create(struct stream *stream, struct bytes name, struct stream_id last, int64_t read)
{
    if (sorted_find(&stream->groups, &name) != NULL)
        return ERR_EXISTS;
    struct root *root = named_root(stream->space, 2, sizeof(struct group_state), name);
    if (root == NULL)
        return ERR_MEMORY;
    struct group_state *state = root_more(root);
    state->last = last;
    state->read = read;
    if (names_add(&stream->groups, name, root))
        return ERR_NONE;
    root_drop(stream->space, root);
    return ERR_MEMORY;
}

void group_detach(struct stream *stream, struct bytes name, struct value *value,
                  uint8_t body[sizeof(uint32_t)])
{
    memcpy(body, sorted_find(&stream->groups, &name), sizeof(uint32_t));
    sorted_remove(&stream->groups, &name);
    *value = (struct value){ VALUE_STREAM, 0, bytes_of(body, sizeof(uint32_t)) };
}

/* --- consumers -------------------------------------------------------------------------------- */

void consumer_open(struct consumer *consumer, struct space *space, uint32_t id)
{
    struct root *root = root_of(space, id);
    struct consumer_state *state = root_more(root);
    *consumer = (struct consumer){ .space = space, .root = root, .state = state };
    sorted_open(&consumer->pending, space, root, 0, &state->pending, &by_id, ID_BYTES);
    past_root_changes(space, root);
}

bool consumer_find(const struct group *group, struct bytes name, struct consumer *consumer)
{
    const uint8_t *record = sorted_find(&group->consumers, &name);
    if (record == NULL)
        return false;
    consumer_open(consumer, group->space, stream_name_id(record));
    return true;
}

enum err consumer_create(struct group *group, struct bytes name, int64_t now_ms,
                         struct consumer *consumer)
{
    struct root *root = named_root(group->space, 1, sizeof(struct consumer_state), name);
    if (root == NULL)
        return ERR_MEMORY;
    struct consumer_state *state = root_more(root);
    state->seen_ms = now_ms;
    state->active_ms = STREAM_NEVER;
    if (!names_add(&group->consumers, name, root)) {
        root_drop(group->space, root);
        return ERR_MEMORY;
    }
    consumer_open(consumer, group->space, root->head.id);
    return ERR_NONE;
}

uint64_t consumer_delete(struct group *group, struct consumer *consumer)
{
    uint64_t count = consumer_pending_count(consumer);
    const uint8_t *record;
    while ((record = sorted_last(&consumer->pending)) != NULL) {
        struct stream_id id = id_of(record);
        sorted_remove(&group->pending, &id);
        sorted_remove(&consumer->pending, &id);
    }
    struct bytes name = consumer_name(consumer);
    sorted_remove(&group->consumers, &name);
    root_drop(consumer->space, consumer->root);
    return count;
}

/* --- what is pending -------------------------------------------------------------------------- */

size_t pending_record_bytes(void)
{
    return PENDING_BYTES;
}

struct pending pending_of_record(const uint8_t *record)
{
    struct pending pending = { .id = id_of(record) };
    memcpy(&pending.consumer, record + CONSUMER_AT, sizeof pending.consumer);
    memcpy(&pending.time_ms, record + TIME_AT, TIME_BYTES);
    memcpy(&pending.count, record + COUNT_AT, sizeof pending.count);
    return pending;
}

static void pending_write(uint8_t *record, const struct pending *pending)
{
    memcpy(record, &pending->id, sizeof pending->id);
    memcpy(record + CONSUMER_AT, &pending->consumer, sizeof pending->consumer);
    memcpy(record + TIME_AT, &pending->time_ms, TIME_BYTES);
    memcpy(record + COUNT_AT, &pending->count, sizeof pending->count);
}

static bool read_pending(const uint8_t *record, struct pending *pending)
{
    if (record == NULL)
        return false;
    *pending = pending_of_record(record);
    return true;
}

bool pending_find(const struct group *group, struct stream_id id, struct pending *pending)
{
    return read_pending(sorted_find(&group->pending, &id), pending);
}

bool pending_from(const struct group *group, const struct consumer *consumer, struct stream_id id,
                  struct pending *pending)
{
    if (consumer == NULL)
        return read_pending(sorted_seek(&group->pending, &id, SORTED_AT), pending);
    const uint8_t *record = sorted_seek(&consumer->pending, &id, SORTED_AT);
    return record != NULL && pending_find(group, id_of(record), pending);
}

bool pending_last(const struct group *group, struct pending *pending)
{
    return read_pending(sorted_last(&group->pending), pending);
}

static bool consumer_add(struct group *group, const struct pending *pending)
{
    struct consumer consumer;
    consumer_open(&consumer, group->space, pending->consumer);
    uint8_t *record = sorted_insert(&consumer.pending, &pending->id);
    if (record != NULL)
        memcpy(record, &pending->id, sizeof pending->id);
    return record != NULL;
}

static void consumer_remove(struct group *group, uint32_t id, struct stream_id entry)
{
    struct consumer consumer;
    consumer_open(&consumer, group->space, id);
    sorted_remove(&consumer.pending, &entry);
}

static enum err pending_add(struct group *group, const struct pending *pending)
{
    if (!consumer_add(group, pending))
        return ERR_MEMORY;
    uint8_t *record = sorted_insert(&group->pending, &pending->id);
    if (record == NULL) {
        consumer_remove(group, pending->consumer, pending->id);
        return ERR_MEMORY;
    }
    pending_write(record, pending);
    return ERR_NONE;
}

enum err pending_put(struct group *group, const struct pending *pending)
{
    uint8_t *record = sorted_find(&group->pending, &pending->id);
    if (record == NULL)
        return pending_add(group, pending);
    uint32_t before = pending_of_record(record).consumer;
    if (before != pending->consumer) {
        if (!consumer_add(group, pending))
            return ERR_MEMORY;
        consumer_remove(group, before, pending->id);
    }
    sorted_touch(&group->pending, &pending->id);
    pending_write(record, pending); /* the group's records have not moved */
    return ERR_NONE;
}

enum err pending_announce(struct group *group, const struct pending *pending)
{
    struct pending nobodys = *pending;
    if (sorted_find(&group->pending, &pending->id) != NULL)
        return ERR_EXISTS;
    uint8_t *record = sorted_insert(&group->pending, &pending->id);
    if (record == NULL)
        return ERR_MEMORY;
    nobodys.consumer = 0;
    pending_write(record, &nobodys);
    return ERR_NONE;
}

enum err pending_give(struct group *group, const struct consumer *consumer, struct stream_id id)
{
    uint8_t *record = sorted_find(&group->pending, &id);
    if (record == NULL || pending_of_record(record).consumer != 0)
        return ERR_MISSING;
    struct pending pending = pending_of_record(record);
    pending.consumer = consumer->root->head.id;
    if (!consumer_add(group, &pending))
        return ERR_MEMORY;
    sorted_touch(&group->pending, &id);
    pending_write(record, &pending); /* the group's records have not moved */
    return ERR_NONE;
}

bool pending_remove(struct group *group, struct stream_id id)
{
    struct pending pending;
    if (!pending_find(group, id, &pending))
        return false;
    consumer_remove(group, pending.consumer, id);
    sorted_remove(&group->pending, &id);
    return true;
}

/* --- how far a group has come ----------------------------------------------------------------- */

/* Whether XDEL has removed an entry from `id` on that would still be there, as far as is known. */
static bool deleted_from(const struct stream *stream, struct stream_id id)
{
    struct stream_id deleted = stream->state->max_deleted;
    return stream_count(stream) > 0 && !stream_id_is_zero(deleted) &&
           stream_id_compare(stream_first_id(stream), deleted) <= 0 &&
           stream_id_compare(id, deleted) <= 0;
}

int64_t stream_read_estimate(const struct stream *stream, struct stream_id id)
{
    const struct stream_state *state = stream->state;
    uint64_t added = state->added, count = stream_count(stream);
    int with_last = stream_id_compare(id, state->last);
    if (added == 0)
        return 0;
    if ((count == 0 && with_last < 0) || with_last == 0)
        return (int64_t)added;
    if (with_last > 0)
        return STREAM_READ_UNKNOWN;
    struct stream_id first = stream_first_id(stream);
    if (!stream_id_is_zero(state->max_deleted) && stream_id_compare(state->max_deleted, first) >= 0)
        return STREAM_READ_UNKNOWN;
    int with_first = stream_id_compare(id, first);
    if (with_first > 0)
        return STREAM_READ_UNKNOWN;
    return (int64_t)(added - count + (with_first == 0)); /* 64 bits wrap as XSETID leaves them */
}

bool group_lag(const struct stream *stream, const struct group *group, int64_t *lag)
{
    int64_t read = group->state->read;
    if (stream->state->added == 0)
        read = 0;
    else if (read == STREAM_READ_UNKNOWN || deleted_from(stream, group->state->last))
        read = stream_read_estimate(stream, group->state->last);
    if (read == STREAM_READ_UNKNOWN)
        return false;
    *lag = (int64_t)(stream->state->added - (uint64_t)read);
    return true;
}

void group_advance(const struct stream *stream, struct group *group, struct stream_id id)
{
    struct group_state *state = group->state;
    if (stream_id_compare(id, state->last) <= 0)
        return;
    if (state->read != STREAM_READ_UNKNOWN && !deleted_from(stream, id))
        state->read = (int64_t)((uint64_t)state->read + 1);
    else if (stream->state->added > 0)
        state->read = stream_read_estimate(stream, id);
    state->last = id;
}

/* --- verification ----------------------------------------------------------------------------- */

static bool pending_is_known(const struct group *group, const uint8_t *record, uint64_t *owned)
{
    struct pending pending = pending_of_record(record);
    struct consumer consumer;
    if (!roots_has(&group->space->roots, pending.consumer))
        return false;
    struct bytes name = stream_name_of(group->space, pending.consumer);
    if (!consumer_find(group, name, &consumer) || consumer.root->head.id != pending.consumer)
        return false;
    *owned += 1;
    return sorted_find(&consumer.pending, &pending.id) != NULL && pending.time_ms >= 0;
}

static bool consumers_valid(const struct group *group, uint64_t *owned)
{
    for (uint32_t id = stream_names_next(&group->consumers, 0); id != 0;
         id = stream_names_next(&group->consumers, id)) {
        struct consumer consumer;
        consumer_open(&consumer, group->space, id);
        if (!root_valid(group->space, consumer.root) || !sorted_valid(&consumer.pending))
            return false;
        *owned += consumer_pending_count(&consumer);
    }
    return true;
}

bool group_valid(const struct space *space, uint32_t id)
{
    struct group group;
    uint64_t owned = 0, pending = 0;
    group_open(&group, (struct space *)(uintptr_t)space, id);
    if (!root_valid(space, group.root) || !sorted_valid(&group.pending) ||
        !sorted_valid(&group.consumers) || !consumers_valid(&group, &owned))
        return false;
    struct pending each;
    struct stream_id from = STREAM_ID_ZERO;
    while (pending_from(&group, NULL, from, &each)) {
        if (!pending_is_known(&group, sorted_find(&group.pending, &each.id), &pending))
            return false;
        from = each.id;
        if (!stream_id_next(&from))
            break;
    }
    return pending == owned && pending == group_pending_count(&group);
}
