/* conf/rows.h - where the parts of the option table meet; for conf/options.c alone.
 * Model:    one array for each subject, put together by options.c.
 * Owner:    static, read only.
 * Pointers: live for ever.
 * Threads:  any.
 * Failure:  none.
 * Cost:     none. */
#ifndef CONF_ROWS_H
#define CONF_ROWS_H

#include "conf/options.h"

#include <limits.h>
#include <stddef.h>

struct option_rows {
    const struct option *rows;
    size_t count;
};

extern const struct option_rows conf_rows_network;
extern const struct option_rows conf_rows_general;
extern const struct option_rows conf_rows_memory;
extern const struct option_rows conf_rows_observe;
extern const struct option_rows conf_rows_persistence;
extern const struct option_rows conf_rows_replication;
extern const struct option_rows conf_rows_tls;
extern const struct option_rows conf_rows_encodings;

#define FIELD(name) (uint16_t) offsetof(struct config, name)
#define ROWS(array)                                                                                \
    {                                                                                              \
        array, sizeof(array) / sizeof((array)[0])                                                  \
    }

/* Words that several options share (conf/rows_general.c). */
extern const struct option_word conf_words_guard[];

#endif
