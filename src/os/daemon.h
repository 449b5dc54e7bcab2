/* os/daemon.h - being a service: in the background, known by a file, known to a supervisor.
 * Model:    each function is one step of it, called by main in its order.
 * Owner:    server/ alone.
 * Pointers: none kept.
 * Threads:  before any other thread is started.
 * Failure:  false and errno.
 * Cost:     at start and end only. */
#ifndef OS_DAEMON_H
#define OS_DAEMON_H

#include "base/err.h"

/* Goes on in a child of its own session, with /dev/null for its standard files; the parent exits
 * with 0 on the spot. */
MUST_CHECK bool daemon_detach(void);

/* Writes the process id to a file, and removes it again. */
MUST_CHECK bool daemon_write_pidfile(const char *path);
void daemon_remove_pidfile(const char *path);

/* Tells systemd, as sd_notify(3) says: "READY=1", "STOPPING=1", "STATUS=...". False without a
 * NOTIFY_SOCKET in the environment, too. */
bool daemon_notify(const char *state);
/* Whether the environment names a supervisor, for `supervised auto`. */
bool daemon_under_systemd(void);
bool daemon_under_upstart(void);
/* What upstart's `expect stop` waits for: stops this process until the supervisor goes on. */
void daemon_tell_upstart(void);

#endif
