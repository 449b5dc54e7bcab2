#include "persist/aof_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

bool aof_path(const struct aof_place *place, const char *name, char *path)
{
    int length = snprintf(path, AOF_PATH_MAX, "%s/%s", place->directory, name);
    return length > 0 && length < AOF_PATH_MAX;
}

bool aof_exists(const struct seam *seam, const char *path)
{
    int file = seam->open(seam->context, path, O_RDONLY, 0);
    if (file < 0)
        return errno != ENOENT && errno != ENOTDIR;
    seam->close(seam->context, file);
    return true;
}

/* Reads to the end. */
static enum err read_rest(const struct seam *seam, int file, size_t most, struct buffer *content)
{
    enum { STEP = 16 * 1024 };
    size_t start = content->count;
    for (;;) {
        if (!buffer_reserve(content, STEP))
            return ERR_MEMORY;
        ssize_t got = seam->read(seam->context, file, content->at + content->count, STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_SYSTEM;
        if (got == 0)
            return ERR_NONE;
        content->count += (size_t)got;
        if (content->count - start > most)
            return ERR_LIMIT;
    }
}

enum err aof_file_read(const struct seam *seam, const char *path, size_t most,
                       struct buffer *content)
{
    size_t start = content->count;
    int file = seam->open(seam->context, path, O_RDONLY, 0);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_MISSING : ERR_SYSTEM;
    enum err err = read_rest(seam, file, most, content);
    int error = errno;
    seam->close(seam->context, file);
    errno = error;
    if (err != ERR_NONE)
        content->count = start;
    return err;
}

bool aof_write_all(const struct seam *seam, int file, struct bytes bytes, size_t *written)
{
    *written = 0;
    while (*written < bytes.count) {
        size_t left = bytes.count - *written;
        ssize_t wrote = seam->write(seam->context, file, bytes.at + *written, left);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote == 0)
            errno = ENOSPC;
        if (wrote <= 0)
            return false;
        *written += (size_t)wrote;
    }
    return true;
}

/* Some file systems have no directories to sync (EINVAL, EBADF): nothing more can be done there. */
enum err aof_directory_sync(const struct seam *seam, const char *directory)
{
    int file = seam->open(seam->context, directory, O_RDONLY | O_DIRECTORY, 0);
    if (file < 0)
        return ERR_SYSTEM;
    bool synced = seam->sync(seam->context, file) == 0 || errno == EINVAL || errno == EBADF;
    int error = errno;
    seam->close(seam->context, file);
    errno = error;
    return synced ? ERR_NONE : ERR_SYSTEM;
}

enum err aof_directory_make(const struct aof_place *place)
{
    const struct seam *seam = place->seam;
    if (seam->make_directory(seam->context, place->directory, 0755) != 0 && errno != EEXIST)
        return ERR_SYSTEM;
    return ERR_NONE;
}

static enum err write_file(const struct seam *seam, const char *path, struct bytes content)
{
    size_t written;
    int file = seam->open(seam->context, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        return ERR_SYSTEM;
    bool whole =
        aof_write_all(seam, file, content, &written) && seam->sync(seam->context, file) == 0;
    int error = errno;
    if (seam->close(seam->context, file) != 0 && whole)
        return ERR_SYSTEM;
    errno = error;
    return whole ? ERR_NONE : ERR_SYSTEM;
}

enum err aof_file_replace(const struct aof_place *place, const char *name, struct bytes content)
{
    const struct seam *seam = place->seam;
    char path[AOF_PATH_MAX], temporary[AOF_PATH_MAX];
    if (!aof_path(place, name, path))
        return ERR_LIMIT;
    int length = snprintf(temporary, sizeof temporary, "%s/temp-%s", place->directory, name);
    if (length <= 0 || (size_t)length >= sizeof temporary)
        return ERR_LIMIT;
    enum err err = write_file(seam, temporary, content);
    if (err == ERR_NONE && seam->rename(seam->context, temporary, path) != 0)
        err = ERR_SYSTEM;
    if (err != ERR_NONE) {
        int error = errno;
        seam->unlink(seam->context, temporary);
        errno = error;
        return err;
    }
    return aof_directory_sync(seam, place->directory);
}
