/* base/bytes.h - bytes somebody else owns: a pointer and a length.
 * Model:    a view; binary safe, never NUL-terminated.
 * Owner:    whoever made the memory; a view owns nothing.
 * Pointers: a view of heap memory dies at the next safe point, like any address there.
 * Threads:  plain values.
 * Failure:  none.
 * Cost:     comparisons are memcmp. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at;
    size_t count;
};

/* A view of a string literal, without its NUL. */
#define BYTES(literal) ((struct bytes){ (const uint8_t *)("" literal), sizeof(literal) - 1 })

static inline struct bytes bytes_of(const void *at, size_t count)
{
    return (struct bytes){ at, count };
}

/* The bytes of a NUL-terminated string of the operating system or a table of ours. */
static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.at, b.at, a.count) == 0);
}

/* Order as memcmp, a prefix before what it begins: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);

/* Equality that takes A-Z for a-z; ASCII only, no locale. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* The same against a literal or table word. */
static inline bool bytes_is(struct bytes a, const char *word)
{
    return bytes_equal_nocase(a, bytes_of_text(word));
}

#endif
