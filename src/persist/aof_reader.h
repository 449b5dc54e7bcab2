/* persist/aof_reader.h - commands out of a log, one by one, each with where it ends.
 * Model:    bytes are pulled through one function into a window that holds the command under way;
 *           a snapshot that stands in front is read through the same window (rdb_source). Strict:
 *           `*N`, then N times `$n` and n bytes, each ended by CR LF; lines that begin with # are
 *           notes. Nothing is taken for a length that the input only claims.
 * Owner:    the caller owns the reader and what the source's context is.
 * Pointers: argv and notes hold until the next call.
 * Threads:  one at a time.
 * Failure:  AOF_CUT: the input ends within a command; AOF_BAD with a reason; AOF_UNREADABLE: the
 *           source failed, errno tells; AOF_NO_MEMORY. `whole` is where the last command ended.
 * Cost:     one copy of the bytes; memory for the longest command twice over. */
#ifndef PERSIST_AOF_READER_H
#define PERSIST_AOF_READER_H

#include "persist/rdb_read.h"

#include <sys/types.h>

struct aof_source {
    ssize_t (*read)(void *context, void *at, size_t bytes); /* 0: the end; -1: errno */
    void *context;
    uint64_t bytes; /* of the whole, for a hint; UINT64_MAX: unknown */
};

enum aof_result {
    AOF_COMMAND,
    AOF_NOTE, /* `note` is the line without # */
    AOF_END,  /* nothing follows */
    AOF_CUT,
    AOF_BAD,
    AOF_UNREADABLE,
    AOF_NO_MEMORY,
};

enum { AOF_LINE_MAX = 1024, AOF_ARGUMENTS_MAX = 1 << 30 };

struct aof_reader {
    struct aof_source source;
    struct bytes *argv;
    uint32_t argc;
    struct bytes note;
    uint64_t whole; /* offset behind what was told last */
    uint64_t bad;   /* AOF_BAD: offset of what cannot be */
    const char *reason;

    /* The implementation's own: */
    struct buffer window; /* bytes from offset `start` on */
    uint64_t start;
    size_t at; /* in the window: the next byte to look at */
    struct buffer words, views;
    bool ended, failed, starved;
};

void aof_reader_init(struct aof_reader *reader, const struct aof_source *source);
void aof_reader_release(struct aof_reader *reader);
MUST_CHECK enum aof_result aof_reader_next(struct aof_reader *reader);
/* Whether it begins with a snapshot: then that is to be read through aof_reader_rdb first. */
MUST_CHECK bool aof_reader_is_rdb(struct aof_reader *reader);
struct rdb_source aof_reader_rdb(struct aof_reader *reader);

#endif
