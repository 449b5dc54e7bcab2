/* cmd/scanning.h - what SCAN, HSCAN, SSCAN and ZSCAN have in common.
 * Model:    cursor and options are read; steps go on until `count` elements were looked at, or ten
 *           times as many steps were made (a sparse table); what fits the pattern is kept in the
 *           arena as items of one size, and told when the walk is over.
 * Owner:    the command.
 * Pointers: items are copies; what they point to must hold until the reply.
 * Threads:  the executing thread.
 * Failure:  false: the error reply is written. scanning_keep: `failed`, no memory.
 * Cost:     the walk's. */
#ifndef CMD_SCANNING_H
#define CMD_SCANNING_H

#include "cmd/args.h"

enum scanning_options { SCANNING_TYPE = 1, SCANNING_NO_VALUES = 2 };

struct scanning {
    struct call *call;
    struct bytes pattern, type; /* type.at NULL: any */
    bool has_pattern, no_values;
    int64_t count;
    uint64_t visited, steps; /* the walk's visitor counts `visited` */
    uint8_t *found;
    size_t item_bytes, found_count, found_room;
    bool failed;
};

void scanning_init(struct scanning *scanning, struct call *call, size_t item_bytes);
/* Digits, leading zeros too, up to 2^64 - 1. */
MUST_CHECK bool scanning_cursor(struct call *call, uint32_t at, uint64_t *cursor);
/* All arguments from `at` on: MATCH, COUNT and what `also` allows. */
MUST_CHECK bool scanning_read(struct scanning *scanning, uint32_t at, unsigned also);
bool scanning_fits(const struct scanning *scanning, struct bytes text);
void scanning_keep(struct scanning *scanning, const void *item);
/* After a step that led to `cursor`. */
bool scanning_goes_on(struct scanning *scanning, uint64_t cursor);
/* The cursor, and the head of an array of so many. */
void scanning_reply(const struct scanning *scanning, uint64_t cursor, uint64_t elements);

#endif
