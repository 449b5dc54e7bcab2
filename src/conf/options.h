/* conf/options.h - one row for each option: its names, type, bounds, default and place.
 * Model:    a table of constant data, split by subject (conf/rows_*.c); everything about options
 *           (file, CONFIG, the shipped file's test, the reference page) comes from it.
 * Owner:    static, read only.
 * Pointers: rows live for ever.
 * Threads:  any.
 * Failure:  lookups answer NULL; set answers an error and a reason, and then nothing has changed.
 * Cost:     a lookup walks the rows (about 200). */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include "base/buffer.h"
#include "conf/config.h"

enum option_type {
    OPTION_BOOL,        /* bool: yes, no */
    OPTION_INT,         /* int64_t */
    OPTION_OCTAL,       /* int64_t, shown and read in base 8 */
    OPTION_MEMORY,      /* uint64_t bytes: 1k 1kb 1m 1mb 1g 1gb */
    OPTION_SIZE,        /* struct config_size: memory, or N% */
    OPTION_ENUM,        /* int: one of the row's words */
    OPTION_WORDS,       /* unsigned: several of the row's words, in any order */
    OPTION_TEXT,        /* struct config_text without NUL in it */
    OPTION_SECRET,      /* struct config_text of any bytes */
    OPTION_BIND,        /* struct config_bind */
    OPTION_SAVE,        /* struct config_save */
    OPTION_LIMITS,      /* struct config_output_limit[CONFIG_CLIENT_CLASSES] */
    OPTION_NOTIFY,      /* unsigned: enum config_notify */
    OPTION_SCORES,      /* int[3] */
    OPTION_PERCENTILES, /* struct config_percentiles */
    OPTION_ENDPOINT,    /* a host and a port, or "no one" (replicaof) */
};

enum option_group {
    OPTION_NETWORK,
    OPTION_CLIENTS,
    OPTION_GENERAL,
    OPTION_LOGGING,
    OPTION_MEMORY_USE,
    OPTION_DEFRAG,
    OPTION_EXPIRY,
    OPTION_OBSERVE,
    OPTION_PERSISTENCE,
    OPTION_REPLICATION,
    OPTION_CLUSTER,
    OPTION_ACCESS,
    OPTION_TLS,
    OPTION_SCRIPTS,
    OPTION_ENCODINGS,
    OPTION_GROUPS,
};

enum option_flag {
    OPTION_IMMUTABLE = 1 << 0, /* not to be changed while running */
    OPTION_SENSITIVE = 1 << 1, /* never in a log or the slow log */
    OPTION_TAKEN = 1 << 2,     /* known, kept and shown, without effect */
    OPTION_HIDDEN = 1 << 3,    /* CONFIG GET shows it only by its exact name */
    OPTION_PROTECTED = 1 << 4, /* CONFIG SET only as enable-protected-configs allows */
    OPTION_UNSET = 1 << 5,     /* the empty text means that there is none */
    OPTION_REREAD = 1 << 6,    /* it names a file: set to the same name, the file is read again */
};

struct option_word {
    const char *name; /* NULL ends the list */
    int value;
};

struct option {
    const char *name;
    const char *alias;   /* the older name, or NULL; CONFIG GET shows both */
    const char *summary; /* one line for the reference page */
    const char *preset;  /* the default, as text in a file */
    const struct option_word *words;
    int64_t min, max; /* OPTION_INT, OPTION_OCTAL, OPTION_MEMORY, OPTION_SIZE */
    enum option_type type;
    enum option_group group;
    unsigned flags;  /* enum option_flag */
    uint16_t offset; /* of the field in struct config; 0: kept as text in `texts` */

    /* OPTION_TEXT: why a value is refused, or NULL. */
    const char *(*refuse)(struct bytes value);
    /* Brings a value that was just stored into the range in which it is used. */
    void (*settle)(struct config *config);
    /* OPTION_TAKEN: the value at which nothing is missed, if that is not the default. */
    const char *idle;
};

/* All rows, by subject, in the order of the reference page; index is less than options_count(). */
size_t options_count(void);
const struct option *options_at(size_t index);
size_t option_index(const struct option *option);

/* The option of that name or alias, in any case; NULL when there is none. */
const struct option *option_find(struct bytes name);

/* "Network", ... for headings. */
const char *option_group_name(enum option_group group);

/* Whether its value is a list of words (bind, save ...), in a file one argument each. */
bool option_is_list(const struct option *option);

/* The bounds and words of a row as a person reads them: "0 to 65535", "yes or no". */
MUST_CHECK bool option_describe(const struct option *option, struct buffer *text);

/* Sets the option from its arguments as they stand in a file after the name (`count` of them).
 * On an error nothing has changed, and `reason` says why. */
struct option_reason {
    char text[256];
};
MUST_CHECK enum err option_set(const struct option *option, struct config *config,
                               const struct bytes *arguments, size_t count,
                               struct option_reason *reason);

/* Appends the value as CONFIG GET shows it; false when memory fails. */
MUST_CHECK bool option_get(const struct option *option, const struct config *config,
                           struct buffer *text);

/* The same as a command's argument gives it: a list is one text, cut at each space. */
MUST_CHECK enum err option_set_text(const struct option *option, struct config *config,
                                    struct bytes value, struct option_reason *reason);

/* Whether both hold the same value; false also when memory fails. */
bool option_equal(const struct option *option, const struct config *a, const struct config *b);

#endif
