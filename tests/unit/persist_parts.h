/* tests/unit/persist_parts.h - the parts of a value, kept, compared, described, written.
 * Model:    a list of copies in the order of a teller: what a reader tells behind a stream's
 *           entries is put where a teller has it, pieces of a string are one.
 * Owner:    the caller, until parts_release.
 * Pointers: the texts are the list's own.
 * Threads:  one.
 * Failure:  ENSURE.
 * Cost:     a malloc for each text. */
#ifndef TESTS_UNIT_PERSIST_PARTS_H
#define TESTS_UNIT_PERSIST_PARTS_H

#include "persist/rdb_read.h"

struct parts {
    struct part *at;
    size_t count, capacity;
};

void parts_add(struct parts *parts, const struct part *part);
/* After the last. */
void parts_settle(struct parts *parts);
void parts_release(struct parts *parts);
bool parts_equal(const struct parts *a, const struct parts *b);
void parts_describe(const struct parts *parts, struct buffer *text);
void parts_summary(const struct parts *parts, struct value_summary *summary);
/* The parts and the end; the key or the type was written. */
MUST_CHECK enum err parts_write(const struct parts *parts, struct rdb_writer *writer);

#endif
