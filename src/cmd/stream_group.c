/* XGROUP and XACK. */
#include "cmd/stream_command.h"

enum { XGROUP_OPTIONS_AT = 5, CREATE_ARGS_MAX = 8, SETID_ARGS_MAX = 7 };

static const char *const help_lines[] = {
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
    NULL,
};

void cmd_xgroup_help(struct call *call)
{
    call_help(call, "xgroup", help_lines);
}

struct group_options {
    bool make;
    int64_t read;
};

static bool read_options(struct call *call, bool creates, struct group_options *options)
{
    *options = (struct group_options){ false, STREAM_READ_UNKNOWN };
    for (uint32_t at = XGROUP_OPTIONS_AT; at < call->argc; at++) {
        if (creates && call_is(call, at, "MKSTREAM")) {
            options->make = true;
        } else if (at + 1 < call->argc && call_is(call, at, "ENTRIESREAD")) {
            if (!call_i64(call, ++at, &options->read))
                return false;
            if (options->read < 0 && options->read != STREAM_READ_UNKNOWN) {
                reply_error(call->reply, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            stream_subcommand_error(call, "XGROUP");
            return false;
        }
    }
    return true;
}

static bool look(struct call *call, bool may_make, struct stream_place *place)
{
    if (!stream_look(call, 0, 2, STREAM_WRITES, place))
        return false;
    if (place->entry != NULL || may_make)
        return true;
    reply_error(call->reply, "ERR The XGROUP subcommand requires the key to exist. Note that for "
                             "CREATE you may want to use the MKSTREAM option to create an empty "
                             "stream automatically.");
    return false;
}

static bool look_group(struct call *call, struct stream_place *place, struct group *group)
{
    struct bytes key = call->argv[2], name = call->argv[3];
    if (!look(call, false, place))
        return false;
    if (group_find(&place->stream, name, group))
        return true;
    reply_errorf(call->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                 stream_quoted(name), (const char *)name.at, stream_quoted(key),
                 (const char *)key.at);
    return false;
}

/* "$" is the last id of the stream; SETID also takes "-" and "+". Before it comes that no option
 * may be said twice. */
static bool read_id(struct call *call, const struct stream_place *place, bool creates,
                    struct stream_id *id)
{
    if (call->argc > (creates ? CREATE_ARGS_MAX : SETID_ARGS_MAX)) {
        stream_subcommand_error(call, "XGROUP");
        return false;
    }
    struct bytes text = call->argv[4];
    if (text.count == 0 || text.at[0] != '$' || (text.count > 1 && text.at[1] != '\0'))
        return creates ? stream_arg_id(call, 4, id) : stream_arg_any_id(call, 4, id);
    *id = place->entry == NULL ? STREAM_ID_ZERO : place->stream.state->last;
    return true;
}

static bool create_in_new(struct call *call, struct stream_place *place, struct stream_id id,
                          int64_t read)
{
    struct value_edit edit;
    if (!stream_make(call, place, &edit))
        return false;
    if (group_create(&place->stream, call->argv[3], id, read) == ERR_NONE)
        return call_commit(call, call->db, &place->key, NULL, &edit, EVENT_XGROUP_CREATE, false) ==
               ERR_NONE;
    edit_abandon(&edit);
    call_memory_error(call);
    return false;
}

static bool create_in_old(struct call *call, struct stream_place *place, struct stream_id id,
                          int64_t read)
{
    enum err err = group_create(&place->stream, call->argv[3], id, read);
    if (err == ERR_NONE)
        stream_note(call, place, EVENT_XGROUP_CREATE);
    else if (err == ERR_EXISTS)
        reply_error(call->reply, "BUSYGROUP Consumer Group name already exists");
    else
        call_memory_error(call);
    return err == ERR_NONE;
}

void cmd_xgroup_create(struct call *call)
{
    struct group_options options;
    struct stream_place place;
    struct stream_id id;
    if (!read_options(call, true, &options) || !look(call, options.make, &place) ||
        !read_id(call, &place, true, &id))
        return;
    bool created = place.entry == NULL ? create_in_new(call, &place, id, options.read)
                                       : create_in_old(call, &place, id, options.read);
    if (created)
        reply_ok(call->reply);
}

void cmd_xgroup_setid(struct call *call)
{
    struct group_options options;
    struct stream_place place;
    struct stream_id id;
    struct group group;
    if (!read_options(call, false, &options) || !look_group(call, &place, &group) ||
        !read_id(call, &place, false, &id))
        return;
    group.state->last = id;
    group.state->read = options.read;
    reply_ok(call->reply);
    stream_note(call, &place, EVENT_XGROUP_SETID);
}

/* What is pending in the group goes in steps, as the value of a key does. */
void cmd_xgroup_destroy(struct call *call)
{
    struct stream_place place;
    struct group group;
    struct value value;
    uint8_t body[sizeof(uint32_t)];
    if (!look(call, false, &place))
        return;
    if (!group_find(&place.stream, call->argv[3], &group)) {
        reply_i64(call->reply, 0);
        return;
    }
    group_detach(&place.stream, call->argv[3], &value, body);
    store_free_value(call->store, &value);
    reply_i64(call->reply, 1);
    stream_note(call, &place, EVENT_XGROUP_DESTROY);
}

void cmd_xgroup_createconsumer(struct call *call)
{
    struct stream_place place;
    struct group group;
    struct consumer consumer;
    if (!look_group(call, &place, &group))
        return;
    if (consumer_find(&group, call->argv[4], &consumer))
        reply_i64(call->reply, 0);
    else if (stream_seen_consumer(call, &place, &group, call->argv[4], &consumer))
        reply_i64(call->reply, 1);
    else
        call_memory_error(call);
}

void cmd_xgroup_delconsumer(struct call *call)
{
    struct stream_place place;
    struct group group;
    struct consumer consumer;
    if (!look_group(call, &place, &group))
        return;
    if (!consumer_find(&group, call->argv[4], &consumer)) {
        reply_i64(call->reply, 0);
        return;
    }
    reply_i64(call->reply, (int64_t)consumer_delete(&group, &consumer));
    stream_note(call, &place, EVENT_XGROUP_DELCONSUMER);
}

void cmd_xack(struct call *call)
{
    struct stream_place place;
    struct group group;
    int64_t acknowledged = 0;
    if (!stream_look(call, 0, 1, STREAM_READS, &place))
        return;
    if (place.entry == NULL || !group_find(&place.stream, call->argv[2], &group)) {
        reply_i64(call->reply, 0);
        return;
    }
    struct stream_id *ids = arena_take_many(call->arena, call->argc - 3, sizeof *ids);
    if (ids == NULL) {
        call_memory_error(call);
        return;
    }
    for (uint32_t i = 3; i < call->argc; i++) {
        if (!stream_arg_id(call, i, &ids[i - 3]))
            return;
    }
    for (uint32_t i = 0; i + 3 < call->argc; i++)
        acknowledged += pending_remove(&group, ids[i]);
    if (acknowledged > 0)
        stream_note(call, &place, EVENT_GROUP);
    reply_i64(call->reply, acknowledged);
}
