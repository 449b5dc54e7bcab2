/* cmd/access.h - who may do what, as far as a password and the guarded commands go.
 * Model:    one user, "default", with the password that requirepass gives or none.
 * Owner:    nobody: it reads the configuration in force.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false, with the error reply written where it says so.
 * Cost:     comparing a password takes the same time however much of it is right. */
#ifndef CMD_ACCESS_H
#define CMD_ACCESS_H

#include "cmd/table.h"

bool access_needs_password(const struct cmd_context *context);

/* Whether this name and password are the default user's; without a password any will do. */
MUST_CHECK bool access_check(const struct cmd_context *context, struct bytes user,
                             struct bytes password);

/* Loopback or the unix socket. */
bool access_is_local(const struct client *client);

/* Guarded commands (enable-debug-command): false with the error written when refused. */
MUST_CHECK bool access_protected(const struct cmd_context *context, const struct command_row *row,
                                 const struct client *client, struct reply *reply);

#endif
