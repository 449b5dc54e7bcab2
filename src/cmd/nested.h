/* cmd/nested.h - a command runs other commands: EXEC, and what a script calls.
 * Model:    the inner command is looked up, checked, run, counted and told about as if its client
 *           had sent it, but for three things: it never waits, its effects are one transaction with
 *           those of its neighbours, and who waits for keys is served after the outer command.
 * Owner:    the outer command; it may be an inner one itself.
 * Pointers: argv and what the inner command took of the arena are good until it returns; the outer
 *           call, its arguments and its own temporaries stay good.
 * Threads:  the executing thread.
 * Failure:  what is refused has an error in the reply, and has changed nothing.
 * Cost:     that of a command without its share of a batch: keys are not asked for ahead. */
#ifndef CMD_NESTED_H
#define CMD_NESTED_H

#include "cmd/table.h"

enum nested_flags {
    NESTED_GATED = 1,    /* whether anything may be written now is asked too: not in EXEC, which was
                         * asked as a whole */
    NESTED_SCRIPTED = 2, /* MONITOR shows it as a script's */
    NESTED_UNTOLD = 4,   /* its effects are nobody's business (redis.set_repl) */
};

enum nested_outcome {
    NESTED_RAN,
    NESTED_FAILED,  /* it ran, and said an error */
    NESTED_UNKNOWN, /* the others did not run: there is no such command */
    NESTED_ARITY,
    NESTED_DENIED, /* by rights, or because nothing may be written now */
};

/* Whether it would run; *row is NULL where it is unknown. Otherwise the error is in `reply`, and
 * nothing is counted. */
MUST_CHECK enum nested_outcome nested_check(const struct call *outer, const struct bytes *argv,
                                            uint32_t argc, unsigned flags, struct reply *reply,
                                            struct command_row **row);
/* Counts that it was refused by an error that is in `reply`; row NULL: unknown. */
void nested_refused(const struct call *outer, struct command_row *row, const struct reply *reply);
/* Without any check. `reply` is the client's or any other, with its own protocol; that the inner
 * command failed does not show in reply->errors. pre: the row runs, and takes so many arguments. */
enum nested_outcome nested_run_row(const struct call *outer, struct command_row *row,
                                   struct bytes *argv, uint32_t argc, unsigned flags,
                                   struct reply *reply);
/* All of it. */
enum nested_outcome nested_run(const struct call *outer, struct bytes *argv, uint32_t argc,
                               unsigned flags, struct reply *reply);

#endif
