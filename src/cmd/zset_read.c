/* Commands that look at sorted sets: scores, ranks, counts, SCAN, members at random. */
#include "base/glob.h"
#include "base/number.h"
#include "cmd/zset_command.h"

void cmd_zcard(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    if (zset_read(call, 1, &entry, &zset))
        reply_i64(call->reply, (int64_t)zset.count);
}

static void reply_score(struct call *call, const struct zset *zset, struct bytes member)
{
    double score;
    if (zset->count > 0 && zset_score(zset, member, &score))
        reply_double(call->reply, score);
    else
        reply_nil(call->reply);
}

void cmd_zscore(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    if (zset_read(call, 1, &entry, &zset))
        reply_score(call, &zset, call->argv[2]);
}

void cmd_zmscore(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    if (!zset_read(call, 1, &entry, &zset))
        return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++)
        reply_score(call, &zset, call->argv[at]);
}

static bool read_with_score(struct call *call)
{
    if (call->argc > 4)
        call_arity_error(call);
    else if (call->argc == 4 && !call_is(call, 3, "withscore"))
        call_syntax_error(call);
    else
        return true;
    return false;
}

static void rank(struct call *call, bool reverse)
{
    const struct entry *entry;
    struct zset zset;
    uint64_t found;
    double score;
    if (!read_with_score(call) || !zset_read(call, 1, &entry, &zset))
        return;
    bool with_score = call->argc == 4;
    if (zset.count > 0 && zset_rank(&zset, call->argv[2], &found, &score)) {
        if (with_score)
            reply_array(call->reply, 2);
        reply_i64(call->reply, (int64_t)(reverse ? zset.count - 1 - found : found));
        if (with_score)
            reply_double(call->reply, score);
    } else if (with_score) {
        reply_nil_array(call->reply);
    } else {
        reply_nil(call->reply);
    }
}

void cmd_zrank(struct call *call)
{
    rank(call, false);
}

void cmd_zrevrank(struct call *call)
{
    rank(call, true);
}

static void count_between(struct call *call, bool by_score)
{
    const struct entry *entry;
    struct zset zset;
    struct zset_bound min, max;
    uint64_t first;
    if (zset_read_bounds(call, 2, 3, by_score, &min, &max) && zset_read(call, 1, &entry, &zset))
        reply_i64(call->reply, (int64_t)zset_between(&zset, &min, &max, &first));
}

void cmd_zcount(struct call *call)
{
    count_between(call, true);
}

void cmd_zlexcount(struct call *call)
{
    count_between(call, false);
}

/* --- ZSCAN ------------------------------------------------------------------------------------ */

struct scan {
    struct zset_gathering gathering; /* members that fit */
    struct bytes pattern;
    bool all;
    int64_t count, visited;
};

static bool scan_visit(void *context, const struct zset_item *item, bool passing)
{
    struct scan *scan = context;
    scan->visited++;
    if (scan->all || glob_match(scan->pattern, item->member))
        return zset_gather(&scan->gathering, item, passing);
    return true;
}

static bool read_scan_option(struct call *call, uint32_t at, struct scan *scan)
{
    if (at + 1 < call->argc && call_is(call, at, "count")) {
        if (!call_i64(call, at + 1, &scan->count))
            return false;
        if (scan->count >= 1)
            return true;
    } else if (at + 1 < call->argc && call_is(call, at, "match")) {
        scan->pattern = call->argv[at + 1];
        scan->all = bytes_equal(scan->pattern, BYTES("*"));
        return true;
    }
    call_syntax_error(call);
    return false;
}

static bool read_cursor(struct bytes text, uint64_t *cursor)
{
    while (text.count > 1 && text.at[0] == '0')
        text = bytes_of(text.at + 1, text.count - 1);
    return number_read_u64(text, cursor);
}

/* Buckets until enough members were looked at; a sparse table ends the call by steps instead. */
static uint64_t scan_steps(const struct zset *zset, struct scan *scan, uint64_t cursor)
{
    enum { STEPS_FOR_EACH = 10 };
    uint64_t steps = (uint64_t)scan->count <= UINT64_MAX / STEPS_FOR_EACH
                         ? (uint64_t)scan->count * STEPS_FOR_EACH
                         : UINT64_MAX;
    struct zset_visitor visitor = { scan_visit, scan };
    if (zset->count == 0)
        return 0;
    do
        cursor = zset_scan(zset, cursor, &visitor);
    while (cursor != 0 && --steps > 0 && scan->visited < scan->count);
    return cursor;
}

static void reply_scan(struct call *call, const struct scan *scan, uint64_t cursor)
{
    uint8_t text[NUMBER_DOUBLE_MAX];
    reply_array(call->reply, 2);
    reply_bulk(call->reply, bytes_of(text, number_write_u64(text, cursor)));
    reply_array(call->reply, scan->gathering.count * 2);
    for (uint64_t i = 0; i < scan->gathering.count; i++) {
        const struct zset_item *item = &scan->gathering.items[i];
        reply_bulk(call->reply, item->member);
        reply_bulk(call->reply, bytes_of(text, number_write_double(text, item->score)));
    }
}

void cmd_zscan(struct call *call)
{
    struct scan scan = { .gathering = { .arena = call->arena }, .all = true, .count = 10 };
    const struct entry *entry;
    struct zset zset;
    uint64_t cursor;
    if (!read_cursor(call->argv[2], &cursor)) {
        reply_error(call->reply, "ERR invalid cursor");
        return;
    }
    if (!zset_read(call, 1, &entry, &zset))
        return;
    for (uint32_t at = 3; at < call->argc && entry != NULL; at += 2)
        if (!read_scan_option(call, at, &scan))
            return;
    cursor = scan_steps(&zset, &scan, cursor);
    if (scan.gathering.failed)
        call_memory_error(call);
    else
        reply_scan(call, &scan, cursor);
}

/* --- ZRANDMEMBER ------------------------------------------------------------------------------ */

struct showing {
    struct call *call;
    bool scores;
    uint64_t wanted, left; /* of those that are left so many are wanted */
};

static bool show_item(void *context, const struct zset_item *item, bool passing)
{
    const struct showing *showing = context;
    (void)passing;
    zset_reply_item(showing->call, item, showing->scores);
    return !showing->call->reply->failed;
}

static void show_rank(const struct zset *zset, struct showing *showing, uint64_t at)
{
    zset_walk(zset, at, 1, false, &(struct zset_visitor){ show_item, showing });
}

static void show_any(const struct zset *zset, struct showing *showing, uint64_t count)
{
    struct call *call = showing->call;
    zset_reply_begin(call, count, showing->scores);
    for (uint64_t i = 0; i < count && !call->reply->failed; i++)
        show_rank(zset, showing, rng_below(call->space->rng, zset->count));
}

/* Knuth's selection sampling (TAOCP 2, 3.4.2, S): each that is left with the chance wanted/left. */
static bool show_maybe(void *context, const struct zset_item *item, bool passing)
{
    struct showing *showing = context;
    if (rng_below(showing->call->space->rng, showing->left--) < showing->wanted) {
        showing->wanted--;
        return show_item(context, item, passing) && showing->wanted > 0;
    }
    return true;
}

/* Ranks that were drawn, in a table with more than twice as many places. */
static bool draw_new(uint64_t *drawn, uint64_t places, uint64_t rank)
{
    uint64_t at = rank * UINT64_C(0x9e3779b97f4a7c15) % places;
    while (drawn[at] != 0 && drawn[at] != rank + 1)
        at = at + 1 < places ? at + 1 : 0;
    bool is_new = drawn[at] == 0;
    drawn[at] = rank + 1;
    return is_new;
}

/* Few of many are drawn one by one, again where one comes twice. */
static bool show_few(const struct zset *zset, struct showing *showing, uint64_t count)
{
    struct call *call = showing->call;
    uint64_t places = count * 2 + 1;
    uint64_t *drawn = arena_take_many(call->arena, places, sizeof *drawn);
    if (drawn == NULL)
        return false;
    memset(drawn, 0, places * sizeof *drawn);
    zset_reply_begin(call, count, showing->scores);
    for (uint64_t i = 0; i < count && !call->reply->failed;) {
        uint64_t at = rng_below(call->space->rng, zset->count);
        if (draw_new(drawn, places, at)) {
            show_rank(zset, showing, at);
            i++;
        }
    }
    return true;
}

static void show_different(const struct zset *zset, struct showing *showing, uint64_t count)
{
    enum { FEW = 16 }; /* a rank costs about so many steps of a walk */
    struct call *call = showing->call;
    if (count >= zset->count)
        count = zset->count;
    if (count < zset->count / FEW) {
        if (!show_few(zset, showing, count))
            call_memory_error(call);
        return;
    }
    zset_reply_begin(call, count, showing->scores);
    showing->wanted = count;
    showing->left = zset->count;
    zset_walk(zset, 0, count == 0 ? 0 : zset->count, false,
              &(struct zset_visitor){ show_maybe, showing });
}

static bool read_random_count(struct call *call, int64_t *count)
{
    const int64_t twice = INT64_MAX / 2; /* as many replies with scores can be counted */
    if (!call_i64_within(call, 2, -INT64_MAX, INT64_MAX, count))
        return false;
    if (call->argc > 4 || (call->argc == 4 && !call_is(call, 3, "withscores"))) {
        call_syntax_error(call);
        return false;
    }
    if (call->argc == 3 || (*count >= -twice && *count <= twice))
        return true;
    reply_error(call->reply, "ERR value is out of range");
    return false;
}

void cmd_zrandmember(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    struct showing showing = { .call = call, .scores = call->argc == 4 };
    int64_t count = 1;
    if ((call->argc > 2 && !read_random_count(call, &count)) || !zset_read(call, 1, &entry, &zset))
        return;
    if (call->argc == 2 && entry == NULL)
        reply_nil(call->reply);
    else if (call->argc == 2)
        show_rank(&zset, &showing, rng_below(call->space->rng, zset.count));
    else if (entry == NULL || count == 0)
        reply_array(call->reply, 0);
    else if (count > 0)
        show_different(&zset, &showing, (uint64_t)count);
    else
        show_any(&zset, &showing, (uint64_t)-count);
}
