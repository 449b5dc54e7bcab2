/* os/crash.h - the last words of a process that must end.
 * Model:    on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT a report goes to the log: version,
 *           signal, registers, stack, and what the caller adds; then the signal takes its course.
 * Owner:    main installs it once; signals know no context, so it is one for the process.
 * Pointers: the settings are copied, their texts are kept and must stay.
 * Threads:  installed before any other; the report is written by the thread that crashed.
 * Failure:  false from crash_install, and nothing is installed. A crash while reporting ends it.
 * Cost:     a stack of its own of 256 KiB, untouched until needed. */
#ifndef OS_CRASH_H
#define OS_CRASH_H

#include "base/err.h"

struct crash_settings {
    const char *version; /* a line of text */
    const char *path;    /* of the log file, as it stands after a change of directory; NULL or "":
                            standard output */
    /* Adds INFO, the current command and what else is known to the open file. May be NULL. It
     * runs in the handler: memory may be broken and locks held. The basic report is out by then,
     * and CRASH_ADD_SECONDS end an addition that hangs. */
    void (*add)(void *context, int file);
    void *context;
};

enum { CRASH_ADD_SECONDS = 10 };

MUST_CHECK bool crash_install(const struct crash_settings *settings);
/* Gives the signals back to the system (`crash-log-enabled no`). */
void crash_remove(void);

#endif
