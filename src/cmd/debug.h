/* cmd/debug.h - the DEBUG command's parts, for tests and for those who look inside.
 * Model:    a table of subcommands by name and number of arguments (debug.c), as Redis has one row
 *           in its command table; what only makes sense inside Redis is refused in plain words.
 * Owner:    cmd/.
 * Pointers: as every call's.
 * Threads:  the executing thread.
 * Failure:  error replies; SEGFAULT, PANIC and ASSERT end the process, as they must.
 * Cost:     DIGEST, VERIFY and MOVE-ALL walk everything while nobody else is served. */
#ifndef CMD_DEBUG_H
#define CMD_DEBUG_H

#include "cmd/args.h"

void cmd_debug(struct call *call);

/* debug_digest.c */
void debug_digest(struct call *call);
void debug_digest_value(struct call *call);

/* debug_effects.c */
void debug_effects(struct call *call);

/* debug_touched.c */
void debug_touched(struct call *call);

/* debug_keys.c */
void debug_htstats(struct call *call);
void debug_object(struct call *call);
void debug_populate(struct call *call);
void debug_sdslen(struct call *call);

/* debug_protocol.c */
void debug_protocol(struct call *call);

#endif
