/* Patterns: the odd cases by a table, all cases beside a recursive model, the bound by time. */
#include "harness.h"

#include "base/glob.h"
#include "base/memory.h"
#include "base/rng.h"

#include <stdio.h>
#include <time.h>

TEST(glob_matches_as_the_table_says)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        { "*", "", true },
        { "**", "", false }, /* as Redis has it */
        { "", "", true },
        { "", "a", false },
        { "a", "", false },
        { "a*", "a", true },
        { "*a", "ba", true },
        { "*a*", "xxaxx", true },
        { "a*c*e", "abcde", true },
        { "a*c*e", "abcd", false },
        { "h?llo", "hello", true },
        { "h?llo", "hllo", false },
        { "h[ae]llo", "hallo", true },
        { "h[^e]llo", "hello", false },
        { "h[^e]llo", "hbllo", true },
        { "h[a-c]llo", "hbllo", true },
        { "h[c-a]llo", "hbllo", true }, /* a reversed range is turned round */
        { "[a-]x", "ax", false },       /* the range from ']' to 'a', never closed */
        { "[a-]", "_", true },
        { "[abc", "b", true }, /* never closed: as if closed at the end */
        { "[abc", "bc", false },
        { "[", "[", false },
        { "[^", "x", true },
        { "[]", "]", false }, /* an empty class fits nothing */
        { "[^]", "x", true },
        { "[\\]]", "]", true },
        { "[\\", "\\", true },
        { "[a\\-z]", "-", true },
        { "[a\\-z]", "m", false },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { "a\\", "a\\", true }, /* an escape at the end is itself */
        { "\\a", "a", true },
        { "?", "", false },
        { "*?", "a", true },
        { "*?", "", false },
        { "*[a", "xa", true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool matches = glob_match(bytes_of_text(rows[i].pattern), bytes_of_text(rows[i].text));
        CHECKF(matches == rows[i].matches, "'%s' and '%s'", rows[i].pattern, rows[i].text);
    }
    CHECK(glob_match(BYTES("a\0*"), BYTES("a\0b")));
    CHECK(!glob_match(BYTES("a\0c"), BYTES("a\0b")));
}

TEST(glob_without_case_folds_all_but_escapes_in_classes)
{
    CHECK(glob_match_nocase(BYTES("MaxMemory*"), BYTES("maxmemory-policy")));
    CHECK(glob_match_nocase(BYTES("[A-C]x"), BYTES("bX")));
    CHECK(glob_match_nocase(BYTES("[^A]"), BYTES("b")));
    CHECK(!glob_match_nocase(BYTES("[^A]"), BYTES("a")));
    CHECK(!glob_match_nocase(BYTES("[\\A]"), BYTES("a")));
    CHECK(glob_match_nocase(BYTES("\\A"), BYTES("a")));
    CHECK(!glob_match(BYTES("A"), BYTES("a")));
}

/* The model: each rule on its own, recursion for stars, no thought of cost. */
static int model_order(uint8_t byte, bool nocase)
{
    int order = byte < 128 ? byte : byte - 256;
    return nocase && order >= 'A' && order <= 'Z' ? order + 'a' - 'A' : order;
}

static bool model_class(const uint8_t **p, const uint8_t *p_end, uint8_t byte, bool nocase)
{
    bool found = false;
    bool negated = *p < p_end && **p == '^';
    *p += negated;
    for (; *p < p_end && **p != ']';) {
        if (**p == '\\' && p_end - *p >= 2) {
            found |= (*p)[1] == byte;
            *p += 2;
        } else if (p_end - *p >= 3 && (*p)[1] == '-') {
            uint8_t low = **p, high = (*p)[2];
            bool turned = model_order(low, false) > model_order(high, false);
            int from = model_order(turned ? high : low, nocase);
            int to = model_order(turned ? low : high, nocase);
            found |= model_order(byte, nocase) >= from && model_order(byte, nocase) <= to;
            *p += 3;
        } else {
            found |= model_order(**p, nocase) == model_order(byte, nocase);
            *p += 1;
        }
    }
    *p += *p < p_end;
    return found != negated;
}

static bool model(const uint8_t *p, const uint8_t *p_end, const uint8_t *t, const uint8_t *t_end,
                  bool nocase)
{
    if (p == p_end)
        return t == t_end;
    if (*p == '*') {
        for (; t <= t_end; t++) {
            if (model(p + 1, p_end, t, t_end, nocase))
                return true;
        }
        return false;
    }
    if (t == t_end)
        return false;
    if (*p == '[') {
        p++;
        return model_class(&p, p_end, *t, nocase) && model(p, p_end, t + 1, t_end, nocase);
    }
    bool any = *p == '?';
    if (*p == '\\' && p_end - p >= 2)
        p++;
    if (!any && model_order(*p, nocase) != model_order(*t, nocase))
        return false;
    return model(p + 1, p_end, t + 1, t_end, nocase);
}

static size_t draw(struct rng *rng, const char *alphabet, size_t letters, uint8_t *at, size_t max)
{
    size_t count = rng_below(rng, max + 1);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)alphabet[rng_below(rng, letters)];
    return count;
}

TEST(glob_agrees_with_its_model)
{
    static const char elements[] = "aabbBc***??[[[]]^^--\\\\\xff\x80";
    static const char letters[] = "aabbBBc]-^[*\\\xff\x80";
    struct rng rng;
    rng_init(&rng, test_seed());
    unsigned matched = 0;
    for (int i = 0; i < 300000; i++) {
        uint8_t p[10], t[8];
        size_t p_count = draw(&rng, elements, sizeof(elements) - 1, p, sizeof(p));
        size_t t_count = draw(&rng, letters, sizeof(letters) - 1, t, sizeof(t));
        if (t_count == 0)
            continue; /* the table has what is special about it */
        bool nocase = i % 2 == 0;
        bool wanted = model(p, p + p_count, t, t + t_count, nocase);
        struct bytes pattern = bytes_of(p, p_count), text = bytes_of(t, t_count);
        bool found = nocase ? glob_match_nocase(pattern, text) : glob_match(pattern, text);
        CHECKF(found == wanted, "'%.*s' and '%.*s', %d", (int)p_count, (char *)p, (int)t_count,
               (char *)t, nocase);
        matched += found;
    }
    CHECK(matched > 1000);
}

static double seconds_of_match(struct bytes pattern, struct bytes text, bool *matched)
{
    clock_t begin = clock();
    *matched = glob_match(pattern, text);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Stars that make a backtracking matcher take for ever, on as long a text as may come. */
TEST(glob_ends_soon_whatever_the_pattern)
{
    enum { TEXT_BYTES = 4 * 1000 * 1000, PATTERN_BYTES = 20 * 1000 };
    uint8_t *text = memory_take(TEXT_BYTES), *pattern = memory_take(PATTERN_BYTES);
    CHECK(text != NULL && pattern != NULL);
    memset(text, 'a', TEXT_BYTES);
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        pattern[i] = i % 2 == 0 ? 'a' : '*';
    pattern[PATTERN_BYTES - 1] = 'b';
    bool matched;
    double seconds =
        seconds_of_match(bytes_of(pattern, PATTERN_BYTES), bytes_of(text, TEXT_BYTES), &matched);
    CHECKF(seconds < 5 && !matched, "%f s", seconds);
    seconds = seconds_of_match(BYTES("a*a*a*a*a*a*a*a*b"), bytes_of(text, 1000), &matched);
    CHECKF(seconds < 0.1 && !matched, "%f s", seconds);
    /* One star, and a long rest that fits nearly everywhere: quadratic without a bound. */
    memset(pattern, 'a', PATTERN_BYTES);
    pattern[0] = '*';
    pattern[PATTERN_BYTES - 1] = 'b';
    seconds =
        seconds_of_match(bytes_of(pattern, PATTERN_BYTES), bytes_of(text, TEXT_BYTES), &matched);
    CHECKF(seconds < 5 && !matched, "%f s", seconds);
    /* And a long class, read anew for each byte. */
    memset(pattern, 'x', PATTERN_BYTES);
    pattern[0] = '*';
    pattern[1] = '[';
    seconds =
        seconds_of_match(bytes_of(pattern, PATTERN_BYTES), bytes_of(text, TEXT_BYTES), &matched);
    CHECKF(seconds < 5 && !matched, "%f s", seconds);
    /* While a simple search of all of the text is done to its end. */
    text[TEXT_BYTES - 1] = 'b';
    CHECK(glob_match(BYTES("*a?b"), bytes_of(text, TEXT_BYTES)));
    memory_give(text);
    memory_give(pattern);
}
