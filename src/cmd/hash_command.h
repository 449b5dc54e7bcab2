/* cmd/hash_command.h - the commands on hashes, for their rows, and what they share.
 * Model:    a reading is a hash as it is; a change is an edit of it, which is committed once.
 * Owner:    both live on the command's stack.
 * Pointers: pairs are good until the hash changes.
 * Threads:  the executing thread.
 * Failure:  false: the error reply is written, and nothing has changed; a big hash may have taken
 *           the first of several fields when memory fails in the middle.
 * Cost:     as each row says. */
#ifndef CMD_HASH_COMMAND_H
#define CMD_HASH_COMMAND_H

#include "cmd/args.h"
#include "types/hash.h"

/* The hash at the call's key to be read; *there is false when there is none. */
MUST_CHECK bool hash_read(struct call *call, struct hash *hash, bool *there);

struct hash_change {
    struct key key;
    struct entry *entry; /* NULL: there was no such key */
    struct value_edit edit;
    int64_t now_ms;
};
/* The hash at the call's key to be changed; an absent one is begun when `make`. */
MUST_CHECK bool hash_open(struct call *call, struct hash_change *change, bool make);
MUST_CHECK bool hash_commit(struct call *call, struct hash_change *change, enum event event);
/* hash_set with the error reply. */
MUST_CHECK bool hash_put(struct call *call, struct hash_change *change, struct bytes field,
                         struct bytes value, int64_t expiry, enum hash_outcome *outcome);
/* The error reply when memory has failed. What a big hash has taken by then stays, and is told. */
void hash_fail(struct call *call, struct hash_change *change);
/* Before a field of the change gets an expiry: a big hash that had none is made ready for it. */
MUST_CHECK bool hash_mark_expiring(struct call *call, struct hash_change *change);
/* Finds a live field in the change as it is. */
MUST_CHECK bool hash_seek(const struct hash_change *change, struct bytes field,
                          struct hash_place *place);

/* A packed string as a bulk reply. */
void hash_reply_text(struct call *call, const uint8_t *at);

/* --- fields that expire ----------------------------------------------------------------------- */

/* FIELDS, how many, and the fields: to the end of the arguments. */
struct hash_fields {
    uint32_t first, count; /* in argv */
};
/* `number_error` is told of a count that is none. */
MUST_CHECK bool hash_fields_read(struct call *call, uint32_t at, const char *number_error,
                                 struct hash_fields *fields);
/* argv[at] as a time to expire at. `form`: EXPIRY_MS, EXPIRY_ABSOLUTE (cmd/args.h). */
MUST_CHECK bool hash_time_read(struct call *call, uint32_t at, unsigned form, int64_t *expiry);
/* Tells, as the command's effect: HPEXPIREAT at `expiry`, or HPERSIST where that is HASH_NO_EXPIRY,
 * of the fields; HDEL of them. */
void hash_tell_expiry(struct call *call, int64_t expiry, const struct bytes *fields,
                      uint32_t count);
void hash_tell_removed(struct call *call, const struct bytes *fields, uint32_t count);
/* Gives the field at a place of the change another expiry; false with the error reply. */
MUST_CHECK bool hash_put_expiry(struct call *call, struct hash_change *change,
                                const struct hash_place *place, int64_t expiry);

void cmd_hdel(struct call *call);
void cmd_hexists(struct call *call);
void cmd_hexpire(struct call *call);
void cmd_hexpireat(struct call *call);
void cmd_hexpiretime(struct call *call);
void cmd_hget(struct call *call);
void cmd_hgetall(struct call *call);
void cmd_hgetdel(struct call *call);
void cmd_hgetex(struct call *call);
void cmd_hincrby(struct call *call);
void cmd_hincrbyfloat(struct call *call);
void cmd_hkeys(struct call *call);
void cmd_hlen(struct call *call);
void cmd_hmget(struct call *call);
void cmd_hmset(struct call *call);
void cmd_hpersist(struct call *call);
void cmd_hpexpire(struct call *call);
void cmd_hpexpireat(struct call *call);
void cmd_hpexpiretime(struct call *call);
void cmd_hpttl(struct call *call);
void cmd_hrandfield(struct call *call);
void cmd_hscan(struct call *call);
void cmd_hset(struct call *call);
void cmd_hsetex(struct call *call);
void cmd_hsetnx(struct call *call);
void cmd_hstrlen(struct call *call);
void cmd_httl(struct call *call);
void cmd_hvals(struct call *call);

#endif
