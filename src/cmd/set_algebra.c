/* Intersection, union and difference. Sources are read where they are; a result to be stored is
 * built as the value that it will be. */
#include "cmd/set_command.h"

#include <stdlib.h>

struct operand {
    struct value value; /* body.at NULL: no such key */
    uint64_t count;
};

struct algebra {
    struct call *call;
    struct operand *sets;
    uint32_t count;
    bool missing; /* one of the keys at least */

    /* The walk under way: members of sets[at]. */
    uint32_t at;

    /* Where members of the result go: into `edit`, or else to the client unless only counted. */
    struct value_edit *edit;
    bool only_count;
    uint64_t found, limit; /* limit 0: none */
    enum err err;
};

/* Keys that stand behind each other; `first_at` is the first, the command's `nth` key. */
static bool read_operands(struct algebra *algebra, uint32_t nth, uint32_t first_at, uint32_t count)
{
    struct call *call = algebra->call;
    algebra->count = count;
    algebra->sets = arena_take_many(call->arena, count, sizeof *algebra->sets);
    if (algebra->sets == NULL) {
        call_memory_error(call);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct operand *set = &algebra->sets[i];
        struct key key = call_key(call, nth + i, first_at + i);
        const struct entry *entry = call_read(call, &key);
        *set = (struct operand){ .count = 0 };
        if (!call_type_fits(call, entry, VALUE_SET))
            return false;
        if (entry == NULL) {
            algebra->missing = true;
            continue;
        }
        set->value = entry_value(entry);
        set->count = set_count(call->space, &set->value);
    }
    return true;
}

static bool is_there(const struct operand *set)
{
    return set->value.body.at != NULL;
}

static bool same_set(const struct operand *a, const struct operand *b)
{
    return a->value.body.at == b->value.body.at;
}

static bool has(const struct algebra *algebra, const struct operand *set,
                const struct packed_item *item)
{
    return is_there(set) && set_has(algebra->call->space, &set->value, item);
}

static void walk(struct algebra *algebra, uint32_t at,
                 bool (*visit)(void *context, const uint8_t *element))
{
    algebra->at = at;
    if (is_there(&algebra->sets[at]))
        set_each(algebra->call->space, &algebra->sets[at].value, visit, algebra);
}

/* A member of the result that was not found before; false ends the walk. */
static bool put_out(struct algebra *algebra, const uint8_t *element, const struct packed_item *item)
{
    algebra->found++;
    if (algebra->edit != NULL)
        algebra->err = set_append(algebra->edit, item);
    else if (!algebra->only_count)
        set_reply_element(algebra->call, element);
    return algebra->err == ERR_NONE && algebra->found != algebra->limit &&
           !algebra->call->reply->failed;
}

/* Puts the result at the destination, or takes away what is there when it is empty. */
static void store_result(struct algebra *algebra, enum event event)
{
    struct call *call = algebra->call;
    struct value_edit *edit = algebra->edit;
    struct key key = call_key(call, 0, 1);
    struct entry *entry = store_look(call->store, call->db, &key);
    uint64_t count = set_count(call->space, &edit->value);
    enum err err = algebra->err;
    if (err == ERR_NONE && count > 0)
        err = store_put(call->store, call->db, &key, entry, &edit->value, STORE_NO_EXPIRY, event,
                        NULL);
    if (err != ERR_NONE || count == 0)
        edit_abandon(edit);
    if (err != ERR_NONE) {
        call_memory_error(call);
        return;
    }
    if (count == 0 && entry != NULL)
        store_remove(call->store, call->db, &key, entry, EVENT_DEL);
    reply_i64(call->reply, (int64_t)count);
}

/* What was put together in an edit is told, and given back. */
static void reply_result(struct algebra *algebra)
{
    struct call *call = algebra->call;
    if (algebra->err == ERR_NONE) {
        reply_set(call->reply, set_count(call->space, &algebra->edit->value));
        set_reply_all(call, &algebra->edit->value);
    } else {
        call_memory_error(call);
    }
    edit_abandon(algebra->edit);
}

/* --- intersection ----------------------------------------------------------------------------- */

static int compare_counts(const void *a, const void *b)
{
    const struct operand *one = a, *other = b;
    return one->count < other->count ? -1 : one->count > other->count;
}

static bool inter_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    set_item(algebra->call->space, element, &item);
    for (uint32_t i = 1; i < algebra->count; i++) {
        const struct operand *other = &algebra->sets[i];
        if (!same_set(other, &algebra->sets[0]) && !has(algebra, other, &item))
            return true;
    }
    return put_out(algebra, element, &item);
}

/* From the smallest set; nothing when one is missing. */
static void inter(struct algebra *algebra)
{
    if (algebra->missing)
        return;
    qsort(algebra->sets, algebra->count, sizeof *algebra->sets, compare_counts);
    walk(algebra, 0, inter_visit);
}

void cmd_sinter(struct call *call)
{
    struct algebra algebra = { .call = call };
    if (!read_operands(&algebra, 0, 1, call->argc - 1))
        return;
    struct reply_mark mark = reply_set_later(call->reply);
    inter(&algebra);
    reply_count(call->reply, mark, algebra.found);
}

/* Redis begins with what the smallest set is, and makes an intset of the result where it can. */
void cmd_sinterstore(struct call *call)
{
    struct value_edit edit;
    struct algebra algebra = { .call = call, .edit = &edit };
    if (!read_operands(&algebra, 1, 2, call->argc - 2))
        return;
    qsort(algebra.sets, algebra.count, sizeof *algebra.sets, compare_counts);
    bool integers =
        is_there(&algebra.sets[0]) && set_name(call->space, &algebra.sets[0].value) == SET_INTSET;
    set_new(&edit, call->space, call->arena, integers ? SET_INTSET : SET_LISTPACK);
    inter(&algebra);
    if (algebra.err == ERR_NONE)
        algebra.err = set_to_integers(&edit);
    store_result(&algebra, EVENT_SINTERSTORE);
}

static bool read_card_options(struct call *call, uint32_t keys, int64_t *limit)
{
    for (uint32_t at = 2 + keys; at < call->argc; at += 2) {
        if (!call_is(call, at, "limit") || at + 1 == call->argc) {
            call_syntax_error(call);
            return false;
        }
        if (!number_read_i64(call->argv[at + 1], limit) || *limit < 0) {
            reply_error(call->reply, "ERR LIMIT can't be negative");
            return false;
        }
    }
    return true;
}

void cmd_sintercard(struct call *call)
{
    struct algebra algebra = { .call = call, .only_count = true };
    int64_t keys, limit = 0;
    if (!number_read_i64(call->argv[1], &keys) || keys < 1) {
        reply_error(call->reply, "ERR numkeys should be greater than 0");
        return;
    }
    if (keys > (int64_t)call->argc - 2) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return;
    }
    if (!read_card_options(call, (uint32_t)keys, &limit) ||
        !read_operands(&algebra, 0, 2, (uint32_t)keys))
        return;
    algebra.limit = (uint64_t)limit;
    inter(&algebra);
    reply_i64(call->reply, (int64_t)algebra.found);
}

/* --- union ------------------------------------------------------------------------------------ */

/* Up to so many sets a member is looked for in those before its own; of more sets the union is put
 * together first. */
enum { LOOK_BACK_MAX = 6 };

static bool union_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    set_item(algebra->call->space, element, &item);
    for (uint32_t i = 0; i < algebra->at; i++) {
        if (has(algebra, &algebra->sets[i], &item))
            return true;
    }
    return put_out(algebra, element, &item);
}

static bool add_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    bool added;
    set_item(algebra->call->space, element, &item);
    algebra->err = set_add(algebra->edit, &item, &added);
    return algebra->err == ERR_NONE;
}

static void add_all(struct algebra *algebra)
{
    set_new(algebra->edit, algebra->call->space, algebra->call->arena, SET_INTSET);
    for (uint32_t i = 0; i < algebra->count && algebra->err == ERR_NONE; i++)
        walk(algebra, i, add_visit);
}

void cmd_sunion(struct call *call)
{
    struct value_edit edit;
    struct algebra algebra = { .call = call };
    if (!read_operands(&algebra, 0, 1, call->argc - 1))
        return;
    if (algebra.count > LOOK_BACK_MAX) {
        algebra.edit = &edit;
        add_all(&algebra);
        reply_result(&algebra);
        return;
    }
    struct reply_mark mark = reply_set_later(call->reply);
    for (uint32_t i = 0; i < algebra.count; i++)
        walk(&algebra, i, union_visit);
    reply_count(call->reply, mark, algebra.found);
}

void cmd_sunionstore(struct call *call)
{
    struct value_edit edit;
    struct algebra algebra = { .call = call, .edit = &edit };
    if (!read_operands(&algebra, 1, 2, call->argc - 2))
        return;
    add_all(&algebra);
    store_result(&algebra, EVENT_SUNIONSTORE);
}

/* --- difference ------------------------------------------------------------------------------- */

static bool diff_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    set_item(algebra->call->space, element, &item);
    for (uint32_t i = 1; i < algebra->count; i++) {
        if (has(algebra, &algebra->sets[i], &item))
            return true;
    }
    return put_out(algebra, element, &item);
}

static bool remove_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    bool removed;
    set_item(algebra->call->space, element, &item);
    algebra->err = set_remove(algebra->edit, &item, &removed);
    return algebra->err == ERR_NONE;
}

/* One set is the first itself, or there is none to begin with. */
static bool diff_is_empty(const struct algebra *algebra)
{
    for (uint32_t i = 1; i < algebra->count; i++) {
        if (same_set(&algebra->sets[0], &algebra->sets[i]))
            return true;
    }
    return !is_there(&algebra->sets[0]);
}

/* Whether to look for each member of the first set in all others, which ends early where they have
 * members in common, or to take the others' members out of a copy of it: Redis's choice, since the
 * name of a stored result goes by it. */
static bool diff_by_looking(const struct algebra *algebra)
{
    uint64_t looking = 0, taking = 0;
    for (uint32_t i = 0; i < algebra->count; i++) {
        if (!is_there(&algebra->sets[i]))
            continue;
        looking += algebra->sets[0].count;
        taking += algebra->sets[i].count;
    }
    return looking / 2 <= taking;
}

static int compare_counts_down(const void *a, const void *b)
{
    return compare_counts(b, a);
}

/* The biggest first: there a member is found soonest. */
static void diff_look(struct algebra *algebra)
{
    if (algebra->count > 1)
        qsort(algebra->sets + 1, algebra->count - 1, sizeof *algebra->sets, compare_counts_down);
    walk(algebra, 0, diff_visit);
}

static bool append_visit(void *context, const uint8_t *element)
{
    struct algebra *algebra = context;
    struct packed_item item;
    set_item(algebra->call->space, element, &item);
    algebra->err = set_append(algebra->edit, &item);
    return algebra->err == ERR_NONE;
}

static void diff_take(struct algebra *algebra)
{
    walk(algebra, 0, append_visit);
    for (uint32_t i = 1; i < algebra->count && algebra->err == ERR_NONE; i++)
        walk(algebra, i, remove_visit);
}

void cmd_sdiff(struct call *call)
{
    struct value_edit edit;
    struct algebra algebra = { .call = call };
    if (!read_operands(&algebra, 0, 1, call->argc - 1))
        return;
    bool empty = diff_is_empty(&algebra);
    if (!empty && !diff_by_looking(&algebra)) {
        algebra.edit = &edit;
        set_new(&edit, call->space, call->arena, SET_INTSET);
        diff_take(&algebra);
        reply_result(&algebra);
        return;
    }
    struct reply_mark mark = reply_set_later(call->reply);
    if (!empty)
        diff_look(&algebra);
    reply_count(call->reply, mark, algebra.found);
}

void cmd_sdiffstore(struct call *call)
{
    struct value_edit edit;
    struct algebra algebra = { .call = call, .edit = &edit };
    if (!read_operands(&algebra, 1, 2, call->argc - 2))
        return;
    set_new(&edit, call->space, call->arena, SET_INTSET);
    if (!diff_is_empty(&algebra) && diff_by_looking(&algebra))
        diff_look(&algebra);
    else if (!diff_is_empty(&algebra))
        diff_take(&algebra);
    store_result(&algebra, EVENT_SDIFFSTORE);
}
