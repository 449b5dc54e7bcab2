/* persist/rdb_write.h - the bytes of an RDB file, or of a DUMP, made of facts and parts.
 * Model:    a writer appends to a buffer, which the caller empties as it likes between two calls;
 *           the CRC goes over all that was appended. Lists, sets, hashes, sorted sets are written
 *           element by element (types 1, 2, 4, 5; a hash with field expiries: 24), streams as
 *           listpacks node by node (21, or 19 in version 10), strings as integers, LZF or plain.
 * Owner:    the caller owns writer and buffer.
 * Pointers: none kept between calls.
 * Threads:  one at a time.
 * Failure:  ERR_MEMORY; ERR_LIMIT: the value does not fit the version (field expiries before 12),
 *           or a stream's node 4 GiB. The buffer is then of no use, nor is the writer.
 * Cost:     one copy of each byte, the CRC; where asked for, LZF for strings of 21 bytes to
 *           RDB_COMPRESS_MAX: a call takes no longer than that. */
#ifndef PERSIST_RDB_WRITE_H
#define PERSIST_RDB_WRITE_H

#include "base/buffer.h"
#include "types/parts.h"

enum { RDB_VERSION_MIN = 10, RDB_VERSION = 11, RDB_VERSION_MAX = 12 };
enum { RDB_COMPRESS_MAX = 256 * 1024 }; /* about a millisecond */

struct rdb_writer {
    struct buffer *out;
    unsigned version; /* 10 to 12 */
    bool compress;    /* rdbcompression */
    bool checksum;    /* rdbchecksum; else the CRC is written as 0 */
    uint64_t crc;
    enum err err; /* the first that happened */

    /* Of the value under way: */
    unsigned type;        /* enum value_type */
    uint64_t left;        /* elements; bytes of a string */
    int64_t first_expiry; /* of a hash's fields, or VALUE_NEVER */
    bool whole;           /* a string's pieces gather in `node` */
    struct part stream;   /* its numbers */
    uint64_t nodes, entries, groups, pending, consumers, owned; /* of a stream, to come */
    struct buffer node, scratch;
    uint64_t elements; /* of the listpack in `node` */
    struct stream_id node_id;
    uint64_t fields; /* of its first entry: they stand there in `node` */
    size_t fields_at, fields_end;
};

/* pre: `out` is only emptied by the caller, at its front or as a whole. */
void rdb_writer_init(struct rdb_writer *writer, struct buffer *out, unsigned version, bool compress,
                     bool checksum);
void rdb_writer_release(struct rdb_writer *writer);

MUST_CHECK enum err rdb_write_header(struct rdb_writer *writer); /* REDIS0011 */
MUST_CHECK enum err rdb_write_aux(struct rdb_writer *writer, const char *name, struct bytes value);
/* Redis's source of a function library (opcode 245). */
MUST_CHECK enum err rdb_write_function(struct rdb_writer *writer, struct bytes source);
MUST_CHECK enum err rdb_write_database(struct rdb_writer *writer, unsigned db, uint64_t keys,
                                       uint64_t expires);

struct rdb_key_facts {
    struct bytes name;
    int64_t expiry; /* ms since 1970, or ENTRY_NO_EXPIRY */
    int64_t idle_s; /* of maxmemory-policy lru; -1: not told */
    int frequency;  /* of lfu, 0 to 255; -1: not told */
    unsigned type;  /* enum value_type */
    struct value_summary summary;
};
/* What stands before a key's value; then rdb_write_part for each part, then rdb_write_value_end. */
MUST_CHECK enum err rdb_write_key(struct rdb_writer *writer, const struct rdb_key_facts *facts);
/* The same of a DUMP: the type and the counts. */
MUST_CHECK enum err rdb_write_value(struct rdb_writer *writer, unsigned type,
                                    const struct value_summary *summary);
MUST_CHECK enum err rdb_write_part(struct rdb_writer *writer, const struct part *part);
MUST_CHECK enum err rdb_write_value_end(struct rdb_writer *writer);
/* The end of file and the CRC. */
MUST_CHECK enum err rdb_write_footer(struct rdb_writer *writer);
/* A DUMP's tail: version and CRC. pre: the writer has the checksum. */
MUST_CHECK enum err rdb_write_dump_tail(struct rdb_writer *writer);

#endif
