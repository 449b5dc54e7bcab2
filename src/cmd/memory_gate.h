/* cmd/memory_gate.h - what maxmemory lets commands do.
 * Model:    while there is a limit, every command asks first. Asking makes room, for a bounded
 *           time; where none can be made, whoever could take more is refused.
 * Owner:    the pressure is the server's.
 * Pointers: between commands: keys go and entries move.
 * Threads:  the executing thread.
 * Failure:  an error reply, "OOM ...".
 * Cost:     no limit: one load a command; else see store/pressure.h. */
#ifndef CMD_MEMORY_GATE_H
#define CMD_MEMORY_GATE_H

#include "cmd/command.h"
#include "cmd/table.h"
#include "net/net.h"

/* False: the command may not run, the error is written. `flags`: the row's; of EXEC those of what
 * it runs too. pre: context->memory_limited. */
MUST_CHECK bool memory_gate(struct cmd_context *context, const struct command_row *row,
                            uint32_t flags, const struct net_request *request, struct reply *reply);

/* LATENCY hears of the last look, if it took long. */
void memory_tell_latency(struct cmd_context *context);

/* There was no room to be made before the command that runs now. */
bool memory_is_short(const struct cmd_context *context);
void memory_error(struct reply *reply);

#endif
