/* cmd/bitmap_command.h - the commands on bitmaps, for their rows, and what they share.
 * Model:    a bitmap is a string seen as bits, the first being the highest of the first byte.
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed.
 * Cost:     as each row says. */
#ifndef CMD_BITMAP_COMMAND_H
#define CMD_BITMAP_COMMAND_H

#include "cmd/command.h"

void cmd_bitcount(struct call *call);
void cmd_bitfield(struct call *call);
void cmd_bitfield_ro(struct call *call);
void cmd_bitop(struct call *call);
void cmd_bitpos(struct call *call);
void cmd_getbit(struct call *call);
void cmd_setbit(struct call *call);

/* BITFIELD whose steps are all GET only reads. */
int find_keys_of_bitfield(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                          uint32_t most);

/* A bit's place from an argument; "#n" means n times `unit` bits, where unit is not 0. */
MUST_CHECK bool bitmap_offset(struct call *call, uint32_t at, unsigned unit, uint64_t *offset);

#endif
