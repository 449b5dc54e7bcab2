/* cmd/access.h - who may do what: the one question, asked wherever a command is about to run.
 * Model:    a request is granted when one selector of the client's user grants the command, every
 *           key it names (by the rows' key specs, cmd/keys.h) and every channel. A client without
 *           a user (the loading of a file) may do everything.
 * Owner:    nobody: it reads the users in force (cmd/users.h).
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false, with what was missing; when memory fails nothing is granted.
 * Cost:     one test of the client's flags for an unrestricted user; else the keys are found and
 *           each is matched with patterns until one fits. */
#ifndef CMD_ACCESS_H
#define CMD_ACCESS_H

#include "cmd/users.h"

enum access_missing {
    ACCESS_GRANTED,
    ACCESS_COMMAND,
    ACCESS_KEY,
    ACCESS_LOGIN, /* for the log: a wrong name or password */
    ACCESS_CHANNEL,
};

/* From where a command came that was refused. */
enum access_place {
    ACCESS_TOP_LEVEL,
    ACCESS_IN_MULTI, /* about to be queued */
    ACCESS_IN_EXEC,
    ACCESS_IN_SCRIPT,
};

struct access_why {
    enum access_missing missing;
    uint32_t at; /* the key or channel in argv */
};

/* Whether the client may run this request now. `row` is the subcommand's, if it has one; the arity
 * has been checked. Dispatch, EXEC and scripts ask alike; false: tell with access_denied. */
MUST_CHECK bool access_may_restricted(const struct cmd_context *context, const struct user *user,
                                      const struct command_row *row, const struct bytes *argv,
                                      uint32_t argc, struct access_why *why);
MUST_CHECK static inline bool access_may(const struct cmd_context *context,
                                         const struct client *client, const struct command_row *row,
                                         const struct bytes *argv, uint32_t argc,
                                         struct access_why *why)
{
    why->missing = ACCESS_GRANTED;
    if (LIKELY((client->flags & CLIENT_RESTRICTED) == 0))
        return true;
    return access_may_restricted(context, client->user, row, argv, argc, why);
}

/* Counts a refusal and puts it into ACL LOG. */
void access_denied(struct cmd_context *context, const struct client *client,
                   enum access_place place, const struct command_row *row, const struct bytes *argv,
                   const struct access_why *why);
/* The error reply of a refused command: "NOPERM ...", in the words of the place. */
void access_reply(struct reply *reply, const struct client *client, enum access_place place,
                  const struct command_row *row, const struct access_why *why);
/* The same in words, without a code: "User al has no permissions to run the 'get'
 * command". With `object` (the key or channel) it is named. False when memory fails. */
MUST_CHECK bool access_explain(struct buffer *text, const struct user *user,
                               const struct command_row *row, const struct access_why *why,
                               const struct bytes *object);

/* Whether a subscription to the channel (or pattern, or shard channel) is still granted. */
MUST_CHECK bool access_may_channel(const struct client *client, struct bytes channel,
                                   bool is_pattern);
/* Whether the request may read every key, as SORT's BY and GET patterns need. */
MUST_CHECK bool access_may_read_all(const struct cmd_context *context, const struct client *client,
                                    const struct command_row *row, const struct bytes *argv,
                                    uint32_t argc);

/* --- passwords and guarded commands ----------------------------------------------------------- */

/* Who has not logged in may only do so. */
bool access_needs_password(const struct cmd_context *context);

/* Logs the client in; false when name and password do not fit, counted and logged. */
MUST_CHECK bool access_log_in(struct cmd_context *context, struct client *client,
                              enum access_place place, struct bytes command, struct bytes user,
                              struct bytes password);

/* Loopback or the unix socket. */
bool access_is_local(const struct client *client);

/* Guarded commands (enable-debug-command): false with the error written when refused. */
MUST_CHECK bool access_protected(const struct cmd_context *context, const struct command_row *row,
                                 const struct client *client, struct reply *reply);

#endif
