#include "persist/snapshot.h"
#include "base/memory.h"
#include "base/version.h"
#include "persist/aof_commands.h"
#include "persist/output.h"
#include "persist/rdb_put.h"
#include "store/walk.h"
#include "types/string.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    CHUNK_BYTES = 64 * 1024,
    QUEUE_BYTES = 4 * 1024 * 1024, /* unwritten: more is only added by what is about to change */
    SYNC_BYTES = 4 * 1024 * 1024,
    VISITS = 16, /* between two looks at the clock */
    REASON_MAX = 200,
    NO_DB = -1,
};

/* A big value to be told: the key, and the body as it was. */
struct note {
    struct note *next;
    struct rdb_key_facts facts;
    struct value value;
    int db;
    size_t bytes;
    uint8_t text[]; /* name, body */
};

/* Where records go, and the database of the last one. */
struct stream_of_records {
    struct rdb_writer writer;
    struct aof_commands commands; /* instead of it */
    struct buffer out;
    int db;
};

struct snapshot {
    const struct seam *seam;
    struct store *store;
    struct output *output;
    enum snapshot_use use;
    uint64_t memory_limit, key_delay_ns, next_key_ns;

    struct stream_of_records records, early;
    bool *told_sizes; /* by database */
    struct note *first, *last;
    uint64_t note_bytes;
    struct note *current; /* is being told */
    struct teller *teller;

    bool as_commands;
    bool walking, walked, ending, cancelled, given_up;
    bool stepping;
    enum snapshot_state state;
    uint64_t keys, keys_done, held_most, written;
    char reason[REASON_MAX];
};

/* --- ends ------------------------------------------------------------------------------------- */

static void drop_note(struct snapshot *snapshot, struct note *note)
{
    if (note != NULL)
        snapshot->note_bytes -= note->bytes;
    memory_give(note);
}

/* pre: the walk is open, if something is being told. */
static void drop_kept(struct snapshot *snapshot)
{
    teller_drop(snapshot->teller);
    snapshot->teller = NULL;
    drop_note(snapshot, snapshot->current);
    snapshot->current = NULL;
    while (snapshot->first != NULL) {
        struct note *next = snapshot->first->next;
        drop_note(snapshot, snapshot->first);
        snapshot->first = next;
    }
    snapshot->last = NULL;
    buffer_release(&snapshot->early.out);
}

static void end_walk(struct snapshot *snapshot)
{
    if (snapshot->walking)
        store_walk_end(snapshot->store);
    snapshot->walking = false;
}

__attribute__((format(printf, 2, 3))) static void fail(struct snapshot *snapshot,
                                                       const char *format, ...)
{
    va_list arguments;
    if (snapshot->reason[0] != 0)
        return;
    va_start(arguments, format);
    vsnprintf(snapshot->reason, sizeof snapshot->reason, format, arguments);
    va_end(arguments);
}

static void fail_by_memory(struct snapshot *snapshot)
{
    fail(snapshot, "there is no memory for it");
}

static void check(struct snapshot *snapshot, enum err err)
{
    if (err == ERR_LIMIT)
        fail(snapshot, "a value does not fit the format");
    else if (err != ERR_NONE)
        fail_by_memory(snapshot);
}

static bool has_failed(const struct snapshot *snapshot)
{
    return snapshot->reason[0] != 0;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Sizes are hints, and once for each database enough. */
static void write_database(struct snapshot *snapshot, struct stream_of_records *records, int db)
{
    uint64_t keys = 0, expires = 0;
    if (records->db == db)
        return;
    records->db = db;
    if (snapshot->as_commands) {
        check(snapshot, aof_commands_database(&records->commands, (unsigned)db));
        return;
    }
    if (!snapshot->told_sizes[db]) {
        snapshot->told_sizes[db] = true;
        store_walk_counts(snapshot->store, (unsigned)db, &keys, &expires);
        check(snapshot, rdb_write_database(&records->writer, (unsigned)db, keys, expires));
        return;
    }
    size_t start = records->out.count;
    rdb_put_byte(&records->writer, RDB_SELECTDB);
    rdb_put_length(&records->writer, (uint64_t)db);
    check(snapshot, rdb_put_end(&records->writer, start));
}

static void flush(struct snapshot *snapshot, size_t least)
{
    struct buffer *out = &snapshot->records.out;
    if (out->count <= least || has_failed(snapshot))
        return;
    uint64_t bytes = out->count;
    switch (output_give(snapshot->output, out)) {
    case ERR_NONE:
        snapshot->written += bytes;
        break;
    case ERR_SYSTEM:
        break; /* the step that finds it says why */
    case ERR_MEMORY:
    case ERR_RANGE:
    case ERR_SYNTAX:
    case ERR_MISSING:
    case ERR_EXISTS:
    case ERR_TYPE:
    case ERR_LIMIT:
    default:
        fail_by_memory(snapshot);
    }
}

/* What was written aside follows the record that is whole now. */
static void append_early(struct snapshot *snapshot)
{
    struct stream_of_records *early = &snapshot->early, *records = &snapshot->records;
    if (early->out.count == 0)
        return;
    size_t start = records->out.count;
    if (!snapshot->as_commands) {
        rdb_put(&records->writer, buffer_view(&early->out));
        check(snapshot, rdb_put_end(&records->writer, start));
    } else if (!buffer_append(&records->out, buffer_view(&early->out))) {
        fail_by_memory(snapshot);
    }
    records->db = early->db;
    early->db = NO_DB;
    buffer_release(&early->out);
}

struct telling {
    struct snapshot *snapshot;
    struct stream_of_records *records;
};

static void write_part(void *context, const struct part *part)
{
    struct telling *telling = context;
    struct snapshot *snapshot = telling->snapshot;
    if (snapshot->as_commands)
        check(snapshot, aof_commands_part(&telling->records->commands, part));
    else
        check(snapshot, rdb_write_part(&telling->records->writer, part));
}

static void write_end(struct snapshot *snapshot, struct stream_of_records *records)
{
    if (snapshot->as_commands)
        check(snapshot, aof_commands_end(&records->commands));
    else
        check(snapshot, rdb_write_value_end(&records->writer));
}

static void write_key(struct snapshot *snapshot, struct stream_of_records *records,
                      struct rdb_key_facts *facts, const struct teller *teller, int db)
{
    write_database(snapshot, records, db);
    teller_summary(teller, &facts->summary);
    if (snapshot->as_commands)
        check(snapshot, aof_commands_key(&records->commands, facts));
    else
        check(snapshot, rdb_write_key(&records->writer, facts));
}

/* A value in one go: what stands in the entry itself, and strings. */
static void write_whole(struct snapshot *snapshot, struct stream_of_records *records,
                        struct rdb_key_facts *facts, const struct value *value, int db)
{
    struct teller *teller = teller_new(store_space(snapshot->store), value);
    if (teller == NULL) {
        fail_by_memory(snapshot);
        return;
    }
    struct telling telling = { snapshot, records };
    write_key(snapshot, records, facts, teller, db);
    while (!has_failed(snapshot) && !teller_step(teller, write_part, &telling)) {
        if (records == &snapshot->records)
            flush(snapshot, CHUNK_BYTES);
    }
    if (!has_failed(snapshot))
        write_end(snapshot, records);
    teller_drop(teller);
    store_walk_done(snapshot->store, value);
}

/* --- what the walk brings --------------------------------------------------------------------- */

static struct rdb_key_facts facts_of(const struct snapshot *snapshot, const struct entry *entry)
{
    struct rdb_key_facts facts = { .name = entry_key(entry),
                                   .expiry = entry_expiry(entry),
                                   .idle_s = -1,
                                   .frequency = -1,
                                   .type = entry_type(entry) };
    if (snapshot->use == SNAPSHOT_USE_LRU)
        facts.idle_s = (int64_t)store_idle_seconds(snapshot->store, entry);
    else if (snapshot->use == SNAPSHOT_USE_LFU)
        facts.frequency = (int)store_frequency(snapshot->store, entry);
    return facts;
}

static void add_note(struct snapshot *snapshot, const struct rdb_key_facts *facts,
                     const struct value *value, int db)
{
    size_t bytes = sizeof(struct note) + facts->name.count + value->body.count;
    struct note *note = memory_take(bytes);
    if (note == NULL) {
        fail_by_memory(snapshot);
        return;
    }
    *note = (struct note){ .facts = *facts, .value = *value, .db = db, .bytes = bytes };
    memcpy(note->text, facts->name.at, facts->name.count);
    note->facts.name.at = note->text;
    memcpy(note->text + facts->name.count, value->body.at, value->body.count);
    note->value.body.at = note->text + facts->name.count;
    snapshot->note_bytes += bytes;
    if (snapshot->last != NULL)
        snapshot->last->next = note;
    else
        snapshot->first = note;
    snapshot->last = note;
}

/* What has blocks beside its entry, which are kept until it has been told. */
static bool is_big(const struct value *value)
{
    return value_root_id(value) != 0 ||
           (value->type == VALUE_STRING && value->encoding == STRING_BIG);
}

static uint64_t held(struct snapshot *snapshot)
{
    uint64_t bytes = output_pending(snapshot->output) + snapshot->records.out.count +
                     snapshot->early.out.count + snapshot->note_bytes;
    if (snapshot->walking)
        bytes += store_walk_bytes(snapshot->store);
    if (bytes > snapshot->held_most)
        snapshot->held_most = bytes;
    return bytes;
}

static void check_held(struct snapshot *snapshot)
{
    uint64_t large = snapshot->walking ? store_walk_large_bytes(snapshot->store) : 0;
    if (held(snapshot) - large > snapshot->memory_limit)
        fail(snapshot,
             "what is kept for it of changed data takes more than snapshot-memory-limit, %" PRIu64
             " bytes",
             snapshot->memory_limit);
}

static void visit(void *context, unsigned db, const struct entry *entry, bool early)
{
    struct snapshot *snapshot = context;
    if (has_failed(snapshot) || snapshot->cancelled)
        return;
    struct rdb_key_facts facts = facts_of(snapshot, entry);
    struct value value = entry_value(entry);
    bool aside = snapshot->teller != NULL;
    snapshot->keys_done++;
    if (is_big(&value))
        add_note(snapshot, &facts, &value, (int)db);
    else
        write_whole(snapshot, aside ? &snapshot->early : &snapshot->records, &facts, &value,
                    (int)db);
    if (!early)
        return;
    if (!aside)
        flush(snapshot, CHUNK_BYTES);
    check_held(snapshot); /* one command may change all that is left */
}

/* The walk is over when this returns, and with it what was kept of big values. In a step it is for
 * want of memory. */
static void abandoned(void *context, const char *reason)
{
    struct snapshot *snapshot = context;
    drop_kept(snapshot);
    snapshot->walking = false;
    if (snapshot->stepping)
        fail(snapshot, "%s", reason);
    else
        snapshot_cancel(snapshot);
}

/* --- big values ------------------------------------------------------------------------------- */

static void begin_note(struct snapshot *snapshot)
{
    struct note *note = snapshot->first;
    snapshot->first = note->next;
    if (note->next == NULL)
        snapshot->last = NULL;
    snapshot->current = note;
    snapshot->teller = teller_new(store_space(snapshot->store), &note->value);
    if (snapshot->teller == NULL)
        fail_by_memory(snapshot);
    else
        write_key(snapshot, &snapshot->records, &note->facts, snapshot->teller, note->db);
}

static void end_note(struct snapshot *snapshot)
{
    write_end(snapshot, &snapshot->records);
    teller_drop(snapshot->teller);
    snapshot->teller = NULL;
    store_walk_done(snapshot->store, &snapshot->current->value);
    drop_note(snapshot, snapshot->current);
    snapshot->current = NULL;
    append_early(snapshot);
}

static void tell_some(struct snapshot *snapshot)
{
    struct telling telling = { snapshot, &snapshot->records };
    if (!store_walk_goes_on(snapshot->store))
        return;
    if (snapshot->teller == NULL)
        begin_note(snapshot);
    if (has_failed(snapshot))
        return;
    bool last = teller_step(snapshot->teller, write_part, &telling);
    if (teller_is_spoiled(snapshot->teller))
        fail_by_memory(snapshot);
    else if (last && !has_failed(snapshot))
        end_note(snapshot);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void end_records(struct snapshot *snapshot)
{
    end_walk(snapshot);
    if (!snapshot->as_commands)
        check(snapshot, rdb_write_footer(&snapshot->records.writer));
    flush(snapshot, 0);
    if (!has_failed(snapshot))
        output_finish(snapshot->output);
    snapshot->ending = true;
}

static bool visit_some(struct snapshot *snapshot, uint64_t deadline_ns)
{
    if (snapshot->key_delay_ns == 0)
        return store_walk_step(snapshot->store, deadline_ns, VISITS);
    snapshot->next_key_ns = seam_now_ns(snapshot->seam) + snapshot->key_delay_ns;
    return store_walk_step(snapshot->store, deadline_ns, 1);
}

/* One thing; false: there is only waiting. */
static bool work(struct snapshot *snapshot, uint64_t now_ns, uint64_t deadline_ns)
{
    if (!snapshot->ending)
        check_held(snapshot);
    if (has_failed(snapshot) || snapshot->ending || output_pending(snapshot->output) >= QUEUE_BYTES)
        return false;
    if (snapshot->teller != NULL || snapshot->first != NULL)
        tell_some(snapshot);
    else if (now_ns < snapshot->next_key_ns)
        return false;
    else if (snapshot->walked)
        end_records(snapshot);
    else
        snapshot->walked = visit_some(snapshot, deadline_ns);
    flush(snapshot, CHUNK_BYTES);
    return !snapshot->cancelled && !has_failed(snapshot);
}

/* Failed or cancelled: what is kept goes at once, the output when its thread has noticed. */
static void give_up(struct snapshot *snapshot)
{
    drop_kept(snapshot);
    end_walk(snapshot);
    snapshot->ending = snapshot->given_up = true;
    output_cancel(snapshot->output);
}

static void look_at_output(struct snapshot *snapshot)
{
    enum output_state state = output_state(snapshot->output);
    if (state == OUTPUT_FAILED) {
        struct output_error error = output_error(snapshot->output);
        fail(snapshot, "%s: %s", error.step, strerror(error.number));
    }
    if (has_failed(snapshot) && !snapshot->given_up)
        give_up(snapshot);
    if (state == OUTPUT_OPEN || state == OUTPUT_ENDING)
        return;
    if (has_failed(snapshot))
        snapshot->state = SNAPSHOT_FAILED;
    else
        snapshot->state = state == OUTPUT_DONE ? SNAPSHOT_DONE : SNAPSHOT_ABANDONED;
}

enum snapshot_state snapshot_step(struct snapshot *snapshot, uint64_t deadline_ns)
{
    uint64_t now_ns;
    snapshot->stepping = true;
    do {
        now_ns = seam_now_ns(snapshot->seam);
        if (snapshot->cancelled || !work(snapshot, now_ns, deadline_ns))
            break;
    } while (now_ns < deadline_ns);
    snapshot->stepping = false;
    look_at_output(snapshot);
    return snapshot->state;
}

bool snapshot_is_busy(struct snapshot *snapshot)
{
    return !snapshot->ending && !snapshot->cancelled && !has_failed(snapshot) &&
           output_pending(snapshot->output) < QUEUE_BYTES &&
           (snapshot->next_key_ns == 0 || seam_now_ns(snapshot->seam) >= snapshot->next_key_ns);
}

bool snapshot_is_pressed(struct snapshot *snapshot)
{
    return !snapshot->ending && held(snapshot) > snapshot->memory_limit / 2;
}

void snapshot_wait(struct snapshot *snapshot, uint64_t most_ns)
{
    uint64_t below = snapshot->ending ? 0 : QUEUE_BYTES;
    output_wait(snapshot->output, below, most_ns);
}

void snapshot_cancel(struct snapshot *snapshot)
{
    snapshot->cancelled = true;
    if (snapshot->walking)
        drop_kept(snapshot);
    end_walk(snapshot);
    snapshot->ending = true;
    output_cancel(snapshot->output);
}

void snapshot_figures(struct snapshot *snapshot, struct snapshot_figures *figures)
{
    *figures = (struct snapshot_figures){ .keys = snapshot->keys,
                                          .keys_done = snapshot->keys_done,
                                          .held = held(snapshot),
                                          .written = snapshot->written,
                                          .version = snapshot->records.writer.version };
    figures->held_most = snapshot->held_most;
}

const char *snapshot_reason(const struct snapshot *snapshot)
{
    return snapshot->reason;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void write_number(struct snapshot *snapshot, const char *name, int64_t number)
{
    char text[24];
    int count = snprintf(text, sizeof text, "%" PRId64, number);
    check(snapshot, rdb_write_aux(&snapshot->records.writer, name, bytes_of(text, (size_t)count)));
}

static void write_head(struct snapshot *snapshot, const struct snapshot_options *options)
{
    struct rdb_writer *writer = &snapshot->records.writer;
    if (snapshot->as_commands)
        return;
    check(snapshot, rdb_write_header(writer));
    check(snapshot, rdb_write_aux(writer, "redis-ver", BYTES(SNUG_REDIS_VERSION)));
    write_number(snapshot, "redis-bits", 64);
    write_number(snapshot, "ctime", seam_wall_ms(options->seam) / 1000);
    write_number(snapshot, "used-mem", (int64_t)options->used_memory);
    write_number(snapshot, "aof-base", options->aof_base);
}

static void write_function(void *to, struct bytes source)
{
    struct snapshot *snapshot = to;
    if (snapshot->as_commands)
        check(snapshot, aof_commands_function(&snapshot->records.commands, source));
    else
        check(snapshot, rdb_write_function(&snapshot->records.writer, source));
    flush(snapshot, CHUNK_BYTES);
}

static void write_functions(struct snapshot *snapshot, const struct snapshot_options *options)
{
    if (options->functions != NULL)
        options->functions(options->context, write_function, snapshot);
}

static bool count_keys(struct snapshot *snapshot)
{
    unsigned count = store_databases(snapshot->store);
    snapshot->told_sizes = memory_take_zeroed(count * sizeof *snapshot->told_sizes);
    for (unsigned db = 0; db < count; db++)
        snapshot->keys += store_count(snapshot->store, db);
    return snapshot->told_sizes != NULL;
}

static bool open_output(struct snapshot *snapshot, const struct snapshot_options *options)
{
    struct output_options output = { .seam = options->seam,
                                     .directory = options->directory,
                                     .name = options->name,
                                     .sync_bytes = options->sync_often ? SYNC_BYTES : 0 };
    snapshot->output = output_new(&output);
    return snapshot->output != NULL;
}

static bool begin_walk(struct snapshot *snapshot, const struct snapshot_options *options)
{
    struct store_walk_options walk = {
        .visit = visit,
        .abandoned = abandoned,
        .context = snapshot,
        .past_limit = options->memory_limit,
    };
    snapshot->walking = store_walk_begin(options->store, &walk) == ERR_NONE;
    return snapshot->walking;
}

static void init_writers(struct snapshot *snapshot, const struct snapshot_options *options)
{
    unsigned version = options->version;
    if (store_walk_had_field_expiries(options->store))
        version = RDB_VERSION_MAX;
    rdb_writer_init(&snapshot->records.writer, &snapshot->records.out, version, options->compress,
                    options->checksum);
    rdb_writer_init(&snapshot->early.writer, &snapshot->early.out, version, options->compress,
                    false);
    aof_commands_init(&snapshot->records.commands, &snapshot->records.out);
    aof_commands_init(&snapshot->early.commands, &snapshot->early.out);
}

struct snapshot *snapshot_new(const struct snapshot_options *options)
{
    struct snapshot *snapshot = memory_take_zeroed(sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    snapshot->seam = options->seam;
    snapshot->store = options->store;
    snapshot->use = options->use;
    snapshot->memory_limit = options->memory_limit;
    snapshot->as_commands = options->commands;
    snapshot->key_delay_ns = options->key_delay_us * 1000;
    snapshot->records.db = snapshot->early.db = NO_DB;
    if (count_keys(snapshot) && open_output(snapshot, options) && begin_walk(snapshot, options)) {
        init_writers(snapshot, options);
        write_head(snapshot, options);
        write_functions(snapshot, options);
        return snapshot;
    }
    snapshot_drop(snapshot);
    return NULL;
}

void snapshot_drop(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    if (snapshot->walking)
        snapshot_cancel(snapshot);
    drop_kept(snapshot);
    output_drop(snapshot->output);
    rdb_writer_release(&snapshot->records.writer);
    rdb_writer_release(&snapshot->early.writer);
    aof_commands_release(&snapshot->records.commands);
    aof_commands_release(&snapshot->early.commands);
    buffer_release(&snapshot->records.out);
    memory_give(snapshot->told_sizes);
    memory_give(snapshot);
}
