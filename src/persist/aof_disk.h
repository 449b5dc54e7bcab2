/* persist/aof_disk.h - what the append-only log asks of files, through the seam.
 * Model:    a place is the directory of the log and the name its files begin with; small files are
 *           read as a whole and replaced as a whole: a temporary one, synced, gets the name, and
 *           the directory is synced.
 * Owner:    the caller owns the place and its texts.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  ERR_SYSTEM and errno; ERR_LIMIT: a path or a file too long; ERR_MISSING: no such file.
 * Cost:     the system's. */
#ifndef PERSIST_AOF_DISK_H
#define PERSIST_AOF_DISK_H

#include "base/buffer.h"
#include "base/seam.h"

enum { AOF_PATH_MAX = 4096 };

struct aof_place {
    const struct seam *seam;
    const char *directory; /* appenddirname */
    const char *name;      /* appendfilename */
};

/* "directory/name" into `path`, which has room for AOF_PATH_MAX. */
MUST_CHECK bool aof_path(const struct aof_place *place, const char *name, char *path);
MUST_CHECK bool aof_exists(const struct seam *seam, const char *path);
/* All of a file of at most `most` bytes, appended to `content`. */
MUST_CHECK enum err aof_file_read(const struct seam *seam, const char *path, size_t most,
                                  struct buffer *content);
/* Writes all of it, however often the system takes less. *written: how much was, always. */
MUST_CHECK bool aof_write_all(const struct seam *seam, int file, struct bytes bytes,
                              size_t *written);
MUST_CHECK enum err aof_directory_sync(const struct seam *seam, const char *directory);
/* Makes the directory unless it is there. */
MUST_CHECK enum err aof_directory_make(const struct aof_place *place);
MUST_CHECK enum err aof_file_replace(const struct aof_place *place, const char *name,
                                     struct bytes content);

#endif
