/* cmd/keys.h - which arguments of a request are keys, and what is done to them.
 * Model:    the rows' key specs, or a row's own finder where its keys or their flags depend on
 *           options; the same answer serves dispatch, COMMAND GETKEYS and access control.
 * Owner:    nobody.
 * Pointers: a list lives in the arena it was given.
 * Threads:  any.
 * Failure:  ERR_SYNTAX when the arguments do not say where keys are, ERR_MEMORY.
 * Cost:     O(arguments looked at). */
#ifndef CMD_KEYS_H
#define CMD_KEYS_H

#include "cmd/command.h"

/* The keys that stand at fixed places, as COMMAND tells them: first to last by step. */
struct key_range {
    int16_t first, last, step; /* first 0: none; last negative: from the end */
};
struct key_range keys_range(const struct command *command);

/* True when the row has keys at all. */
bool keys_any(const struct command *command);

struct key_list {
    struct key_at *keys; /* NULL when count is 0 */
    uint32_t count;
};
/* pre: the arity has been checked. */
MUST_CHECK enum err keys_find(const struct command *command, const struct bytes *argv,
                              uint32_t argc, struct arena *arena, struct key_list *list);

#endif
