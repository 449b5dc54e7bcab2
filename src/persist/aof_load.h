/* persist/aof_load.h - a log read back: the base, then the increments.
 * Model:    one file after the other goes through a reader; commands go to the handler one by one,
 *           MULTI and EXEC among them, a snapshot in front to the handler's rdb. The last file may
 *           end within a command, or within a transaction: what is whole before that counts, and
 *           the rest is cut off the file where that is allowed. The last is the one behind which
 *           there is nothing, or nothing that counts: a file that follows more than there is
 *           (aof_log.h) was on disk before the end of the one in front of it, when the machine
 *           stopped, and is left out. Everywhere else a file that is cut,
 *           missing or not understood ends the loading.
 * Owner:    the caller owns all; files are closed on return.
 * Pointers: what the handler is given holds until it returns.
 * Threads:  one at a time.
 * Failure:  the outcome, with file, offset and reason in the report.
 * Cost:     one pass. */
#ifndef PERSIST_AOF_LOAD_H
#define PERSIST_AOF_LOAD_H

#include "persist/aof_manifest.h"
#include "persist/aof_reader.h"

enum aof_outcome {
    AOF_LOADED,
    AOF_EMPTY,     /* there are files, without a byte */
    AOF_NONE,      /* the manifest names nothing */
    AOF_SHORTENED, /* loaded; the last file was cut at report.offset */
    AOF_ENDS,      /* within a command, or a transaction, where that is not allowed */
    AOF_CORRUPT,
    AOF_UNOPENED,
    AOF_FAILED, /* reading, cutting, memory, or what the handler said: report.err */
};

struct aof_handler {
    /* MULTI and EXEC come as they stand. At AOF_SHORTENED an EXEC may be missing: `drop` is called
     * then. What is not ERR_NONE ends the loading. */
    enum err (*command)(void *context, const struct bytes *argv, uint32_t argc);
    void (*drop)(void *context);                    /* may be NULL */
    void (*note)(void *context, struct bytes note); /* may be NULL */
    const struct rdb_handler *rdb;
    /* Bytes of this file so far, now and then. May be NULL. */
    void (*progress)(void *context, uint64_t offset);
    void *context;
};

struct aof_load_options {
    bool allow_cut; /* aof-load-truncated */
    bool cut;       /* and take the rest off the file */
    bool checksum;  /* of a snapshot */
};

struct aof_load_report {
    enum aof_outcome outcome;
    char file[AOF_NAME_MAX + 1]; /* under way when it ended */
    uint64_t bytes;              /* of that file */
    uint64_t offset;             /* up to where it is whole */
    uint64_t bad;                /* AOF_CORRUPT: where it cannot be read */
    uint64_t commands;           /* in all files */
    bool rdb;                    /* the trouble is in the snapshot */
    bool left_out;               /* files behind that one were */
    const char *reason;          /* static text, or NULL */
    enum err err;
    int error; /* errno */
};

/* One file. `last`: it may be cut. The report's commands are added to. */
MUST_CHECK enum aof_outcome aof_load_file(const struct aof_place *place, const char *name,
                                          bool last, const struct aof_handler *handler,
                                          const struct aof_load_options *options,
                                          struct aof_load_report *report);
/* How many of the increments count, from the first on. *left_out: there are bytes behind them. */
MUST_CHECK uint32_t aof_load_extent(const struct aof_place *place,
                                    const struct aof_manifest *manifest, bool *left_out);
/* All that the manifest names. */
MUST_CHECK enum aof_outcome aof_load(const struct aof_place *place,
                                     const struct aof_manifest *manifest,
                                     const struct aof_handler *handler,
                                     const struct aof_load_options *options,
                                     struct aof_load_report *report);
/* UINT64_MAX: it cannot be opened. */
uint64_t aof_file_bytes(const struct aof_place *place, const char *name);
/* Bytes of all these files together; UINT64_MAX: one cannot be opened. */
uint64_t aof_load_bytes(const struct aof_place *place, const struct aof_manifest *manifest);
/* What to tell whoever must act on it, in the words of redis-server; nothing of what went well. */
MUST_CHECK bool aof_load_explain(const struct aof_load_report *report, struct buffer *text);

#endif
