/* Commands on the entries of one stream. */
#include "cmd/stream_command.h"

static bool fail(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

/* --- XADD ------------------------------------------------------------------------------------- */

static bool too_small(struct call *call)
{
    return fail(call, "ERR The ID specified in XADD is equal or smaller than the target stream "
                      "top item");
}

/* The id that the entry shall have: given, half given, or made of the time. */
static bool next_id(struct call *call, const struct stream_options *options, struct stream_id last,
                    struct stream_id *id)
{
    *id = options->id;
    if (!options->id_given) {
        *id = (struct stream_id){ (uint64_t)store_now_ms(call->store), 0 };
        if (id->ms > last.ms)
            return true;
        *id = last;
        return stream_id_next(id) || too_small(call);
    }
    if (!options->seq_given && id->ms == last.ms) {
        if (last.seq == UINT64_MAX)
            return too_small(call);
        id->seq = last.seq + 1;
    }
    return stream_id_compare(*id, last) > 0 || too_small(call);
}

static bool append(struct call *call, const struct stream_options *options, struct stream *stream,
                   struct stream_id *id)
{
    if (stream_id_compare(stream->state->last, STREAM_ID_MAX) == 0)
        return fail(call, "ERR The stream has exhausted the last possible ID, unable to add more "
                          "items");
    if (!next_id(call, options, stream->state->last, id))
        return false;
    uint32_t at = options->next + 1;
    enum err err = stream_append(stream, call->arena, *id, call->argv + at, (call->argc - at) / 2);
    if (err == ERR_LIMIT)
        return fail(call, "ERR Elements are too large to be stored");
    if (err != ERR_NONE)
        call_memory_error(call);
    return err == ERR_NONE;
}

static bool add_to_new(struct call *call, const struct stream_options *options,
                       struct stream_place *place, struct stream_id *id)
{
    struct value_edit edit;
    if (!stream_make(call, place, &edit))
        return false;
    if (append(call, options, &place->stream, id))
        return call_commit(call, call->db, &place->key, NULL, &edit, EVENT_XADD, false) == ERR_NONE;
    edit_abandon(&edit);
    return false;
}

static bool add_to_old(struct call *call, const struct stream_options *options,
                       struct stream_place *place, struct stream_id *id)
{
    if (!append(call, options, &place->stream, id))
        return false;
    stream_note(call, place, EVENT_XADD);
    return true;
}

void cmd_xadd(struct call *call)
{
    struct stream_options options;
    struct stream_place place;
    struct stream_id id;
    if (!stream_options_read(call, OPTIONS_OF_XADD, &options))
        return;
    uint32_t rest = call->argc - options.next;
    if (rest < 3 || rest % 2 == 0) {
        call_arity_error(call);
        return;
    }
    if (options.id_given && options.seq_given && stream_id_is_zero(options.id)) {
        reply_error(call->reply, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    if (!stream_look(call, 0, 1, STREAM_WRITES, &place))
        return;
    if (place.entry == NULL && options.no_make) {
        reply_nil(call->reply);
        return;
    }
    bool added = place.entry == NULL ? add_to_new(call, &options, &place, &id)
                                     : add_to_old(call, &options, &place, &id);
    if (!added)
        return;
    stream_reply_id(call, id);
    bool trimmed = stream_trim(&place.stream, &options.trim) > 0;
    if (trimmed)
        stream_note(call, &place, EVENT_XTRIM);
    if (call_is_heard(call))
        stream_tell_added(call, &options, &place.stream, &id, trimmed);
}

/* --- XTRIM, XDEL, XLEN ------------------------------------------------------------------------ */

void cmd_xtrim(struct call *call)
{
    struct stream_options options;
    struct stream_place place;
    if (!stream_options_read(call, OPTIONS_OF_XTRIM, &options) ||
        !stream_look(call, 0, 1, STREAM_WRITES, &place))
        return;
    uint64_t removed = place.entry == NULL ? 0 : stream_trim(&place.stream, &options.trim);
    if (removed > 0)
        stream_note(call, &place, EVENT_XTRIM);
    if (removed > 0 && call_is_heard(call))
        stream_tell_added(call, &options, &place.stream, NULL, true);
    reply_i64(call->reply, (int64_t)removed);
}

/* All ids are read before the first entry goes. */
static struct stream_id *read_ids(struct call *call, uint32_t at)
{
    struct stream_id *ids = arena_take_many(call->arena, call->argc - at, sizeof *ids);
    if (ids == NULL) {
        call_memory_error(call);
        return NULL;
    }
    for (uint32_t i = at; i < call->argc; i++) {
        if (!stream_arg_id(call, i, &ids[i - at]))
            return NULL;
    }
    return ids;
}

void cmd_xdel(struct call *call)
{
    struct stream_place place;
    int64_t removed = 0;
    if (!stream_look(call, 0, 1, STREAM_WRITES, &place))
        return;
    if (place.entry == NULL) {
        reply_i64(call->reply, 0);
        return;
    }
    const struct stream_id *ids = read_ids(call, 2);
    if (ids == NULL)
        return;
    struct stream_state *state = place.stream.state;
    for (uint32_t i = 0; i + 2 < call->argc; i++) {
        if (!stream_remove(&place.stream, ids[i]))
            continue;
        removed++;
        if (stream_id_compare(ids[i], state->max_deleted) > 0)
            state->max_deleted = ids[i];
    }
    if (removed > 0)
        stream_note(call, &place, EVENT_XDEL);
    reply_i64(call->reply, removed);
}

void cmd_xlen(struct call *call)
{
    struct stream_place place;
    if (stream_look(call, 0, 1, STREAM_READS, &place))
        reply_i64(call->reply, place.entry == NULL ? 0 : (int64_t)stream_count(&place.stream));
}

/* --- XSETID ----------------------------------------------------------------------------------- */

struct setid {
    struct stream_id id, max_deleted;
    int64_t added; /* -1: not given */
};

static bool read_setid(struct call *call, struct setid *setid)
{
    *setid = (struct setid){ .added = -1 };
    if (!stream_arg_id(call, 2, &setid->id))
        return false;
    for (uint32_t at = 3; at < call->argc; at += 2) {
        bool more = at + 1 < call->argc;
        if (more && call_is(call, at, "ENTRIESADDED")) {
            if (!call_i64(call, at + 1, &setid->added))
                return false;
            if (setid->added < 0)
                return fail(call, "ERR entries_added must be positive");
        } else if (more && call_is(call, at, "MAXDELETEDID")) {
            if (!stream_arg_id(call, at + 1, &setid->max_deleted))
                return false;
            if (stream_id_compare(setid->id, setid->max_deleted) < 0)
                return fail(call, "ERR The ID specified in XSETID is smaller than the provided "
                                  "max_deleted_entry_id");
        } else {
            return fail(call, "ERR syntax error");
        }
    }
    return true;
}

static bool setid_fits(struct call *call, const struct stream *stream, const struct setid *setid)
{
    if (stream_id_compare(setid->id, stream->state->max_deleted) < 0)
        return fail(call, "ERR The ID specified in XSETID is smaller than current "
                          "max_deleted_entry_id");
    if (stream_count(stream) == 0)
        return true;
    if (stream_id_compare(setid->id, stream_last_id(stream)) < 0)
        return fail(call, "ERR The ID specified in XSETID is smaller than the target stream top "
                          "item");
    if (setid->added != -1 && stream_count(stream) > (uint64_t)setid->added)
        return fail(call, "ERR The entries_added specified in XSETID is smaller than the target "
                          "stream length");
    return true;
}

void cmd_xsetid(struct call *call)
{
    struct setid setid;
    struct stream_place place;
    if (!read_setid(call, &setid) || !stream_look(call, 0, 1, STREAM_WRITES, &place))
        return;
    if (place.entry == NULL) {
        call_no_key_error(call);
        return;
    }
    if (!setid_fits(call, &place.stream, &setid))
        return;
    struct stream_state *state = place.stream.state;
    state->last = setid.id;
    if (setid.added != -1)
        state->added = (uint64_t)setid.added;
    if (!stream_id_is_zero(setid.max_deleted))
        state->max_deleted = setid.max_deleted;
    reply_ok(call->reply);
    stream_note(call, &place, EVENT_XSETID);
}
