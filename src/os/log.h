/* os/log.h - what the server tells its operator, line by line, in the format of Redis.
 * Model:    a level and a target: a file, standard output, and syslog beside either.
 * Owner:    main makes one and passes it down.
 * Pointers: texts handed in are copied.
 * Threads:  writing from any; opening and setting only while nobody else writes.
 * Failure:  log_open says so and keeps the old target; a line that cannot be written is lost.
 * Cost:     a line is one open, write and close, so that a file renamed by logrotate is let go
 *           without a signal; what the level leaves out costs a comparison. */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/seam.h"

/* In the order of the configuration's loglevel. */
enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_VERBOSE,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTHING, /* of a log, not of a line */
};

enum { LOG_LINE_MAX = 2048 }; /* longer lines are cut */

struct log {
    const struct seam *seam;
    enum log_level level; /* lines below it are left out */
    char role;            /* 'M' primary, 'S' replica, 'C' child, 'X' Sentinel */
    bool to_syslog;
    char *path;  /* NULL: standard output */
    char *ident; /* of syslog, which keeps the pointer */
};

struct log_target {
    const char *path; /* "": standard output */
    bool to_syslog;
    const char *ident;
    int facility; /* LOG_USER, LOG_LOCAL0 ... of <syslog.h> */
};

/* Writes to standard output, from notice up, as a primary. */
void log_init(struct log *log, const struct seam *seam);
void log_release(struct log *log);

/* Goes over to another target. ERR_SYSTEM with errno: the file cannot be opened for append. */
MUST_CHECK enum err log_open(struct log *log, const struct log_target *target);

/* "pid:role DD Mon YYYY HH:MM:SS.mmm mark text". Control bytes in the text become '?', so that
 * nobody's input can look like a line of its own. */
void log_write(struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text without time and mark, as it is, for a banner or a report; not to syslog. */
void log_plain(struct log *log, enum log_level level, const char *text);

#endif
