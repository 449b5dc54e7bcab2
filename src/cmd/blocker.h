/* cmd/blocker.h - those who wait, as dispatch, INFO and CLIENT see them; commands see blocking.h.
 * Model:    hears of changed keys at the store's door while anybody waits. After each command the
 *           keys that became ready are served in that order: for each of its waiters, the longest
 *           waiting first, the whole command runs again. Serving may make further keys ready; it
 *           ends, for who was served waits no more, and who waits on has changed nothing.
 * Owner:    the dispatcher makes one.
 * Pointers: none kept of clients; who closes is forgotten when blocker_left is told.
 * Threads:  the executing thread.
 * Failure:  new: NULL when memory fails.
 * Cost:     blocker_has_work is one load.  */
#ifndef CMD_BLOCKER_H
#define CMD_BLOCKER_H

#include "cmd/blocking_queues.h"
#include "cmd/context.h"

struct client;
struct dispatch;

struct blocker {
    struct cmd_context *context;
    struct dispatch *dispatch;
    struct queues queues;
    struct waiter *again; /* whose command runs again; it may be another's `waits_on` */
    bool waits_on;        /* and has asked to wait on */
};

MUST_CHECK struct blocker *blocker_new(struct cmd_context *context, struct dispatch *dispatch);
void blocker_drop(struct blocker *blocker);

/* A key that somebody waits for has changed. */
static inline bool blocker_has_work(const struct blocker *blocker)
{
    return blocker->queues.first_ready != NULL;
}
void blocker_serve(struct blocker *blocker);
/* Answers those whose time is over; in how many ns the next one's is, or UINT64_MAX. */
uint64_t blocker_time_out(struct blocker *blocker, uint64_t now_ns);

/* The command that has just run for this client has written no reply: the client waits (on). The
 * time that it took is kept for its figures. pre: CLIENT_BLOCKED is set. */
MUST_CHECK bool blocker_keeps(struct blocker *blocker, const struct client *client, uint64_t ns);

/* CLIENT UNBLOCK: as if the time were over, or with the error -UNBLOCKED. False: it waits for
 * nothing. */
MUST_CHECK bool blocker_unblock(struct blocker *blocker, struct client *client, bool with_error);
/* The client is about to be freed. */
void blocker_left(struct blocker *blocker, struct client *client);

#endif
