/* cmd/users_file.h - users as lines: of the configuration file, or of a file of their own.
 * Model:    "user NAME RULE ...", one a line, as ACL LIST shows them. A text is taken whole or not
 *           at all: its users are made beside those in force, and then come in their place. Lines
 *           of the configuration wait until all of it is read.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  false with a text that says where and why; the users are then as they were.
 * Cost:     linear in the text. */
#ifndef CMD_USERS_FILE_H
#define CMD_USERS_FILE_H

#include "cmd/users.h"
#include "conf/options.h"

/* False for names with spaces or zero bytes: they could not stand in a line. */
bool users_name_fits(struct bytes name);

/* A line of the configuration, without "user": the name and the rules. */
MUST_CHECK enum err users_declare(struct users *users, const struct bytes *words, size_t count,
                                  struct option_reason *reason);
bool users_are_declared(const struct users *users);
/* Puts requirepass and the declared ones in force, at start. */
MUST_CHECK bool users_apply_declared(struct users *users, struct buffer *error);

/* `by`: see users_remove. `error`: every line that is wrong, with its number. */
MUST_CHECK bool users_load(struct users *users, const struct seam *seam, const char *path,
                           const struct client *by, struct buffer *error);
MUST_CHECK enum err users_save(const struct users *users, const struct seam *seam,
                               const char *path);
/* A line for each user, each with its end; false when memory fails. */
MUST_CHECK bool users_lines(const struct users *users, struct buffer *lines);

#endif
