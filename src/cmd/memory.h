/* cmd/memory.h - the MEMORY command's parts.
 * Model:    functions behind the rows of memory_commands.
 * Owner:    cmd/.
 * Pointers: as every call's.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as each row says. */
#ifndef CMD_MEMORY_H
#define CMD_MEMORY_H

#include "cmd/args.h"
#include "cmd/command.h"

void info_command(struct call *call);

void memory_usage(struct call *call);
void memory_stats(struct call *call);
void memory_doctor(struct call *call);
void memory_purge_now(struct call *call);
void memory_malloc_stats_text(struct call *call);
void memory_map(struct call *call);
void memory_preview(struct call *call);
void memory_help(struct call *call);

#endif
