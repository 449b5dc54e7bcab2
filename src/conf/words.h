/* conf/words.h - a line cut into arguments, and an argument quoted for a line.
 * Model:    arguments stand between spaces; "..." knows \xHH \n \r \t \b \a and \ before any other
 *           character, '...' only \'. Quotes may begin inside a word but must end one.
 * Owner:    the caller releases; one struct serves for line after line.
 * Pointers: items are good until the next cut or the release.
 * Threads:  any.
 * Failure:  ERR_SYNTAX unbalanced quotes, ERR_LIMIT too many words, ERR_MEMORY; then count is 0.
 * Cost:     linear. */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

#include "base/buffer.h"

struct conf_words {
    struct bytes *items;
    size_t count;
    size_t capacity;
    struct buffer text; /* what the items point into */
};

MUST_CHECK enum err conf_words_cut(struct conf_words *words, struct bytes line);
/* Cuts at every single space, without quotes: "a  b" has an empty word in the middle. */
MUST_CHECK enum err conf_words_cut_spaces(struct conf_words *words, struct bytes text);
void conf_words_release(struct conf_words *words);

/* Appends the argument in double quotes. */
MUST_CHECK bool conf_quote(struct buffer *line, struct bytes argument);

#endif
