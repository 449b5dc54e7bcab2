#include "base/glob.h"

/* A step is about a nanosecond. The floor lets any pattern a person writes run to its end; the
 * share by length lets a simple pattern scan a value of hundreds of megabytes. */
enum { GLOB_WORK_MAX = 4 * 1024 * 1024, GLOB_WORK_A_BYTE = 8 };

/* Where a match stands. Only the last star needs to be remembered: if what follows it fits
 * nowhere, a longer run for an earlier star only leaves it less text. */
struct glob {
    struct bytes pattern, text;
    size_t p, t;           /* next byte of each */
    size_t star_p, star_t; /* after the last star, and where its rest was tried */
    bool starred, nocase;
    uint64_t work_left;
};

/* Bytes are compared as signed, as on the machines where the ranges of Redis were defined, so
 * that a range from a letter to a byte over 127 means the same here. */
static int fold(uint8_t byte, bool nocase)
{
    if (nocase && byte >= 'A' && byte <= 'Z')
        return byte | 0x20;
    return (int8_t)byte;
}

static bool in_range(const struct glob *g, uint8_t from, uint8_t to, uint8_t byte)
{
    if ((int8_t)from > (int8_t)to) {
        uint8_t swap = from;
        from = to;
        to = swap;
    }
    int c = fold(byte, g->nocase);
    return c >= fold(from, g->nocase) && c <= fold(to, g->nocase);
}

/* One element of a class at `*at`: an escaped byte (always exact), a range, or a byte. */
static bool element_fits(const struct glob *g, size_t *at, uint8_t byte)
{
    const uint8_t *pattern = g->pattern.at + *at;
    size_t left = g->pattern.count - *at;
    if (pattern[0] == '\\' && left >= 2) {
        *at += 2;
        return pattern[1] == byte;
    }
    if (left >= 3 && pattern[1] == '-') {
        *at += 3;
        return in_range(g, pattern[0], pattern[2], byte);
    }
    *at += 1;
    return fold(pattern[0], g->nocase) == fold(byte, g->nocase);
}

/* The class after '['; one that is never closed reaches to the end of the pattern. */
static bool class_fits(struct glob *g, uint8_t byte)
{
    size_t at = g->p + 1;
    size_t count = g->pattern.count;
    bool negated = at < count && g->pattern.at[at] == '^';
    bool found = false;
    if (negated)
        at++;
    while (at < count && g->pattern.at[at] != ']')
        found |= element_fits(g, &at, byte);
    uint64_t work = at - g->p;
    g->work_left = work < g->work_left ? g->work_left - work : 0;
    g->p = at < count ? at + 1 : count;
    return found != negated;
}

/* Matches one byte of text by one element of the pattern and goes past both. */
static bool step_fits(struct glob *g)
{
    uint8_t byte = g->text.at[g->t++];
    uint8_t element = g->pattern.at[g->p];
    if (element == '[')
        return class_fits(g, byte);
    if (element == '\\' && g->p + 1 < g->pattern.count)
        element = g->pattern.at[++g->p];
    else if (element == '?')
        element = byte;
    g->p++;
    return fold(element, g->nocase) == fold(byte, g->nocase);
}

static bool at_star(const struct glob *g)
{
    return g->p < g->pattern.count && g->pattern.at[g->p] == '*';
}

/* Goes back to the last star and lets it take one byte more; false when there is none to take. */
static bool retry(struct glob *g)
{
    if (!g->starred || g->star_t + 1 >= g->text.count)
        return false;
    g->star_t++;
    g->p = g->star_p;
    g->t = g->star_t;
    return true;
}

static bool run(struct glob *g)
{
    while (g->work_left > 0) {
        g->work_left--;
        if (at_star(g)) {
            while (at_star(g))
                g->p++;
            if (g->p == g->pattern.count)
                return true;
            g->starred = true;
            g->star_p = g->p;
            g->star_t = g->t;
        }
        bool fits = g->p < g->pattern.count && step_fits(g);
        if (!fits) {
            if (!retry(g))
                return false;
            continue;
        }
        if (g->t < g->text.count)
            continue;
        while (at_star(g))
            g->p++;
        /* With text used up, a later start leaves less of it for the same rest. */
        return g->p == g->pattern.count;
    }
    return false;
}

static bool match(struct bytes pattern, struct bytes text, bool nocase, uint64_t *work)
{
    /* KEYS and SCAN take a lone star for everything; otherwise, as in Redis, nothing but the empty
     * pattern fits an empty text, not even two stars. */
    if (pattern.count == 1 && pattern.at[0] == '*')
        return true;
    if (text.count == 0 || pattern.count == 0)
        return text.count == pattern.count;
    struct glob g = { .pattern = pattern, .text = text, .nocase = nocase };
    g.work_left = *work;
    bool fits = run(&g);
    *work = g.work_left;
    return fits;
}

static uint64_t work_of(struct bytes pattern, struct bytes text)
{
    return GLOB_WORK_MAX + GLOB_WORK_A_BYTE * (pattern.count + text.count);
}

bool glob_match(struct bytes pattern, struct bytes text)
{
    uint64_t work = work_of(pattern, text);
    return match(pattern, text, false, &work);
}

bool glob_match_nocase(struct bytes pattern, struct bytes text)
{
    uint64_t work = work_of(pattern, text);
    return match(pattern, text, true, &work);
}

bool glob_match_within(struct bytes pattern, struct bytes text, bool nocase, uint64_t *work)
{
    return match(pattern, text, nocase, work);
}
