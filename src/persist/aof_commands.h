/* persist/aof_commands.h - a key as the commands that make it: the base of a log with no snapshot.
 * Model:    facts and parts go in as a teller gives them (types/parts.h), commands come out, of
 *           64 elements at most: SET, RPUSH, SADD, ZADD, HSET and HPEXPIREAT, XADD, XSETID, XGROUP,
 *           XCLAIM; then PEXPIREAT of the key.
 * Owner:    the caller owns writer and buffer.
 * Pointers: none kept between calls.
 * Threads:  one at a time.
 * Failure:  ERR_MEMORY; the buffer is then of no use, nor is the writer.
 * Cost:     two copies of each byte, of a string one; of a group of a stream 40 bytes for each
 *           entry that is pending. */
#ifndef PERSIST_AOF_COMMANDS_H
#define PERSIST_AOF_COMMANDS_H

#include "persist/rdb_write.h"

enum { AOF_ELEMENTS_MAX = 64 }; /* of one command */

struct aof_commands {
    struct buffer *out; /* may be emptied between calls */

    /* The implementation's own, of the value under way: */
    struct buffer key;
    unsigned type;
    int64_t expiry;
    uint64_t left;       /* bytes of a string */
    struct buffer words; /* arguments of the command that gathers, as they will stand */
    uint32_t elements;
    struct buffer later; /* commands behind that one */
    struct part stream;  /* its numbers */
    bool stream_set;     /* XSETID was written */
    uint64_t entries;
    struct buffer group, consumer, pending;
    uint64_t owned; /* of the consumer */
    bool has_consumer;
    enum err err;
};

void aof_commands_init(struct aof_commands *commands, struct buffer *out);
void aof_commands_release(struct aof_commands *commands);
/* FUNCTION LOAD of a library. */
MUST_CHECK enum err aof_commands_function(struct aof_commands *commands, struct bytes source);
MUST_CHECK enum err aof_commands_database(struct aof_commands *commands, unsigned db);
MUST_CHECK enum err aof_commands_key(struct aof_commands *commands,
                                     const struct rdb_key_facts *facts);
MUST_CHECK enum err aof_commands_part(struct aof_commands *commands, const struct part *part);
MUST_CHECK enum err aof_commands_end(struct aof_commands *commands);

#endif
