#include "aof_disk_world.h"

#include "os/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static void note_wait(struct disk *disk)
{
    disk->its_waits += pthread_equal(pthread_self(), disk->maker) != 0;
}

static bool step(struct disk *disk)
{
    if (disk->steps == 0) {
        if (disk->once)
            disk->steps = UINT64_MAX;
        errno = disk->error;
        return false;
    }
    disk->steps--;
    disk->used++;
    return true;
}

static int find(const struct disk *disk, const char *path)
{
    for (int i = 0; i < DISK_FILES; i++) {
        if (disk->files[i].path[0] != 0 && strcmp(disk->files[i].path, path) == 0)
            return i;
    }
    return -1;
}

static int make(struct disk *disk, const char *path, bool directory)
{
    for (int i = 0; i < DISK_FILES; i++) {
        struct disk_file *file = &disk->files[i];
        if (file->path[0] != 0 || file->content.at != NULL)
            continue;
        snprintf(file->path, sizeof file->path, "%s", path);
        file->synced = 0;
        file->directory = directory;
        return i;
    }
    bug_at(__FILE__, __LINE__, "no room for files");
}

static int open_locked(struct disk *disk, const char *path, int flags)
{
    int file = find(disk, path);
    if ((flags & O_CREAT) != 0)
        note_wait(disk);
    if (file < 0 && (flags & O_CREAT) == 0) {
        errno = ENOENT;
        return -1;
    }
    if (((flags & O_TRUNC) != 0 || file < 0) && !step(disk))
        return -1;
    if (file < 0)
        file = make(disk, path, false);
    if ((flags & O_TRUNC) != 0)
        disk->files[file].content.count = disk->files[file].synced = 0;
    for (int i = 0; i < DISK_HANDLES; i++) {
        if (disk->handles[i].file >= 0)
            continue;
        disk->handles[i] = (struct disk_handle){ file, 0, (flags & O_APPEND) != 0 };
        return i;
    }
    bug_at(__FILE__, __LINE__, "no room for handles");
}

static int disk_open(void *context, const char *path, int flags, unsigned mode)
{
    struct disk *disk = context;
    (void)mode;
    pthread_mutex_lock(&disk->mutex);
    int handle = open_locked(disk, path, flags);
    pthread_mutex_unlock(&disk->mutex);
    return handle;
}

static struct disk_file *file_of(struct disk *disk, int handle)
{
    ENSURE(handle >= 0 && handle < DISK_HANDLES && disk->handles[handle].file >= 0);
    return &disk->files[disk->handles[handle].file];
}

static ssize_t disk_read(void *context, int handle, void *at, size_t bytes)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    const struct buffer *content = &file_of(disk, handle)->content;
    size_t *place = &disk->handles[handle].at;
    size_t left = *place < content->count ? content->count - *place : 0;
    size_t part = left < bytes ? left : bytes;
    if (part > 0)
        memcpy(at, content->at + *place, part);
    *place += part;
    pthread_mutex_unlock(&disk->mutex);
    return (ssize_t)part;
}

/* As much as the steps last for. */
static ssize_t write_locked(struct disk *disk, int handle, struct bytes bytes)
{
    struct buffer *content = &file_of(disk, handle)->content;
    struct disk_handle *open = &disk->handles[handle];
    size_t wrote = 0;
    if (open->append)
        open->at = content->count;
    ENSURE(open->at == content->count);
    while (wrote < bytes.count && step(disk))
        wrote++;
    ENSURE(buffer_append(content, bytes_of(bytes.at, wrote)));
    open->at += wrote;
    return wrote > 0 || bytes.count == 0 ? (ssize_t)wrote : -1;
}

static ssize_t disk_write(void *context, int handle, const void *at, size_t bytes)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    ssize_t wrote = write_locked(disk, handle, bytes_of(at, bytes));
    pthread_mutex_unlock(&disk->mutex);
    return wrote;
}

static int disk_sync(void *context, int handle)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->stall);
    pthread_mutex_unlock(&disk->stall);
    pthread_mutex_lock(&disk->mutex);
    note_wait(disk);
    bool done = !disk->refuse_sync && step(disk);
    if (done)
        file_of(disk, handle)->synced = file_of(disk, handle)->content.count;
    pthread_mutex_unlock(&disk->mutex);
    errno = done ? 0 : EIO;
    return done ? 0 : -1;
}

static int disk_truncate(void *context, int handle, uint64_t bytes)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    bool done = !disk->refuse_cut && step(disk);
    if (done) {
        struct disk_file *file = file_of(disk, handle);
        file->content.count = bytes;
        file->synced = file->synced < bytes ? file->synced : bytes;
    }
    pthread_mutex_unlock(&disk->mutex);
    return done ? 0 : -1;
}

static int64_t disk_bytes(void *context, int handle)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int64_t bytes = (int64_t)file_of(disk, handle)->content.count;
    pthread_mutex_unlock(&disk->mutex);
    return bytes;
}

static int disk_make_directory(void *context, const char *path, unsigned mode)
{
    struct disk *disk = context;
    (void)mode;
    pthread_mutex_lock(&disk->mutex);
    bool there = find(disk, path) >= 0;
    bool done = !there && step(disk);
    if (done)
        make(disk, path, true);
    pthread_mutex_unlock(&disk->mutex);
    if (there)
        errno = EEXIST;
    return done ? 0 : -1;
}

static int unlink_locked(struct disk *disk, const char *path)
{
    int file = find(disk, path);
    note_wait(disk);
    if (file < 0) {
        errno = ENOENT;
        return -1;
    }
    if (!step(disk))
        return -1;
    disk->files[file].path[0] = 0;
    for (int i = 0; i < DISK_HANDLES; i++) {
        if (disk->handles[i].file == file)
            return 0;
    }
    buffer_release(&disk->files[file].content);
    return 0;
}

static int disk_unlink(void *context, const char *path)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = unlink_locked(disk, path);
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int rename_locked(struct disk *disk, const char *from, const char *to)
{
    note_wait(disk);
    int file = find(disk, from), over = find(disk, to);
    if (file < 0) {
        errno = ENOENT;
        return -1;
    }
    if (!step(disk))
        return -1;
    if (over >= 0) {
        disk->files[over].path[0] = 0;
        buffer_release(&disk->files[over].content);
    }
    snprintf(disk->files[file].path, DISK_PATH, "%s", to);
    return 0;
}

static int disk_rename(void *context, const char *from, const char *to)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    int result = rename_locked(disk, from, to);
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

static int disk_close(void *context, int handle)
{
    struct disk *disk = context;
    pthread_mutex_lock(&disk->mutex);
    struct disk_file *file = file_of(disk, handle);
    disk->handles[handle].file = -1;
    if (file->path[0] == 0)
        buffer_release(&file->content);
    pthread_mutex_unlock(&disk->mutex);
    return 0;
}

static uint64_t disk_now(void *context)
{
    const struct disk *disk = context;
    return disk->now_ns;
}

static int64_t disk_wall(void *context)
{
    const struct disk *disk = context;
    return (int64_t)(disk->now_ns / 1000);
}

void disk_init(struct disk *disk)
{
    *disk = (struct disk){ .error = EIO, .now_ns = UINT64_C(1700000000000000000) };
    os_seam_init(&disk->seam);
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_mutex_init(&disk->stall, NULL);
    disk->seam.context = disk;
    disk->seam.now_ns = disk_now;
    disk->seam.wall_us = disk_wall;
    disk->seam.open = disk_open;
    disk->seam.read = disk_read;
    disk->seam.write = disk_write;
    disk->seam.sync = disk_sync;
    disk->seam.sync_data = disk_sync;
    disk->seam.truncate = disk_truncate;
    disk->seam.file_bytes = disk_bytes;
    disk->seam.make_directory = disk_make_directory;
    disk->seam.rename = disk_rename;
    disk->seam.unlink = disk_unlink;
    disk->seam.close = disk_close;
    disk->maker = pthread_self();
    disk_restart(disk, UINT64_MAX);
    make(disk, "aof", true);
}

static bool ends_with(const char *path, const char *ending)
{
    size_t count = strlen(path), least = strlen(ending);
    return count >= least && strcmp(path + count - least, ending) == 0;
}

void disk_forget(struct disk *disk, const char *ending)
{
    for (int i = 0; i < DISK_FILES; i++) {
        struct disk_file *file = &disk->files[i];
        if (ends_with(file->path, ending))
            file->content.count -= (file->content.count - file->synced + 1) / 2;
    }
}

void disk_restart(struct disk *disk, uint64_t steps)
{
    for (int i = 0; i < DISK_HANDLES; i++)
        disk->handles[i].file = -1;
    for (int i = 0; i < DISK_FILES; i++) {
        if (disk->files[i].path[0] == 0)
            buffer_release(&disk->files[i].content);
    }
    disk->steps = steps;
    disk->used = 0;
    disk->refuse_cut = disk->refuse_sync = disk->once = false;
}

void disk_release(struct disk *disk)
{
    for (int i = 0; i < DISK_FILES; i++)
        buffer_release(&disk->files[i].content);
    pthread_mutex_destroy(&disk->mutex);
    pthread_mutex_destroy(&disk->stall);
}

struct bytes disk_content(struct disk *disk, const char *path)
{
    int file = find(disk, path);
    ENSURE(file >= 0);
    return buffer_view(&disk->files[file].content);
}

bool disk_has(struct disk *disk, const char *path)
{
    return find(disk, path) >= 0;
}

void disk_put(struct disk *disk, const char *path, struct bytes content)
{
    int file = find(disk, path);
    if (file < 0)
        file = make(disk, path, false);
    disk->files[file].content.count = 0;
    ENSURE(buffer_append(&disk->files[file].content, content));
    disk->files[file].synced = content.count;
}
