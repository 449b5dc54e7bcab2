/* What commands on streams share: keys, groups, arguments, replies. */
#include "cmd/stream_command.h"

#include "types/big.h"
#include "types/limits.h"

/* --- keys ------------------------------------------------------------------------------------- */

bool stream_look(struct call *call, uint32_t nth, uint32_t at, enum stream_use use,
                 struct stream_place *place)
{
    place->key = call_key(call, nth, at);
    place->entry = use == STREAM_READS ? call_read(call, &place->key)
                                       : store_look(call->store, call->db, &place->key);
    if (!call_type_fits(call, place->entry, VALUE_STREAM))
        return false;
    if (place->entry != NULL) {
        struct value value = entry_value(place->entry);
        stream_open(&place->stream, call->space, big_root(call->space, &value));
    }
    return true;
}

bool stream_make(struct call *call, struct stream_place *place, struct value_edit *edit)
{
    struct root *root = stream_new(call->space);
    if (root == NULL) {
        call_memory_error(call);
        return false;
    }
    edit_new(edit, call->space, call->arena, VALUE_STREAM, 0);
    edit_become_big(edit, root, 0);
    stream_open(&place->stream, call->space, root);
    return true;
}

void stream_note(struct call *call, const struct stream_place *place, enum event event)
{
    store_note(call->store, call->db, &place->key, event);
}

bool stream_look_group(struct call *call, const struct stream_place *place, uint32_t at,
                       struct group *group)
{
    struct bytes key = place->key.name, name = call->argv[at];
    if (place->entry != NULL && group_find(&place->stream, name, group))
        return true;
    reply_errorf(call->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
                 stream_quoted(key), (const char *)key.at, stream_quoted(name),
                 (const char *)name.at);
    return false;
}

bool stream_seen_consumer(struct call *call, const struct stream_place *place, struct group *group,
                          struct bytes name, struct consumer *consumer)
{
    int64_t now = store_now_ms(call->store);
    if (!consumer_find(group, name, consumer)) {
        if (consumer_create(group, name, now, consumer) != ERR_NONE)
            return false;
        stream_note(call, place, EVENT_XGROUP_CREATECONSUMER);
        stream_tell_consumer(call, place, group, consumer);
    }
    consumer->state->seen_ms = now;
    return true;
}

void stream_subcommand_error(struct call *call, const char *command)
{
    struct bytes word = call->argv[1];
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
                 stream_quoted(word), (const char *)word.at, command);
}

/* --- arguments -------------------------------------------------------------------------------- */

static bool read_id(struct call *call, struct bytes text, uint64_t missing_seq, unsigned form,
                    struct stream_id *id, bool *seq_given)
{
    if (stream_id_read(text, missing_seq, form, id, seq_given))
        return true;
    reply_error(call->reply, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

bool stream_arg_id(struct call *call, uint32_t at, struct stream_id *id)
{
    return read_id(call, call->argv[at], 0, STREAM_ID_STRICT, id, NULL);
}

bool stream_arg_any_id(struct call *call, uint32_t at, struct stream_id *id)
{
    return read_id(call, call->argv[at], 0, STREAM_ID_ENDS, id, NULL);
}

/* "(id" stands for all but the id, which may not be "-" or "+" then. */
static bool read_end(struct call *call, uint32_t at, uint64_t missing_seq, struct stream_id *id,
                     bool *exclusive)
{
    struct bytes text = call->argv[at];
    *exclusive = text.count > 1 && text.at[0] == '(';
    if (*exclusive)
        return read_id(call, bytes_of(text.at + 1, text.count - 1), missing_seq, STREAM_ID_STRICT,
                       id, NULL);
    return read_id(call, text, missing_seq, STREAM_ID_ENDS, id, NULL);
}

bool stream_arg_start(struct call *call, uint32_t at, struct stream_id *id)
{
    bool exclusive;
    if (!read_end(call, at, 0, id, &exclusive))
        return false;
    if (!exclusive || stream_id_next(id))
        return true;
    reply_error(call->reply, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_end(struct call *call, uint32_t at, struct stream_id *id)
{
    bool exclusive;
    if (!read_end(call, at, UINT64_MAX, id, &exclusive))
        return false;
    if (!exclusive || stream_id_previous(id))
        return true;
    reply_error(call->reply, "ERR invalid end ID for the interval");
    return false;
}

bool stream_arg_number(struct call *call, uint32_t at, const char *error, int64_t *number)
{
    if (number_read_i64(call->argv[at], number))
        return true;
    reply_error(call->reply, error);
    return false;
}

/* --- the options of XADD and XTRIM ------------------------------------------------------------ */

enum { LIMIT_DEFAULT = 10000, LIMIT_MOST = 1000000, LIMIT_NODES = 100 };

struct options_reader {
    struct call *call;
    struct stream_options *options;
    uint32_t at;
    bool limit_given;
};

static bool fail(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

/* "~" or "=" before the threshold, where something follows. */
static void read_operator(struct options_reader *reader)
{
    struct bytes word = reader->call->argv[reader->at + 1];
    reader->options->trim.whole_nodes = false;
    if (reader->at + 2 >= reader->call->argc || word.count == 0 || word.at[0] == '\0')
        return;
    if (word.count == 1 && (word.at[0] == '~' || word.at[0] == '=')) {
        reader->options->trim.whole_nodes = word.at[0] == '~';
        reader->at++;
    }
}

static bool read_trim(struct options_reader *reader, bool by_id)
{
    struct call *call = reader->call;
    struct stream_trim *trim = &reader->options->trim;
    int64_t length = 0;
    if (trim->by != STREAM_TRIM_NOT)
        return fail(call, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                          "compatible");
    read_operator(reader);
    reader->at++;
    trim->by = by_id ? STREAM_TRIM_ID : STREAM_TRIM_LENGTH;
    if (by_id)
        return stream_arg_id(call, reader->at, &trim->id);
    if (!call_i64(call, reader->at, &length))
        return false;
    if (length < 0)
        return fail(call, "ERR The MAXLEN argument must be >= 0.");
    trim->length = (uint64_t)length;
    return true;
}

static bool read_limit(struct options_reader *reader)
{
    int64_t limit = 0;
    reader->at++;
    if (!call_i64(reader->call, reader->at, &limit))
        return false;
    if (limit < 0)
        return fail(reader->call, "ERR The LIMIT argument must be >= 0.");
    reader->limit_given = true;
    reader->options->trim.limit = (uint64_t)limit;
    return true;
}

static bool is_star(struct bytes text)
{
    return text.count > 0 && text.at[0] == '*' && (text.count == 1 || text.at[1] == '\0');
}

/* One option; *done: XADD's id was reached. */
static bool read_option(struct options_reader *reader, enum stream_options_of command, bool *done)
{
    struct call *call = reader->call;
    bool more = reader->at + 1 < call->argc;
    if (command == OPTIONS_OF_XADD && is_star(call->argv[reader->at])) {
        *done = true;
        return true;
    }
    if (more && (call_is(call, reader->at, "MAXLEN") || call_is(call, reader->at, "MINID")))
        return read_trim(reader, call_is(call, reader->at, "MINID"));
    if (more && call_is(call, reader->at, "LIMIT"))
        return read_limit(reader);
    if (command == OPTIONS_OF_XTRIM)
        return fail(call, "ERR syntax error");
    if (call_is(call, reader->at, "NOMKSTREAM")) {
        reader->options->no_make = true;
        return true;
    }
    *done = reader->options->id_given = true;
    return read_id(call, call->argv[reader->at], 0, STREAM_ID_AUTO, &reader->options->id,
                   &reader->options->seq_given);
}

/* Without a limit of its own "~" looks at so many entries that a command stays short. */
static bool check_limit(struct options_reader *reader, enum stream_options_of command)
{
    struct call *call = reader->call;
    struct stream_trim *trim = &reader->options->trim;
    if (trim->limit != 0 && trim->by == STREAM_TRIM_NOT)
        return fail(call, "ERR syntax error, LIMIT cannot be used without specifying a trimming "
                          "strategy");
    if (command == OPTIONS_OF_XTRIM && trim->by == STREAM_TRIM_NOT)
        return fail(call, "ERR syntax error, XTRIM must be called with a trimming strategy");
    if (reader->limit_given && !trim->whole_nodes)
        return fail(call, "ERR syntax error, LIMIT cannot be used without the special ~ option");
    if (reader->limit_given || !trim->whole_nodes)
        return true;
    int64_t entries = call->space->limits->stream_node_entries;
    trim->limit = entries <= 0                         ? LIMIT_DEFAULT
                  : entries > LIMIT_MOST / LIMIT_NODES ? LIMIT_MOST
                                                       : (uint64_t)entries * LIMIT_NODES;
    return true;
}

bool stream_options_read(struct call *call, enum stream_options_of command,
                         struct stream_options *options)
{
    *options = (struct stream_options){ 0 };
    struct options_reader reader = { call, options, 2, false };
    bool done = false;
    for (; reader.at < call->argc; reader.at++) {
        if (!read_option(&reader, command, &done))
            return false;
        if (done)
            break;
    }
    options->next = reader.at;
    return check_limit(&reader, command);
}

/* --- replies ---------------------------------------------------------------------------------- */

void stream_reply_id(struct call *call, struct stream_id id)
{
    uint8_t text[STREAM_ID_TEXT_MAX];
    reply_bulk(call->reply, bytes_of(text, stream_id_write(text, id)));
}

static void reply_element(struct call *call, const uint8_t *element)
{
    uint8_t digits[NUMBER_I64_MAX];
    reply_bulk(call->reply, packed_view(call->space, element, digits));
}

void stream_reply_entry(struct call *call, struct stream_entry *entry)
{
    const uint8_t *field, *value;
    reply_array(call->reply, 2);
    stream_reply_id(call, entry->id);
    reply_array(call->reply, 2 * entry->fields);
    while (stream_entry_pair(entry, &field, &value)) {
        reply_element(call, field);
        reply_element(call, value);
    }
}

void stream_reply_range(struct call *call, const struct stream *stream, struct stream_id from,
                        struct stream_id to, bool reverse, uint64_t count)
{
    struct stream_walk walk;
    struct stream_entry entry;
    struct reply_mark mark = reply_array_later(call->reply);
    uint64_t written = 0;
    stream_walk_begin(&walk, stream, from, to, reverse);
    for (; written < count && stream_walk_next(&walk, &entry); written++)
        stream_reply_entry(call, &entry);
    reply_count(call->reply, mark, written);
}

bool stream_reply_one(struct call *call, const struct stream *stream, struct stream_id id)
{
    struct stream_walk walk;
    struct stream_entry entry;
    stream_walk_begin(&walk, stream, id, id, false);
    if (!stream_walk_next(&walk, &entry))
        return false;
    stream_reply_entry(call, &entry);
    return true;
}
