/* struct/packed.h - a sequence of elements in one piece of memory.
 * Model:    an element is a byte string, and begins with what tells its length:
 *             0nnnnnnn                      n bytes follow (0 to 127)
 *             10nnnnnn n                    n bytes, 14 bits, high ones first
 *             110nnnnn n n                  n bytes, 21 bits: up to PACKED_INSIDE_MAX
 *             1110wwww                      an integer of w (1 to 8) bytes, little endian; its
 *                                           digits are the string
 *             11110000 ref(5) count(8)      a run of its own: more than PACKED_INSIDE_MAX bytes
 *             11110001                      a double, 8 bytes little endian: scores only
 *           One string has one form only, so that equal strings are equal bytes (but for runs).
 *           How elements make up a value (pairs, trailers, order) is the types' own affair.
 * Owner:    the memory is the caller's; a run belongs to the element that refers to it.
 * Pointers: views die with the memory's next change.
 * Threads:  pure functions, but for runs, which are the heap's.
 * Failure:  packed_prepare: ERR_MEMORY for a run. packed_check: false for hostile bytes.
 * Cost:     1 byte over strings up to 127 bytes; integers take 2 to 9 bytes. */
#ifndef STRUCT_PACKED_H
#define STRUCT_PACKED_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/number.h"
#include "struct/nodes.h"

enum {
    PACKED_INSIDE_MAX = 32 * 1024,
    PACKED_HEAD_MAX = 14,
    PACKED_RUN = 0xf0,
    PACKED_DOUBLE = 0xf1,
};

/* A string on its way into memory, or something to compare with: `head` then `tail`. */
struct packed_item {
    uint8_t head[PACKED_HEAD_MAX];
    uint8_t head_bytes;
    struct bytes tail; /* a view of the caller's bytes */
};

static inline size_t packed_item_bytes(const struct packed_item *item)
{
    return item->head_bytes + item->tail.count;
}

/* To look for `content`: takes nothing. What is longer than PACKED_INSIDE_MAX is compared by
 * packed_is through the run's content. */
void packed_sought(struct bytes content, struct packed_item *item);
/* To store it: a run is taken for what is longer than PACKED_INSIDE_MAX, and counted in `root`
 * (which may be NULL only where the caller knows that content is not that long). */
MUST_CHECK enum err packed_prepare(struct space *space, struct root *root, struct bytes content,
                                   struct packed_item *item);
/* A score: as an integer when it is a whole number of up to 53 bits (and not -0), else a double. */
void packed_prepare_score(double score, struct packed_item *item);
void packed_prepare_i64(int64_t number, struct packed_item *item);

/* Writes packed_item_bytes at `at`, and returns what is behind. */
static inline uint8_t *packed_write(uint8_t *at, const struct packed_item *item)
{
    memcpy(at, item->head, item->head_bytes);
    if (item->tail.count > 0)
        memcpy(at + item->head_bytes, item->tail.at, item->tail.count);
    return at + item->head_bytes + item->tail.count;
}

/* Bytes that the element at `at` takes. */
static inline size_t packed_bytes(const uint8_t *at)
{
    uint8_t first = at[0];
    if (LIKELY(first < 0x80))
        return 1u + first;
    if (first < 0xc0)
        return 2u + ((first & 0x3fu) << 8 | at[1]);
    if (first < 0xe0)
        return 3u + ((size_t)(first & 0x1fu) << 16 | (size_t)at[1] << 8 | at[2]);
    if (first < 0xf0)
        return 1u + (first & 0x0fu);
    return first == PACKED_RUN ? 14u : 9u;
}
static inline const uint8_t *packed_next(const uint8_t *at)
{
    return at + packed_bytes(at);
}

/* The string; an integer's digits are written to `digits` (NUMBER_I64_MAX bytes). */
struct bytes packed_view(const struct space *space, const uint8_t *at, uint8_t *digits);
static inline bool packed_is_integer(const uint8_t *at)
{
    return (at[0] & 0xf0u) == 0xe0u;
}
/* pre: packed_is_integer. */
int64_t packed_integer(const uint8_t *at);
/* pre: made by packed_prepare_score. */
double packed_score(const uint8_t *at);
/* Bytes of the string itself, without writing digits. */
size_t packed_text_bytes(const struct space *space, const uint8_t *at);

/* Whether `count` bytes are equal, up to 8 of them. */
static inline bool packed_few_equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    if (count < 4)
        return count == 0 ||
               (a[0] == b[0] && a[count / 2] == b[count / 2] && a[count - 1] == b[count - 1]);
    uint32_t words[4];
    memcpy(&words[0], a, 4);
    memcpy(&words[1], b, 4);
    memcpy(&words[2], a + count - 4, 4);
    memcpy(&words[3], b + count - 4, 4);
    return words[0] == words[1] && words[2] == words[3];
}

/* The same for 8 and more, the last ones first: names that are like each other differ there. */
static inline bool packed_many_equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    uint64_t words[2];
    memcpy(&words[0], a + count - 8, 8);
    memcpy(&words[1], b + count - 8, 8);
    return words[0] == words[1] && memcmp(a, b, count - 8) == 0;
}

/* Whether the element is the string that `item` was made of. pre: their first bytes are equal, and
 * tell of no run: so that strings up to 127 bytes and integers are of one length. */
static inline bool packed_is_short(const uint8_t *at, const struct packed_item *item)
{
    size_t head = item->head_bytes, count = item->tail.count;
    if (LIKELY(count >= 8))
        return (head == 1 || packed_few_equal(at + 1, item->head + 1, head - 1)) &&
               packed_many_equal(at + head, item->tail.at, count);
    return count > 0 ? packed_few_equal(at + 1, item->tail.at, count)
                     : packed_few_equal(at + 1, item->head + 1, head - 1);
}
bool packed_is_long(const struct space *space, const uint8_t *at, const struct packed_item *item);
static inline bool packed_is(const struct space *space, const uint8_t *at,
                             const struct packed_item *item)
{
    if (at[0] != item->head[0])
        return false;
    return item->head[0] == PACKED_RUN ? packed_is_long(space, at, item)
                                       : packed_is_short(at, item);
}

/* Gives an element's run back and takes it off the root's count; nothing for other elements. Call
 * before the element is removed or overwritten. */
void packed_empty(struct space *space, struct root *root, const uint8_t *at);
/* The same for an item that found no place. */
void packed_item_empty(struct space *space, struct root *root, const struct packed_item *item);
/* The reference of an element's run, 0 for other elements. */
uint64_t packed_run(const uint8_t *at);

/* The hash of the string. */
uint64_t packed_hash(const struct space *space, const uint8_t *at);

/* Whether a whole element stands at `at` within `left` bytes, in its one form; runs are refused,
 * and so are doubles unless `scores`. For images from outside. */
MUST_CHECK bool packed_check(const uint8_t *at, size_t left, bool scores);

#endif
