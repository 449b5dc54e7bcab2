/* A manifest and the files that it names, from any bytes, loaded together as at a start: what comes
 * of it has a name, files are only cut where that is allowed, and what was cut once is loaded whole
 * the second time. The input is a manifest, then files, each after a line of its own:
 *
 *     file a.1.incr.aof seq 1 type i
 *     =a.1.incr.aof
 *     ... */
#include "persist/aof_load.h"
#include "persist/aof_set.h"

#include <errno.h>
#include <fcntl.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

enum { FILES = 8, PATH_BYTES = 300 };

struct disk {
    struct file {
        char path[PATH_BYTES];
        struct bytes content;
    } files[FILES];
    int count;
    struct {
        int file; /* -1: free */
        size_t at;
    } handles[FILES];
};

/* --- the disk --------------------------------------------------------------------------------- */

static int disk_open(void *context, const char *path, int flags, unsigned mode)
{
    struct disk *disk = context;
    (void)flags, (void)mode;
    for (int file = 0; file < disk->count; file++) {
        if (strcmp(disk->files[file].path, path) != 0)
            continue;
        for (int i = 0; i < FILES; i++) {
            if (disk->handles[i].file >= 0)
                continue;
            disk->handles[i].file = file;
            disk->handles[i].at = 0;
            return i;
        }
    }
    errno = ENOENT;
    return -1;
}

static struct bytes *content_of(struct disk *disk, int handle)
{
    ENSURE(handle >= 0 && handle < FILES && disk->handles[handle].file >= 0);
    return &disk->files[disk->handles[handle].file].content;
}

static ssize_t disk_read(void *context, int handle, void *to, size_t bytes)
{
    struct disk *disk = context;
    const struct bytes *content = content_of(disk, handle);
    size_t *at = &disk->handles[handle].at;
    size_t left = *at < content->count ? content->count - *at : 0;
    size_t part = left < bytes ? left : bytes;
    if (part > 0)
        memcpy(to, content->at + *at, part);
    *at += part;
    return (ssize_t)part;
}

static int disk_truncate(void *context, int handle, uint64_t bytes)
{
    struct bytes *content = content_of(context, handle);
    ENSURE(bytes <= content->count);
    content->count = bytes;
    return 0;
}

static int64_t disk_bytes(void *context, int handle)
{
    return (int64_t)content_of(context, handle)->count;
}

static int disk_sync(void *context, int handle)
{
    (void)content_of(context, handle);
    return 0;
}

static int disk_close(void *context, int handle)
{
    struct disk *disk = context;
    (void)content_of(disk, handle);
    disk->handles[handle].file = -1;
    return 0;
}

/* --- the input -------------------------------------------------------------------------------- */

static struct bytes line_of(struct bytes *rest)
{
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->at, '\n', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->at) + 1;
    struct bytes line = bytes_of(rest->at, count);
    *rest = bytes_of(rest->at + count, rest->count - count);
    return line;
}

static void begin_file(struct disk *disk, struct bytes name)
{
    struct file *file = &disk->files[disk->count++];
    size_t count = name.count < AOF_NAME_MAX ? name.count : AOF_NAME_MAX;
    memcpy(file->path, "aof/", 4);
    memcpy(file->path + 4, name.at, count);
}

static void fill(struct disk *disk, struct bytes rest)
{
    begin_file(disk, BYTES("a.manifest"));
    while (rest.count > 0) {
        struct bytes line = line_of(&rest);
        struct bytes *content = &disk->files[disk->count - 1].content;
        if (line.count > 2 && line.at[0] == '=' && disk->count < FILES) {
            begin_file(disk, bytes_of(line.at + 1, line.count - 2));
            continue;
        }
        if (content->at == NULL)
            content->at = line.at;
        content->count += line.count;
    }
}

/* --- loading ---------------------------------------------------------------------------------- */

static enum err count_up(void *context, const struct bytes *argv, uint32_t argc)
{
    uint64_t *commands = context;
    ENSURE(argc > 0 && argv[0].count <= (size_t)1 << 20);
    ++*commands;
    return ERR_NONE;
}

static void drop(void *context)
{
    (void)context;
}

static enum aof_outcome load(const struct aof_place *place, const struct aof_manifest *manifest,
                             bool allow)
{
    static const struct rdb_handler nothing = { 0 };
    uint64_t commands = 0;
    struct aof_handler handler = {
        .command = count_up, .drop = drop, .rdb = &nothing, .context = &commands
    };
    struct aof_load_options options = { .allow_cut = allow, .cut = allow, .checksum = true };
    struct aof_load_report report;
    struct buffer words = { 0 };
    enum aof_outcome outcome = aof_load(place, manifest, &handler, &options, &report);
    ENSURE(outcome == report.outcome && report.commands <= commands);
    ENSURE(report.offset <= report.bytes || outcome == AOF_FAILED);
    ENSURE(aof_load_explain(&report, &words));
    ENSURE((words.count > 0) == (outcome > AOF_NONE));
    buffer_release(&words);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct disk disk = { 0 };
    const struct seam seam = { .context = &disk,
                               .open = disk_open,
                               .read = disk_read,
                               .truncate = disk_truncate,
                               .file_bytes = disk_bytes,
                               .sync = disk_sync,
                               .sync_data = disk_sync,
                               .close = disk_close };
    const struct aof_place place = { &seam, "aof", "a" };
    struct aof_manifest manifest = { 0 };
    struct aof_manifest_fault fault;
    for (int i = 0; i < FILES; i++)
        disk.handles[i].file = -1;
    fill(&disk, bytes_of(at, count));
    if (aof_manifest_load(&place, &manifest, &fault) != ERR_NONE)
        return 0;
    enum aof_outcome strict = load(&place, &manifest, false);
    enum aof_outcome loose = load(&place, &manifest, true);
    ENSURE(strict != AOF_SHORTENED && (loose == strict || strict == AOF_ENDS));
    if (loose == AOF_SHORTENED)
        ENSURE(load(&place, &manifest, false) <= AOF_NONE);
    for (int i = 0; i < FILES; i++)
        ENSURE(disk.handles[i].file < 0);
    aof_manifest_release(&manifest);
    return 0;
}
