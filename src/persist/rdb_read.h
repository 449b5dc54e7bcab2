/* persist/rdb_read.h - RDB files and DUMPs of any version up to 12, read as facts and parts.
 * Model:    a reader pulls bytes through one function, checks every length against what is left and
 *           what is sane, and calls the handler. Every encoding that Redis has written is taken:
 *           plain, integers, LZF, ziplist, zipmap, intset, quicklist 1 and 2, listpack, streams 1
 *           to 3, hashes with field expiries (22 to 25), functions (245, 246), module auxiliary
 *           fields (skipped), module values (refused by name). What a foreign structure holds is
 *           told part by part (types/parts.h); its bytes are never taken over. Of a stream, STREAM
 *           comes behind the entries, and nodes whose entries are all deleted are passed over.
 * Owner:    the caller owns everything; the reader its scratch memory.
 * Pointers: what the handler is given holds until it returns.
 * Threads:  one at a time.
 * Failure:  ERR_SYNTAX (rdb_reader.reason says why, .offset where), ERR_SYSTEM, ERR_MEMORY,
 *           or what the handler returns. Nothing is taken for a length that the input only claims.
 * Cost:     one pass; a string is in memory once, a listpack or ziplist as a whole. */
#ifndef PERSIST_RDB_READ_H
#define PERSIST_RDB_READ_H

#include "base/buffer.h"
#include "persist/rdb_write.h"

struct rdb_source {
    /* Fills `at` with exactly `bytes`; false at the end of the input or on failure. */
    bool (*read)(void *context, void *at, size_t bytes);
    /* Bytes left at most, UINT64_MAX: unknown (a socket). */
    uint64_t (*left)(void *context);
    void *context;
};

struct rdb_handler {
    /* Any may be NULL. What is not ERR_NONE ends the reading. */
    enum err (*aux)(void *context, struct bytes name, struct bytes value);
    enum err (*function)(void *context, struct bytes source);
    enum err (*database)(void *context, unsigned db, uint64_t keys, uint64_t expires);
    /* facts->summary is not set, but count where the file says it first; what it says may be
     * wrong, as may be any expiry. In a file, a collection without elements is passed over. */
    enum err (*key)(void *context, const struct rdb_key_facts *facts);
    enum err (*part)(void *context, const struct part *part);
    enum err (*value_end)(void *context);
    void *context;
};

struct rdb_reader {
    struct rdb_source source;
    const struct rdb_handler *handler;
    unsigned version;
    uint64_t offset; /* bytes read */
    uint64_t crc;
    bool checksum;      /* to be checked */
    const char *reason; /* static text; NULL: the handler ended it */
    char module[10];    /* whose value or field is the reason, or "" */

    /* The implementation's own: */
    enum err err;                         /* the first that happened */
    struct rdb_key_facts facts;           /* of the value under way */
    bool told;                            /* the handler has its key */
    bool dump;                            /* there is no key */
    struct buffer name, text, more, node; /* scratch */
    /* Strings of a stream's node: those of its head, those of an entry. */
    struct rdb_strings {
        struct buffer views, digits; /* a place in both for each */
    } head, entry;
};

void rdb_reader_init(struct rdb_reader *reader, const struct rdb_source *source,
                     const struct rdb_handler *handler, bool checksum);
void rdb_reader_release(struct rdb_reader *reader);
/* A whole file, from REDISnnnn to the CRC. */
MUST_CHECK enum err rdb_read_file(struct rdb_reader *reader);
/* Whether a DUMP is whole: its version (up to 12) and its CRC. */
MUST_CHECK bool rdb_dump_is_whole(struct bytes dump);
/* What the string in a DUMP becomes if it is compressed, as its head says; else 0. */
uint64_t rdb_dump_unpacked(struct bytes dump);
/* The value of a DUMP, without key: `handler->key` is called with its type alone. */
MUST_CHECK enum err rdb_read_dump(struct bytes dump, const struct rdb_handler *handler,
                                  const char **reason);

/* The libraries of functions of a FUNCTION DUMP: `handler->function` for each. */
MUST_CHECK enum err rdb_read_functions(struct bytes dump, const struct rdb_handler *handler,
                                       const char **reason);

#endif
