/* SORT: what is asked for, the order, and the result. */
#include "cmd/sort_command.h"

#include "cmd/access.h"
#include "cmd/table.h"
#include "types/list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* --- options ---------------------------------------------------------------------------------- */

static bool has_asterisk(struct bytes pattern)
{
    for (size_t i = 0; i < pattern.count && pattern.at[i] != 0; i++) {
        if (pattern.at[i] == '*')
            return true;
    }
    return false;
}

/* A pattern leads to keys that nobody has asked the user's rights for. */
static bool may_follow(struct sort *sort, struct bytes pattern, const char *refusal)
{
    if (sort->reads_all || !has_asterisk(pattern))
        return true;
    reply_error(sort->call->reply, refusal);
    return false;
}

static bool take_by(struct sort *sort, uint32_t at)
{
    struct bytes pattern = sort->call->argv[at];
    sort->by = pattern;
    if (!has_asterisk(pattern))
        sort->no_order = true;
    return may_follow(sort, pattern,
                      "ERR BY option of SORT denied due to insufficient ACL permissions.");
}

static bool take_get(struct sort *sort, uint32_t at)
{
    sort->get_at[sort->gets++] = at;
    return may_follow(sort, sort->call->argv[at],
                      "ERR GET option of SORT denied due to insufficient ACL permissions.");
}

/* The option at `at` and those of its arguments that are there; false: the error is written. */
static bool read_option(struct sort *sort, bool read_only, uint32_t *at)
{
    struct call *call = sort->call;
    uint32_t left = call->argc - *at - 1;
    if (call_is(call, *at, "asc")) {
        sort->descending = false;
    } else if (call_is(call, *at, "desc")) {
        sort->descending = true;
    } else if (call_is(call, *at, "alpha")) {
        sort->alpha = true;
    } else if (call_is(call, *at, "limit") && left >= 2) {
        if (!call_i64(call, *at + 1, &sort->skip) || !call_i64(call, *at + 2, &sort->most))
            return false;
        *at += 2;
    } else if (!read_only && call_is(call, *at, "store") && left >= 1) {
        sort->store_at = ++*at;
    } else if (call_is(call, *at, "by") && left >= 1) {
        return take_by(sort, ++*at);
    } else if (call_is(call, *at, "get") && left >= 1) {
        return take_get(sort, ++*at);
    } else {
        call_syntax_error(call);
        return false;
    }
    return true;
}

static bool read_options(struct sort *sort, bool read_only)
{
    struct call *call = sort->call;
    sort->get_at = arena_take_many(call->arena, call->argc, sizeof *sort->get_at);
    if (sort->get_at == NULL) {
        call_memory_error(call);
        return false;
    }
    const struct command_row *row = cmd_table_row(call->context->table, call->command);
    sort->reads_all = access_may_read_all(call->context, call->client, row, call->argv, call->argc);
    for (uint32_t at = 2; at < call->argc; at++) {
        if (!read_option(sort, read_only, &at))
            return false;
    }
    return true;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* As strtod reads a text up to its first zero byte: spaces in front and nothing at all are fine. */
static bool read_score(struct sort *sort, struct bytes text, double *score)
{
    char near[NUMBER_LONG_DOUBLE_MAX], *copy = near, *end;
    int64_t number;
    if (number_read_i64(text, &number)) {
        *score = (double)number;
        return true;
    }
    if (text.count >= sizeof near)
        copy = arena_take(sort->call->arena, text.count + 1);
    if (copy == NULL) {
        sort->no_memory = true;
        return true;
    }
    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    errno = 0;
    *score = strtod(copy, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*score);
}

static struct bytes keep_digits(struct sort *sort, struct bytes text, const union sort_room *room)
{
    const uint8_t *begin = (const uint8_t *)room;
    bool inside = text.at >= begin && text.at < begin + sizeof *room;
    return inside ? sort_keep(sort, text) : text;
}

static void weigh(struct sort *sort, struct sort_item *item)
{
    union sort_room room;
    struct bytes by = item->text;
    if (sort->by.at != NULL)
        by = sort_lookup(sort, sort->by, item->text, &room);
    if (sort->alpha) {
        item->by = keep_digits(sort, by, &room);
        return;
    }
    item->score = 0;
    if (by.at != NULL && !read_score(sort, by, &item->score))
        sort->not_a_number = true;
}

/* --- order ------------------------------------------------------------------------------------ */

static int compare_scores(const void *a, const void *b)
{
    const struct sort_item *one = a, *other = b;
    if (one->score != other->score)
        return one->score < other->score ? -1 : 1;
    return bytes_compare(one->text, other->text);
}

/* What weighs the same, or has no weight, goes by itself: qsort may not keep the order it finds. */
static int compare_texts(const void *a, const void *b)
{
    const struct sort_item *one = a, *other = b;
    int order = (one->by.at != NULL) - (other->by.at != NULL);
    if (order == 0 && one->by.at != NULL)
        order = bytes_compare(one->by, other->by);
    return order != 0 ? order : bytes_compare(one->text, other->text);
}

static int compare_scores_down(const void *a, const void *b)
{
    return compare_scores(b, a);
}

static int compare_texts_down(const void *a, const void *b)
{
    return compare_texts(b, a);
}

static void put_in_order(struct sort *sort)
{
    for (uint64_t i = 0; i < sort->count && !sort->no_memory; i++)
        weigh(sort, &sort->items[i]);
    if (sort->not_a_number || sort->no_memory || sort->count < 2)
        return;
    int (*compare)(const void *, const void *) =
        sort->alpha ? (sort->descending ? compare_texts_down : compare_texts)
                    : (sort->descending ? compare_scores_down : compare_scores);
    qsort(sort->items, sort->count, sizeof *sort->items, compare);
}

/* --- the result ------------------------------------------------------------------------------- */

static void reply_gets(struct sort *sort, const struct sort_item *item)
{
    struct call *call = sort->call;
    for (uint32_t i = 0; i < sort->gets; i++) {
        union sort_room room;
        struct bytes found = sort_lookup(sort, call->argv[sort->get_at[i]], item->text, &room);
        if (found.at == NULL)
            reply_nil(call->reply);
        else
            reply_bulk(call->reply, found);
    }
}

static void reply_items(struct sort *sort)
{
    struct reply *reply = sort->call->reply;
    uint64_t each = sort->gets > 0 ? sort->gets : 1;
    reply_array(reply, (sort->to - sort->from) * each);
    for (uint64_t i = sort->from; i < sort->to && !reply->failed; i++) {
        if (sort->gets > 0)
            reply_gets(sort, &sort->items[i]);
        else
            reply_bulk(reply, sort->items[i].text);
    }
}

static enum err push_gets(struct sort *sort, struct value_edit *edit, const struct sort_item *item)
{
    enum err err = ERR_NONE;
    for (uint32_t i = 0; i < sort->gets && err == ERR_NONE; i++) {
        union sort_room room;
        struct bytes pattern = sort->call->argv[sort->get_at[i]];
        struct bytes found = sort_lookup(sort, pattern, item->text, &room);
        err = list_push(edit, LIST_TAIL, found.at == NULL ? bytes_of("", 0) : found);
    }
    return err == ERR_NONE && sort->no_memory ? ERR_MEMORY : err;
}

/* The list that is stored, built whole before anything changes. */
static enum err build_list(struct sort *sort, struct value_edit *edit)
{
    struct call *call = sort->call;
    enum err err = ERR_NONE;
    edit_new(edit, call->space, call->arena, VALUE_LIST, LIST_LISTPACK);
    for (uint64_t i = sort->from; i < sort->to && err == ERR_NONE; i++) {
        err = sort->gets > 0 ? push_gets(sort, edit, &sort->items[i])
                             : list_push(edit, LIST_TAIL, sort->items[i].text);
    }
    if (err == ERR_NONE && edit->changed)
        list_name_choose(edit);
    return err;
}

static void store_items(struct sort *sort)
{
    struct call *call = sort->call;
    struct value_edit edit;
    uint64_t stored = (sort->to - sort->from) * (sort->gets > 0 ? sort->gets : 1);
    struct key key = store_key(call->store, call->argv[sort->store_at]);
    enum err err = build_list(sort, &edit);
    struct entry *entry = store_look(call->store, call->db, &key);
    if (err == ERR_NONE && stored > 0)
        err = store_put(call->store, call->db, &key, entry, &edit.value, STORE_NO_EXPIRY,
                        EVENT_SORTSTORE, NULL);
    if (err != ERR_NONE) {
        edit_abandon(&edit);
        call_memory_error(call);
        return;
    }
    if (stored == 0 && entry != NULL)
        store_remove(call->store, call->db, &key, entry, EVENT_DEL);
    reply_i64(call->reply, (int64_t)stored);
}

static void run_sort(struct call *call, bool read_only)
{
    struct sort sort = { .call = call, .most = -1 };
    if (!read_options(&sort, read_only) || !sort_load(&sort))
        return;
    if (!sort.no_order)
        put_in_order(&sort);
    if (sort.no_memory)
        call_memory_error(call);
    else if (sort.not_a_number)
        reply_error(call->reply, "ERR One or more scores can't be converted into double");
    else if (sort.store_at != 0)
        store_items(&sort);
    else
        reply_items(&sort);
}

void cmd_sort(struct call *call)
{
    run_sort(call, false);
}

void cmd_sort_ro(struct call *call)
{
    run_sort(call, true);
}

/* --- keys ------------------------------------------------------------------------------------- */

static uint32_t arguments_of(struct bytes option)
{
    if (bytes_is(option, "limit"))
        return 2;
    return bytes_is(option, "get") || bytes_is(option, "by") ? 1 : 0;
}

int find_keys_of_sort_ro(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                         uint32_t most)
{
    (void)argv;
    if (argc < 2)
        return -1;
    if (most > 0)
        keys[0] = (struct key_at){ 1, KEY_RO | KEY_ACCESS };
    return 1;
}

int find_keys_of_sort(const struct bytes *argv, uint32_t argc, struct key_at *keys, uint32_t most)
{
    uint32_t store_at = 0;
    if (find_keys_of_sort_ro(argv, argc, keys, most) < 0)
        return -1;
    for (uint32_t at = 2; at < argc; at++) {
        if (bytes_is(argv[at], "store") && at + 1 < argc)
            store_at = at + 1;
        at += arguments_of(argv[at]);
    }
    if (store_at != 0 && most > 1)
        keys[1] = (struct key_at){ store_at, KEY_OW | KEY_UPDATE };
    return store_at != 0 ? 2 : 1;
}
