/* Ranges: by rank, by score, by member; shown, stored, removed. Each becomes ranks. */
#include "cmd/zset_command.h"

enum range_by { BY_RANK, BY_SCORE, BY_MEMBER };

struct range {
    uint32_t key_at; /* then the two bounds, then options */
    enum range_by by;
    bool may_choose; /* BYSCORE, BYLEX and REV are options */
    bool reverse, scores, storing;
    int64_t start, stop;   /* BY_RANK */
    int64_t offset, limit; /* limit < 0: none */
    struct zset_bound min, max;
};

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_limit(struct call *call, uint32_t at, struct range *range)
{
    return call_i64(call, at + 1, &range->offset) && call_i64(call, at + 2, &range->limit);
}

static bool read_options(struct call *call, struct range *range)
{
    enum range_by by = range->by;
    for (uint32_t at = range->key_at + 3; at < call->argc; at++) {
        if (!range->storing && call_is(call, at, "withscores")) {
            range->scores = true;
        } else if (call_is(call, at, "limit") && at + 2 < call->argc) {
            if (!read_limit(call, at, range))
                return false;
            at += 2;
        } else if (range->may_choose && !range->reverse && call_is(call, at, "rev")) {
            range->reverse = true;
        } else if (range->may_choose && by == range->by && call_is(call, at, "bylex")) {
            range->by = BY_MEMBER;
        } else if (range->may_choose && by == range->by && call_is(call, at, "byscore")) {
            range->by = BY_SCORE;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

static bool options_agree(struct call *call, const struct range *range)
{
    const char *error = NULL;
    if (range->limit != -1 && range->by == BY_RANK)
        error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                "BYLEX";
    else if (range->scores && range->by == BY_MEMBER)
        error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    if (error != NULL)
        reply_error(call->reply, error);
    return error == NULL;
}

/* Of a range in reverse the first bound is the upper one. */
static bool read_ends(struct call *call, struct range *range)
{
    uint32_t first = range->key_at + 1, second = range->key_at + 2;
    if (range->by == BY_RANK)
        return call_i64(call, first, &range->start) && call_i64(call, second, &range->stop);
    return zset_read_bounds(call, range->reverse ? second : first, range->reverse ? first : second,
                            range->by == BY_SCORE, &range->min, &range->max);
}

static bool read_range(struct call *call, struct range *range)
{
    range->limit = -1;
    return read_options(call, range) && options_agree(call, range) && read_ends(call, range);
}

/* --- ranks ------------------------------------------------------------------------------------ */

/* As of an array: negative numbers are from the end. */
static uint64_t cut_by_rank(const struct zset *zset, const struct range *range, uint64_t *rank)
{
    int64_t count = (int64_t)zset->count, start = range->start, stop = range->stop;
    start = start < 0 ? start + count : start;
    stop = stop < 0 ? stop + count : stop;
    start = start < 0 ? 0 : start;
    if (start > stop || start >= count)
        return 0;
    stop = stop >= count ? count - 1 : stop;
    *rank = (uint64_t)(range->reverse ? count - 1 - stop : start);
    return (uint64_t)(stop - start + 1);
}

/* How many members, and the lowest rank of them. */
static uint64_t cut(const struct zset *zset, const struct range *range, uint64_t *rank)
{
    if (range->by == BY_RANK)
        return cut_by_rank(zset, range, rank);
    uint64_t count = zset_between(zset, &range->min, &range->max, rank);
    uint64_t offset = (uint64_t)range->offset;
    if (range->offset < 0 || offset >= count)
        return 0;
    uint64_t left = count - offset, limit = (uint64_t)range->limit;
    uint64_t taken = range->limit < 0 || limit > left ? left : limit;
    *rank += range->reverse ? left - taken : offset;
    return taken;
}

/* --- shown ------------------------------------------------------------------------------------ */

struct showing {
    struct call *call;
    bool scores;
};

static bool show_item(void *context, const struct zset_item *item, bool passing)
{
    const struct showing *showing = context;
    (void)passing;
    zset_reply_item(showing->call, item, showing->scores);
    return !showing->call->reply->failed;
}

static void show(struct call *call, struct range range)
{
    const struct entry *entry;
    struct zset zset;
    uint64_t rank = 0;
    range.key_at = 1;
    if (!read_range(call, &range) || !zset_read(call, 1, &entry, &zset))
        return;
    uint64_t count = cut(&zset, &range, &rank);
    struct showing showing = { call, range.scores };
    zset_reply_begin(call, count, range.scores);
    zset_walk(&zset, range.reverse && count > 0 ? rank + count - 1 : rank, count, range.reverse,
              &(struct zset_visitor){ show_item, &showing });
}

void cmd_zrange(struct call *call)
{
    show(call, (struct range){ .by = BY_RANK, .may_choose = true });
}

void cmd_zrevrange(struct call *call)
{
    show(call, (struct range){ .by = BY_RANK, .reverse = true });
}

void cmd_zrangebyscore(struct call *call)
{
    show(call, (struct range){ .by = BY_SCORE });
}

void cmd_zrevrangebyscore(struct call *call)
{
    show(call, (struct range){ .by = BY_SCORE, .reverse = true });
}

void cmd_zrangebylex(struct call *call)
{
    show(call, (struct range){ .by = BY_MEMBER });
}

void cmd_zrevrangebylex(struct call *call)
{
    show(call, (struct range){ .by = BY_MEMBER, .reverse = true });
}

/* --- stored ----------------------------------------------------------------------------------- */

/* Looking may remove what has expired, after which no entry's address is sure: so the destination
 * is looked at first, and again when all else has been read. */
void cmd_zrangestore(struct call *call)
{
    struct range range = { .key_at = 2, .by = BY_RANK, .may_choose = true, .storing = true };
    struct zset_gathering gathering = { .arena = call->arena };
    const struct entry *entry;
    struct zset zset;
    uint64_t rank = 0;
    if (!read_range(call, &range))
        return;
    struct key to = call_key(call, 0, 1);
    (void)store_look(call->store, call->db, &to);
    if (!zset_read(call, 2, &entry, &zset))
        return;
    uint64_t count = cut(&zset, &range, &rank);
    zset_walk(&zset, rank, count, false, &(struct zset_visitor){ zset_gather, &gathering });
    if (gathering.failed)
        call_memory_error(call);
    else
        zset_store(call, &to, gathering.items, gathering.count, EVENT_ZRANGESTORE);
}

/* --- removed ---------------------------------------------------------------------------------- */

static void remove_range(struct call *call, enum range_by by, enum event event)
{
    struct range range = { .key_at = 1, .by = by };
    struct key key = call_key(call, 0, 1);
    struct entry *entry;
    struct value_edit edit;
    uint64_t rank = 0;
    if (!read_range(call, &range) || !zset_open(call, &key, &entry, &edit))
        return;
    struct zset zset = zset_edited(&edit);
    uint64_t count = cut(&zset, &range, &rank);
    if (zset_remove_ranks(&edit, rank, count) != ERR_NONE)
        zset_failed(call, &key, entry, &edit, event);
    else if (count == 0 || call_commit(call, call->db, &key, entry, &edit, event,
                                       count == zset.count) == ERR_NONE)
        reply_i64(call->reply, (int64_t)count);
}

void cmd_zremrangebyrank(struct call *call)
{
    remove_range(call, BY_RANK, EVENT_ZREMRANGEBYRANK);
}

void cmd_zremrangebyscore(struct call *call)
{
    remove_range(call, BY_SCORE, EVENT_ZREMRANGEBYSCORE);
}

void cmd_zremrangebylex(struct call *call)
{
    remove_range(call, BY_MEMBER, EVENT_ZREMRANGEBYLEX);
}
