/* Whole files through the seam. */
#include "conf/reader.h"

#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

enum { CHUNK = 16 * 1024 };

enum err conf_read_file(const struct seam *seam, int file, struct buffer *text)
{
    for (;;) {
        if (text->count > CONF_FILE_MAX)
            return ERR_LIMIT;
        if (!buffer_reserve(text, CHUNK))
            return ERR_MEMORY;
        ssize_t got = seam->read(seam->context, file, text->at + text->count, CHUNK);
        if (got == 0)
            return ERR_NONE;
        if (got > 0)
            text->count += (size_t)got;
        else if (errno != EINTR)
            return ERR_SYSTEM;
    }
}

enum err conf_read_path(const struct seam *seam, const char *path, struct buffer *text)
{
    int file = seam->open(seam->context, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return ERR_SYSTEM;
    enum err err = conf_read_file(seam, file, text);
    int saved = errno;
    (void)seam->close(seam->context, file);
    errno = saved;
    return err;
}

static enum err write_all(const struct seam *seam, int file, struct bytes content)
{
    size_t done = 0;
    while (done < content.count) {
        ssize_t wrote = seam->write(seam->context, file, content.at + done, content.count - done);
        if (wrote > 0) {
            done += (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            errno = wrote == 0 ? EIO : errno;
            return ERR_SYSTEM;
        }
    }
    return seam->sync(seam->context, file) == 0 ? ERR_NONE : ERR_SYSTEM;
}

/* "path.tmp-" and sixteen random digits, so that nobody can put a file there first. */
static enum err name_temporary(const struct seam *seam, const char *path, struct buffer *name)
{
    uint64_t random;
    seam->random(seam->context, &random, sizeof(random));
    bool good =
        buffer_printf(name, "%s.tmp-%016" PRIx64, path, random) && buffer_append_byte(name, '\0');
    return good ? ERR_NONE : ERR_MEMORY;
}

static enum err write_temporary(const struct seam *seam, const char *path, unsigned mode,
                                struct bytes content)
{
    int file =
        seam->open(seam->context, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return ERR_SYSTEM;
    enum err err = write_all(seam, file, content);
    int saved = errno;
    if (seam->close(seam->context, file) != 0 && err == ERR_NONE) {
        saved = errno;
        err = ERR_SYSTEM;
    }
    errno = saved;
    return err;
}

static enum err sync_directory_of(const struct seam *seam, const char *path)
{
    struct buffer name = { 0 };
    const char *slash = strrchr(path, '/');
    size_t count = slash == NULL ? 0 : (size_t)(slash - path);
    bool good = slash == NULL ? buffer_append_text(&name, ".")
                              : buffer_append(&name, bytes_of(path, count == 0 ? 1 : count));
    if (!good || !buffer_append_byte(&name, '\0')) {
        buffer_release(&name);
        return ERR_MEMORY;
    }
    int directory =
        seam->open(seam->context, (const char *)name.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    buffer_release(&name);
    if (directory < 0)
        return ERR_SYSTEM;
    enum err err = seam->sync(seam->context, directory) == 0 ? ERR_NONE : ERR_SYSTEM;
    int saved = errno;
    (void)seam->close(seam->context, directory);
    errno = saved;
    return err;
}

enum err conf_replace_file(const struct seam *seam, const char *path, unsigned mode,
                           struct bytes content)
{
    struct buffer name = { 0 };
    enum err err = name_temporary(seam, path, &name);
    const char *temporary = (const char *)name.at;
    if (err == ERR_NONE) {
        err = write_temporary(seam, temporary, mode, content);
        if (err == ERR_NONE && seam->rename(seam->context, temporary, path) != 0)
            err = ERR_SYSTEM;
        if (err == ERR_NONE) {
            err = sync_directory_of(seam, path);
        } else {
            int saved = errno;
            (void)seam->unlink(seam->context, temporary);
            errno = saved;
        }
    }
    int saved = errno;
    buffer_release(&name);
    errno = saved;
    return err;
}
