/* cmd/string_command.h - the commands on strings, for their rows.
 * Model:    one function for each command, or for several that differ by name only.
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed; MSET and its kin alone may have set their
 *           first keys when memory fails in the middle.
 * Cost:     as each row says. */
#ifndef CMD_STRING_COMMAND_H
#define CMD_STRING_COMMAND_H

#include "cmd/command.h"

void cmd_append(struct call *call);
void cmd_decr(struct call *call);
void cmd_decrby(struct call *call);
void cmd_delex(struct call *call);
void cmd_delifeq(struct call *call);
void cmd_digest(struct call *call);
void cmd_get(struct call *call);
void cmd_getdel(struct call *call);
void cmd_getex(struct call *call);
void cmd_getrange(struct call *call);
void cmd_getset(struct call *call);
void cmd_incr(struct call *call);
void cmd_incrby(struct call *call);
void cmd_incrbyfloat(struct call *call);
void cmd_lcs(struct call *call);
void cmd_mget(struct call *call);
void cmd_mset(struct call *call);
void cmd_msetex(struct call *call);
void cmd_msetnx(struct call *call);
void cmd_psetex(struct call *call);
void cmd_set(struct call *call);
void cmd_setex(struct call *call);
void cmd_setnx(struct call *call);
void cmd_setrange(struct call *call);
void cmd_strlen(struct call *call);

/* SET reads the old value only when GET or a comparison is among its options. */
int find_keys_of_set(const struct bytes *argv, uint32_t argc, struct key_at *keys, uint32_t most);

#endif
