/* XCLAIM and XAUTOCLAIM. */
#include "cmd/stream_command.h"

struct claim {
    struct stream_place place;
    struct group group;
    struct consumer consumer;
    int64_t now_ms;
    int64_t idle_min_ms;
    int64_t time_ms; /* which the entries are said to be delivered at */
    int64_t retries; /* -1: one more than before */
    bool just_id, force;
    struct stream_id last_id;
};

static bool not_negative(int64_t *number)
{
    *number = *number < 0 ? 0 : *number;
    return true;
}

/* False: there is nothing to be claimed. *gone: there is no such entry any more. */
static bool find_claimable(const struct claim *claim, struct stream_id id, struct pending *pending,
                           bool *gone)
{
    bool found = pending_find(&claim->group, id, pending);
    *gone = !stream_has(&claim->place.stream, id);
    if (*gone || (!found && !claim->force))
        return false;
    if (!found)
        *pending = (struct pending){ id, 0, claim->now_ms, 1 };
    return !found || claim->idle_min_ms == 0 ||
           claim->now_ms - pending->time_ms >= claim->idle_min_ms;
}

/* False when memory fails; the entry stays where it was. */
static bool take(struct claim *claim, struct pending *pending)
{
    pending->consumer = claim->consumer.root->head.id;
    pending->time_ms = claim->time_ms;
    if (claim->retries >= 0)
        pending->count = (uint64_t)claim->retries;
    else if (!claim->just_id)
        pending->count++;
    if (pending_put(&claim->group, pending) != ERR_NONE)
        return false;
    claim->consumer.state->active_ms = claim->now_ms;
    return true;
}

static void reply_taken(struct call *call, const struct claim *claim, struct stream_id id)
{
    if (claim->just_id)
        stream_reply_id(call, id);
    else
        (void)stream_reply_one(call, &claim->place.stream, id);
}

/* --- XCLAIM ----------------------------------------------------------------------------------- */

static bool read_time(struct call *call, struct claim *claim, uint32_t at, bool idle)
{
    int64_t time = 0;
    if (!stream_arg_number(call, at,
                           idle ? "ERR Invalid IDLE option argument for XCLAIM"
                                : "ERR Invalid TIME option argument for XCLAIM",
                           &time))
        return false;
    /* A time that cannot be is now; where the clock is held, all times may be later than it. */
    bool fits = time >= 0 && (time <= claim->now_ms || claim->now_ms == STORE_LONG_AGO);
    claim->time_ms = !fits ? claim->now_ms : idle ? claim->now_ms - time : time;
    return true;
}

static bool read_option(struct call *call, struct claim *claim, uint32_t *at)
{
    bool more = *at + 1 < call->argc;
    if (call_is(call, *at, "FORCE"))
        return claim->force = true;
    if (call_is(call, *at, "JUSTID"))
        return claim->just_id = true;
    if (more && (call_is(call, *at, "IDLE") || call_is(call, *at, "TIME"))) {
        bool idle = call_is(call, *at, "IDLE");
        return read_time(call, claim, ++*at, idle);
    }
    if (more && call_is(call, *at, "RETRYCOUNT"))
        return stream_arg_number(call, ++*at, "ERR Invalid RETRYCOUNT option argument for XCLAIM",
                                 &claim->retries);
    if (more && call_is(call, *at, "LASTID"))
        return stream_arg_id(call, ++*at, &claim->last_id);
    struct bytes word = call->argv[*at];
    reply_errorf(call->reply, "ERR Unrecognized XCLAIM option '%.*s'", stream_quoted(word),
                 (const char *)word.at);
    return false;
}

/* Ids as far as they are some, then options. Returns how many ids; UINT32_MAX after an error. */
static uint32_t read_xclaim(struct call *call, struct claim *claim, struct stream_id **ids)
{
    uint32_t at = 5;
    *ids = arena_take_many(call->arena, call->argc - at, sizeof **ids);
    if (*ids == NULL) {
        call_memory_error(call);
        return UINT32_MAX;
    }
    while (at < call->argc &&
           stream_id_read(call->argv[at], 0, STREAM_ID_STRICT, &(*ids)[at - 5], NULL))
        at++;
    uint32_t count = at - 5;
    for (; at < call->argc; at++) {
        if (!read_option(call, claim, &at))
            return UINT32_MAX;
    }
    return count;
}

static void claim_one(struct call *call, struct claim *claim, struct stream_id id,
                      uint64_t *written, bool *changed)
{
    struct pending pending;
    bool gone;
    if (find_claimable(claim, id, &pending, &gone)) {
        if (!take(claim, &pending))
            return;
        reply_taken(call, claim, id);
        stream_tell_pending(call, &claim->place, &claim->group, id);
        ++*written;
        *changed = true;
    } else if (gone && pending_remove(&claim->group, id)) {
        stream_tell_acknowledged(call, &claim->place, &claim->group, id);
        *changed = true;
    }
}

static bool begin(struct call *call, struct claim *claim, const char *idle_error)
{
    claim->now_ms = claim->time_ms = store_now_ms(call->store);
    claim->retries = -1;
    return stream_arg_number(call, 4, idle_error, &claim->idle_min_ms) &&
           not_negative(&claim->idle_min_ms);
}

void cmd_xclaim(struct call *call)
{
    struct claim claim = { .force = false };
    struct stream_id *ids;
    uint64_t written = 0;
    bool changed = false;
    if (!stream_look(call, 0, 1, STREAM_READS, &claim.place) ||
        !stream_look_group(call, &claim.place, 2, &claim.group) ||
        !begin(call, &claim, "ERR Invalid min-idle-time argument for XCLAIM"))
        return;
    uint32_t count = read_xclaim(call, &claim, &ids);
    if (count == UINT32_MAX)
        return;
    effects_nothing(call); /* but what is said below */
    if (stream_id_compare(claim.last_id, claim.group.state->last) > 0) {
        claim.group.state->last = claim.last_id;
        stream_tell_group(call, &claim.place, &claim.group);
        changed = true;
    }
    if (!stream_seen_consumer(call, &claim.place, &claim.group, call->argv[3], &claim.consumer)) {
        call_memory_error(call);
        return;
    }
    struct reply_mark mark = reply_array_later(call->reply);
    for (uint32_t i = 0; i < count; i++)
        claim_one(call, &claim, ids[i], &written, &changed);
    reply_count(call->reply, mark, written);
    if (changed)
        stream_note(call, &claim.place, EVENT_GROUP);
}

/* --- XAUTOCLAIM ------------------------------------------------------------------------------- */

enum { COUNT_DEFAULT = 100, LOOKS_FACTOR = 10, COUNT_BYTES = 16 };

/* What was found: its first array are claimed ids, the second those of entries that are gone. */
struct found {
    struct stream_id *ids;
    uint64_t count, capacity;
};

static bool found_add(struct call *call, struct found *found, struct stream_id id)
{
    if (found->count == found->capacity) {
        uint64_t capacity = found->capacity * 2 + 16;
        struct stream_id *ids = arena_take_many(call->arena, capacity, sizeof *ids);
        if (ids == NULL)
            return false;
        if (found->count > 0)
            memcpy(ids, found->ids, found->count * sizeof *ids);
        found->ids = ids;
        found->capacity = capacity;
    }
    found->ids[found->count++] = id;
    return true;
}

static bool read_autoclaim(struct call *call, struct claim *claim, struct stream_id *from,
                           int64_t *count)
{
    if (!begin(call, claim, "ERR Invalid min-idle-time argument for XAUTOCLAIM") ||
        !stream_arg_start(call, 5, from))
        return false;
    for (uint32_t at = 6; at < call->argc; at++) {
        if (call_is(call, at, "COUNT") && at + 1 < call->argc) {
            if (!stream_arg_number(call, ++at, "ERR COUNT must be > 0", count))
                return false;
            if (*count < 1 || *count > INT64_MAX / COUNT_BYTES) {
                reply_error(call->reply, "ERR COUNT must be > 0");
                return false;
            }
        } else if (call_is(call, at, "JUSTID")) {
            claim->just_id = true;
        } else {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

/* Looks at what is pending from *from on, which becomes where to go on, or 0-0 at the end. */
static void autoclaim(struct call *call, struct claim *claim, struct stream_id *from, int64_t count,
                      struct found *taken, struct found *gone)
{
    struct pending pending;
    bool is_gone, more = true;
    int64_t looks = count * LOOKS_FACTOR;
    while (more && looks-- > 0 && count > 0 && pending_from(&claim->group, NULL, *from, &pending)) {
        *from = pending.id;
        if (find_claimable(claim, pending.id, &pending, &is_gone)) {
            if (!found_add(call, taken, pending.id) || !take(claim, &pending))
                break;
            stream_tell_pending(call, &claim->place, &claim->group, pending.id);
            count--;
        } else if (is_gone) {
            if (!found_add(call, gone, pending.id))
                break;
            (void)pending_remove(&claim->group, pending.id);
            stream_tell_acknowledged(call, &claim->place, &claim->group, pending.id);
            count--;
        }
        more = stream_id_next(from);
    }
    *from =
        more && pending_from(&claim->group, NULL, *from, &pending) ? pending.id : STREAM_ID_ZERO;
}

void cmd_xautoclaim(struct call *call)
{
    struct claim claim = { .force = false };
    struct stream_id from;
    struct found taken = { 0 }, gone = { 0 };
    int64_t count = COUNT_DEFAULT;
    if (!read_autoclaim(call, &claim, &from, &count) ||
        !stream_look(call, 0, 1, STREAM_READS, &claim.place) ||
        !stream_look_group(call, &claim.place, 2, &claim.group))
        return;
    if (!stream_seen_consumer(call, &claim.place, &claim.group, call->argv[3], &claim.consumer)) {
        call_memory_error(call);
        return;
    }
    effects_nothing(call); /* but what it says on its way */
    autoclaim(call, &claim, &from, count, &taken, &gone);
    reply_array(call->reply, 3);
    stream_reply_id(call, from);
    reply_array(call->reply, taken.count);
    for (uint64_t i = 0; i < taken.count; i++)
        reply_taken(call, &claim, taken.ids[i]);
    reply_array(call->reply, gone.count);
    for (uint64_t i = 0; i < gone.count; i++)
        stream_reply_id(call, gone.ids[i]);
    if (taken.count + gone.count > 0)
        stream_note(call, &claim.place, EVENT_GROUP);
}
