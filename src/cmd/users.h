/* cmd/users.h - all users, by name, and who is logged in as whom.
 * Model:    an array in the order of names; "default" is always there, and new connections are it.
 *           A change is made to a copy and put in force whole; then every client is looked at:
 *           its flags are set anew, and who lost what it stands on is closed.
 * Owner:    server/ makes one; cmd/context.h leads to it.
 * Pointers: a user is stable until it is deleted or another file is loaded. Its clients are then
 *           closed, and are nobody's any more.
 * Threads:  the executing thread.
 * Failure:  as each function says; on failure nothing has changed.
 * Cost:     a lookup O(log n); a change O(clients). */
#ifndef CMD_USERS_H
#define CMD_USERS_H

#include "cmd/user.h"

struct config;
struct users;

/* With the default user, which may do everything without a password. NULL when memory fails. Both
 * must outlive the users. */
MUST_CHECK struct users *users_new(const struct cmd_table *table, const struct config *config);
void users_drop(struct users *users);
/* Whose clients follow changes, once there is a loop. */
void users_attach(struct users *users, struct net *net);
/* Told after every change, when all clients have been looked at. */
void users_on_change(struct users *users, void (*changed)(void *context), void *context);

size_t users_count(const struct users *users);
struct user *users_at(const struct users *users, size_t index); /* in the order of names */
struct user *users_find(const struct users *users, struct bytes name);
struct user *users_default(const struct users *users);
/* Nobody needs a password to be the default user, and it is on. */
bool users_default_is_open(const struct users *users);

/* The user, when the name and the password fit and it is on; else NULL. */
MUST_CHECK struct user *users_check(const struct users *users, struct bytes name,
                                    struct bytes password);

/* What went wrong, for an error's text. */
struct users_failure {
    enum rule_outcome outcome;
    struct bytes word;   /* the rule that failed, as it was given; good for the caller's words */
    bool is_parenthesis; /* `word` opens a selector that nothing closes */
    char text[128];      /* copy of the word, cut, where words were put together */
};

/* Applies all words, or none, to the user, which is made if there is none. */
MUST_CHECK bool users_set(struct users *users, struct bytes name, const struct bytes *words,
                          size_t count, struct users_failure *failure);
/* False when there is none. pre: it is not the default user. Its clients are closed; `by`, who asks
 * for it, when it has its reply. */
bool users_remove(struct users *users, struct bytes name, const struct client *by);
/* requirepass: the only password of the default user; empty for none. */
MUST_CHECK bool users_set_default_password(struct users *users, struct bytes password);

/* Changes everything at once: users of `with` come in the place of those of `users`, all but the
 * default user, which takes over what the other says. All clients of others are closed. */
void users_replace(struct users *users, struct users *with, const struct client *by);

/* --- clients ---------------------------------------------------------------------------------- */

/* The client is this user from now on, without a password asked. */
void users_log_in(struct client *client, struct user *user);
/* As after connecting: the default user, logged in if that is open. */
void users_log_out(const struct users *users, struct client *client);
/* Empty when it is nobody: nothing is refused to it. */
struct bytes client_user_name(const struct client *client);

/* --- for cmd/users_file.c --------------------------------------------------------------------- */

/* What the configuration file said of users. */
struct users_declared {
    struct users *tried; /* never in force; NULL: nothing was said */
    struct buffer lines;
    bool has_default;
};
struct users_declared *users_declared(struct users *users);
const struct users_declared *users_declared_seen(const struct users *users);
void users_forget_declared(struct users *users);
/* A fresh set of users, by the same table and configuration. */
MUST_CHECK struct users *users_new_like(const struct users *users);
struct bytes users_requirepass(const struct users *users);

/* --- for cmd/access.c ------------------------------------------------------------------------- */

struct access_log;
struct access_log *users_log(struct users *users);
struct arena *users_arena(struct users *users); /* for one question */

struct rule_context users_rules(const struct users *users);

#endif
