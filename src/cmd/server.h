/* cmd/server.h - the commands about the server as a whole, and CONFIG.
 * Model:    one function a command; the rows say the rest.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as the rows say. */
#ifndef CMD_SERVER_H
#define CMD_SERVER_H

#include "cmd/args.h"

void cmd_dbsize(struct call *call);
void cmd_flushall(struct call *call);
void cmd_flushdb(struct call *call);
void cmd_lolwut(struct call *call);
void cmd_role(struct call *call);
void module_help(struct call *call);
void module_list(struct call *call);
void cmd_shutdown(struct call *call);
void cmd_swapdb(struct call *call);
void cmd_time(struct call *call);

void config_get(struct call *call);
void config_set(struct call *call);
void config_rewrite(struct call *call);
void config_resetstat(struct call *call);
void config_help(struct call *call);

#endif
