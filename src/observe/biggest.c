#include "observe/biggest.h"

#include "struct/past.h"
#include "types/parts.h"

#include <string.h>

struct visiting {
    struct store *store;
    struct biggest *biggest;
};

static bool is_same(const struct biggest_key *a, const struct biggest_key *b)
{
    return a->db == b->db && a->name_hash == b->name_hash && a->name_bytes == b->name_bytes;
}

/* Keeps the list in order; a key that is there already gives way to what is known of it now. */
static void put(struct biggest_list *list, const struct biggest_key *key)
{
    uint32_t at = 0;
    while (at < list->count && !is_same(&list->keys[at], key))
        at++;
    if (at == list->count && at < BIGGEST_KEPT)
        list->count++;
    if (at == BIGGEST_KEPT) {
        at--;
        if (list->keys[at].bytes >= key->bytes)
            return;
    }
    for (; at > 0 && list->keys[at - 1].bytes < key->bytes; at--)
        list->keys[at] = list->keys[at - 1];
    for (; at + 1 < list->count && list->keys[at + 1].bytes > key->bytes; at++)
        list->keys[at] = list->keys[at + 1];
    list->keys[at] = *key;
}

/* As it is now: the past of a snapshot under way is for the snapshot, and not whole where its
 * memory has run out. */
static void summarise(struct space *space, const struct value *value, struct value_summary *summary)
{
    struct past *past = past_hide(space);
    type_ops(value->type)->summarise(space, value, summary);
    past_show(space, past);
}

static void describe(struct store *store, const struct entry *entry, uint64_t bytes,
                     struct biggest_key *key)
{
    struct bytes name = entry_key(entry);
    struct value value = entry_value(entry);
    const struct type_ops *ops = type_ops(value.type);
    struct value_summary summary;
    summarise(store_space(store), &value, &summary);
    *key = (struct biggest_key){ .bytes = bytes,
                                 .elements = summary.count,
                                 .name_hash = store_key(store, name).hash,
                                 .db = entry_db(entry),
                                 .name_bytes = (uint32_t)name.count,
                                 .type = ops->name,
                                 .encoding = ops->encoding_name(store_space(store), &value) };
    memcpy(key->name, name.at, name.count < BIGGEST_NAME_MAX ? name.count : BIGGEST_NAME_MAX);
}

static void visit(void *context, const struct entry *entry)
{
    struct visiting *visiting = context;
    struct biggest_list *list = &visiting->biggest->running;
    uint64_t bytes = store_entry_bytes(visiting->store, entry);
    visiting->biggest->visited++;
    if (list->count == BIGGEST_KEPT && list->keys[BIGGEST_KEPT - 1].bytes >= bytes)
        return;
    struct biggest_key key;
    describe(visiting->store, entry, bytes, &key);
    put(list, &key);
}

static void end_round(struct biggest *biggest)
{
    biggest->last = biggest->running;
    biggest->running.count = 0;
    biggest->db = 0;
    biggest->visited = 0;
    biggest->rounds++;
}

bool biggest_step(struct biggest *biggest, struct store *store, const struct seam *seam,
                  uint64_t deadline_ns)
{
    struct visiting visiting = { store, biggest };
    do {
        if (store_count(store, biggest->db) > 0)
            biggest->cursor = store_scan(store, biggest->db, biggest->cursor, visit, &visiting);
        else
            biggest->cursor = 0;
        if (biggest->cursor == 0 && ++biggest->db >= store_databases(store)) {
            end_round(biggest);
            return true;
        }
    } while (seam_now_ns(seam) < deadline_ns);
    return false;
}

void biggest_found(const struct biggest *biggest, struct biggest_list *list)
{
    *list = biggest->last;
    for (uint32_t at = 0; at < biggest->running.count; at++)
        put(list, &biggest->running.keys[at]);
}
