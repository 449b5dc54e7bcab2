#include "persist/aof_load.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

struct loading {
    const struct seam *seam;
    const struct aof_handler *handler;
    struct aof_load_report *report;
    int file;
    bool transaction;
    uint64_t before_transaction; /* offset */
    uint64_t told;               /* progress */
};

static ssize_t read_file(void *context, void *at, size_t bytes)
{
    const struct loading *loading = context;
    return loading->seam->read(loading->seam->context, loading->file, at, bytes);
}

static enum aof_outcome failed(struct aof_load_report *report, enum err err)
{
    report->err = err;
    report->error = err == ERR_SYSTEM ? errno : 0;
    return AOF_FAILED;
}

/* --- one file --------------------------------------------------------------------------------- */

static enum aof_outcome load_rdb(struct loading *loading, struct aof_reader *reader, bool checksum)
{
    struct aof_load_report *report = loading->report;
    struct rdb_source source = aof_reader_rdb(reader);
    struct rdb_reader rdb;
    rdb_reader_init(&rdb, &source, loading->handler->rdb, checksum);
    errno = 0;
    enum err err = rdb_read_file(&rdb);
    if (err != ERR_NONE) {
        report->rdb = true;
        report->reason = rdb.reason;
        report->bad = rdb.offset;
    }
    rdb_reader_release(&rdb);
    if (err == ERR_NONE)
        return AOF_LOADED;
    if (reader->failed || err == ERR_MEMORY || reader->starved)
        return failed(report, reader->failed ? ERR_SYSTEM : ERR_MEMORY);
    return err == ERR_SYNTAX ? AOF_CORRUPT : failed(report, err);
}

/* A transaction counts from its EXEC on, so that a file may end before it. */
static enum err take_command(struct loading *loading, const struct aof_reader *reader)
{
    struct aof_load_report *report = loading->report;
    if (reader->argc == 1 && bytes_is(reader->argv[0], "multi") && !loading->transaction) {
        loading->transaction = true;
        loading->before_transaction = report->offset;
    } else if (reader->argc == 1 && bytes_is(reader->argv[0], "exec")) {
        loading->transaction = false;
    }
    enum err err = loading->handler->command(loading->handler->context, reader->argv, reader->argc);
    report->commands += err == ERR_NONE;
    return err;
}

static void tell_progress(struct loading *loading, const struct aof_reader *reader)
{
    enum { EVERY = 1024 * 1024 };
    if (loading->handler->progress == NULL || reader->whole - loading->told < EVERY)
        return;
    loading->told = reader->whole;
    loading->handler->progress(loading->handler->context, reader->whole);
}

static enum aof_outcome ended(struct loading *loading, const struct aof_reader *reader,
                              enum aof_result result)
{
    struct aof_load_report *report = loading->report;
    if (result == AOF_BAD) {
        report->bad = reader->bad;
        report->reason = reader->reason;
        return AOF_CORRUPT;
    }
    if (result == AOF_UNREADABLE || result == AOF_NO_MEMORY)
        return failed(report, result == AOF_UNREADABLE ? ERR_SYSTEM : ERR_MEMORY);
    if (result == AOF_END && !loading->transaction)
        return AOF_LOADED;
    report->reason = loading->transaction ? "a transaction without its end" : "a command cut off";
    if (loading->transaction)
        report->offset = loading->before_transaction;
    return AOF_ENDS;
}

static enum aof_outcome load_commands(struct loading *loading, struct aof_reader *reader)
{
    const struct aof_handler *handler = loading->handler;
    for (;;) {
        enum aof_result result = aof_reader_next(reader);
        if (result == AOF_NOTE && handler->note != NULL)
            handler->note(handler->context, reader->note);
        if (result != AOF_COMMAND && result != AOF_NOTE)
            return ended(loading, reader, result);
        enum err err = result == AOF_COMMAND ? take_command(loading, reader) : ERR_NONE;
        if (err != ERR_NONE)
            return failed(loading->report, err);
        loading->report->offset = reader->whole;
        tell_progress(loading, reader);
    }
}

static enum aof_outcome load_open(struct loading *loading, const struct aof_load_options *options)
{
    struct aof_reader reader;
    struct aof_source source = { read_file, loading, loading->report->bytes };
    aof_reader_init(&reader, &source);
    enum aof_outcome outcome = AOF_LOADED;
    if (loading->report->bytes == 0) {
        outcome = AOF_EMPTY;
    } else if (aof_reader_is_rdb(&reader)) {
        outcome = load_rdb(loading, &reader, options->checksum);
        loading->report->offset = outcome == AOF_LOADED ? reader.whole : 0;
    }
    if (outcome == AOF_LOADED)
        outcome = load_commands(loading, &reader);
    aof_reader_release(&reader);
    return outcome;
}

/* The file ends within something: whether that is to be taken, and the rest away. */
static enum aof_outcome shorten(struct loading *loading, const char *path,
                                const struct aof_load_options *options)
{
    const struct seam *seam = loading->seam;
    if (loading->handler->drop != NULL)
        loading->handler->drop(loading->handler->context);
    if (!options->cut)
        return AOF_SHORTENED;
    int file = seam->open(seam->context, path, O_WRONLY, 0);
    if (file < 0)
        return failed(loading->report, ERR_SYSTEM);
    bool cut = seam->truncate(seam->context, file, loading->report->offset) == 0 &&
               seam->sync(seam->context, file) == 0;
    int error = errno;
    seam->close(seam->context, file);
    errno = error;
    return cut ? AOF_SHORTENED : failed(loading->report, ERR_SYSTEM);
}

enum aof_outcome aof_load_file(const struct aof_place *place, const char *name, bool last,
                               const struct aof_handler *handler,
                               const struct aof_load_options *options,
                               struct aof_load_report *report)
{
    const struct seam *seam = place->seam;
    struct loading loading = { .seam = seam, .handler = handler, .report = report };
    char path[AOF_PATH_MAX];
    *report = (struct aof_load_report){ .commands = report->commands };
    snprintf(report->file, sizeof report->file, "%s", name);
    if (!aof_path(place, name, path))
        return report->outcome = failed(report, ERR_LIMIT);
    loading.file = seam->open(seam->context, path, O_RDONLY, 0);
    if (loading.file < 0) {
        report->error = errno;
        return report->outcome = AOF_UNOPENED;
    }
    int64_t bytes = seam->file_bytes(seam->context, loading.file);
    report->bytes = bytes < 0 ? 0 : (uint64_t)bytes;
    enum aof_outcome outcome =
        bytes < 0 ? failed(report, ERR_SYSTEM) : load_open(&loading, options);
    seam->close(seam->context, loading.file);
    if (outcome == AOF_ENDS && last && options->allow_cut)
        outcome = shorten(&loading, path, options);
    return report->outcome = outcome;
}

/* --- all files -------------------------------------------------------------------------------- */

static bool is_read(const struct aof_file *file)
{
    return file->kind == AOF_BASE || file->kind == AOF_INCREMENT;
}

/* What is known of a file before it is loaded. */
struct first_look {
    uint64_t bytes;   /* UINT64_MAX: unknown */
    uint64_t follows; /* so many bytes of the file before; 0: it does not say so */
    bool says_nothing;
};

enum { HEAD_MAX = 64 };

static uint64_t read_number(struct bytes text)
{
    uint64_t number;
    return number_read_u64(text, &number) ? number : 0;
}

static struct first_look look_at_head(struct bytes head, uint64_t bytes)
{
    static const char word[] = "#FOLLOWS:";
    size_t count = sizeof word - 1;
    struct first_look look = { .bytes = bytes };
    size_t same = head.count < count ? head.count : count;
    if (head.count == 0 || memcmp(head.at, word, same) != 0) {
        look.says_nothing = head.count == 0;
        return look;
    }
    const uint8_t *end = memchr(head.at, '\n', head.count); /* as the reader ends a line */
    look.says_nothing = end == NULL;
    if (end != NULL) {
        size_t line = (size_t)(end - head.at);
        line -= head.at[line - 1] == '\r';
        look.follows = read_number(bytes_of(head.at + count, line - count));
    }
    return look;
}

static struct first_look look_at_file(const struct aof_place *place, const char *name)
{
    const struct seam *seam = place->seam;
    struct first_look look = { .bytes = UINT64_MAX };
    uint8_t head[HEAD_MAX];
    char path[AOF_PATH_MAX];
    int file = aof_path(place, name, path) ? seam->open(seam->context, path, O_RDONLY, 0) : -1;
    if (file < 0)
        return look;
    int64_t bytes = seam->file_bytes(seam->context, file);
    ssize_t got = bytes < 0 ? -1 : seam->read(seam->context, file, head, sizeof head);
    if (got >= 0)
        look = look_at_head(bytes_of(head, (size_t)got), (uint64_t)bytes);
    seam->close(seam->context, file);
    return look;
}

uint32_t aof_load_extent(const struct aof_place *place, const struct aof_manifest *manifest,
                         bool *left_out)
{
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT), extent = 0;
    uint64_t before = UINT64_MAX;
    *left_out = false;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = aof_manifest_nth(manifest, AOF_INCREMENT, i)->name;
        struct first_look look = look_at_file(place, name);
        if (look.follows > before) {
            *left_out = true;
            return extent;
        }
        before = look.bytes;
        if (look.says_nothing)
            *left_out = *left_out || look.bytes > 0;
        else
            extent = i + 1;
    }
    return extent;
}

/* They begin anew. */
static enum aof_outcome leave_out(const struct aof_place *place,
                                  const struct aof_manifest *manifest, uint32_t extent,
                                  const struct aof_load_options *options,
                                  struct aof_load_report *report)
{
    const struct seam *seam = place->seam;
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT);
    for (uint32_t i = extent; i < count && options->cut; i++) {
        const char *name = aof_manifest_nth(manifest, AOF_INCREMENT, i)->name;
        char path[AOF_PATH_MAX];
        int file = aof_path(place, name, path) ? seam->open(seam->context, path, O_WRONLY, 0) : -1;
        if (file < 0)
            return failed(report, ERR_SYSTEM);
        bool cut =
            seam->truncate(seam->context, file, 0) == 0 && seam->sync(seam->context, file) == 0;
        int error = errno;
        seam->close(seam->context, file);
        errno = error;
        if (!cut)
            return failed(report, ERR_SYSTEM);
    }
    report->left_out = true;
    return AOF_SHORTENED;
}

/* Commands may be none, and a snapshot is never without a byte. */
static enum aof_outcome load_base(const struct aof_place *place, const char *name, bool last,
                                  const struct aof_handler *handler,
                                  const struct aof_load_options *options,
                                  struct aof_load_report *report)
{
    static const char ending[] = ".rdb";
    size_t count = strlen(name), least = sizeof ending - 1;
    enum aof_outcome outcome = aof_load_file(place, name, last, handler, options, report);
    if (outcome != AOF_EMPTY || count < least || strcmp(name + count - least, ending) != 0)
        return outcome;
    report->rdb = true;
    report->reason = "a snapshot without a byte";
    return report->outcome = AOF_CORRUPT;
}

enum aof_outcome aof_load(const struct aof_place *place, const struct aof_manifest *manifest,
                          const struct aof_handler *handler, const struct aof_load_options *options,
                          struct aof_load_report *report)
{
    bool left_out;
    uint32_t count = aof_manifest_count(manifest, AOF_INCREMENT);
    uint32_t extent = aof_load_extent(place, manifest, &left_out);
    enum aof_outcome all = count == 0 ? AOF_NONE : AOF_EMPTY;
    const struct aof_file *base = aof_manifest_nth(manifest, AOF_BASE, 0);
    *report = (struct aof_load_report){ .outcome = all };
    if (base != NULL)
        all = load_base(place, base->name, count == 0, handler, options, report);
    for (uint32_t i = 0; i < extent && all <= AOF_NONE; i++) {
        const struct aof_file *file = aof_manifest_nth(manifest, AOF_INCREMENT, i);
        enum aof_outcome one =
            aof_load_file(place, file->name, i + 1 == extent, handler, options, report);
        if (one != AOF_EMPTY || all == AOF_NONE)
            all = one;
    }
    if (all <= AOF_SHORTENED && left_out) {
        report->reason = "its end is missing";
        all = options->allow_cut ? leave_out(place, manifest, extent, options, report) : AOF_ENDS;
    }
    return report->outcome = all;
}

uint64_t aof_file_bytes(const struct aof_place *place, const char *name)
{
    const struct seam *seam = place->seam;
    char path[AOF_PATH_MAX];
    int file = aof_path(place, name, path) ? seam->open(seam->context, path, O_RDONLY, 0) : -1;
    if (file < 0)
        return UINT64_MAX;
    int64_t bytes = seam->file_bytes(seam->context, file);
    seam->close(seam->context, file);
    return bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
}

uint64_t aof_load_bytes(const struct aof_place *place, const struct aof_manifest *manifest)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < manifest->count; i++) {
        if (!is_read(&manifest->files[i]))
            continue;
        uint64_t bytes = aof_file_bytes(place, manifest->files[i].name);
        if (bytes == UINT64_MAX)
            return UINT64_MAX;
        sum += bytes;
    }
    return sum;
}

/* --- words ------------------------------------------------------------------------------------ */

static bool explain_failure(const struct aof_load_report *report, struct buffer *text)
{
    if (report->err == ERR_SYSTEM)
        return buffer_printf(text, "Unrecoverable error reading the append only file %s: %s",
                             report->file, strerror(report->error));
    return buffer_printf(text, "Loading the append only file %s ended at offset %" PRIu64 ": %s",
                         report->file, report->offset,
                         report->err == ERR_MEMORY ? "out of memory" : "a command was refused");
}

bool aof_load_explain(const struct aof_load_report *report, struct buffer *text)
{
    const char *reason = report->reason == NULL ? "" : report->reason;
    switch (report->outcome) {
    case AOF_SHORTENED:
        if (report->left_out)
            return buffer_printf(
                text,
                "AOF %s is shorter than it was, as after a machine has stopped: loaded anyway "
                "because aof-load-truncated is enabled, up to offset %" PRIu64
                "; what followed it is left out",
                report->file, report->offset);
        return buffer_printf(text,
                             "AOF %s ends within a command or transaction (%s): loaded anyway "
                             "because aof-load-truncated is enabled, truncated at offset %" PRIu64,
                             report->file, reason, report->offset);
    case AOF_ENDS:
        return buffer_printf(
            text,
            "Unexpected end of file reading the append only file %s: whole up to offset %" PRIu64
            " of %" PRIu64 ". You can: 1) Make a backup of your AOF file, then use snug-check "
            "--fix. 2) Alternatively, if it is the last file, you can set the "
            "'aof-load-truncated' configuration option to yes and restart the server.",
            report->file, report->offset, report->bytes);
    case AOF_CORRUPT:
        return buffer_printf(text,
                             "Bad file format reading the append only file %s at offset %" PRIu64
                             ": %s. Make a backup of your AOF file, then use snug-check%s.",
                             report->file, report->bad, reason, report->rdb ? "" : " --fix");
    case AOF_UNOPENED:
        return buffer_printf(text, "Fatal error: can't open the append log file %s for reading: %s",
                             report->file, strerror(report->error));
    case AOF_FAILED:
        return explain_failure(report, text);
    case AOF_LOADED:
    case AOF_EMPTY:
    case AOF_NONE:
        break;
    }
    return true;
}
