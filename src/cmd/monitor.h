/* cmd/monitor.h - MONITOR: connections that are shown every command that runs.
 * Model:    a line for each: time, database, who, arguments in quotes; secrets are not shown, nor
 *           commands of administration.
 * Owner:    the dispatcher has one list of those who look on.
 * Pointers: a client is in the list until it leaves.
 * Threads:  the executing thread.
 * Failure:  who cannot be shown a line for want of memory is closed.
 * Cost:     nobody looks on: one load a command. */
#ifndef CMD_MONITOR_H
#define CMD_MONITOR_H

#include "base/buffer.h"
#include "cmd/command.h"

struct monitors {
    struct client **clients;
    uint32_t count, room;
    struct buffer line;
};

void monitors_release(struct monitors *monitors);
/* RESET, and the end of the client. */
void monitors_leave(struct monitors *monitors, struct client *client);

/* A command has run; or, of those that run others (CMD_SKIP_MONITOR: EVAL), is about to. `script`:
 * a script runs it, and not the client by itself. */
void monitors_tell(struct monitors *monitors, const struct call *call, bool script);
static inline void monitors_show(struct monitors *monitors, const struct call *call, bool script)
{
    if (UNLIKELY(monitors->count > 0))
        monitors_tell(monitors, call, script);
}

void cmd_monitor(struct call *call);

#endif
