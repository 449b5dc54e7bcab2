/* cmd/transaction.h - MULTI, EXEC, DISCARD, WATCH and UNWATCH.
 * Model:    between MULTI and EXEC a client's commands are checked and queued; what is refused
 *           spoils the transaction. EXEC runs them one behind the other (cmd/nested.h), unless it
 *           is spoiled or a watched key was changed.
 * Owner:    a client that said MULTI or WATCH has one, freed with it.
 * Pointers: arguments are copied.
 * Threads:  the executing thread.
 * Failure:  a command that cannot be queued for want of memory is refused.
 * Cost:     a client without one: nothing. A queued command: one block of memory. */
#ifndef CMD_TRANSACTION_H
#define CMD_TRANSACTION_H

#include "cmd/table.h"

/* Commands of a client in MULTI that run at once, and are not queued. */
MUST_CHECK bool transaction_passes(const struct command_row *row);
/* Queues the call, or refuses it: the reply is written. */
void transaction_queue(struct call *call, struct command_row *row);
/* A command was refused when it came: EXEC will refuse too. Nothing without MULTI. */
void transaction_spoil(struct client *client);
/* EXEC itself was refused, by the error that `why` holds: the transaction is over. */
void transaction_abort(struct cmd_context *context, struct client *client, struct reply *why);
/* What the dispatcher asks of a command of such a client: of EXEC what it would run, too. */
uint32_t transaction_flags(const struct client *client, const struct command_row *row);
/* RESET, and the end of the client: neither queued commands nor watched keys are left. */
void transaction_drop(struct cmd_context *context, struct client *client);

/* For CLIENT LIST. */
struct transaction_figures {
    int64_t queued; /* -1: not in MULTI */
    uint32_t watched;
    uint64_t queued_bytes;
    bool changed; /* a watched key was */
};
struct transaction_figures transaction_figures(const struct client *client);

void cmd_discard(struct call *call);
void cmd_exec(struct call *call);
void cmd_multi(struct call *call);
void cmd_unwatch(struct call *call);
void cmd_watch(struct call *call);

#endif
