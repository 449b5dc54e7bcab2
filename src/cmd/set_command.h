/* cmd/set_command.h - the commands on sets, for their rows, and what they share.
 * Model:    one function for each command.
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed; of a big set some of several members may have
 *           been added when memory fails.
 * Cost:     as each row says. */
#ifndef CMD_SET_COMMAND_H
#define CMD_SET_COMMAND_H

#include "cmd/args.h"
#include "types/set.h"

void cmd_sadd(struct call *call);
void cmd_scard(struct call *call);
void cmd_sdiff(struct call *call);
void cmd_sdiffstore(struct call *call);
void cmd_sinter(struct call *call);
void cmd_sintercard(struct call *call);
void cmd_sinterstore(struct call *call);
void cmd_sismember(struct call *call);
void cmd_smembers(struct call *call);
void cmd_smismember(struct call *call);
void cmd_smove(struct call *call);
void cmd_spop(struct call *call);
void cmd_srandmember(struct call *call);
void cmd_srem(struct call *call);
void cmd_sscan(struct call *call);
void cmd_sunion(struct call *call);
void cmd_sunionstore(struct call *call);

/* The set at the command's first key, for reading. *there is false when there is no such key; false
 * when it holds something else, and the error is written. */
MUST_CHECK bool set_read_first(struct call *call, struct value *value, bool *there);
void set_reply_element(struct call *call, const uint8_t *element);
/* Every member, behind a header that the caller has written. */
void set_reply_all(struct call *call, const struct value *value);

#endif
