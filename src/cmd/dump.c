#include "cmd/dump_command.h"

#include "base/number.h"
#include "cmd/effects.h"
#include "conf/config.h"
#include "persist/rdb_read.h"
#include "struct/past.h"

/* --- DUMP ------------------------------------------------------------------------------------- */

struct dumping {
    struct rdb_writer writer;
    enum err err; /* the first that happened */
};

static void write_part(void *context, const struct part *part)
{
    struct dumping *dumping = context;
    if (dumping->err == ERR_NONE)
        dumping->err = rdb_write_part(&dumping->writer, part);
}

/* Only version 12 knows when fields of a hash expire; all else is written in the version that is
 * asked for, so that older servers can read it. */
static unsigned version_for(const struct call *call, const struct value *value,
                            const struct value_summary *summary)
{
    if (value->type == VALUE_HASH && summary->first_expiry != VALUE_NEVER)
        return RDB_VERSION_MAX;
    return (unsigned)call->context->config->rdb_version;
}

static enum err write_value(struct call *call, const struct value *value, struct teller *teller,
                            struct buffer *out)
{
    struct value_summary summary;
    struct dumping dumping = { .err = ERR_NONE };
    struct rdb_writer *writer = &dumping.writer;
    teller_summary(teller, &summary);
    rdb_writer_init(writer, out, version_for(call, value, &summary),
                    call->context->config->rdbcompression, true);
    dumping.err = rdb_write_value(writer, value->type, &summary);
    while (dumping.err == ERR_NONE && !teller_step(teller, write_part, &dumping))
        ;
    if (dumping.err == ERR_NONE && teller_is_spoiled(teller))
        dumping.err = ERR_MEMORY;
    if (dumping.err == ERR_NONE)
        dumping.err = rdb_write_value_end(writer);
    if (dumping.err == ERR_NONE)
        dumping.err = rdb_write_dump_tail(writer);
    rdb_writer_release(writer);
    return dumping.err;
}

enum err dump_value(struct call *call, const struct value *value, struct buffer *out)
{
    enum err err = ERR_MEMORY;
    struct past *past = past_hide(call->space);
    struct teller *teller = teller_new(call->space, value);
    if (teller != NULL)
        err = write_value(call, value, teller, out);
    teller_drop(teller);
    past_show(call->space, past);
    return err;
}

void cmd_dump(struct call *call)
{
    struct buffer out = { 0 };
    const struct entry *entry = call_read(call, &call->first);
    if (entry == NULL) {
        reply_nil(call->reply);
        return;
    }
    struct value value = entry_value(entry);
    enum err err = dump_value(call, &value, &out);
    if (err == ERR_NONE)
        reply_bulk(call->reply, buffer_view(&out));
    else if (err == ERR_LIMIT)
        reply_error(call->reply, "ERR the value does not fit the format of a DUMP");
    else
        call_memory_error(call);
    buffer_release(&out);
}

/* --- RESTORE: the arguments ------------------------------------------------------------------- */

struct restore_options {
    bool replace, absolute;
    int64_t idle_s;    /* -1: not given */
    int64_t frequency; /* likewise */
    int64_t expiry;    /* ms since 1970, or STORE_NO_EXPIRY */
};

/* The number behind an option, 0 to `most`. */
static bool read_use(struct call *call, uint32_t at, int64_t most, const char *complaint,
                     int64_t *number)
{
    int64_t read = 0;
    if (!call_i64(call, at, &read))
        return false;
    if (read < 0 || read > most) {
        reply_error(call->reply, complaint);
        return false;
    }
    *number = read;
    return true;
}

/* One option at `*at`, which moves on over what belongs to it. IDLETIME and FREQ exclude each
 * other: a server goes by one of them. */
static bool read_option(struct call *call, uint32_t *at, struct restore_options *options)
{
    bool more = *at + 1 < call->argc;
    if (call_is(call, *at, "replace")) {
        options->replace = true;
        return true;
    }
    if (call_is(call, *at, "absttl")) {
        options->absolute = true;
        return true;
    }
    if (call_is(call, *at, "idletime") && more && options->frequency < 0)
        return read_use(call, ++*at, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                        &options->idle_s);
    if (call_is(call, *at, "freq") && more && options->idle_s < 0)
        return read_use(call, ++*at, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255",
                        &options->frequency);
    call_syntax_error(call);
    return false;
}

static bool read_options(struct call *call, struct restore_options *options)
{
    *options = (struct restore_options){ .idle_s = -1, .frequency = -1, .expiry = STORE_NO_EXPIRY };
    for (uint32_t at = 4; at < call->argc; at++)
        if (!read_option(call, &at, options))
            return false;
    return true;
}

/* What an entry cannot hold becomes the last time that it can, as with EXPIRE. */
static bool read_expiry(struct call *call, struct restore_options *options)
{
    const int64_t latest = ((int64_t)1 << ENTRY_EXPIRY_BITS) - 1;
    int64_t ttl = 0;
    if (!call_i64(call, 2, &ttl))
        return false;
    if (ttl < 0) {
        reply_error(call->reply, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    if (ttl == 0)
        return true;
    if (!options->absolute && !add_i64(ttl, store_now_ms(call->store), &ttl))
        ttl = latest;
    options->expiry = ttl < latest ? ttl : latest;
    return true;
}

/* --- RESTORE: the value ----------------------------------------------------------------------- */

struct restoring {
    struct space *space;
    struct maker *maker;
};

static enum err take_type(void *context, const struct rdb_key_facts *facts)
{
    struct restoring *restoring = context;
    restoring->maker = maker_new(restoring->space, facts->type, facts->summary.count);
    return restoring->maker != NULL ? ERR_NONE : ERR_MEMORY;
}

static enum err take_part(void *context, const struct part *part)
{
    struct restoring *restoring = context;
    return maker_take(restoring->maker, part);
}

/* ERR_SYNTAX: no value, or one that cannot be. */
static enum err make_value(struct call *call, struct value *value, struct buffer *body)
{
    struct restoring restoring = { .space = call->space };
    const struct rdb_handler handler = { .key = take_type,
                                         .part = take_part,
                                         .context = &restoring };
    const char *reason;
    enum err err = rdb_read_dump(call->argv[3], &handler, &reason);
    if (err == ERR_NONE && restoring.maker == NULL)
        err = ERR_SYNTAX;
    if (err == ERR_NONE)
        err = maker_finish(restoring.maker, value, body);
    maker_drop(restoring.maker);
    return err;
}

/* --- RESTORE ---------------------------------------------------------------------------------- */

/* The same with the time at which it expires instead of one from now. */
static void tell_absolute(struct call *call, const struct restore_options *options)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (!call_is_heard(call) || options->absolute || options->expiry == STORE_NO_EXPIRY)
        return;
    struct bytes *argv = arena_take_many(call->arena, (size_t)call->argc + 1, sizeof *argv);
    if (argv == NULL) {
        effects_lose(call);
        return;
    }
    memcpy(argv, call->argv, call->argc * sizeof *argv);
    argv[2] = bytes_of(digits, number_write_i64(digits, options->expiry));
    argv[call->argc] = bytes_of_text("ABSTTL");
    effects_instead(call, argv, call->argc + 1);
}

/* Its time is over already: what it would have replaced goes. */
static void replace_by_nothing(struct call *call, struct entry *there)
{
    if (there == NULL)
        return;
    store_remove(call->store, call->db, &call->first, there, EVENT_DEL);
    effect_of_key(call, "DEL", call->first.name);
}

static enum err put(struct call *call, const struct restore_options *options, struct entry *there,
                    const struct value *value)
{
    struct entry *entry;
    if (there != NULL) /* what replaces counts as new */
        store_notify(call->store, call->db, call->first.name, EVENT_NEW);
    enum err err = store_put(call->store, call->db, &call->first, there, value, options->expiry,
                             EVENT_RESTORE, &entry);
    if (err != ERR_NONE)
        return err;
    store_set_use(call->store, entry, options->idle_s, (int)options->frequency);
    tell_absolute(call, options);
    return ERR_NONE;
}

/* Making a value changes no key: `there` is still good after it. */
static enum err restore(struct call *call, const struct restore_options *options,
                        struct entry *there)
{
    struct value value;
    struct buffer body = { 0 };
    enum err err = make_value(call, &value, &body);
    if (err == ERR_NONE && options->expiry != STORE_NO_EXPIRY &&
        options->expiry <= store_now_ms(call->store)) {
        value_drop(call->space, &value);
        replace_by_nothing(call, there);
    } else if (err == ERR_NONE) {
        err = put(call, options, there, &value);
        if (err != ERR_NONE)
            value_drop(call->space, &value);
    }
    buffer_release(&body);
    return err;
}

void cmd_restore(struct call *call)
{
    struct restore_options options;
    if (!read_options(call, &options))
        return;
    struct entry *there = store_look(call->store, call->db, &call->first);
    if (there != NULL && !options.replace) {
        reply_error(call->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!read_expiry(call, &options))
        return;
    if (!rdb_dump_is_whole(call->argv[3])) {
        reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    enum err err = restore(call, &options, there);
    if (err == ERR_NONE)
        reply_ok(call->reply);
    else if (err == ERR_MEMORY)
        call_memory_error(call);
    else
        reply_error(call->reply, "ERR Bad data format");
}
