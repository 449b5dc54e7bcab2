/* snug-check: whether a snapshot or an append-only log can be loaded, and where it breaks.
 * Everything is read by the same readers that the server has. */
#include "base/number.h"
#include "os/seam.h"
#include "persist/aof_load.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: snug-check [--fix [--yes]] [--truncate-to-timestamp SECONDS] PATH\n"
    "\n"
    "PATH is one of\n"
    "  NAME.manifest   an append-only log of several files: each of them is checked\n"
    "  a directory     the same; it holds one manifest\n"
    "  a log           one file of commands, with or without a snapshot in front\n"
    "  a snapshot      what SAVE and BGSAVE write (RDB, versions up to 12)\n"
    "\n"
    "What is found is told: databases, keys, commands, and up to which byte the file is whole.\n"
    "\n"
    "  --fix                    cut the last file of a log off behind its last whole command or\n"
    "                           transaction, after asking. Nothing else is ever changed; make a\n"
    "                           copy first: what is behind the cut is lost.\n"
    "  --yes                    do not ask\n"
    "  --truncate-to-timestamp  cut the last file off in front of the first #TS: line (written\n"
    "                           with aof-timestamp-enabled yes) that is later than this\n"
    "  --help                   this text\n"
    "\n"
    "exit code: 0 all is whole, or was made so; 1 something is not, or cannot be read; 2 these\n"
    "words were not understood\n";

struct check {
    const struct seam *seam;
    const char *path;
    bool fix, yes;
    int64_t until; /* seconds since 1970; INT64_MAX: no */

    /* Of the file under way: */
    uint64_t keys, expires, expired, functions;
    uint64_t by_type[VALUE_TYPES];
    const struct aof_load_report *report;
    bool late;        /* a note later than `until` was read */
    uint64_t in_time; /* offset of the first such note */
};

/* --- what is told on the way ------------------------------------------------------------------ */

static void print_text(struct bytes text)
{
    enum { SHOWN = 200 };
    for (size_t i = 0; i < text.count && i < SHOWN; i++)
        putchar(text.at[i] >= ' ' && text.at[i] < 127 ? text.at[i] : '?');
}

static enum err tell_aux(void *context, struct bytes name, struct bytes value)
{
    (void)context;
    printf("  AUX FIELD ");
    print_text(name);
    printf(" = '");
    print_text(value);
    printf("'\n");
    return ERR_NONE;
}

static enum err tell_function(void *context, struct bytes source)
{
    struct check *check = context;
    (void)source;
    check->functions++;
    return ERR_NONE;
}

static enum err tell_database(void *context, unsigned db, uint64_t keys, uint64_t expires)
{
    (void)context;
    printf("  Selecting DB ID %u (%" PRIu64 " keys, %" PRIu64 " with an expiry)\n", db, keys,
           expires);
    return ERR_NONE;
}

static enum err count_key(void *context, const struct rdb_key_facts *facts)
{
    struct check *check = context;
    check->keys++;
    if (facts->type < VALUE_TYPES)
        check->by_type[facts->type]++;
    if (facts->expiry != INT64_MIN) {
        check->expires++;
        check->expired += facts->expiry < seam_wall_ms(check->seam);
    }
    return ERR_NONE;
}

static enum err take_command(void *context, const struct bytes *argv, uint32_t argc)
{
    (void)context;
    (void)argv;
    (void)argc;
    return ERR_NONE;
}

static void take_note(void *context, struct bytes note)
{
    struct check *check = context;
    int64_t seconds;
    if (note.count > 3 && memcmp(note.at, "TS:", 3) == 0 &&
        number_read_i64(bytes_of(note.at + 3, note.count - 3), &seconds) &&
        seconds > check->until && !check->late) {
        check->late = true;
        check->in_time = check->report->offset;
    }
}

static void tell_keys(const struct check *check)
{
    printf("  %" PRIu64 " keys read, %" PRIu64 " expires, %" PRIu64 " already expired", check->keys,
           check->expires, check->expired);
    if (check->functions > 0)
        printf(", %" PRIu64 " function libraries", check->functions);
    for (unsigned type = 0; type < VALUE_TYPES; type++) {
        if (check->by_type[type] > 0)
            printf(", %" PRIu64 " %s", check->by_type[type], type_ops(type)->name);
    }
    printf("\n");
}

/* --- one file --------------------------------------------------------------------------------- */

static bool consent(const struct check *check, const struct aof_load_report *report,
                    uint64_t offset)
{
    char answer[16] = "";
    printf("This will shrink %s from %" PRIu64 " bytes, with %" PRIu64 " bytes, to %" PRIu64
           " bytes\n",
           report->file, report->bytes, report->bytes - offset, offset);
    if (check->yes)
        return true;
    printf("Continue? [y/N]: ");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool cut(const struct check *check, const struct aof_place *place,
                const struct aof_load_report *report, uint64_t offset)
{
    const struct seam *seam = check->seam;
    char path[AOF_PATH_MAX];
    if (!consent(check, report, offset)) {
        printf("Aborting...\n");
        return false;
    }
    int file =
        aof_path(place, report->file, path) ? seam->open(seam->context, path, O_WRONLY, 0) : -1;
    bool done = file >= 0 && seam->truncate(seam->context, file, offset) == 0 &&
                seam->sync(seam->context, file) == 0;
    printf(done ? "Successfully truncated %s\n" : "Failed to truncate %s\n", report->file);
    if (file >= 0)
        seam->close(seam->context, file);
    return done;
}

/* The log that ends within a command, or holds what is none, behind which nothing counts. */
static bool mend(const struct check *check, const struct aof_place *place, bool last,
                 const struct aof_load_report *report)
{
    bool cuttable = report->outcome == AOF_ENDS || (report->outcome == AOF_CORRUPT && !report->rdb);
    if (!check->fix || !cuttable)
        return false;
    if (last)
        return cut(check, place, report, report->offset);
    printf("%s is not the last file: cutting it would leave a gap, and is not done\n",
           report->file);
    return false;
}

/* Where the file's commands end that are not too late: read again, since notes stand in front. */
static enum err stop_when_late(void *context, const struct bytes *argv, uint32_t argc)
{
    const struct check *check = context;
    (void)argv;
    (void)argc;
    return check->late ? ERR_LIMIT : ERR_NONE;
}

static bool cut_by_time(struct check *check, const struct aof_place *place, bool last,
                        const char *name)
{
    static const struct rdb_handler nothing = { 0 };
    struct aof_handler handler = {
        .command = stop_when_late, .note = take_note, .rdb = &nothing, .context = check
    };
    struct aof_load_options options = { .checksum = true };
    struct aof_load_report report = { 0 };
    check->late = false;
    check->report = &report;
    enum aof_outcome outcome = aof_load_file(place, name, false, &handler, &options, &report);
    if (outcome != AOF_FAILED || report.err != ERR_LIMIT)
        return true;
    if (last)
        return cut(check, place, &report, check->in_time);
    printf("%s is not the last file, and has commands that are later: nothing is cut\n", name);
    return false;
}

static bool check_file(struct check *check, const struct aof_place *place, const char *name,
                       bool last)
{
    struct rdb_handler rdb = { .aux = tell_aux,
                               .function = tell_function,
                               .database = tell_database,
                               .key = count_key,
                               .context = check };
    struct aof_handler handler = { .command = take_command, .rdb = &rdb, .context = check };
    struct aof_load_options options = { .checksum = true };
    struct aof_load_report report = { 0 };
    struct buffer words = { 0 };
    printf("Checking %s\n", name);
    check->keys = check->expires = check->expired = check->functions = 0;
    memset(check->by_type, 0, sizeof check->by_type);
    enum aof_outcome outcome = aof_load_file(place, name, last, &handler, &options, &report);
    if (check->keys > 0)
        tell_keys(check);
    printf("  size=%" PRIu64 ", ok_up_to=%" PRIu64 ", diff=%" PRIu64 ", %" PRIu64 " commands\n",
           report.bytes, report.offset, report.bytes - report.offset, report.commands);
    if (outcome == AOF_LOADED || outcome == AOF_EMPTY) {
        printf("  %s is whole\n", name);
        return check->until == INT64_MAX || cut_by_time(check, place, last, name);
    }
    if (aof_load_explain(&report, &words))
        printf("  %.*s\n", (int)words.count, (const char *)words.at);
    buffer_release(&words);
    return mend(check, place, last, &report);
}

/* It follows more than is there: as the server, which begins it anew. */
static bool empty_file(const struct check *check, const struct aof_place *place, const char *name)
{
    struct aof_load_report report = { 0 };
    printf("Checking %s\n  it follows more than there is in front of it, as after a machine has "
           "stopped: it does not count\n",
           name);
    snprintf(report.file, sizeof report.file, "%s", name);
    report.bytes = aof_file_bytes(place, name);
    return check->fix && cut(check, place, &report, 0);
}

/* --- all files -------------------------------------------------------------------------------- */

static bool check_manifest(struct check *check, const struct aof_place *place)
{
    struct aof_manifest manifest = { 0 };
    struct aof_manifest_fault fault;
    enum err err = aof_manifest_load(place, &manifest, &fault);
    if (err != ERR_NONE) {
        printf("%s/%s.manifest, line %u: %s\n", place->directory, place->name, fault.line,
               err == ERR_MISSING ? "there is no such file" : fault.reason);
        return false;
    }
    uint32_t count = aof_manifest_count(&manifest, AOF_INCREMENT);
    bool left_out;
    uint32_t extent = aof_load_extent(place, &manifest, &left_out);
    const struct aof_file *base = aof_manifest_nth(&manifest, AOF_BASE, 0);
    bool whole = base == NULL || check_file(check, place, base->name, count == 0);
    for (uint32_t i = 0; i < count; i++) {
        const struct aof_file *file = aof_manifest_nth(&manifest, AOF_INCREMENT, i);
        if (left_out && i >= extent)
            whole = empty_file(check, place, file->name) && whole;
        else
            whole = check_file(check, place, file->name, i + 1 >= extent) && whole;
    }
    printf(whole ? "All files of the manifest are whole\n" : "The log is not whole\n");
    aof_manifest_release(&manifest);
    return whole;
}

static const char ending[] = ".manifest";

/* Takes NAME off NAME.manifest. */
static bool is_manifest(char *name)
{
    size_t length = strlen(name);
    if (length < sizeof ending || strcmp(name + length - sizeof ending + 1, ending) != 0)
        return false;
    name[length - sizeof ending + 1] = 0;
    return true;
}

/* How many manifests a directory holds; `name` is one of them. */
static unsigned find_manifest(DIR *directory, char *name, size_t bytes)
{
    unsigned found = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        char copy[AOF_NAME_MAX + 1];
        snprintf(copy, sizeof copy, "%s", entry->d_name);
        if (strncmp(copy, "temp-", 5) == 0 || !is_manifest(copy))
            continue;
        found++;
        snprintf(name, bytes, "%s", copy);
    }
    closedir(directory);
    return found;
}

/* PATH cut into directory and name. */
static bool check_path(struct check *check)
{
    char directory[AOF_PATH_MAX], name[AOF_NAME_MAX + 1];
    struct aof_place place = { check->seam, directory, name };
    snprintf(directory, sizeof directory, "%s", check->path);
    DIR *opened = opendir(check->path);
    if (opened != NULL) {
        unsigned found = find_manifest(opened, name, sizeof name);
        if (found != 1)
            printf("%s holds %u manifests; name one of them, or a file\n", directory, found);
        return found == 1 && check_manifest(check, &place);
    }
    const char *slash = strrchr(check->path, '/');
    const char *base = slash == NULL ? check->path : slash + 1;
    snprintf(name, sizeof name, "%s", base);
    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 1 : (int)(slash - check->path),
             slash == NULL ? "." : check->path);
    if (slash == check->path)
        snprintf(directory, sizeof directory, "/");
    return is_manifest(name) ? check_manifest(check, &place)
                             : check_file(check, &place, name, true);
}

static bool take_words(struct check *check, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--fix") == 0)
            check->fix = true;
        else if (strcmp(words[i], "--yes") == 0)
            check->yes = true;
        else if (strcmp(words[i], "--truncate-to-timestamp") == 0 && i + 1 < count &&
                 number_read_i64(bytes_of_text(words[i + 1]), &check->until))
            i++;
        else if (words[i][0] != '-' && check->path == NULL && strlen(words[i]) < AOF_PATH_MAX)
            check->path = words[i];
        else
            return false;
    }
    return check->path != NULL && check->path[0] != 0;
}

int main(int count, char **words)
{
    struct seam seam;
    struct check check = { .seam = &seam, .until = INT64_MAX };
    os_seam_init(&seam);
    if (count == 2 && strcmp(words[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!take_words(&check, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    return check_path(&check) ? 0 : 1;
}
