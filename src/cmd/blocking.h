/* cmd/blocking.h - commands that wait for keys: BLPOP, BZPOPMIN, XREAD BLOCK and their like.
 * Model:    such a command first tries as its non-blocking half does; when there is nothing it
 *           asks to wait (call_wait) and writes no reply. When one of its keys changes through the
 *           store's door, and holds a value of the type waited for, the whole command is run again
 *           after the command that changed it, longest waiting client first; it is served, or
 *           waits on with its place in the queue and its deadline kept. So a command knows of
 *           blocking only that call_wait exists.
 * Owner:    the blocker owns copies of the arguments of those who wait.
 * Pointers: clients are remembered by id.
 * Threads:  the executing thread.
 * Failure:  call_wait writes an error reply when memory fails.
 * Cost:     a change of a key costs one look at an empty table while nobody waits. */
#ifndef CMD_BLOCKING_H
#define CMD_BLOCKING_H

#include "cmd/command.h"

struct blocker;

enum wait_flags {
    WAIT_UNTIL_GONE = 1, /* run again also when the key is deleted or becomes another type */
};

struct wait {
    enum value_type type;
    unsigned flags;
    const struct bytes *keys; /* waited for, `key_count` of them, in the client's database */
    uint32_t key_count;
    int64_t timeout_ms; /* from now; 0: for ever */
    /* What is run again instead of the call's own arguments (XREAD's $ made an id); NULL: those. */
    const struct bytes *argv;
    uint32_t argc;
    void (*timed_out)(struct reply *reply); /* writes the reply at the deadline */
};

/* False where nothing may wait (in MULTI, in a script): the command then answers as its timed_out
 * does. */
bool call_may_wait(const struct call *call);
/* The call's client waits; the command returns without a reply. On the second and later runs the
 * deadline and place of the first stay. pre: call_may_wait. */
void call_wait(struct call *call, const struct wait *wait);

/* A timeout in seconds, with fractions: "ERR timeout is not a float or out of range", "ERR timeout
 * is negative". *timeout_ms is 0 for 0. */
MUST_CHECK bool call_timeout(struct call *call, uint32_t at, int64_t *timeout_ms);

#endif
