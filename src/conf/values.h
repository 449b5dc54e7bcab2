/* conf/values.h - values of options, read from arguments and written as text; for conf/ alone.
 * Model:    a field of the type that the option's type names, in struct config or in a slot.
 * Owner:    the field owns its texts; value_release ends them.
 * Pointers: arguments are copied.
 * Threads:  any.
 * Failure:  a read that fails says why and leaves the field as it was.
 * Cost:     linear in the arguments. */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include "conf/options.h"

/* Room for one value of an option without a field of its own. All zero is a valid empty one. */
union value_slot {
    bool yes;
    int64_t number;
    uint64_t bytes;
    struct config_size size;
    int word;
    struct config_text text;
};

MUST_CHECK enum err value_read(const struct option *option, void *field,
                               const struct bytes *arguments, size_t count,
                               struct option_reason *reason);
MUST_CHECK bool value_write(const struct option *option, const void *field, struct buffer *text);

/* Whether the type owns memory; the next two do nothing for one that does not. */
bool value_owns(enum option_type type);
void value_release(const struct option *option, void *field);
/* Copies what `from` owns into `to`, which is overwritten unread and all zero on failure. */
MUST_CHECK enum err value_copy(const struct option *option, void *to, const void *from);

/* Adds save points after those there are (a second `save` line). */
MUST_CHECK enum err value_save_add(struct config_save *save, const struct bytes *arguments,
                                   size_t count, struct option_reason *reason);

/* The readers and writers of lists (conf/values_list.c), chosen by value_read and value_write. */
MUST_CHECK enum err value_list_read(const struct option *option, void *field,
                                    const struct bytes *arguments, size_t count,
                                    struct option_reason *reason);
MUST_CHECK bool value_list_write(const struct option *option, const void *field,
                                 struct buffer *text);

/* Writes the reason and returns `err`. */
enum err value_refuse(struct option_reason *reason, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "1gb", "100mb", "3kb", "5": the shortest that reads back, for a file. */
MUST_CHECK bool value_write_memory(struct buffer *text, uint64_t bytes);

const char *config_client_class_name(enum config_client_class class);

#endif
