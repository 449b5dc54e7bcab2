/* What to search for: the arguments of GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH and their kin. They
 * are looked at from the left, and the first that is wrong gives the error. */
#include "base/number.h"
#include "cmd/geo_command.h"

/* What has been given so far; some options refuse others that come after them. */
struct reading {
    struct call *call;
    struct geo_search *search;
    uint32_t at; /* the option's argument */
    bool from_member, from_point, by_radius, by_box;
};

enum outcome { NOT_THIS, TAKEN, REFUSED };

static enum outcome outcome_of(bool taken)
{
    return taken ? TAKEN : REFUSED;
}

static bool is_word(const struct reading *reading, const char *word, uint32_t arguments)
{
    return call_is(reading->call, reading->at, word) &&
           reading->call->argc - reading->at > arguments;
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

static bool read_number(struct call *call, uint32_t at, const char *name, double *number)
{
    if (number_read_double(call->argv[at], number))
        return true;
    reply_errorf(call->reply, "ERR need numeric %s", name);
    return false;
}

static bool read_radius(struct call *call, uint32_t at, struct geo_area *area)
{
    area->shape = GEO_CIRCLE;
    if (!read_number(call, at, "radius", &area->radius))
        return false;
    if (area->radius < 0) {
        reply_error(call->reply, "ERR radius cannot be negative");
        return false;
    }
    return geo_read_unit(call, at + 1, &area->unit_m);
}

static bool read_box(struct call *call, uint32_t at, struct geo_area *area)
{
    area->shape = GEO_BOX;
    if (!read_number(call, at, "width", &area->width) ||
        !read_number(call, at + 1, "height", &area->height))
        return false;
    if (area->width < 0 || area->height < 0) {
        reply_error(call->reply, "ERR height or width cannot be negative");
        return false;
    }
    return geo_read_unit(call, at + 2, &area->unit_m);
}

/* Without a source key nothing is looked for, and the other options are still read. */
static bool read_member(struct call *call, uint32_t at, struct geo_search *search)
{
    double score;
    if (!search->exists)
        return true;
    if (!zset_score(&search->zset, call->argv[at], &score)) {
        reply_error(call->reply, "ERR could not decode requested zset member");
        return false;
    }
    search->area.centre = geo_place(score);
    return true;
}

static bool read_count(struct call *call, uint32_t at, int64_t *count)
{
    if (!call_i64(call, at, count))
        return false;
    if (*count > 0)
        return true;
    reply_error(call->reply, "ERR COUNT must be > 0");
    return false;
}

/* ---- options ----------------------------------------------------------------------------------
 */

static enum outcome read_flag(struct reading *reading)
{
    struct geo_search *search = reading->search;
    if (is_word(reading, "withdist", 0))
        search->with_distance = true;
    else if (is_word(reading, "withhash", 0))
        search->with_hash = true;
    else if (is_word(reading, "withcoord", 0))
        search->with_point = true;
    else if (is_word(reading, "any", 0))
        search->any = true;
    else if (is_word(reading, "asc", 0))
        search->order = GEO_NEAREST;
    else if (is_word(reading, "desc", 0))
        search->order = GEO_FARTHEST;
    else
        return NOT_THIS;
    return TAKEN;
}

static enum outcome read_count_option(struct reading *reading)
{
    if (!is_word(reading, "count", 1))
        return NOT_THIS;
    reading->at++;
    return outcome_of(read_count(reading->call, reading->at, &reading->search->count));
}

/* STORE key and STOREDIST key; of GEOSEARCHSTORE a flag. */
static enum outcome read_store(struct reading *reading)
{
    struct geo_search *search = reading->search;
    bool flag = search->form == GEO_FROM_OPTION;
    bool distances = is_word(reading, "storedist", flag ? 0 : 1);
    if (!search->may_store || (!distances && (flag || !is_word(reading, "store", 1))))
        return NOT_THIS;
    search->store_distances = distances;
    if (!flag)
        search->store_at = ++reading->at;
    return TAKEN;
}

static enum outcome read_from(struct reading *reading)
{
    struct geo_search *search = reading->search;
    uint32_t at = reading->at + 1;
    if (is_word(reading, "frommember", 1) && !reading->from_point) {
        reading->from_member = true;
        reading->at += 1;
        return outcome_of(read_member(reading->call, at, search));
    }
    if (is_word(reading, "fromlonlat", 2) && !reading->from_member) {
        reading->from_point = true;
        reading->at += 2;
        return outcome_of(geo_read_point(reading->call, at, &search->area.centre));
    }
    return NOT_THIS;
}

static enum outcome read_by(struct reading *reading)
{
    struct geo_search *search = reading->search;
    uint32_t at = reading->at + 1;
    if (is_word(reading, "byradius", 2) && !reading->by_box) {
        reading->by_radius = true;
        reading->at += 2;
        return outcome_of(read_radius(reading->call, at, &search->area));
    }
    if (is_word(reading, "bybox", 3) && !reading->by_radius) {
        reading->by_box = true;
        reading->at += 3;
        return outcome_of(read_box(reading->call, at, &search->area));
    }
    return NOT_THIS;
}

static bool read_options(struct reading *reading)
{
    for (; reading->at < reading->call->argc; reading->at++) {
        enum outcome outcome = read_flag(reading);
        if (outcome == NOT_THIS)
            outcome = read_count_option(reading);
        if (outcome == NOT_THIS)
            outcome = read_store(reading);
        if (outcome == NOT_THIS && reading->search->form == GEO_FROM_OPTION)
            outcome = read_from(reading);
        if (outcome == NOT_THIS && reading->search->form == GEO_FROM_OPTION)
            outcome = read_by(reading);
        if (outcome == NOT_THIS)
            call_syntax_error(reading->call);
        if (outcome != TAKEN)
            return false;
    }
    return true;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* Redis repeats the command's name as it was written. */
static void one_of_error(struct call *call, const char *pair)
{
    struct bytes name = call->argv[0];
    reply_errorf(call->reply, "ERR exactly one of %s can be specified for %.*s", pair,
                 (int)(name.count < 64 ? name.count : 64), (const char *)name.at);
}

static bool fits_together(const struct reading *reading)
{
    const struct geo_search *search = reading->search;
    struct reply *reply = reading->call->reply;
    bool option = search->form == GEO_FROM_OPTION;
    if (search->store_at != 0 &&
        (search->with_distance || search->with_hash || search->with_point)) {
        reply_errorf(reply,
                     "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                     option ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS");
        return false;
    }
    if (option && !reading->from_member && !reading->from_point)
        one_of_error(reading->call, "FROMMEMBER or FROMLONLAT");
    else if (option && !reading->by_radius && !reading->by_box)
        one_of_error(reading->call, "BYRADIUS and BYBOX");
    else if (search->any && search->count == 0)
        reply_error(reply, "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

/* Where options begin. */
enum { AFTER_MEMBER = 5, AFTER_POINT = 6 };

static int find_keys(const struct bytes *argv, uint32_t argc, uint32_t options, struct key_at *keys,
                     uint32_t most)
{
    uint32_t count = 1;
    if (argc < options)
        return -1;
    if (most > 0)
        keys[0] = (struct key_at){ 1, KEY_RO | KEY_ACCESS };
    for (uint32_t at = options; at + 1 < argc; at++) {
        if (!bytes_is(argv[at], "store") && !bytes_is(argv[at], "storedist"))
            continue;
        at++;
        if (count < most)
            keys[count] = (struct key_at){ at, KEY_OW | KEY_UPDATE };
        count++;
    }
    return (int)count;
}

int find_keys_of_georadius(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                           uint32_t most)
{
    return find_keys(argv, argc, AFTER_POINT, keys, most);
}

int find_keys_of_georadiusbymember(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                                   uint32_t most)
{
    return find_keys(argv, argc, AFTER_MEMBER, keys, most);
}

/* What stands at fixed places; *at: behind it. */
static bool read_fixed(struct call *call, struct geo_search *search, uint32_t *at)
{
    switch (search->form) {
    case GEO_FROM_POINT:
        *at = AFTER_POINT;
        return geo_read_point(call, 2, &search->area.centre) && read_radius(call, 4, &search->area);
    case GEO_FROM_MEMBER:
        *at = AFTER_MEMBER;
        return !search->exists ||
               (read_member(call, 2, search) && read_radius(call, 3, &search->area));
    case GEO_FROM_OPTION:
    default:
        *at = search->may_store ? 3 : 2;
        search->store_at = search->may_store ? 1 : 0;
        return true;
    }
}

bool geo_read_search(struct call *call, struct geo_search *search)
{
    struct reading reading = { .call = call, .search = search };
    search->area = (struct geo_area){ .unit_m = 1 };
    return read_fixed(call, search, &reading.at) && read_options(&reading) &&
           fits_together(&reading);
}
