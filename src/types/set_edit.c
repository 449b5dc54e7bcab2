/* Sets as they are changed: first what they are called, then where the member goes. */
#include "types/limits.h"
#include "types/set_inside.h"

#include <stdlib.h>

void set_new(struct value_edit *edit, struct space *space, struct arena *arena, enum set_name name)
{
    edit_new(edit, space, arena, VALUE_SET, name);
}

/* --- a table ---------------------------------------------------------------------------------- */

/* pre: it is not there. A run is taken for a long member. */
static enum err table_append(struct space *space, struct root *root, struct table_place *place,
                             const struct packed_item *item)
{
    struct table table = set_table(space, root);
    struct packed_item stored;
    if (UNLIKELY(item->head[0] == PACKED_RUN)) {
        enum err err = packed_prepare(space, root, item->tail, &stored);
        if (err != ERR_NONE)
            return err;
        item = &stored;
    }
    uint8_t *at = table_add(&table, place, packed_item_bytes(item));
    if (at == NULL) {
        packed_item_empty(space, root, item);
        return ERR_MEMORY;
    }
    packed_write(at, item);
    table_settle(&table);
    return ERR_NONE;
}

struct filling {
    struct space *space;
    struct root *root;
    enum err err;
};

static bool fill(void *context, const uint8_t *element)
{
    struct filling *filling = context;
    struct table table = set_table(filling->space, filling->root);
    struct packed_item item;
    struct table_place place;
    size_t used;
    set_item(filling->space, element, &item);
    (void)table_bucket(&table, set_item_hash(filling->space, &item), &place, &used);
    filling->err = table_append(filling->space, filling->root, &place, &item);
    return filling->err == ERR_NONE;
}

static enum err become_table(struct value_edit *edit, enum set_name name)
{
    struct space *space = edit->space;
    struct filling filling = { space, root_new(space, VALUE_SET, 1, 0), ERR_NONE };
    if (filling.root == NULL)
        return ERR_MEMORY;
    struct table table = set_table(space, filling.root);
    filling.root->flags = (uint16_t)name;
    if (table_begin(&table))
        set_each(space, &edit->value, fill, &filling);
    else
        filling.err = ERR_MEMORY;
    if (filling.err != ERR_NONE) {
        big_drop(space, filling.root, &set_big_ops);
        return filling.err;
    }
    edit_become_big(edit, filling.root, SET_BIG);
    return ERR_NONE;
}

/* --- the small forms -------------------------------------------------------------------------- */

/* Integers become packed members of at most 9 bytes. */
static enum err unpack_integers(struct value_edit *edit, enum set_name name)
{
    enum { INTEGER_MAX = 1 + sizeof(int64_t) };
    uint32_t count = integers_count(edit->value.body);
    uint8_t *members = arena_take_many(edit->arena, (size_t)count + 1, INTEGER_MAX);
    if (members == NULL)
        return ERR_MEMORY;
    uint8_t *end = members;
    for (uint32_t i = 0; i < count; i++) {
        struct packed_item item;
        packed_prepare_i64(integers_at(edit->value.body, i), &item);
        end = packed_write(end, &item);
    }
    if (end - members > VALUE_SMALL_MAX)
        return become_table(edit, name);
    return edit_replace(edit, name, bytes_of(members, (size_t)(end - members)));
}

static enum err rename_set(struct value_edit *edit, enum set_name name)
{
    if (edit->root != NULL) {
        edit->root->flags = (uint16_t)name;
        return ERR_NONE;
    }
    if (edit->value.encoding == SET_INTEGERS)
        return unpack_integers(edit, name);
    if (edit_body(edit) == NULL)
        return ERR_MEMORY;
    edit->value.encoding = (uint8_t)name;
    return ERR_NONE;
}

/* Whether a small set has no room for the item as it is. */
static bool outgrows(const struct value_edit *edit, const struct packed_item *item)
{
    const struct value *value = &edit->value;
    if (value->encoding == SET_INTEGERS) {
        unsigned width = integers_width_of(packed_integer(item->head));
        if (width < integers_width(value->body))
            width = integers_width(value->body);
        return 1 + ((size_t)integers_count(value->body) + 1) * width > VALUE_SMALL_MAX;
    }
    return item->head[0] == PACKED_RUN ||
           value->body.count + packed_item_bytes(item) > VALUE_SMALL_MAX ||
           (value->encoding == SET_FLAT && members_count(value->body) >= SET_FLAT_MAX);
}

/* --- adding ----------------------------------------------------------------------------------- */

static enum err put_big(struct value_edit *edit, const struct packed_item *item, bool check,
                        bool *added)
{
    struct table table = set_table(edit->space, edit->root);
    struct table_place place;
    size_t used;
    const uint8_t *at = table_bucket(&table, set_item_hash(edit->space, item), &place, &used);
    if (check && at != NULL && members_find(edit->space, at, used, item) != NULL)
        return ERR_NONE;
    enum err err = table_append(edit->space, edit->root, &place, item);
    *added = err == ERR_NONE;
    if (*added)
        edit_changed(edit);
    return err;
}

static enum err append_packed(struct value_edit *edit, const struct packed_item *item)
{
    uint8_t *at = edit_splice(edit, edit->value.body.count, 0, packed_item_bytes(item));
    if (at == NULL)
        return ERR_MEMORY;
    packed_write(at, item);
    return ERR_NONE;
}

/* Under the name that it has; what is not an integer is not for SET_INTEGERS. */
static enum err append_small(struct value_edit *edit, const struct packed_item *item)
{
    bool added = false;
    if (outgrows(edit, item)) {
        enum err err = become_table(edit, (enum set_name)edit->value.encoding);
        return err == ERR_NONE ? put_big(edit, item, false, &added) : err;
    }
    if (edit->value.encoding == SET_INTEGERS)
        return integers_add(edit, packed_integer(item->head), &added);
    return append_packed(edit, item);
}

enum err set_put(struct value_edit *edit, const struct packed_item *item, bool *added)
{
    *added = false;
    if (edit->root != NULL)
        return put_big(edit, item, true, added);
    if (edit->value.encoding == SET_INTEGERS && !packed_is_integer(item->head))
        return ERR_SYNTAX;
    if (set_has(edit->space, &edit->value, item))
        return ERR_NONE;
    enum err err = append_small(edit, item);
    *added = err == ERR_NONE;
    return err;
}

/* --- names ------------------------------------------------------------------------------------ */

static size_t digits_of(int64_t number)
{
    uint8_t digits[NUMBER_I64_MAX];
    return number_write_i64(digits, number);
}

static size_t item_text_bytes(const struct packed_item *item)
{
    return packed_is_integer(item->head) ? digits_of(packed_integer(item->head)) : item->tail.count;
}

static bool fits_listpack(const struct space *space, uint64_t count, const struct packed_item *item)
{
    const struct type_limits *limits = space->limits;
    return (int64_t)count < limits->set_listpack_entries &&
           (int64_t)item_text_bytes(item) <= limits->set_listpack_value;
}

/* The first and the last have the most digits. */
static bool integers_fit_listpack(const struct space *space, struct bytes body)
{
    uint32_t count = integers_count(body);
    int64_t most = space->limits->set_listpack_value;
    return count == 0 || ((int64_t)digits_of(integers_at(body, 0)) <= most &&
                          (int64_t)digits_of(integers_at(body, count - 1)) <= most);
}

/* An intset whose body has become a table, because the limit on entries is far over the usual. */
static bool big_integers_fit(const struct value_edit *edit)
{
    return edit->root->count == 0 || edit->space->limits->set_listpack_value >= NUMBER_I64_MAX;
}

/* What the set is called when the item is in it as well: Redis 7.2's setTypeAdd. */
static enum set_name name_with(const struct value_edit *edit, enum set_name name, uint64_t count,
                               const struct packed_item *item)
{
    enum { ENTRIES_MAX = 1 << 30 };
    const struct space *space = edit->space;
    if (name == SET_HASHTABLE)
        return name;
    if (name == SET_LISTPACK)
        return fits_listpack(space, count, item) ? name : SET_HASHTABLE;
    if (packed_is_integer(item->head)) {
        int64_t most = space->limits->set_intset_entries;
        if (most > ENTRIES_MAX)
            most = ENTRIES_MAX;
        return (int64_t)count < most ? name : SET_HASHTABLE;
    }
    bool fits = edit->root != NULL ? big_integers_fit(edit)
                                   : integers_fit_listpack(space, edit->value.body);
    return fits && fits_listpack(space, count, item) ? SET_LISTPACK : SET_HASHTABLE;
}

enum set_name set_new_name(const struct space *space, const struct packed_item *first,
                           uint64_t count)
{
    if (packed_is_integer(first->head) && (int64_t)count <= space->limits->set_intset_entries)
        return SET_INTSET;
    return (int64_t)count <= space->limits->set_listpack_entries ? SET_LISTPACK : SET_HASHTABLE;
}

enum err set_expect(struct value_edit *edit, uint64_t count)
{
    const struct type_limits *limits = edit->space->limits;
    enum set_name name = set_name(edit->space, &edit->value);
    if ((name == SET_INTSET && (int64_t)count > limits->set_intset_entries) ||
        (name == SET_LISTPACK && (int64_t)count > limits->set_listpack_entries))
        return rename_set(edit, SET_HASHTABLE);
    return ERR_NONE;
}

/* pre: the item is not there. */
static enum err append_named(struct value_edit *edit, const struct packed_item *item)
{
    bool added;
    enum set_name name = set_name(edit->space, &edit->value);
    enum set_name with = name_with(edit, name, set_count(edit->space, &edit->value), item);
    if (with != name) {
        enum err err = rename_set(edit, with);
        if (err != ERR_NONE)
            return err;
    }
    if (edit->root != NULL)
        return put_big(edit, item, false, &added);
    return append_small(edit, item);
}

enum err set_append(struct value_edit *edit, const struct packed_item *item)
{
    return append_named(edit, item);
}

enum err set_add(struct value_edit *edit, const struct packed_item *item, bool *added)
{
    *added = false;
    if (edit->root != NULL && edit->root->flags == SET_HASHTABLE)
        return put_big(edit, item, true, added);
    if (set_has(edit->space, &edit->value, item))
        return ERR_NONE;
    enum err err = append_named(edit, item);
    *added = err == ERR_NONE;
    return err;
}

struct fitting {
    const struct value_edit *edit;
    bool fits;
};

static bool fits_too(void *context, const uint8_t *element)
{
    struct fitting *fitting = context;
    struct packed_item item;
    set_item(fitting->edit->space, element, &item);
    fitting->fits = fits_listpack(fitting->edit->space, 0, &item);
    return fitting->fits;
}

void set_name_anew(struct value_edit *edit)
{
    struct fitting fitting = { edit, true };
    if (set_name(edit->space, &edit->value) != SET_HASHTABLE ||
        (int64_t)set_count(edit->space, &edit->value) > edit->space->limits->set_listpack_entries)
        return;
    set_each(edit->space, &edit->value, fits_too, &fitting);
    if (!fitting.fits)
        return;
    if (edit->root != NULL)
        edit->root->flags = SET_LISTPACK;
    else
        edit->value.encoding = SET_PACKED;
}

/* --- removing --------------------------------------------------------------------------------- */

static void remove_big(struct value_edit *edit, const struct packed_item *item, bool *removed)
{
    struct table table = set_table(edit->space, edit->root);
    struct table_place place;
    size_t used;
    const uint8_t *bucket = table_bucket(&table, set_item_hash(edit->space, item), &place, &used);
    const uint8_t *at = bucket == NULL ? NULL : members_find(edit->space, bucket, used, item);
    if (at == NULL)
        return;
    table_stand(&place, bucket, (size_t)(at - bucket));
    packed_empty(edit->space, edit->root, at);
    table_remove(&table, &place);
    table_settle(&table);
    edit_changed(edit);
    *removed = true;
}

enum err set_remove(struct value_edit *edit, const struct packed_item *item, bool *removed)
{
    struct bytes body = edit->value.body;
    *removed = false;
    if (edit->root != NULL) {
        remove_big(edit, item, removed);
        return ERR_NONE;
    }
    if (edit->value.encoding == SET_INTEGERS)
        return packed_is_integer(item->head)
                   ? integers_remove(edit, packed_integer(item->head), removed)
                   : ERR_NONE;
    const uint8_t *at = members_find(edit->space, body.at, body.count, item);
    if (at == NULL)
        return ERR_NONE;
    if (edit_splice(edit, (size_t)(at - body.at), packed_bytes(at), 0) == NULL)
        return ERR_MEMORY;
    *removed = true;
    return ERR_NONE;
}

/* --- back to integers ------------------------------------------------------------------------- */

struct gathering {
    int64_t *numbers;
    uint64_t count;
    bool all; /* integers, so far */
};

static bool gather(void *context, const uint8_t *element)
{
    struct gathering *gathering = context;
    gathering->all = packed_is_integer(element);
    if (gathering->all)
        gathering->numbers[gathering->count++] = packed_integer(element);
    return gathering->all;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t one, other;
    memcpy(&one, a, sizeof one);
    memcpy(&other, b, sizeof other);
    return one < other ? -1 : one > other;
}

/* The sorted numbers as the set's new body. */
static enum err replace_by_integers(struct value_edit *edit, const struct gathering *gathering)
{
    struct value_edit made;
    edit_new(&made, edit->space, edit->arena, VALUE_SET, SET_INTEGERS);
    for (uint64_t i = 0; i < gathering->count; i++) {
        bool added;
        enum err err = integers_add(&made, gathering->numbers[i], &added);
        if (err != ERR_NONE)
            return err;
    }
    edit_abandon(edit);
    made.existed = edit->existed;
    *edit = made;
    return ERR_NONE;
}

enum err set_to_integers(struct value_edit *edit)
{
    uint64_t count = set_count(edit->space, &edit->value);
    DCHECK(!edit->existed);
    if (set_name(edit->space, &edit->value) == SET_INTSET ||
        (int64_t)count > edit->space->limits->set_intset_entries ||
        count * sizeof(int64_t) >= VALUE_SMALL_MAX)
        return ERR_NONE;
    struct gathering gathering = { .numbers =
                                       arena_take_many(edit->arena, count + 1, sizeof(int64_t)),
                                   .all = true };
    if (gathering.numbers == NULL)
        return ERR_MEMORY;
    set_each(edit->space, &edit->value, gather, &gathering);
    if (!gathering.all)
        return ERR_NONE;
    qsort(gathering.numbers, gathering.count, sizeof(int64_t), compare_numbers);
    return replace_by_integers(edit, &gathering);
}
