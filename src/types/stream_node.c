#include "types/stream_node.h"

enum { VARINT_MAX = 10, LISTPACK_FRAME = 7, LISTPACK_COUNT_SMALL = 127 };

/* --- varints ---------------------------------------------------------------------------------- */

static size_t varint_bytes(uint64_t number)
{
    size_t bytes = 1;
    for (; number >= 0x80; number >>= 7)
        bytes++;
    return bytes;
}

static uint8_t *varint_write(uint8_t *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

static const uint8_t *varint_read(const uint8_t *at, uint64_t *number)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        sum |= (uint64_t)(*at & 0x7f) << shift;
        if ((*at++ & 0x80) == 0)
            break;
    }
    *number = sum;
    return at;
}

/* Read from behind: the last byte has the low bits, and says whether there is one before it. */
static uint8_t *back_write(uint8_t *at, uint64_t number)
{
    size_t bytes = varint_bytes(number);
    for (size_t i = bytes; i-- > 0;)
        *at++ = (uint8_t)((number >> (7 * i) & 0x7f) | (i + 1 < bytes ? 0x80 : 0));
    return at;
}

static const uint8_t *back_read(const uint8_t *end, uint64_t *number)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        end--;
        sum |= (uint64_t)(*end & 0x7f) << shift;
        if ((*end & 0x80) == 0)
            break;
    }
    *number = sum;
    return end;
}

/* --- what a listpack would take --------------------------------------------------------------- */

static uint64_t with_back_length(uint64_t bytes)
{
    unsigned back = bytes <= 127 ? 1 : bytes < 16383 ? 2 : bytes < 2097151 ? 3 : 4;
    return bytes + back;
}

static uint64_t model_integer(int64_t number)
{
    if (number >= 0 && number <= LISTPACK_COUNT_SMALL)
        return 2;
    unsigned bits = 64 - (unsigned)__builtin_clrsbll(number); /* with the sign */
    return bits <= 13 ? 3 : bits <= 16 ? 4 : bits <= 24 ? 5 : bits <= 32 ? 6 : 10;
}

static uint64_t model_string(struct bytes content)
{
    struct packed_item sought;
    if (content.count <= 20) {
        packed_sought(content, &sought);
        if (packed_is_integer(sought.head))
            return model_integer(packed_integer(sought.head));
    }
    unsigned head = content.count < 64 ? 1 : content.count < 4096 ? 2 : 5;
    return with_back_length(head + content.count);
}

uint64_t stream_node_model_bytes(const struct node *node)
{
    const struct stream_head *head = stream_head_of(node);
    return LISTPACK_FRAME + model_integer(head->live) + model_integer(head->deleted) +
           head->model_bytes;
}

static uint64_t model_master(const struct stream_draft *draft)
{
    return model_integer(draft->fields) + (draft->model_strings - draft->model_values) +
           model_integer(0);
}

static uint64_t model_entry(const struct stream_draft *draft, struct stream_id first, bool same)
{
    uint64_t fields = draft->fields;
    uint64_t elements = fields + 3 + (same ? 0 : fields + 1);
    return model_integer(0) + model_integer((int64_t)(draft->id.ms - first.ms)) +
           model_integer((int64_t)(draft->id.seq - first.seq)) +
           (same ? 0 : model_integer((int64_t)fields)) +
           (same ? draft->model_values : draft->model_strings) + model_integer((int64_t)elements);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const uint8_t *skip_elements(const uint8_t *at, uint64_t count)
{
    for (; count > 0; count--)
        at = packed_next(at);
    return at;
}

void stream_entry_at(const struct node *node, size_t offset, struct stream_entry *entry)
{
    const struct stream_head *head = stream_head_of(node);
    uint64_t form, ms, seq;
    const uint8_t *at = varint_read(node->at + offset, &form);
    at = varint_read(at, &ms);
    at = varint_read(at, &seq);
    entry->same = (form & 1) != 0;
    entry->fields = entry->same ? head->fields : form >> 1;
    entry->left = entry->fields;
    entry->id.ms = head->first.ms + ms;
    entry->id.seq = ms == 0 ? head->first.seq + seq : seq;
    entry->value = at;
    entry->field = entry->same ? node->at + sizeof *head : at;
    at = skip_elements(at, entry->same ? entry->fields : 2 * entry->fields);
    size_t before = (size_t)(at - node->at) - offset;
    entry->offset = (uint32_t)offset;
    entry->bytes = (uint32_t)(before + varint_bytes(before));
}

size_t stream_entry_before(const struct node *node, size_t end)
{
    uint64_t bytes;
    const uint8_t *at = back_read(node->at + end, &bytes);
    return (size_t)(at - node->at) - (size_t)bytes;
}

bool stream_entry_pair(struct stream_entry *entry, const uint8_t **field, const uint8_t **value)
{
    if (entry->left == 0)
        return false;
    entry->left--;
    *field = entry->field;
    *value = entry->same ? entry->value : packed_next(entry->field);
    entry->value = packed_next(*value);
    entry->field = entry->same ? packed_next(entry->field) : entry->value;
    return true;
}

void stream_entry_walk(const struct stream_entry *entry,
                       void (*visit)(void *context, const uint8_t *element), void *context)
{
    struct stream_entry walk = *entry;
    const uint8_t *field, *value;
    while (stream_entry_pair(&walk, &field, &value)) {
        if (!walk.same)
            visit(context, field);
        visit(context, value);
    }
}

void stream_node_walk(const struct node *node, void (*visit)(void *context, const uint8_t *element),
                      void *context)
{
    const struct stream_head *head = stream_head_of(node);
    const uint8_t *at = node->at + sizeof *head;
    for (uint32_t i = 0; i < head->fields; i++, at = packed_next(at))
        visit(context, at);
    struct stream_entry entry;
    for (size_t offset = head->begin; offset < node->used; offset += entry.bytes) {
        stream_entry_at(node, offset, &entry);
        stream_entry_walk(&entry, visit, context);
    }
}

/* --- drafts ----------------------------------------------------------------------------------- */

/* Items from `at` on in steps of two: `first` 0 for fields, 1 for values. */
static enum err prepare(struct space *space, struct root *root, struct stream_draft *draft,
                        uint32_t first)
{
    for (uint32_t i = 0; i < draft->fields; i++) {
        struct packed_item *item = &draft->items[2 * i + first];
        enum err err = packed_prepare(space, root, item->tail, item);
        if (err == ERR_NONE)
            continue;
        while (i-- > 0)
            packed_item_empty(space, root, &draft->items[2 * i + first]);
        return err;
    }
    return ERR_NONE;
}

enum err stream_draft_make(struct space *space, struct root *root, struct arena *arena,
                           struct stream_id id, const struct bytes *strings, uint32_t fields,
                           struct stream_draft *draft)
{
    *draft = (struct stream_draft){ .id = id, .fields = fields };
    draft->items = arena_take_many(arena, 2 * (size_t)fields, sizeof *draft->items);
    if (draft->items == NULL)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < 2 * fields; i++) {
        uint64_t model = model_string(strings[i]);
        draft->model_strings += model;
        draft->model_values += i % 2 == 1 ? model : 0;
        draft->items[i].tail = strings[i];
        if (i % 2 == 0)
            packed_sought(strings[i], &draft->items[i]);
    }
    return prepare(space, root, draft, 1);
}

enum err stream_draft_own_fields(struct space *space, struct root *root, struct stream_draft *draft)
{
    for (uint32_t i = 0; i < draft->fields; i++) {
        struct packed_item *item = &draft->items[2 * i];
        if (item->head[0] != PACKED_RUN)
            continue; /* what was sought is what is stored */
        enum err err = packed_prepare(space, root, item->tail, item);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

void stream_draft_drop(struct space *space, struct root *root, const struct stream_draft *draft)
{
    for (uint32_t i = 0; i < 2 * draft->fields; i++)
        packed_item_empty(space, root, &draft->items[i]);
}

bool stream_draft_is_same(const struct space *space, const struct node *node,
                          const struct stream_draft *draft)
{
    const struct stream_head *head = stream_head_of(node);
    if (head->fields != draft->fields)
        return false;
    const uint8_t *at = node->at + sizeof *head;
    for (uint32_t i = 0; i < draft->fields; i++, at = packed_next(at)) {
        if (!packed_is(space, at, &draft->items[2 * i]))
            return false;
    }
    return true;
}

static size_t items_bytes(const struct stream_draft *draft, uint32_t first, uint32_t step)
{
    size_t bytes = 0;
    for (uint32_t i = first; i < 2 * draft->fields; i += step)
        bytes += packed_item_bytes(&draft->items[i]);
    return bytes;
}

static uint8_t *items_write(uint8_t *at, const struct stream_draft *draft, uint32_t first,
                            uint32_t step)
{
    for (uint32_t i = first; i < 2 * draft->fields; i += step)
        at = packed_write(at, &draft->items[i]);
    return at;
}

size_t stream_draft_master_bytes(const struct stream_draft *draft)
{
    return sizeof(struct stream_head) + items_bytes(draft, 0, 2);
}

static uint64_t seq_told(struct stream_id id, struct stream_id first)
{
    return id.ms == first.ms ? id.seq - first.seq : id.seq;
}

static uint64_t form_of(const struct stream_draft *draft, bool same)
{
    return same ? 1 : (uint64_t)draft->fields << 1;
}

size_t stream_draft_bytes(const struct stream_draft *draft, struct stream_id first, bool same)
{
    size_t bytes = varint_bytes(form_of(draft, same)) + varint_bytes(draft->id.ms - first.ms) +
                   varint_bytes(seq_told(draft->id, first)) +
                   (same ? items_bytes(draft, 1, 2) : items_bytes(draft, 0, 1));
    return bytes + varint_bytes(bytes);
}

void stream_node_begin(struct node *node, const struct stream_draft *draft)
{
    struct stream_head *head = stream_head_of(node);
    *head = (struct stream_head){ .first = draft->id,
                                  .last = draft->id,
                                  .fields = draft->fields,
                                  .model_bytes = model_master(draft) };
    head->begin = (uint32_t)(items_write(node->at + sizeof *head, draft, 0, 2) - node->at);
}

void stream_node_write(struct node *node, size_t offset, const struct stream_draft *draft,
                       bool same)
{
    struct stream_head *head = stream_head_of(node);
    uint8_t *start = node->at + offset, *at = varint_write(start, form_of(draft, same));
    at = varint_write(at, draft->id.ms - head->first.ms);
    at = varint_write(at, seq_told(draft->id, head->first));
    at = same ? items_write(at, draft, 1, 2) : items_write(at, draft, 0, 1);
    (void)back_write(at, (uint64_t)(at - start));
    head->live++;
    head->last = draft->id;
    head->model_bytes += model_entry(draft, head->first, same);
}

/* --- verification ----------------------------------------------------------------------------- */

static bool entries_valid(const struct node *node, const struct stream_head *head)
{
    struct stream_id before = STREAM_ID_ZERO;
    uint64_t live = 0;
    struct stream_entry entry;
    size_t offset = head->begin;
    for (; offset < node->used; offset += entry.bytes, live++) {
        stream_entry_at(node, offset, &entry);
        if (offset + entry.bytes > node->used || entry.fields == 0 ||
            stream_entry_before(node, offset + entry.bytes) != offset)
            return false;
        if (stream_id_compare(entry.id, live == 0 ? head->first : before) < 0 ||
            (live > 0 && stream_id_compare(entry.id, before) == 0) ||
            stream_id_compare(entry.id, head->last) > 0)
            return false;
        before = entry.id;
    }
    return offset == node->used && live == head->live;
}

bool stream_node_valid(const struct node *node)
{
    const struct stream_head *head = stream_head_of(node);
    if (node->used < sizeof *head || head->begin < sizeof *head || head->begin > node->used)
        return false;
    const uint8_t *at = skip_elements(node->at + sizeof *head, head->fields);
    return at == node->at + head->begin && entries_valid(node, head);
}
