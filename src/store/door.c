/* Every change to a key. A change either fits the entry's block, and is made in place, or gets a
 * block of its own first, so that a failure changes nothing. */
#include "base/memory.h"
#include "store/inside.h"
#include "struct/nodes.h"

static unsigned kind_of(const struct entry_parts *parts)
{
    return parts->expiry != ENTRY_NO_EXPIRY || value_may_expire(parts->type, parts->encoding)
               ? BLOCK_EXPIRING
               : BLOCK_ENTRY;
}

/* --- counts ----------------------------------------------------------------------------------- */

void count_expiry(struct db *db, int64_t expiry, int sign)
{
    if (expiry == ENTRY_NO_EXPIRY)
        return;
    uint64_t offset = (uint64_t)(expiry + ((int64_t)1 << ENTRY_EXPIRY_BITS));
    if (sign > 0) {
        db->expires++;
        db->expiry_sum += offset;
    } else {
        db->expires--;
        db->expiry_sum -= offset;
    }
}

void count_inner(struct db *db, const struct entry *entry, int sign)
{
    if (UNLIKELY(value_may_expire(entry_type(entry), entry_encoding(entry))))
        db->inner_expires += sign > 0 ? 1 : UINT64_MAX;
}

void store_give_entry(struct store *store, struct entry *entry)
{
    store->held.by_type[entry_type(entry)] -= heap_block_bytes(store->heap, entry);
    store->held.asked -=
        entry_bytes(entry_key_bytes(entry), entry_body(entry).count, entry_expires(entry));
    heap_give(store->heap, entry);
}

/* A key without expiry stands among those that have one only for its elements, and may stay. */
static uint64_t tag_of(int64_t expiry)
{
    return expiry == ENTRY_NO_EXPIRY ? UINT64_MAX : expiry > 0 ? (uint64_t)expiry : 0;
}

static void tag_expiry(struct store *store, const struct entry *entry)
{
    int64_t expiry = entry_expiry(entry);
    if (expiry == ENTRY_NO_EXPIRY)
        return;
    heap_tag_lower(store->heap, entry, tag_of(expiry));
    heap_tag_raise(store->heap, entry, tag_of(expiry));
}

int64_t store_inner_expiry(const struct store *store, const struct entry *entry)
{
    if (LIKELY(!value_may_expire(entry_type(entry), entry_encoding(entry))))
        return VALUE_NEVER;
    struct value value = entry_value(entry);
    return type_ops(value.type)->earliest(&store->space, &value);
}

void store_written(struct store *store, const struct entry *entry)
{
    int64_t expiry = store_inner_expiry(store, entry);
    if (UNLIKELY(expiry != VALUE_NEVER))
        heap_tag_lower(store->heap, entry, expiry > 0 ? (uint64_t)expiry : 0);
}

/* --- giving back ------------------------------------------------------------------------------ */

struct dying_value *store_make_dying(struct store *store, const struct value *value)
{
    struct dying_value *dying = memory_take(sizeof *dying + value->body.count);
    if (dying == NULL)
        return NULL;
    *dying = (struct dying_value){ .type = value->type,
                                   .encoding = value->encoding,
                                   .body_bytes = (uint32_t)value->body.count };
    memcpy(dying->body, value->body.at, value->body.count);
    store->lazyfree_pending++;
    return dying;
}

static bool remember_dying(struct store *store, const struct value *value, uint64_t cursor)
{
    struct dying_value *dying = store_make_dying(store, value);
    if (dying == NULL)
        return false;
    dying->cursor = cursor;
    dying->next = store->dying_values;
    store->dying_values = dying;
    return true;
}

/* Where others are being freed, or a database is, it waits: when all are known to go, they leave
 * whole spans. */
static void begin_freeing(struct store *store, const struct value *value)
{
    uint64_t cursor = 0;
    const struct type_ops *ops = type_ops(value->type);
    uint32_t id = value_root_id(value);
    bool waits = id != 0 && (store->dying != NULL || store->dying_values != NULL);
    if (id != 0 && ops->has_plain_nodes(&store->space, value))
        root_doom(&store->space, root_of(&store->space, id));
    if (waits && remember_dying(store, value, cursor))
        return;
    if (ops->free_step(&store->space, value, &cursor) || remember_dying(store, value, cursor))
        return;
    while (!ops->free_step(&store->space, value, &cursor)) /* no memory to remember it */
        ;
}

void store_give_value(struct store *store, const struct value *value)
{
    if (LIKELY(!store->walk.watching) || !walk_keeps(store, value, false))
        begin_freeing(store, value);
}

void store_free_value(struct store *store, const struct value *value)
{
    if (LIKELY(!store->walk.watching) || !walk_keeps(store, value, true))
        begin_freeing(store, value);
}

/* Puts the probe on the slot that refers to `entry`. */
static void probe_entry(const struct store *store, const struct db *db, const struct key *key,
                        const struct entry *entry, struct index_probe *probe)
{
    uint64_t wanted = entry_ref(store, entry);
    uint64_t ref = index_first(&db->index, key->hash, probe);
    while (ref != wanted) {
        ENSURE(ref != 0);
        ref = index_next(&db->index, probe);
    }
}

/* Out of index and counts; block and value stay. */
static void unlink_entry(struct store *store, struct db *db, const struct key *key,
                         struct entry *entry)
{
    struct index_probe probe;
    probe_entry(store, db, key, entry, &probe);
    index_remove_at(&db->index, &probe);
    count_expiry(db, entry_expiry(entry), -1);
    count_inner(db, entry, -1);
}

void store_discard(struct store *store, struct db *db, const struct key *key, struct entry *entry)
{
    struct value value = entry_value(entry);
    walk_before_change(store, db, entry);
    unlink_entry(store, db, key, entry);
    store_give_value(store, &value);
    store_give_entry(store, entry);
}

void store_remove(struct store *store, unsigned db, const struct key *key, struct entry *entry,
                  enum event event)
{
    struct db *database = db_of(store, db);
    if (event == EVENT_EXPIRED)
        store->expired++;
    store_discard(store, database, key, entry);
    store_changed(store, database, key->name, event);
}

/* --- making ----------------------------------------------------------------------------------- */

static struct entry_parts parts_of(const struct entry *entry)
{
    return (struct entry_parts){ .type = entry_type(entry),
                                 .encoding = entry_encoding(entry),
                                 .db = entry_db(entry),
                                 .expiry = entry_expiry(entry),
                                 .key = entry_key(entry),
                                 .body_bytes = entry_body(entry).count };
}

static bool body_fits(const struct entry_parts *parts)
{
    return parts->body_bytes <= ENTRY_BODY_MAX && parts->key.count <= ENTRY_KEY_MAX;
}

static size_t bytes_of_parts(const struct entry_parts *parts)
{
    return entry_bytes(parts->key.count, parts->body_bytes, parts->expiry != ENTRY_NO_EXPIRY);
}

static struct entry *make_entry(struct store *store, const struct entry_parts *parts)
{
    if (!body_fits(parts))
        return NULL;
    unsigned kind = kind_of(parts);
    size_t bytes = bytes_of_parts(parts);
    struct entry *entry = kind == BLOCK_EXPIRING
                              ? heap_take_near(store->heap, bytes, kind, tag_of(parts->expiry))
                              : heap_take(store->heap, bytes, kind);
    if (entry == NULL)
        return NULL;
    store->held.by_type[parts->type] += heap_block_bytes(store->heap, entry);
    store->held.asked += bytes_of_parts(parts);
    entry_lay_out(entry, parts);
    entry_set_epoch(entry, store->walk.epoch);
    tag_expiry(store, entry);
    return entry;
}

/* True when the entry's block can hold `parts` with nothing but header fields and body changed. */
static bool fits_in_place(const struct store *store, const struct entry *entry,
                          const struct entry_parts *parts)
{
    bool wide = (entry_where(entry) & ENTRY_WIDE_BODY) != 0;
    return entry_expires(entry) == (parts->expiry != ENTRY_NO_EXPIRY) &&
           heap_block_kind(store->heap, entry) == kind_of(parts) &&
           wide == (parts->body_bytes > UINT8_MAX) && body_fits(parts) &&
           heap_fits(store->heap, entry, bytes_of_parts(parts));
}

/* The entry stays in its block. */
static void recount(struct store *store, const struct entry *entry, const struct entry_parts *parts)
{
    store->held.asked += parts->body_bytes - entry_body(entry).count; /* wraps where it shrinks */
    if (LIKELY(entry_type(entry) == parts->type))
        return;
    uint64_t held = heap_block_bytes(store->heap, entry);
    store->held.by_type[entry_type(entry)] -= held;
    store->held.by_type[parts->type] += held;
}

/* A key that is to live longer than those around it goes to others where it can. */
static bool stands_well(const struct store *store, const struct entry *entry, int64_t expiry)
{
    return expiry == ENTRY_NO_EXPIRY || !heap_is_misplaced(store->heap, entry, tag_of(expiry));
}

static void rewrite_header(struct store *store, struct db *db, struct entry *entry,
                           const struct entry_parts *parts)
{
    int64_t before = entry_expiry(entry);
    recount(store, entry, parts);
    count_inner(db, entry, -1);
    entry->tag = (uint8_t)((entry->tag & 0xe0u) | parts->type | parts->encoding << 3);
    count_inner(db, entry, 1);
    entry->body_low = (uint8_t)parts->body_bytes;
    if (entry_where(entry) & ENTRY_WIDE_BODY)
        entry->rest[entry_key_at(entry) - 1] = (uint8_t)(parts->body_bytes >> 8);
    if (before == parts->expiry)
        return;
    count_expiry(db, before, -1);
    entry_set_expiry(entry, parts->expiry);
    count_expiry(db, entry_expiry(entry), 1);
    tag_expiry(store, entry);
}

/* The index refers to `to` now; counts follow; `from` is given back, its value is not. */
static void replace_entry(struct store *store, struct db *db, const struct key *key,
                          struct entry *from, struct entry *to)
{
    struct index_probe probe;
    probe_entry(store, db, key, from, &probe);
    index_repoint(&probe, entry_ref(store, to));
    count_expiry(db, entry_expiry(from), -1);
    count_expiry(db, entry_expiry(to), 1);
    count_inner(db, from, -1);
    count_inner(db, to, 1);
    store_give_entry(store, from);
}

static enum err insert_entry(struct store *store, struct db *db, const struct key *key,
                             struct entry *entry)
{
    if (!index_insert(&db->index, key->hash, entry_ref(store, entry))) {
        store_give_entry(store, entry);
        return ERR_MEMORY;
    }
    count_expiry(db, entry_expiry(entry), 1);
    count_inner(db, entry, 1);
    return ERR_NONE;
}

static int64_t expiry_to_be(const struct entry *entry, int64_t expiry)
{
    if (expiry != STORE_KEEP_EXPIRY)
        return expiry;
    return entry != NULL ? entry_expiry(entry) : ENTRY_NO_EXPIRY;
}

/* An empty body may have no address. */
static void put_body(struct entry *entry, const struct value *value)
{
    if (value->body.count > 0)
        memcpy(entry_body_mut(entry), value->body.at, value->body.count);
}

static void put_in_place(struct store *store, struct db *db, struct entry *entry,
                         const struct entry_parts *parts, const struct value *value)
{
    struct value old = entry_value(entry);
    store_give_value(store, &old);
    heap_refit(store->heap, entry, bytes_of_parts(parts));
    rewrite_header(store, db, entry, parts);
    put_body(entry, value);
    store_touch(store, entry);
}

static enum err put_anew(struct store *store, struct db *db, const struct key *key,
                         struct entry *entry, const struct entry_parts *parts,
                         const struct value *value, struct entry **result)
{
    struct entry *made = make_entry(store, parts);
    if (made == NULL)
        return ERR_MEMORY;
    put_body(made, value);
    store_start_use(store, made);
    if (entry == NULL) {
        enum err err = insert_entry(store, db, key, made);
        if (err != ERR_NONE)
            return err;
    } else {
        struct value old = entry_value(entry);
        store_give_value(store, &old);
        replace_entry(store, db, key, entry, made);
    }
    *result = made;
    return ERR_NONE;
}

enum err store_put(struct store *store, unsigned db, const struct key *key, struct entry *entry,
                   const struct value *value, int64_t expiry, enum event event,
                   struct entry **result)
{
    struct db *database = db_of(store, db);
    struct entry_parts parts = { .type = value->type,
                                 .encoding = value->encoding,
                                 .db = database->slot,
                                 .expiry = expiry_to_be(entry, expiry),
                                 .key = key->name,
                                 .body_bytes = value->body.count };
    struct entry *now = entry;
    if (entry != NULL)
        walk_before_change(store, database, entry);
    if (entry != NULL && fits_in_place(store, entry, &parts) &&
        stands_well(store, entry, parts.expiry)) {
        put_in_place(store, database, entry, &parts, value);
    } else {
        enum err err = put_anew(store, database, key, entry, &parts, value, &now);
        if (err != ERR_NONE)
            return err;
        if (entry == NULL)
            store_notify(store, db, key->name, EVENT_NEW);
    }
    store_written(store, now);
    if (result != NULL)
        *result = now;
    store_changed(store, database, key->name, event);
    return ERR_NONE;
}

/* The entry in a block for `parts`, its body's common prefix kept. NULL: no memory, unchanged. */
static struct entry *rebuild(struct store *store, struct db *db, const struct key *key,
                             struct entry *entry, const struct entry_parts *parts)
{
    struct entry *made = make_entry(store, parts);
    if (made == NULL)
        return NULL;
    struct bytes body = entry_body(entry);
    memcpy(entry_body_mut(made), body.at,
           body.count < parts->body_bytes ? body.count : parts->body_bytes);
    entry_set_used(made, entry_used(entry));
    replace_entry(store, db, key, entry, made);
    return made;
}

uint8_t *store_edit(struct store *store, unsigned db, const struct key *key, struct entry **entry,
                    size_t body_bytes, unsigned encoding, enum event event)
{
    struct db *database = db_of(store, db);
    walk_before_change(store, database, *entry);
    if (UNLIKELY(store->walk.watching))
        walk_part_from_run(store, *entry);
    if (entry_body(*entry).count == body_bytes && entry_encoding(*entry) == encoding) {
        store_changed(store, database, key->name, event); /* a counter that ticks on, a bit */
        return entry_body_mut(*entry);
    }
    struct entry_parts parts = parts_of(*entry);
    parts.body_bytes = body_bytes;
    parts.encoding = encoding;
    if (fits_in_place(store, *entry, &parts)) {
        heap_refit(store->heap, *entry, bytes_of_parts(&parts));
        rewrite_header(store, database, *entry, &parts);
    } else {
        struct entry *made = rebuild(store, database, key, *entry, &parts);
        if (made == NULL)
            return NULL;
        *entry = made;
    }
    store_changed(store, database, key->name, event);
    return entry_body_mut(*entry);
}

void store_note(struct store *store, unsigned db, const struct key *key, enum event event)
{
    store_changed(store, db_of(store, db), key->name, event);
}

enum err store_set_expiry(struct store *store, unsigned db, const struct key *key,
                          struct entry **entry, int64_t expiry, enum event event)
{
    struct db *database = db_of(store, db);
    struct entry_parts parts = parts_of(*entry);
    walk_before_change(store, database, *entry);
    parts.expiry = expiry;
    bool in_place = entry_expires(*entry) == (expiry != ENTRY_NO_EXPIRY);
    struct entry *made = in_place && stands_well(store, *entry, expiry)
                             ? NULL
                             : rebuild(store, database, key, *entry, &parts);
    if (made != NULL)
        *entry = made;
    else if (in_place)
        rewrite_header(store, database, *entry, &parts);
    else
        return ERR_MEMORY;
    store_written(store, *entry);
    store_changed(store, database, key->name, event);
    return ERR_NONE;
}

/* --- to another key --------------------------------------------------------------------------- */

static enum err replace_target(struct store *store, struct db *db, const struct key *key,
                               struct entry *made)
{
    struct entry *target = store_look(store, db->number, key);
    if (target == NULL)
        return insert_entry(store, db, key, made);
    walk_before_change(store, db, target);
    struct value old = entry_value(target);
    store_give_value(store, &old);
    replace_entry(store, db, key, target, made);
    return ERR_NONE;
}

enum err store_rename(struct store *store, unsigned from_db, const struct key *from,
                      struct entry *entry, unsigned to_db, const struct key *to,
                      enum event from_event, enum event to_event)
{
    struct db *source = db_of(store, from_db), *target = db_of(store, to_db);
    struct entry_parts parts = parts_of(entry);
    walk_before_change(store, source, entry);
    parts.key = to->name;
    parts.db = target->slot;
    struct entry *made = make_entry(store, &parts);
    if (made == NULL)
        return ERR_MEMORY;
    struct bytes body = entry_body(entry);
    memcpy(entry_body_mut(made), body.at, body.count);
    entry_set_used(made, entry_used(entry));
    store_written(store, made);
    enum err err = replace_target(store, target, to, made);
    if (err != ERR_NONE)
        return err;
    unlink_entry(store, source, from, entry); /* the value has a new owner */
    store_give_entry(store, entry);
    store_notify(store, to_db, to->name, EVENT_NEW);
    store_changed(store, source, from->name, from_event);
    store_changed(store, target, to->name, to_event);
    return ERR_NONE;
}
