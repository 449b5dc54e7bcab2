/* persist/rdb_take.h - what RDB is made of, read: bytes, numbers, lengths, strings; and telling.
 * Model:    each call reads from the source, and the CRC goes over it. The first failure stays in
 *           reader->err and says why; what returns false has set it.
 * Owner:    the reader's.
 * Pointers: what is read into a buffer holds until that is used again.
 * Threads:  one at a time.
 * Failure:  false.
 * Cost:     memory grows with the bytes that have come, never with a length that is only told; LZF
 *           makes at most 88 bytes of one. */
#ifndef PERSIST_RDB_TAKE_H
#define PERSIST_RDB_TAKE_H

#include "persist/rdb_format.h"
#include "persist/rdb_read.h"

bool rdb_fail(struct rdb_reader *reader, const char *reason);
bool rdb_fail_memory(struct rdb_reader *reader);

MUST_CHECK bool rdb_take(struct rdb_reader *reader, void *at, size_t bytes);
MUST_CHECK bool rdb_take_byte(struct rdb_reader *reader, unsigned *byte);
MUST_CHECK bool rdb_take_u64(struct rdb_reader *reader, uint64_t *value); /* little-endian */
MUST_CHECK bool rdb_take_length(struct rdb_reader *reader, uint64_t *length);
/* A length of things that take a byte at least. */
MUST_CHECK bool rdb_take_count(struct rdb_reader *reader, uint64_t *count);
MUST_CHECK bool rdb_take_id(struct rdb_reader *reader, struct stream_id *id); /* two lengths */

/* A string of any form, in place of what `into` has. */
MUST_CHECK bool rdb_take_string(struct rdb_reader *reader, struct buffer *into);

/* The same in two steps; what is plain may be read in pieces. */
struct rdb_string {
    bool plain;
    uint64_t count;      /* bytes */
    uint64_t compressed; /* bytes that they are in, or 0 */
    int64_t value;       /* neither plain nor compressed */
};
MUST_CHECK bool rdb_take_string_head(struct rdb_reader *reader, struct rdb_string *string);
MUST_CHECK bool rdb_take_string_rest(struct rdb_reader *reader, const struct rdb_string *string,
                                     struct buffer *into);

/* The value's key first, if it was not told. */
MUST_CHECK bool rdb_tell_key(struct rdb_reader *reader);
MUST_CHECK bool rdb_tell(struct rdb_reader *reader, const struct part *part);
/* A result of the handler's. */
MUST_CHECK bool rdb_told(struct rdb_reader *reader, enum err err);

/* A value of this RDB type, behind its key: the parts and the end. */
MUST_CHECK bool rdb_take_value(struct rdb_reader *reader, unsigned type);
/* rdb_read_packed.c: values that are one packed string; and a quicklist's node. */
MUST_CHECK bool rdb_take_packed(struct rdb_reader *reader, unsigned type);
MUST_CHECK bool rdb_tell_items(struct rdb_reader *reader, struct bytes packed, unsigned type);
/* rdb_read_stream.c */
MUST_CHECK bool rdb_take_stream(struct rdb_reader *reader, unsigned type);
/* rdb_read_module.c */
MUST_CHECK bool rdb_take_module(struct rdb_reader *reader, unsigned type);
MUST_CHECK bool rdb_skip_module_aux(struct rdb_reader *reader);

#endif
