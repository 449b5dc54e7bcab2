/* cmd/zset_command.h - the commands on sorted sets, for their rows, and what they share.
 * Model:    one function for each command, or for several that differ by name only.
 * Owner:    nobody.
 * Pointers: items that are gathered live in the call's arena.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed; of a big value those members that came before
 *           memory failed.
 * Cost:     as each row says. */
#ifndef CMD_ZSET_COMMAND_H
#define CMD_ZSET_COMMAND_H

#include "cmd/args.h"
#include "types/zset.h"

void cmd_zadd(struct call *call);
void cmd_zincrby(struct call *call);
void cmd_zrem(struct call *call);

void cmd_zcard(struct call *call);
void cmd_zscore(struct call *call);
void cmd_zmscore(struct call *call);
void cmd_zrank(struct call *call);
void cmd_zrevrank(struct call *call);
void cmd_zcount(struct call *call);
void cmd_zlexcount(struct call *call);
void cmd_zrandmember(struct call *call);
void cmd_zscan(struct call *call);

void cmd_zrange(struct call *call);
void cmd_zrevrange(struct call *call);
void cmd_zrangebyscore(struct call *call);
void cmd_zrevrangebyscore(struct call *call);
void cmd_zrangebylex(struct call *call);
void cmd_zrevrangebylex(struct call *call);
void cmd_zrangestore(struct call *call);
void cmd_zremrangebyrank(struct call *call);
void cmd_zremrangebyscore(struct call *call);
void cmd_zremrangebylex(struct call *call);

void cmd_zpopmin(struct call *call);
void cmd_zpopmax(struct call *call);
void cmd_zmpop(struct call *call);
void cmd_bzpopmin(struct call *call);
void cmd_bzpopmax(struct call *call);
void cmd_bzmpop(struct call *call);

void cmd_zunion(struct call *call);
void cmd_zinter(struct call *call);
void cmd_zdiff(struct call *call);
void cmd_zintercard(struct call *call);
void cmd_zunionstore(struct call *call);
void cmd_zinterstore(struct call *call);
void cmd_zdiffstore(struct call *call);

/* --- shared: zset_shared.c -------------------------------------------------------------------- */

/* The key at argv[at] for reading; one that is absent is an empty zset with *entry NULL. False: it
 * is of another type, the error is written. */
MUST_CHECK bool zset_read(struct call *call, uint32_t at, const struct entry **entry,
                          struct zset *zset);
/* The same for changing. */
MUST_CHECK bool zset_open(struct call *call, const struct key *key, struct entry **entry,
                          struct value_edit *edit);
/* A change that failed half-way: what a big value has got already is told, and the error. */
void zset_failed(struct call *call, const struct key *key, struct entry *entry,
                 struct value_edit *edit, enum event event);

/* A float, or the error with this text. */
MUST_CHECK bool zset_read_score(struct call *call, uint32_t at, const char *error, double *score);
/* "5", "(5", "-inf" or "-", "[a", "(a" from two arguments, or the error. */
MUST_CHECK bool zset_read_bounds(struct call *call, uint32_t min_at, uint32_t max_at, bool by_score,
                                 struct zset_bound *min, struct zset_bound *max);
/* How many members stand between the bounds, and the rank of the first. */
uint64_t zset_between(const struct zset *zset, const struct zset_bound *min,
                      const struct zset_bound *max, uint64_t *rank);
/* A number that is not negative, or the error. */
MUST_CHECK bool zset_read_positive(struct call *call, uint32_t at, int64_t *number);

/* What comes out of a walk, kept in the arena; whole members if they are to outlive a change. */
struct zset_gathering {
    struct arena *arena;
    struct zset_item *items;
    uint64_t count, capacity;
    bool whole;
    bool failed; /* no memory */
};
bool zset_gather(void *gathering, const struct zset_item *item, bool passing);
/* Keeps a member where `passing` says that it is about to change. False: no memory. */
MUST_CHECK bool zset_keep(struct arena *arena, bool passing, struct bytes *member);

/* The items in order as the value of a key, whatever it held; an empty result removes it. Replies
 * with their number, or the error. */
void zset_store(struct call *call, const struct key *key, struct zset_item *items, uint64_t count,
                enum event event);

/* An array of members or, `scores`, of members and scores: flat in RESP2, pairs in RESP3. */
void zset_reply_begin(struct call *call, uint64_t count, bool scores);
void zset_reply_item(struct call *call, const struct zset_item *item, bool scores);

/* Keys of commands with their number in argv[count_at]: true with *keys of them behind it. */
MUST_CHECK bool zset_read_key_count(struct call *call, uint32_t count_at, uint32_t *keys);

#endif
