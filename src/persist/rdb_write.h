/* persist/rdb_write.h - the bytes of an RDB file, or of a DUMP, made of facts and parts.
 * Model:    a writer appends to a buffer, which the caller empties as it likes between two calls;
 *           the CRC goes over all that was appended. Lists, sets, hashes, sorted sets are written
 *           element by element (types 1, 2, 4, 5; a hash with field expiries: 24), streams as
 *           listpacks node by node (21, or 19 in version 10), strings as integers, LZF or plain.
 * Owner:    the caller owns writer and buffer.
 * Pointers: none kept between calls.
 * Threads:  one at a time.
 * Failure:  ERR_MEMORY; ERR_LIMIT: the value does not fit the version (field expiries before 12).
 * Cost:     one copy of each byte, LZF for strings over 20 bytes where asked for, the CRC. */
#ifndef PERSIST_RDB_WRITE_H
#define PERSIST_RDB_WRITE_H

#include "base/buffer.h"
#include "types/parts.h"

enum { RDB_VERSION_MIN = 10, RDB_VERSION = 11, RDB_VERSION_MAX = 12 };

struct rdb_writer {
    struct buffer *out;
    unsigned version; /* 10 to 12 */
    bool compress;    /* rdbcompression */
    bool checksum;    /* rdbchecksum; else the CRC is written as 0 */
    uint64_t crc;
    /* Of the value under way: */
    uint64_t pending, consumers;
    struct buffer node, scratch;
    struct stream_id node_id;
    /* ... what the implementation needs */
};

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
/* A DUMP's tail: version and CRC. */
MUST_CHECK enum err rdb_write_dump_tail(struct rdb_writer *writer);

#endif
