/* base/split.h - a line of text cut into words: inline commands, configuration, redis-cli.
 * Model:    words between white space; "..." with \n \r \t \b \a \xHH and \c, '...' with \'. A
 *           quoted part may follow other bytes of a word, but a word ends with its closing quote.
 * Owner:    the caller brings the memory.
 * Pointers: words are views of `text`.
 * Threads:  any.
 * Failure:  SPLIT_UNBALANCED or false when quotes are not balanced.
 * Cost:     one pass. */
#ifndef BASE_SPLIT_H
#define BASE_SPLIT_H

#include "base/bytes.h"
#include "base/err.h"

/* Word by word. `text` takes the words without quotes, behind each other: it has room for the whole
 * line, and since no word grows by losing its quotes they never overtake what is read. */
struct splitter {
    const uint8_t *at, *end;
    uint8_t *text;
};

static inline struct splitter split_begin(struct bytes line, uint8_t *text)
{
    return (struct splitter){ line.at, line.at + line.count, text };
}

enum split_result { SPLIT_WORD, SPLIT_END, SPLIT_UNBALANCED };
MUST_CHECK enum split_result split_next(struct splitter *in, struct bytes *word);

/* All words at once, into room for split_words_max. */
static inline size_t split_words_max(size_t bytes)
{
    return bytes / 2 + 1;
}
MUST_CHECK bool split_line(struct bytes line, uint8_t *text, struct bytes *words, uint32_t *count);

#endif
