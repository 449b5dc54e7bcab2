/* types/string.h - strings: a small integer, bytes in the entry, or bytes in a block of their own.
 * Model:    an integer stands as 1 to 8 bytes, little endian, as few as hold it; bytes up to
 *           STRING_INLINE_MAX stand in the entry; longer ones in a run of pages, of which the body
 *           holds reference (5 bytes) and length (8 bytes).
 * Owner:    the body owns the run.
 * Pointers: a view of a string is good until the entry changes or a safe point.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY, nothing taken.
 * Cost:     O(length) to make, O(1) to view. */
#ifndef TYPES_STRING_H
#define TYPES_STRING_H

#include "base/number.h"
#include "types/value.h"

enum string_encoding { STRING_INT = 0, STRING_RAW = 1, STRING_BIG = 2, STRING_APPENDED = 3 };
/* STRING_APPENDED is raw that was edited in place: OBJECT ENCODING says "raw" of it whatever its
 * length, where STRING_RAW up to 44 bytes says "embstr" (Redis 7.2). */

enum { STRING_INLINE_MAX = 60 * 1024, STRING_BODY_MAX = 16 };

/* Room for a body that is not simply the caller's bytes, and for an integer's digits. */
struct string_scratch {
    uint8_t at[NUMBER_I64_MAX + 3];
};

/* A value of these bytes: integer encoding where Redis would take it (canonical, up to 20 digits),
 * else raw (the body is a view of `content`), else big (a run is taken from the heap and filled).
 */
MUST_CHECK enum err string_make(struct heap *heap, struct bytes content,
                                struct string_scratch *scratch, struct value *value);
/* The same without a try at an integer; short ones as STRING_RAW or STRING_APPENDED. */
MUST_CHECK enum err string_make_raw(struct heap *heap, struct bytes content,
                                    enum string_encoding encoding, struct string_scratch *scratch,
                                    struct value *value);
void string_make_int(int64_t number, struct string_scratch *scratch, struct value *value);
/* A big value of `count` zero bytes, its content to be written through `at`.
 * pre: count > STRING_INLINE_MAX. */
MUST_CHECK enum err string_make_big(struct heap *heap, size_t count, struct string_scratch *scratch,
                                    struct value *value, uint8_t **at);

/* The content; an integer's digits are written to scratch. */
struct bytes string_view(const struct heap *heap, const struct value *value,
                         struct string_scratch *scratch);
size_t string_count(const struct heap *heap, const struct value *value);
/* True and the number when the content is an integer in Redis's strict form. */
MUST_CHECK bool string_read_i64(const struct heap *heap, const struct value *value,
                                int64_t *number);

/* The writable content of a STRING_BIG body. */
uint8_t *string_big_at(const struct heap *heap, const uint8_t *body);
/* The same after resizing the run to `count`, zeros after the old end; the body (at least
 * STRING_BODY_MAX bytes at `body`, or those it had) is rewritten. NULL: no memory, unchanged.
 * pre: count > STRING_INLINE_MAX. */
MUST_CHECK uint8_t *string_big_resize(struct heap *heap, uint8_t *body, size_t count);

extern const struct type_ops string_ops;

#endif
