/* types/stream_id.h - the ids of a stream's entries: milliseconds and a sequence number.
 * Model:    two 64-bit numbers, compared in this order; the text is "ms-seq".
 * Owner:    plain values.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  false, and the out-parameter unchanged.
 * Cost:     O(1). */
#ifndef TYPES_STREAM_ID_H
#define TYPES_STREAM_ID_H

#include "base/bytes.h"
#include "base/err.h"

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MAX ((struct stream_id){ UINT64_MAX, UINT64_MAX })
#define STREAM_ID_ZERO ((struct stream_id){ 0, 0 })

enum { STREAM_ID_TEXT_MAX = 42 }; /* two numbers of 20 digits and what is between */

/* <0, 0, >0 */
static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}
static inline bool stream_id_is_zero(struct stream_id id)
{
    return id.ms == 0 && id.seq == 0;
}

/* The next and the one before; false at the end of all. */
MUST_CHECK bool stream_id_next(struct stream_id *id);
MUST_CHECK bool stream_id_previous(struct stream_id *id);

/* Writes the text and returns its length, at most STREAM_ID_TEXT_MAX. */
size_t stream_id_write(uint8_t *at, struct stream_id id);

/* What a text may say instead of a whole id. */
enum stream_id_form {
    STREAM_ID_STRICT = 0, /* "ms" or "ms-seq" */
    STREAM_ID_ENDS = 1,   /* also "-" and "+", the least and the greatest */
    STREAM_ID_AUTO = 2,   /* also "ms-*": *seq_given says false, and seq is 0 */
};

/* Reads an id as Redis does, with all that strtoull takes for a number. `missing_seq` stands for a
 * number that is not there. seq_given may be NULL without STREAM_ID_AUTO. */
MUST_CHECK bool stream_id_read(struct bytes text, uint64_t missing_seq, unsigned form,
                               struct stream_id *id, bool *seq_given);

#endif
