/* cmd/introspection.h - commands described by their rows: COMMAND and what else shows them.
 * Model:    rows in, replies out; and the words for flags, categories and groups.
 * Owner:    nobody.
 * Pointers: words are literals.
 * Threads:  the executing thread.
 * Failure:  none beside the reply's.
 * Cost:     O(what the row holds). */
#ifndef CMD_INTROSPECTION_H
#define CMD_INTROSPECTION_H

#include "cmd/args.h"
#include "cmd/table.h"

/* A bit and its word, in the order in which COMMAND shows them; ends with a NULL word. */
struct flag_word {
    uint32_t flag;
    const char *word;
};
extern const struct flag_word command_flag_words[]; /* enum command_flags: "readonly" */
extern const struct flag_word acl_category_words[]; /* enum acl_category: "keyspace", no @ */
extern const struct flag_word key_flag_words[];     /* enum key_flags: "RW", "access" */

const char *command_group_word(enum command_group group);

/* All categories: the row's own and those that its flags imply. */
uint32_t command_categories(const struct command *command);

/* The ten elements of COMMAND INFO. */
void introspect_info(const struct command_row *row, struct reply *reply);
/* The map of COMMAND DOCS, without the name before it. */
void introspect_docs(const struct command_row *row, struct reply *reply);
/* The set of words for `flags`. */
void introspect_flags(const struct flag_word *words, uint32_t flags, const char *prefix,
                      struct reply *reply);
/* False when rename-command took it away. */
bool introspect_is_there(const struct command_row *row);

void command_all(struct call *call);
void command_count(struct call *call);
void command_docs(struct call *call);
void command_getkeys(struct call *call);
void command_getkeysandflags(struct call *call);
void command_help(struct call *call);
void command_info(struct call *call);
void command_list(struct call *call);

#endif
