/* cmd/dispatch.h - a batch of requests in, replies out: the handler behind the event loop.
 * Model:    in slices of up to 64 requests: first every row is looked up and every key hashed and
 *           its bucket prefetched, then the entries, then all run in order. So the memory that the
 *           keys are in is waited for side by side.
 * Owner:    server/ makes one and hands its functions to net/.
 * Pointers: requests are good for one batch; a call for one command.
 * Threads:  the executing thread.
 * Failure:  error replies to the client; new says NULL when memory fails.
 * Cost:     about 30 ns a command beside the command itself; one wall clock reading a batch. */
#ifndef CMD_DISPATCH_H
#define CMD_DISPATCH_H

#include "cmd/access.h"
#include "net/net.h"

struct dispatch;

/* `context` must be complete but for the observer, and outlive the dispatcher. */
MUST_CHECK struct dispatch *dispatch_new(struct cmd_context *context);
void dispatch_drop(struct dispatch *dispatch);

/* For struct net_handler; `context` is the dispatcher. */
size_t dispatch_batch(void *context, struct net_request *requests, size_t count);
bool dispatch_held(void *context, const struct net_request *request, bool writes_only);
void dispatch_arrived(void *context, struct client *client);

/* From within a command that has run for long: other connections are looked after for one turn, as
 * scripting_is_busy says; later requests of theirs that came with the command's go back to net/. */
void dispatch_while_busy(struct dispatch *dispatch);

/* For net_handler too: between() does this among other things. Serves those who wait for keys that
 * have changed since, and those whose time is over. In how many ns to come back at the latest. */
uint64_t dispatch_between(struct dispatch *dispatch, uint64_t now_ns);
void dispatch_left(void *context, struct client *client);

/* A command out of a log, run by nobody: `client` has a database and a muted reply, and waits for
 * nothing. It may run within another command. ERR_MISSING: there is no such command, or not with so
 * many arguments, or it is none of data. ERR_MEMORY; other errors count in the reply. */
MUST_CHECK enum err dispatch_logged(struct dispatch *dispatch, struct client *client,
                                    struct bytes *argv, uint32_t argc);

/* For cmd/nested.c, which runs commands within others: the same checks and the same figures. */
MUST_CHECK bool dispatch_arity_fits(const struct command_row *row, uint32_t argc);
/* Whether the client may run such a command at all; false: the error is written. The one place
 * where rights are asked. */
MUST_CHECK bool dispatch_allows(const struct dispatch *dispatch, const struct command_row *row,
                                struct client *client, const struct bytes *argv, uint32_t argc,
                                enum access_place place, struct reply *reply);
/* Hashes the keys at fixed places, at most so many; returns how many. */
uint32_t dispatch_hash_keys(const struct store *store, const struct command_row *row,
                            const struct bytes *argv, uint32_t argc, struct key *keys,
                            uint32_t most);
/* It was refused: counted, with the error that was written last. row NULL: there is none. */
void dispatch_refused(struct dispatch *dispatch, struct command_row *row,
                      const struct reply *reply);
/* It has run, and took so long. */
void dispatch_ran(struct dispatch *dispatch, const struct call *call, struct command_row *row,
                  uint64_t ns, bool failed);

/* For cmd/blocking.c: a waiting client's request runs once more; it has spent so much already. */
void dispatch_again(struct dispatch *dispatch, struct command_row *row,
                    const struct net_request *request, uint64_t spent_ns);
/* A command is answered that had waited, by somebody else. */
void dispatch_account(struct dispatch *dispatch, struct command_row *row, const struct reply *reply,
                      uint64_t ns, bool failed);

/* What looks on at every command (transactions, MONITOR); any function may be NULL. */
struct dispatch_hook {
    /* All checks have passed. false: the call is dealt with (queued, refused), it must not run. */
    bool (*before)(void *context, struct call *call, const struct command_row *row);
    void (*after)(void *context, const struct call *call, uint64_t ns);
    void *context;
};
enum { DISPATCH_HOOKS_MAX = 8 };
/* pre: fewer than DISPATCH_HOOKS_MAX are there. They are called in the order they came. */
void dispatch_add_hook(struct dispatch *dispatch, const struct dispatch_hook *hook);

/* Called for a command that took as long as slowlog-log-slower-than or latency-monitor-threshold
 * say, the lower of the two. */
void dispatch_on_slow(struct dispatch *dispatch,
                      void (*told)(void *context, const struct call *call, uint64_t ns),
                      void *context);

#endif
