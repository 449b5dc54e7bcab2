/* cmd/hyperloglog_command.h - the commands on HyperLogLogs, for their rows.
 * Model:    a HyperLogLog is a string (types/hyperloglog.h); whatever else the string holds is
 *           answered by an error.
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed.
 * Cost:     as each row says. */
#ifndef CMD_HYPERLOGLOG_COMMAND_H
#define CMD_HYPERLOGLOG_COMMAND_H

#include "cmd/command.h"

void cmd_pfadd(struct call *call);
void cmd_pfcount(struct call *call);
void cmd_pfmerge(struct call *call);
void cmd_pfdebug(struct call *call);
void cmd_pfselftest(struct call *call);

#endif
