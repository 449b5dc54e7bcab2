/* LLEN, LINDEX, LRANGE, LPOS. */
#include "cmd/list_command.h"

void cmd_llen(struct call *call)
{
    struct list list;
    bool there = false;
    if (list_read(call, &call->first, &list, &there))
        reply_i64(call->reply, there ? (int64_t)list.count : 0);
}

void cmd_lindex(struct call *call)
{
    struct list list;
    struct list_cursor cursor;
    bool there = false;
    int64_t index = 0;
    if (!list_read(call, &call->first, &list, &there))
        return;
    if (!there) {
        reply_nil(call->reply);
        return;
    }
    if (!call_i64(call, 2, &index))
        return;
    if (index < 0)
        index += (int64_t)list.count;
    if (index < 0 || index >= (int64_t)list.count) {
        reply_nil(call->reply);
        return;
    }
    list_seek(&list, (uint64_t)index, &cursor);
    list_reply_item(call, cursor.at);
}

void cmd_lrange(struct call *call)
{
    struct list list;
    struct list_range range;
    bool there = false;
    int64_t first = 0, last = 0;
    if (!call_i64(call, 2, &first) || !call_i64(call, 3, &last) ||
        !list_read(call, &call->first, &list, &there))
        return;
    if (!there) {
        reply_array(call->reply, 0);
        return;
    }
    range = list_range(list.count, first, last);
    reply_array(call->reply, range.count);
    list_reply_items(call, &list, range.rank, range.count, LIST_HEAD);
}

/* --- LPOS ------------------------------------------------------------------------------------- */

struct search {
    struct packed_item sought;
    int64_t rank;  /* which match is the first to tell; negative: from the end */
    int64_t count; /* matches to tell; 0: all; -1: one, not in an array */
    int64_t looks; /* at so many items at the most; 0: at all */
};

static bool read_number(struct call *call, uint32_t at, const char *error, int64_t *number)
{
    if (number_read_i64(call->argv[at], number) && *number >= 0)
        return true;
    reply_error(call->reply, error);
    return false;
}

static bool read_rank(struct call *call, uint32_t at, int64_t *rank)
{
    if (!call_i64_within(call, at, -INT64_MAX, INT64_MAX, rank))
        return false;
    if (*rank != 0)
        return true;
    reply_error(call->reply, "ERR RANK can't be zero: use 1 to start from the first match, 2 from "
                             "the second ... or use negative to start from the end of the list");
    return false;
}

static bool read_search(struct call *call, struct search *search)
{
    *search = (struct search){ .rank = 1, .count = -1 };
    packed_sought(call->argv[2], &search->sought);
    for (uint32_t at = 3; at < call->argc; at += 2) {
        bool more = at + 1 < call->argc, read = false;
        if (more && call_is(call, at, "rank")) {
            read = read_rank(call, at + 1, &search->rank);
        } else if (more && call_is(call, at, "count")) {
            read = read_number(call, at + 1, "ERR COUNT can't be negative", &search->count);
        } else if (more && call_is(call, at, "maxlen")) {
            read = read_number(call, at + 1, "ERR MAXLEN can't be negative", &search->looks);
        } else {
            call_syntax_error(call);
        }
        if (!read)
            return false;
    }
    return true;
}

/* Calls for each match that is to be told; true from `tell` ends it. */
static void each_match(const struct list *list, const struct search *search,
                       bool (*tell)(void *context, uint64_t rank), void *context)
{
    bool forward = search->rank > 0;
    uint64_t skipped = (uint64_t)(forward ? search->rank : -search->rank) - 1;
    uint64_t looks = search->looks > 0 ? (uint64_t)search->looks : UINT64_MAX;
    uint64_t rank = forward ? 0 : list->count - 1;
    struct list_cursor cursor;
    list_seek(list, rank, &cursor);
    while (looks-- > 0) {
        if (packed_is(list->space, cursor.at, &search->sought) && skipped-- == 0) {
            if (tell(context, rank))
                return;
            skipped = 0;
        }
        rank += forward ? 1 : UINT64_MAX;
        if (!(forward ? list_forward(&cursor) : list_backward(&cursor)))
            return;
    }
}

struct told {
    struct call *call;
    uint64_t count, most; /* 0: all */
};

static bool tell_match(void *context, uint64_t rank)
{
    struct told *told = context;
    reply_i64(told->call->reply, (int64_t)rank);
    return ++told->count == told->most;
}

static void tell_all(struct call *call, const struct list *list, const struct search *search)
{
    struct told told = { .call = call, .most = (uint64_t)search->count };
    struct reply_mark mark = reply_array_later(call->reply);
    each_match(list, search, tell_match, &told);
    reply_count(call->reply, mark, told.count);
}

static void tell_one(struct call *call, const struct list *list, const struct search *search)
{
    struct told told = { .call = call, .most = 1 };
    each_match(list, search, tell_match, &told);
    if (told.count == 0)
        reply_nil(call->reply);
}

void cmd_lpos(struct call *call)
{
    struct search search;
    struct list list;
    bool there = false;
    if (!read_search(call, &search) || !list_read(call, &call->first, &list, &there))
        return;
    if (there && search.count >= 0)
        tell_all(call, &list, &search);
    else if (there)
        tell_one(call, &list, &search);
    else if (search.count >= 0)
        reply_array(call->reply, 0);
    else
        reply_nil(call->reply);
}
