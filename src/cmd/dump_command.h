/* cmd/dump_command.h - a value as bytes that another server takes: DUMP, RESTORE and MIGRATE.
 * Model:    value -> teller -> parts -> the format of RDB, with a tail of version and checksum, and
 *           the same way back. The value is told as it is now, also while a snapshot is written.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies; RESTORE has changed nothing then.
 * Cost:     O(bytes of the value), in one go; MIGRATE waits for the other server (cmd/peers.h). */
#ifndef CMD_DUMP_COMMAND_H
#define CMD_DUMP_COMMAND_H

#include "base/buffer.h"
#include "cmd/args.h"

void cmd_dump(struct call *call);
void cmd_restore(struct call *call);
void cmd_migrate(struct call *call);

/* The key, or those behind KEYS where the key is empty. */
int find_keys_of_migrate(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                         uint32_t most);

/* What DUMP replies, appended to `out`. ERR_MEMORY; ERR_LIMIT: no such value fits the format. */
MUST_CHECK enum err dump_value(struct call *call, const struct value *value, struct buffer *out);

#endif
