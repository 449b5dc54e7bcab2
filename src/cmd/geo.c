/* Places put into a sorted set and read from it: GEOADD, GEOPOS, GEODIST, GEOHASH. */
#include "base/number.h"
#include "cmd/geo_command.h"

#include <stdio.h>

/* ---- shared -----------------------------------------------------------------------------------
 */

bool geo_read_point(struct call *call, uint32_t at, struct geo_point *point)
{
    if (!zset_read_score(call, at, "ERR value is not a valid float", &point->longitude) ||
        !zset_read_score(call, at + 1, "ERR value is not a valid float", &point->latitude))
        return false;
    if (geo_point_valid(*point))
        return true;
    reply_errorf(call->reply, "ERR invalid longitude,latitude pair %f,%f", point->longitude,
                 point->latitude);
    return false;
}

bool geo_read_unit(struct call *call, uint32_t at, double *unit_m)
{
    if (call_is(call, at, "m"))
        *unit_m = 1;
    else if (call_is(call, at, "km"))
        *unit_m = 1000;
    else if (call_is(call, at, "ft"))
        *unit_m = 0.3048;
    else if (call_is(call, at, "mi"))
        *unit_m = 1609.34;
    else {
        reply_error(call->reply, "ERR unsupported unit provided. please use M, KM, FT, MI");
        return false;
    }
    return true;
}

void geo_reply_distance(struct call *call, double distance)
{
    char text[NUMBER_LONG_DOUBLE_MAX];
    int count = snprintf(text, sizeof text, "%.4f", distance);
    reply_bulk(call->reply, bytes_of(text, count > 0 ? (size_t)count : 0));
}

static void reply_degrees(struct call *call, double degrees)
{
    uint8_t text[NUMBER_LONG_DOUBLE_MAX + 3];
    size_t count = number_write_long_double(text + 1, degrees);
    if (call->reply->resp == 2) {
        reply_bulk(call->reply, bytes_of(text + 1, count));
        return;
    }
    text[0] = ',';
    text[count + 1] = '\r';
    text[count + 2] = '\n';
    reply_raw(call->reply, bytes_of(text, count + 3));
}

void geo_reply_point(struct call *call, struct geo_point point)
{
    reply_array(call->reply, 2);
    reply_degrees(call, point.longitude);
    reply_degrees(call, point.latitude);
}

/* ---- GEOADD -----------------------------------------------------------------------------------
 */

enum { PLACE_ARGUMENTS = 3 };

struct placing {
    unsigned conditions;
    bool count_changed;
    uint32_t first, count; /* places, three arguments each */
};

static bool read_placing(struct call *call, struct placing *placing)
{
    const unsigned both = ZSET_NEW_ONLY | ZSET_KNOWN_ONLY;
    *placing = (struct placing){ .first = 2 };
    for (; placing->first < call->argc; placing->first++) {
        if (call_is(call, placing->first, "nx"))
            placing->conditions |= ZSET_NEW_ONLY;
        else if (call_is(call, placing->first, "xx"))
            placing->conditions |= ZSET_KNOWN_ONLY;
        else if (call_is(call, placing->first, "ch"))
            placing->count_changed = true;
        else
            break;
    }
    uint32_t left = call->argc - placing->first;
    placing->count = left / PLACE_ARGUMENTS;
    if (left % PLACE_ARGUMENTS == 0 && placing->conditions != both)
        return true;
    call_syntax_error(call);
    return false;
}

/* All places before anything changes. */
static bool read_scores(struct call *call, const struct placing *placing, double *scores)
{
    for (uint32_t i = 0; i < placing->count; i++) {
        struct geo_point point;
        if (!geo_read_point(call, placing->first + PLACE_ARGUMENTS * i, &point))
            return false;
        scores[i] = geo_score(point);
    }
    return true;
}

static enum err add_all(struct call *call, const struct placing *placing, const double *scores,
                        struct value_edit *edit, uint32_t *added, uint32_t *changed)
{
    for (uint32_t i = 0; i < placing->count; i++) {
        struct zset_result result;
        struct bytes member = call->argv[placing->first + PLACE_ARGUMENTS * i + 2];
        enum err err = zset_add(edit, member, scores[i], placing->conditions, &result);
        if (err != ERR_NONE)
            return err;
        *added += result.outcome == ZSET_ADDED;
        *changed += result.outcome == ZSET_CHANGED;
    }
    return ERR_NONE;
}

static void add(struct call *call, const struct placing *placing, const double *scores)
{
    struct key key = call_key(call, 0, 1);
    struct entry *entry;
    struct value_edit edit;
    uint32_t added = 0, changed = 0;
    if (!zset_open(call, &key, &entry, &edit))
        return;
    if (entry != NULL || (placing->conditions & ZSET_KNOWN_ONLY) == 0) {
        zset_expect(&edit, placing->count, call->argv[placing->first + 2].count);
        if (add_all(call, placing, scores, &edit, &added, &changed) != ERR_NONE) {
            zset_failed(call, &key, entry, &edit, EVENT_ZADD);
            return;
        }
    }
    if (added + changed > 0 &&
        call_commit(call, call->db, &key, entry, &edit, EVENT_ZADD, false) != ERR_NONE)
        return;
    reply_i64(call->reply, added + (placing->count_changed ? changed : 0));
}

void cmd_geoadd(struct call *call)
{
    struct placing placing;
    if (!read_placing(call, &placing))
        return;
    if (placing.count == 0) { /* conditions alone */
        call_syntax_error(call);
        return;
    }
    double *scores = arena_take_many(call->arena, placing.count, sizeof *scores);
    if (scores == NULL)
        call_memory_error(call);
    else if (read_scores(call, &placing, scores))
        add(call, &placing, scores);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

void cmd_geopos(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    double score;
    if (!zset_read(call, 1, &entry, &zset))
        return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        if (entry != NULL && zset_score(&zset, call->argv[at], &score))
            geo_reply_point(call, geo_place(score));
        else
            reply_nil_array(call->reply);
    }
}

void cmd_geohash(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    double score;
    if (!zset_read(call, 1, &entry, &zset))
        return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t at = 2; at < call->argc; at++) {
        char text[GEO_TEXT_BYTES];
        if (entry == NULL || !zset_score(&zset, call->argv[at], &score)) {
            reply_nil(call->reply);
            continue;
        }
        geo_text(geo_place(score), text);
        reply_bulk(call->reply, bytes_of(text, sizeof text));
    }
}

void cmd_geodist(struct call *call)
{
    const struct entry *entry;
    struct zset zset;
    double unit_m = 1, score, other;
    if (call->argc == 5 && !geo_read_unit(call, 4, &unit_m))
        return;
    if (call->argc > 5) {
        call_syntax_error(call);
        return;
    }
    if (!zset_read(call, 1, &entry, &zset))
        return;
    if (entry == NULL || !zset_score(&zset, call->argv[2], &score) ||
        !zset_score(&zset, call->argv[3], &other))
        reply_nil(call->reply);
    else
        geo_reply_distance(call, geo_distance(geo_place(score), geo_place(other)) / unit_m);
}
