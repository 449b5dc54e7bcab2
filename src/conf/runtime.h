/* conf/runtime.h - the engine behind CONFIG GET, SET and REWRITE.
 * Model:    SET works on a copy of the configuration, asks the hooks whose options changed, and
 *           puts the copy in force when all agree; else nothing has changed.
 * Owner:    server/ makes one around the struct config it serves from.
 * Pointers: matches name static text or the caller's patterns, and end with the next call.
 * Threads:  the executing thread.
 * Failure:  an error reply's text in a buffer (with its ERR), empty when even that found no memory.
 * Cost:     GET walks about 250 names for each pattern; SET copies the configuration. */
#ifndef CONF_RUNTIME_H
#define CONF_RUNTIME_H

#include "base/buffer.h"
#include "base/seam.h"
#include "conf/host.h"
#include "conf/options.h"

struct conf_runtime;

/* `config` is the one in force, from now on changed here alone. NULL when memory fails. */
MUST_CHECK struct conf_runtime *
conf_runtime_new(const struct seam *seam, const struct conf_host *host, struct config *config);
void conf_runtime_drop(struct conf_runtime *runtime);

/* Puts changed options into effect. Called once when any of `options` changed, with both
 * configurations; it may correct values of its options in `after` (maxclients by what the system
 * allows). false: it could not, says why, and everything is as before. After a refusal by a later
 * hook it is called again, with the two exchanged. */
struct conf_hook {
    const char *const *options; /* names, NULL at the end */
    bool (*apply)(void *context, const struct config *before, struct config *after,
                  struct option_reason *reason);
    void *context;
};

enum { CONF_HOOKS_MAX = 64 };
/* pre: fewer than CONF_HOOKS_MAX, and every name is an option's. `hook->options` must live on. */
void conf_runtime_hook(struct conf_runtime *runtime, const struct conf_hook *hook);

struct conf_match {
    struct bytes name; /* as CONFIG GET shows it: an exact name as it was asked for */
    const struct option *option;
};
struct conf_matches {
    struct conf_match items[2 * CONFIG_OPTIONS_MAX];
    size_t count;
};

/* CONFIG GET: what names and glob patterns match, each name once. */
const struct conf_matches *conf_runtime_match(struct conf_runtime *runtime,
                                              const struct bytes *patterns, size_t count);
/* The value to show for a match: option_get(match->option, config, text). */

/* CONFIG SET: `count` names and values in turn (an odd number is a syntax error). `local`: the
 * client came over loopback or the unix socket. */
MUST_CHECK enum err conf_runtime_set(struct conf_runtime *runtime, const struct bytes *pairs,
                                     size_t count, bool local, struct buffer *error);

/* Who writes the lines of users, each with its end, for CONFIG REWRITE; none: those of the file
 * stay as they are. False when memory fails. */
void conf_runtime_users(struct conf_runtime *runtime,
                        bool (*write)(void *context, struct buffer *lines), void *context);

/* CONFIG REWRITE. */
MUST_CHECK enum err conf_runtime_rewrite(struct conf_runtime *runtime, struct buffer *error);

/* Whether the argument after this name must be hidden from the slow log. */
bool conf_is_sensitive(struct bytes name);

#endif
