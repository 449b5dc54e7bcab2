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
/* Finds a live field in the change as it is. */
MUST_CHECK bool hash_seek(const struct hash_change *change, struct bytes field,
                          struct hash_place *place);

/* A packed string as a bulk reply. */
void hash_reply_text(struct call *call, const uint8_t *at);

void cmd_hdel(struct call *call);
void cmd_hexists(struct call *call);
void cmd_hget(struct call *call);
void cmd_hgetall(struct call *call);
void cmd_hincrby(struct call *call);
void cmd_hincrbyfloat(struct call *call);
void cmd_hkeys(struct call *call);
void cmd_hlen(struct call *call);
void cmd_hmget(struct call *call);
void cmd_hmset(struct call *call);
void cmd_hrandfield(struct call *call);
void cmd_hscan(struct call *call);
void cmd_hset(struct call *call);
void cmd_hsetnx(struct call *call);
void cmd_hstrlen(struct call *call);
void cmd_hvals(struct call *call);

#endif
