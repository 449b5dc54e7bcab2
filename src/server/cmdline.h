/* server/cmdline.h - the arguments of the process, in Redis's manner.
 * Model:    snug-server [file] [--option value ...] [-], or one of the requests that end at once;
 *           options become lines of configuration, to be read after file and standard input.
 * Owner:    the caller; cmdline_release ends it.
 * Pointers: none into argv.
 * Threads:  one, at start.
 * Failure:  ERR_MEMORY; ERR_SYSTEM when the working directory cannot be read; ERR_RANGE: a demo of
 *           more or fewer megabytes than there may be.
 * Cost:     none worth naming. */
#ifndef SERVER_CMDLINE_H
#define SERVER_CMDLINE_H

#include "base/buffer.h"
#include "base/err.h"

enum cmdline_request {
    CMDLINE_SERVE,
    CMDLINE_VERSION,      /* print cmdline_version, exit 0 */
    CMDLINE_HELP,         /* print cmdline_help to standard error, exit 1 */
    CMDLINE_TEST_MEMORY,  /* exit with cmdline_test_memory(megabytes) */
    CMDLINE_CHECK_SYSTEM, /* exit with cmdline_check_system() */
    CMDLINE_DEMO,         /* serve, with demo_options, and show a demo of `megabytes` */
};

struct cmdline {
    enum cmdline_request request;
    struct buffer path;    /* the file's absolute path and a NUL; empty: none was named */
    bool standard_input;   /* "-" */
    struct buffer options; /* lines for conf_load */
    uint64_t megabytes;    /* --test-memory, --demo */
};

MUST_CHECK enum err cmdline_read(struct cmdline *cmdline, int argc, char *const *argv);
void cmdline_release(struct cmdline *cmdline);

/* Appends "Snug server v=... malloc=... bits=64 build=...\n". */
MUST_CHECK bool cmdline_version(struct buffer *text);
/* Appends the usage, for a program called `program`. */
MUST_CHECK bool cmdline_help(struct buffer *text, const char *program);

/* These write to standard output and standard error, and answer the process's exit code: 0 when all
 * is well. Without a number of megabytes the first one asks for it. They stand in
 * server/cmdline_checks.c. */
int cmdline_test_memory(uint64_t megabytes);
int cmdline_check_system(void);

#endif
