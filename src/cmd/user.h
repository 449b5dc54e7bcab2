/* cmd/user.h - a user: how one logs in as it, and what it may do.
 * Model:    flags, hashes of passwords, and selectors: sets of rights, of which the first is the
 *           root. A request is granted when any selector grants all of it. A selector keeps a bit
 *           for each command, patterns of keys and channels, and the words that made the bits.
 * Owner:    struct users (cmd/users.h) owns users in force; a copy belongs to who made it.
 * Pointers: texts belong to the user and go with it.
 * Threads:  the executing thread.
 * Failure:  ERR_MEMORY, the user then as it was; rules fail as enum rule_outcome says.
 * Cost:     about 300 bytes and what was said. */
#ifndef CMD_USER_H
#define CMD_USER_H

#include "base/buffer.h"
#include "cmd/table.h"

enum {
    USER_COMMANDS_MAX = 1024, /* rows of the table, subcommands included */
    USER_HASH_BYTES = 64,     /* SHA-256 in lower case hexadecimal */
};

enum user_flag {
    USER_ON = 1u << 0,
    USER_OFF = 1u << 1,
    USER_NO_PASSWORD = 1u << 2, /* any will do */
    USER_SKIP_SANITIZE = 1u << 3,
    USER_SANITIZE = 1u << 4,
};

enum user_access { USER_READS = 1, USER_WRITES = 2 };

struct user_text {
    char *at; /* `count` bytes and a NUL */
    size_t count;
    uint16_t mark; /* keys: enum user_access; first arguments: the command's id; else 0 */
};
struct user_texts {
    struct user_text *items;
    size_t count, capacity;
};

struct selector {
    bool all_commands; /* and no one was taken away since */
    bool future;       /* commands that nobody knows yet as well: what "+@all" begins with */
    bool all_keys, all_channels;
    uint64_t commands[USER_COMMANDS_MAX / 64];
    struct user_texts keys, channels;
    struct user_texts first_arguments; /* "+select|0": granted with this argument alone */
    struct buffer rules;               /* "+get -@dangerous": what came after the beginning */
    struct selector *next;
};

struct user {
    char *name; /* `name_bytes` and a NUL */
    size_t name_bytes;
    unsigned flags;
    struct user_texts passwords; /* hashes */
    struct selector root;        /* its `next` are the others */
};

/* Off, without a password, a right, or a selector but the root. NULL when memory fails. */
MUST_CHECK struct user *user_new(struct bytes name);
MUST_CHECK struct user *user_copy(const struct user *user);
void user_drop(struct user *user);
/* Both keep their names. */
void user_exchange(struct user *a, struct user *b);

/* For rules: a selector without any right; NULL when memory fails. Its owner drops it. */
MUST_CHECK struct selector *selector_new(void);
void selector_drop(struct selector *selector);
void user_clear_selectors(struct user *user); /* all but the root */

static inline struct bytes user_name(const struct user *user)
{
    return bytes_of(user->name, user->name_bytes);
}
static inline struct bytes user_text_view(const struct user_text *text)
{
    return bytes_of(text->at, text->count);
}
static inline bool selector_has(const struct selector *selector, uint32_t command)
{
    return (selector->commands[command / 64] >> (command % 64) & 1) != 0;
}
/* Nothing has to be asked about such a user. */
static inline bool user_is_unrestricted(const struct user *user)
{
    return user->root.all_commands && user->root.all_keys && user->root.all_channels;
}

/* --- rules (user_rules.c) --------------------------------------------------------------------- */

enum rule_outcome {
    RULE_TAKEN,
    RULE_UNKNOWN, /* no such command or category */
    RULE_SYNTAX,
    RULE_KEYS_BEHIND_ALL, /* a pattern of keys after ~* */
    RULE_CHANNELS_BEHIND_ALL,
    RULE_NO_PASSWORD,    /* to be taken away is none that is there */
    RULE_HASH,           /* a hash is not one */
    RULE_FIRST_ARGUMENT, /* of a subcommand */
    RULE_MEMORY,
};
/* In Redis's words. */
const char *rule_outcome_text(enum rule_outcome outcome);

struct rule_context {
    const struct cmd_table *table;
    bool all_channels; /* acl-pubsub-default: what "reset" gives */
};
/* One word of ACL SETUSER: "on", ">secret", "+@read", "(~a* +get)". On failure the user may be
 * partly changed: rules are applied to a copy. */
MUST_CHECK enum rule_outcome user_apply(const struct rule_context *context, struct user *user,
                                        struct bytes rule);

/* The hash of a password as it is kept. */
void user_hash_password(struct bytes password, char hash[USER_HASH_BYTES]);

/* Selectors come cut at their spaces: "(~a*", "+get)" become one word. Words go to `merged`, whose
 * items are good until it is released. -1, or the index of the word whose parenthesis does not
 * close; -2 when memory fails. */
MUST_CHECK int64_t rules_merge(const struct bytes *words, size_t count, struct user_texts *merged);

/* --- texts (user_text.c); false when memory fails --------------------------------------------- */

MUST_CHECK bool user_describe(const struct user *user, struct buffer *text); /* without the name */
MUST_CHECK bool selector_describe_keys(const struct selector *selector, struct buffer *text);
MUST_CHECK bool selector_describe_channels(const struct selector *selector, struct buffer *text);
MUST_CHECK bool selector_describe_commands(const struct selector *selector, struct buffer *text);
/* The words of user->flags, one after another; NULL at the end. */
const char *user_flag_word(const struct user *user, unsigned nth);

/* --- lists of texts --------------------------------------------------------------------------- */

MUST_CHECK bool user_texts_add(struct user_texts *texts, struct bytes text, uint16_t mark);
/* The place of a text with this mark, or `count`. */
size_t user_texts_find(const struct user_texts *texts, struct bytes text, uint16_t mark);
void user_texts_remove(struct user_texts *texts, size_t at);
void user_texts_clear(struct user_texts *texts);

#endif
