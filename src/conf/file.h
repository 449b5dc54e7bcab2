/* conf/file.h - reads configuration: a file, what it includes, standard input, the command line.
 * Model:    all three are one text, in that order; later lines win, `save` adds up. Syntax as
 *           Redis's: a directive a line, # for comments, "quoted \x00" or 'quoted' arguments.
 * Owner:    the caller releases the report.
 * Pointers: none kept.
 * Threads:  the executing thread, at start.
 * Failure:  ERR_SYNTAX (a line), ERR_SYSTEM (a file), ERR_LIMIT, ERR_MEMORY; the report says what
 *           to print, and the configuration holds what came before the error.
 * Cost:     linear; text is at most CONF_FILE_MAX bytes, includes nest CONF_INCLUDE_MAX deep. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "base/buffer.h"
#include "base/seam.h"
#include "conf/host.h"
#include "conf/options.h"

enum {
    CONF_FILE_MAX = 16 * 1024 * 1024,
    CONF_LINE_MAX = 64 * 1024,
    CONF_WORDS_MAX = 4096,
    CONF_INCLUDE_MAX = 16,   /* deep */
    CONF_INCLUDES_MAX = 256, /* files in all */
};

struct conf_source {
    const struct seam *seam;
    const struct conf_host *host; /* NULL: directories are not entered, patterns match nothing */
    const char *path;             /* NULL: no file */
    bool standard_input;
    struct bytes options; /* lines made from the command line */

    /* Why a command may not be renamed, or NULL; told of the renamings so far. May be NULL. */
    const char *(*refuse_rename)(void *context, const struct config_renames *before,
                                 struct bytes from, struct bytes to);
    /* A "user" line: its words without the first. An error with its reason ends the reading. May be
     * NULL: then such a line is refused. */
    enum err (*declare_user)(void *context, const struct bytes *words, size_t count,
                             struct option_reason *reason);
    void *context;
};

struct conf_report {
    /* Why it ended: for standard error when `unreadable` is false, else one line for the log. */
    struct buffer fatal;
    bool unreadable;
    /* A line for each option that was set and has no effect, with its line end. */
    struct buffer warnings;
    bool given[CONFIG_OPTIONS_MAX]; /* options that were set, by number */
};

MUST_CHECK enum err conf_load(const struct conf_source *source, struct config *config,
                              struct conf_report *report);
void conf_report_release(struct conf_report *report);

#endif
