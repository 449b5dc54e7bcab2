/* persist/rdb_put.h - what RDB is made of: numbers, lengths, strings; and elements of listpacks.
 * Model:    each call appends to the writer's buffer, or to its node. The first failure stays in
 *           writer->err, and what follows it does nothing. What was appended since `start` enters
 *           the CRC when a call from outside ends (rdb_put_end).
 * Owner:    the writer's.
 * Pointers: none kept.
 * Threads:  one at a time.
 * Failure:  writer->err.
 * Cost:     one copy; LZF where it is asked for. */
#ifndef PERSIST_RDB_PUT_H
#define PERSIST_RDB_PUT_H

#include "persist/rdb_format.h"
#include "persist/rdb_write.h"

void rdb_put(struct rdb_writer *writer, struct bytes bytes);
void rdb_put_byte(struct rdb_writer *writer, unsigned byte);
void rdb_put_u64(struct rdb_writer *writer, uint64_t value); /* little-endian */
void rdb_put_length(struct rdb_writer *writer, uint64_t length);
/* As an integer, compressed, or as it is. */
void rdb_put_string(struct rdb_writer *writer, struct bytes text);
/* Whether rdb_put_string may write a string of that length in another form than it has. */
bool rdb_put_wants_whole(const struct rdb_writer *writer, uint64_t count);

MUST_CHECK enum err rdb_put_end(struct rdb_writer *writer, size_t start);

/* A listpack, made in writer->node. */
void listpack_begin(struct rdb_writer *writer);
void listpack_put_integer(struct rdb_writer *writer, int64_t value);
void listpack_put(struct rdb_writer *writer, struct bytes text); /* as an integer if it is one */
void listpack_end(struct rdb_writer *writer);

/* persist/rdb_write_stream.c: one part of a stream. */
void rdb_put_stream_part(struct rdb_writer *writer, const struct part *part);

#endif
