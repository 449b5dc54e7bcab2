/* Searches for places: GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH, and those that store. */
#include "cmd/geo_command.h"

#include <stdlib.h>

struct found {
    struct bytes member;
    double score, distance; /* metres */
    struct geo_point point;
    uint64_t place; /* in the order found, which decides between equal distances */
};

struct finding {
    struct call *call;
    const struct geo_search *search;
    struct found *all;
    uint64_t count, capacity;
    uint64_t enough; /* 0: all */
    bool failed;     /* no memory */
};

/* ---- finding ----------------------------------------------------------------------------------
 */

static bool make_room(struct finding *finding)
{
    enum { FIRST_ROOM = 16 };
    if (finding->count < finding->capacity)
        return true;
    uint64_t capacity = finding->capacity == 0 ? FIRST_ROOM : finding->capacity * 2;
    struct found *all = arena_take_many(finding->call->arena, capacity, sizeof *all);
    if (all == NULL)
        return false;
    if (finding->count > 0)
        memcpy(all, finding->all, finding->count * sizeof *all);
    finding->all = all;
    finding->capacity = capacity;
    return true;
}

/* True while more are wanted. */
static bool look_at(void *context, const struct zset_item *item, bool passing)
{
    struct finding *finding = context;
    struct found found = { .member = item->member, .score = item->score };
    found.point = geo_place(item->score);
    if (!geo_area_has(&finding->search->area, found.point, &found.distance))
        return true;
    if (!make_room(finding) || !zset_keep(finding->call->arena, passing, &found.member)) {
        finding->failed = true;
        return false;
    }
    found.place = finding->count;
    finding->all[finding->count++] = found;
    return finding->enough == 0 || finding->count < finding->enough;
}

static void find(struct finding *finding)
{
    const struct zset *zset = &finding->search->zset;
    const struct zset_visitor visitor = { look_at, finding };
    struct geo_range ranges[GEO_CELLS_MAX];
    unsigned count = geo_area_ranges(&finding->search->area, ranges);
    for (unsigned i = 0; i < count && !finding->failed; i++) {
        if (finding->enough != 0 && finding->count >= finding->enough)
            break;
        struct zset_bound from = { .kind = ZSET_BY_SCORE, .score = ranges[i].min };
        struct zset_bound to = { .kind = ZSET_BY_SCORE, .score = ranges[i].max };
        uint64_t first = zset_before(zset, &from), end = zset_before(zset, &to);
        if (end > first)
            zset_walk(zset, first, end - first, false, &visitor);
    }
}

/* ---- order ------------------------------------------------------------------------------------
 */

static int nearest_first(const void *one, const void *other)
{
    const struct found *a = one, *b = other;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static int farthest_first(const void *one, const void *other)
{
    const struct found *a = one, *b = other;
    if (a->distance != b->distance)
        return a->distance > b->distance ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* COUNT means the nearest, unless ANY says that it does not. */
static void sort(struct finding *finding)
{
    const struct geo_search *search = finding->search;
    bool nearest = search->order == GEO_NEAREST ||
                   (search->order == GEO_UNSORTED && search->count != 0 && !search->any);
    if (finding->count > 1 && (nearest || search->order == GEO_FARTHEST))
        qsort(finding->all, finding->count, sizeof *finding->all,
              nearest ? nearest_first : farthest_first);
    if (search->count != 0 && finding->count > (uint64_t)search->count)
        finding->count = (uint64_t)search->count;
}

/* ---- results ----------------------------------------------------------------------------------
 */

static void reply_found(struct call *call, const struct finding *finding)
{
    const struct geo_search *search = finding->search;
    unsigned more = 0u + search->with_distance + search->with_hash + search->with_point;
    reply_array(call->reply, finding->count);
    for (uint64_t i = 0; i < finding->count; i++) {
        const struct found *found = &finding->all[i];
        if (more > 0)
            reply_array(call->reply, more + 1);
        reply_bulk(call->reply, found->member);
        if (search->with_distance)
            geo_reply_distance(call, found->distance / search->area.unit_m);
        if (search->with_hash)
            reply_i64(call->reply, (int64_t)found->score);
        if (search->with_point)
            geo_reply_point(call, found->point);
    }
}

static int item_order(const void *one, const void *other)
{
    return zset_compare(one, other);
}

/* Members are copied: the destination may be the source. */
static void store_found(struct call *call, const struct finding *finding)
{
    const struct geo_search *search = finding->search;
    struct key key = store_key(call->store, call->argv[search->store_at]);
    struct zset_item *items = arena_take_many(call->arena, finding->count + 1, sizeof *items);
    bool fits = items != NULL;
    for (uint64_t i = 0; fits && i < finding->count; i++) {
        const struct found *found = &finding->all[i];
        items[i].member = found->member;
        items[i].score =
            search->store_distances ? found->distance / search->area.unit_m : found->score;
        fits = zset_keep(call->arena, true, &items[i].member);
    }
    if (!fits) {
        call_memory_error(call);
        return;
    }
    if (finding->count > 1)
        qsort(items, finding->count, sizeof *items, item_order);
    zset_store(call, &key, items, finding->count,
               search->form == GEO_FROM_OPTION ? EVENT_GEOSEARCHSTORE : EVENT_GEORADIUSSTORE);
}

static void search(struct call *call, enum geo_form form, bool may_store)
{
    struct geo_search search = { .form = form, .may_store = may_store };
    struct finding finding = { .call = call, .search = &search };
    const struct entry *entry;
    uint32_t source_at = form == GEO_FROM_OPTION && may_store ? 2 : 1;
    if (!zset_read(call, source_at, &entry, &search.zset))
        return;
    search.exists = entry != NULL;
    if (!geo_read_search(call, &search))
        return;
    finding.enough = search.any ? (uint64_t)search.count : 0;
    if (search.exists)
        find(&finding);
    if (finding.failed) {
        call_memory_error(call);
        return;
    }
    sort(&finding);
    if (search.store_at != 0)
        store_found(call, &finding);
    else
        reply_found(call, &finding);
}

void cmd_georadius(struct call *call)
{
    search(call, GEO_FROM_POINT, true);
}

void cmd_georadius_ro(struct call *call)
{
    search(call, GEO_FROM_POINT, false);
}

void cmd_georadiusbymember(struct call *call)
{
    search(call, GEO_FROM_MEMBER, true);
}

void cmd_georadiusbymember_ro(struct call *call)
{
    search(call, GEO_FROM_MEMBER, false);
}

void cmd_geosearch(struct call *call)
{
    search(call, GEO_FROM_OPTION, false);
}

void cmd_geosearchstore(struct call *call)
{
    search(call, GEO_FROM_OPTION, true);
}
