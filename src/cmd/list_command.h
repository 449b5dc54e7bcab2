/* cmd/list_command.h - the commands on lists, for their rows, and what their files share.
 * Model:    one function for each command; lists are opened, changed and committed through the
 *           helpers below (list_common.c).
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed.
 * Cost:     as each row says. */
#ifndef CMD_LIST_COMMAND_H
#define CMD_LIST_COMMAND_H

#include "cmd/args.h"
#include "types/list.h"

void cmd_blmove(struct call *call);
void cmd_blmpop(struct call *call);
void cmd_blpop(struct call *call);
void cmd_brpop(struct call *call);
void cmd_brpoplpush(struct call *call);
void cmd_lindex(struct call *call);
void cmd_linsert(struct call *call);
void cmd_llen(struct call *call);
void cmd_lmove(struct call *call);
void cmd_lmpop(struct call *call);
void cmd_lpop(struct call *call);
void cmd_lpos(struct call *call);
void cmd_lpush(struct call *call);
void cmd_lpushx(struct call *call);
void cmd_lrange(struct call *call);
void cmd_lrem(struct call *call);
void cmd_lset(struct call *call);
void cmd_ltrim(struct call *call);
void cmd_rpop(struct call *call);
void cmd_rpoplpush(struct call *call);
void cmd_rpush(struct call *call);
void cmd_rpushx(struct call *call);

/* --- shared, list_common.c -------------------------------------------------------------------- */

/* A list about to be changed. */
struct list_write {
    struct call *call;
    struct key key;
    struct entry *entry; /* NULL: absent */
    struct value_edit edit;
};
/* False: the key holds something else, the error is written. */
MUST_CHECK bool list_write_open(struct call *call, const struct key *key, struct list_write *write);
/* Puts the list back, or removes the key when no item is left. False: the error is written. */
MUST_CHECK bool list_write_close(struct list_write *write, enum event event);
/* After a step that found no memory: writes the error. */
void list_write_fail(struct list_write *write);
uint64_t list_write_count(const struct list_write *write);

/* The list at a key to be read: false when the key holds something else, and the error is written;
 * *there tells whether there is one. */
MUST_CHECK bool list_read(struct call *call, const struct key *key, struct list *list, bool *there);

static inline void list_reply_item(struct call *call, const uint8_t *item)
{
    uint8_t digits[NUMBER_I64_MAX];
    if (LIKELY(item[0] < 0x80))
        reply_bulk(call->reply, bytes_of(item + 1, item[0]));
    else
        reply_bulk(call->reply, packed_view(call->space, item, digits));
}
/* `count` items from `rank` on, or from there backwards, each as a bulk string. */
void list_reply_items(struct call *call, const struct list *list, uint64_t rank, uint64_t count,
                      enum list_end from);

/* "LEFT" or "RIGHT"; a syntax error otherwise. */
MUST_CHECK bool list_read_end(struct call *call, uint32_t at, enum list_end *end);

/* From indexes that may be negative (from the end) or outside: what is there of the range. */
struct list_range {
    uint64_t rank, count;
};
struct list_range list_range(uint64_t count, int64_t first, int64_t last); /* list_edit.c */

/* Pops `count` items, at most all, and writes them: in an array when `as_array`; `with_key` puts
 * the key in front, in an array of two. */
struct list_pop {
    enum list_end end;
    uint64_t count;
    bool as_array, with_key;
};
void list_pop(struct list_write *write, const struct list_pop *pop); /* list_pop.c */

/* From which end, and to which one of the other list. */
struct list_ends {
    enum list_end from, to;
};

#endif
