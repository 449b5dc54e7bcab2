/* load/request.h - commands as bytes.
 * Model:    a plan says which command, over which keys and values; rendering draws the next key
 *           from a picker and writes one whole RESP command.
 * Owner:    the caller owns plan, picker and buffer.
 * Pointers: none kept.
 * Threads:  a plan is read-only; a picker belongs to one thread.
 * Failure:  none; the buffer must have request_bytes_max bytes.
 * Cost:     20 to 30 ns and the copy of the value. */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "load/random.h"
#include "load/value.h"

enum { PREFIX_MAX = 32, KEY_DIGITS = 12, ELEMENTS_MAX = 1000, FIELD_BYTES_MAX = 256 };

struct request_plan;
typedef size_t request_render_fn(const struct request_plan *plan, struct picker *picker,
                                 uint8_t *out);

/* A command is a row: its name on the command line, what it writes, how much it takes. */
struct request_row {
    const char *name;
    const char *summary;
    request_render_fn *render;
    uint8_t default_elements; /* of MGET and the small collections */
};

struct request_plan {
    const struct request_row *row;
    struct values values;
    const char *prefix; /* of keys; followed by KEY_DIGITS digits */
    size_t prefix_bytes;
    uint32_t elements;
    uint32_t field_bytes; /* of a member or a field in one big collection, at least 10 */
    uint32_t ttl_min_s;   /* 0: none */
    uint32_t ttl_max_s;
};

/* The row called `name`, or NULL. */
const struct request_row *request_find(const char *name);
/* Row `index`, or NULL past the last. */
const struct request_row *request_row_at(size_t index);

size_t request_bytes_max(const struct request_plan *plan);
size_t request_render(const struct request_plan *plan, struct picker *picker, uint8_t *out);

/* The three that other modes draw keys for themselves. */
size_t request_get(const struct request_plan *plan, uint64_t number, uint8_t *out);
size_t request_del(const struct request_plan *plan, uint64_t number, uint8_t *out);
size_t request_set(const struct request_plan *plan, uint64_t number, uint8_t *out);

#endif
