/* conf/reader.h - whole small files read and replaced through the seam; for conf/ alone.
 * Model:    a file is a buffer.
 * Owner:    the caller owns the buffer.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  ERR_SYSTEM and errno, ERR_LIMIT past CONF_FILE_MAX, ERR_MEMORY.
 * Cost:     the system calls'. */
#ifndef CONF_READER_H
#define CONF_READER_H

#include "base/buffer.h"
#include "base/seam.h"

/* Appends a file's bytes; the limit is on the whole buffer. */
MUST_CHECK enum err conf_read_path(const struct seam *seam, const char *path, struct buffer *text);
MUST_CHECK enum err conf_read_file(const struct seam *seam, int file, struct buffer *text);

/* Puts `content` in the place of a file so that a crash leaves the old or the new one: a temporary
 * file beside it, synced, renamed, and the directory synced. On an error the old file stands,
 * unless only the sync of the directory failed. */
MUST_CHECK enum err conf_replace_file(const struct seam *seam, const char *path, unsigned mode,
                                      struct bytes content);

#endif
