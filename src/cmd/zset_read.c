/* Commands that look at sorted sets: scores, ranks, counts, SCAN, members at random. */
#include "base/number.h"
#include "cmd/scanning.h"
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

struct zset_scan {
    struct scanning scanning;
    struct zset_gathering gathering; /* members that fit */
};

static bool scan_visit(void *context, const struct zset_item *item, bool passing)
{
    struct zset_scan *scan = context;
    scan->scanning.visited++;
    return !scanning_fits(&scan->scanning, item->member) ||
           zset_gather(&scan->gathering, item, passing);
}

static void reply_scan(struct zset_scan *scan, uint64_t cursor)
{
    struct call *call = scan->scanning.call;
    uint8_t text[NUMBER_DOUBLE_MAX];
    scanning_reply(&scan->scanning, cursor, scan->gathering.count * 2);
    for (uint64_t i = 0; i < scan->gathering.count; i++) {
        const struct zset_item *item = &scan->gathering.items[i];
        reply_bulk(call->reply, item->member);
        reply_bulk(call->reply, bytes_of(text, number_write_double(text, item->score)));
    }
}

void cmd_zscan(struct call *call)
{
    struct zset_scan scan = { .gathering = { .arena = call->arena } };
    struct zset_visitor visitor = { scan_visit, &scan };
    const struct entry *entry;
    struct zset zset;
    uint64_t cursor = 0;
    scanning_init(&scan.scanning, call, 0);
    if (!scanning_cursor(call, 2, &cursor) || !zset_read(call, 1, &entry, &zset) ||
        (entry != NULL && !scanning_read(&scan.scanning, 3, 0)))
        return;
    do
        cursor = zset.count == 0 ? 0 : zset_scan(&zset, cursor, &visitor);
    while (scanning_goes_on(&scan.scanning, cursor));
    if (scan.gathering.failed)
        call_memory_error(call);
    else
        reply_scan(&scan, cursor);
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
    if (!call_may_draw(call, count, showing->scores ? 2 : 1))
        return;
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
