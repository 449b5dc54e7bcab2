#include "script/pattern.h"

#include <ctype.h>
#include <string.h>

enum { ESCAPE = '%' };

static const uint8_t *try_match(struct pattern_match *match, const uint8_t *text,
                                const uint8_t *pattern);

/* --- one character ---------------------------------------------------------------------------- */

static bool in_class(uint8_t c, uint8_t class)
{
    bool in;
    switch (tolower(class)) {
    case 'a':
        in = isalpha(c) != 0;
        break;
    case 'c':
        in = iscntrl(c) != 0;
        break;
    case 'd':
        in = isdigit(c) != 0;
        break;
    case 'l':
        in = islower(c) != 0;
        break;
    case 'p':
        in = ispunct(c) != 0;
        break;
    case 's':
        in = isspace(c) != 0;
        break;
    case 'u':
        in = isupper(c) != 0;
        break;
    case 'w':
        in = isalnum(c) != 0;
        break;
    case 'x':
        in = isxdigit(c) != 0;
        break;
    case 'z':
        in = c == 0;
        break;
    default:
        return class == c;
    }
    return in != (isupper(class) != 0);
}

/* Behind the set whose '[' is before `at`. A ']' that comes first is one of its characters. */
static const uint8_t *set_end(const struct pattern_match *match, const uint8_t *at)
{
    if (at < match->pattern_end && *at == '^')
        at++;
    bool first = true;
    for (; at < match->pattern_end; at++, first = false) {
        if (*at == ']' && !first)
            return at + 1;
        if (*at == ESCAPE && ++at >= match->pattern_end)
            break;
    }
    luaL_error(match->L, "malformed pattern (missing ']')");
    return at;
}

/* Behind the single character, class or set at `at`. */
static const uint8_t *item_end(const struct pattern_match *match, const uint8_t *at)
{
    if (*at == '[')
        return set_end(match, at + 1);
    if (*at != ESCAPE)
        return at + 1;
    if (at + 1 >= match->pattern_end)
        luaL_error(match->L, "malformed pattern (ends with '%%')");
    return at + 2;
}

/* `at` is behind the '[', `end` behind the ']'. */
static bool in_set(uint8_t c, const uint8_t *at, const uint8_t *end)
{
    bool wanted = true;
    end--;
    if (at < end && *at == '^') {
        wanted = false;
        at++;
    }
    for (; at < end; at++) {
        if (*at == ESCAPE) {
            at++;
            if (in_class(c, *at))
                return wanted;
        } else if (at + 2 < end && at[1] == '-') {
            if (at[0] <= c && c <= at[2])
                return wanted;
            at += 2;
        } else if (*at == c) {
            return wanted;
        }
    }
    return !wanted;
}

static bool item_fits(const struct pattern_match *match, const uint8_t *text,
                      const uint8_t *pattern, const uint8_t *end)
{
    if (text >= match->text_end)
        return false;
    switch (*pattern) {
    case '.':
        return true;
    case ESCAPE:
        return in_class(*text, pattern[1]);
    case '[':
        return in_set(*text, pattern + 1, end);
    default:
        return *pattern == *text;
    }
}

/* --- repetitions ------------------------------------------------------------------------------ */

/* As many as there are, then one less until the rest fits. */
static const uint8_t *most(struct pattern_match *match, const uint8_t *text, const uint8_t *pattern,
                           const uint8_t *end)
{
    const uint8_t *at = text;
    while (item_fits(match, at, pattern, end)) {
        script_tick(match->L, match->engine);
        at++;
    }
    for (;; at--) {
        const uint8_t *found = try_match(match, at, end + 1);
        if (found != NULL || at == text)
            return found;
    }
}

static const uint8_t *fewest(struct pattern_match *match, const uint8_t *text,
                             const uint8_t *pattern, const uint8_t *end)
{
    for (;; text++) {
        const uint8_t *found = try_match(match, text, end + 1);
        if (found != NULL)
            return found;
        if (!item_fits(match, text, pattern, end))
            return NULL;
    }
}

/* --- captures --------------------------------------------------------------------------------- */

static const uint8_t *open_capture(struct pattern_match *match, const uint8_t *text,
                                   const uint8_t *pattern, ptrdiff_t what)
{
    if (match->captures >= PATTERN_CAPTURES_MAX)
        luaL_error(match->L, "too many captures");
    match->capture[match->captures].at = text;
    match->capture[match->captures].count = what;
    match->captures++;
    const uint8_t *found = try_match(match, text, pattern);
    if (found == NULL)
        match->captures--;
    return found;
}

static const uint8_t *close_capture(struct pattern_match *match, const uint8_t *text,
                                    const uint8_t *pattern)
{
    uint32_t at = match->captures;
    while (at > 0 && match->capture[at - 1].count != CAPTURE_OPEN)
        at--;
    if (at-- == 0)
        luaL_error(match->L, "invalid pattern capture");
    match->capture[at].count = text - match->capture[at].at;
    const uint8_t *found = try_match(match, text, pattern);
    if (found == NULL)
        match->capture[at].count = CAPTURE_OPEN;
    return found;
}

/* %1: the same text again. */
static const uint8_t *again(const struct pattern_match *match, const uint8_t *text, uint8_t digit)
{
    uint32_t at = (uint32_t)(digit - '1');
    if (digit < '1' || at >= match->captures || match->capture[at].count == CAPTURE_OPEN)
        luaL_error(match->L, "invalid capture index");
    ptrdiff_t count = match->capture[at].count;
    if (count < 0 || match->text_end - text < count ||
        memcmp(match->capture[at].at, text, (size_t)count) != 0)
        return NULL;
    return text + count;
}

/* --- %b and %f -------------------------------------------------------------------------------- */

static const uint8_t *balanced(const struct pattern_match *match, const uint8_t *text,
                               const uint8_t *pair)
{
    if (match->pattern_end - pair < 2)
        luaL_error(match->L, "unbalanced pattern");
    if (text >= match->text_end || *text != pair[0])
        return NULL;
    size_t open = 1;
    while (++text < match->text_end) {
        script_tick(match->L, match->engine);
        if (*text == pair[1]) {
            if (--open == 0)
                return text + 1;
        } else if (*text == pair[0]) {
            open++;
        }
    }
    return NULL;
}

/* Between a character outside of the set and one of it. `set` is at the '['. */
static bool at_frontier(const struct pattern_match *match, const uint8_t *text, const uint8_t *set,
                        const uint8_t *end)
{
    uint8_t before = text == match->text ? 0 : text[-1];
    uint8_t here = text == match->text_end ? 0 : *text;
    return !in_set(before, set + 1, end) && in_set(here, set + 1, end);
}

/* --- the matcher ------------------------------------------------------------------------------ */

/* What begins with '%' and is no class: where it ends in text and pattern. false: no such one. */
static bool special(const struct pattern_match *match, const uint8_t **text,
                    const uint8_t **pattern)
{
    const uint8_t *at = *pattern;
    if (at + 1 >= match->pattern_end)
        return false;
    if (at[1] == 'b') {
        *text = balanced(match, *text, at + 2);
        *pattern = at + 4;
        return true;
    }
    if (at[1] == 'f') {
        at += 2;
        if (at >= match->pattern_end || *at != '[')
            luaL_error(match->L, "missing '[' after '%%f' in pattern");
        const uint8_t *end = item_end(match, at);
        if (!at_frontier(match, *text, at, end))
            *text = NULL;
        *pattern = end;
        return true;
    }
    if (!isdigit(at[1]))
        return false;
    *text = again(match, *text, at[1]);
    *pattern = at + 2;
    return true;
}

/* One item with what stands behind it; *done says that *text is the answer. */
static const uint8_t *item(struct pattern_match *match, const uint8_t *text,
                           const uint8_t **pattern, bool *done)
{
    const uint8_t *end = item_end(match, *pattern);
    uint8_t how = end < match->pattern_end ? *end : 0;
    const uint8_t *from = *pattern;
    bool fits = item_fits(match, text, from, end);
    *done = true;
    *pattern = end + 1;
    switch (how) {
    case '?': {
        const uint8_t *found = fits ? try_match(match, text + 1, end + 1) : NULL;
        *done = found != NULL;
        return found != NULL ? found : text;
    }
    case '*':
        return most(match, text, from, end);
    case '+':
        return fits ? most(match, text + 1, from, end) : NULL;
    case '-':
        return fewest(match, text, from, end);
    default:
        *pattern = end;
        *done = !fits;
        return fits ? text + 1 : NULL;
    }
}

static const uint8_t *parts(struct pattern_match *match, const uint8_t *text,
                            const uint8_t *pattern)
{
    while (text != NULL && pattern < match->pattern_end) {
        script_tick(match->L, match->engine);
        if (*pattern == '(') {
            bool position = pattern + 1 < match->pattern_end && pattern[1] == ')';
            return position ? open_capture(match, text, pattern + 2, CAPTURE_POSITION)
                            : open_capture(match, text, pattern + 1, CAPTURE_OPEN);
        }
        if (*pattern == ')')
            return close_capture(match, text, pattern + 1);
        if (*pattern == '$' && pattern + 1 == match->pattern_end)
            return text == match->text_end ? text : NULL;
        if (*pattern == ESCAPE && special(match, &text, &pattern))
            continue;
        bool done;
        text = item(match, text, &pattern, &done);
        if (done)
            return text;
    }
    return text;
}

static const uint8_t *try_match(struct pattern_match *match, const uint8_t *text,
                                const uint8_t *pattern)
{
    if (++match->depth > PATTERN_DEPTH_MAX)
        luaL_error(match->L, "pattern too complex");
    const uint8_t *found = parts(match, text, pattern);
    match->depth--;
    return found;
}

const uint8_t *pattern_match(struct pattern_match *match, const uint8_t *text,
                             const uint8_t *pattern)
{
    match->captures = 0;
    match->depth = 0;
    return try_match(match, text, pattern);
}
