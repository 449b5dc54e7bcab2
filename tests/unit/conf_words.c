/* Lines into arguments: a table, a naive model, and the way back. */
#include "base/rng.h"
#include "conf/file.h"
#include "conf/words.h"
#include "harness.h"

#include <stdio.h>

/* The arguments joined as <a><b>, or the error's name. */
static void show(struct bytes line, char *text, size_t room)
{
    struct conf_words words = { 0 };
    size_t used = 0;
    enum err err = conf_words_cut(&words, line);
    text[0] = '\0';
    if (err == ERR_SYNTAX)
        (void)snprintf(text, room, "unbalanced");
    for (size_t i = 0; i < words.count; i++)
        used += (size_t)snprintf(text + used, room - used, "<%.*s>", (int)words.items[i].count,
                                 (const char *)words.items[i].at);
    conf_words_release(&words);
}

TEST(conf_words_are_cut_as_redis_cuts_them)
{
    static const struct {
        const char *line, *words;
    } rows[] = {
        { "", "" },
        { "   \t ", "" },
        { "a", "<a>" },
        { "  a \t bc  ", "<a><bc>" },
        { "save \"\"", "<save><>" },
        { "save ''", "<save><>" },
        { "a \"b c\" d", "<a><b c><d>" },
        { "a 'b c' d", "<a><b c><d>" },
        { "\"a\\\"b\"", "<a\"b>" },
        { "'a\\'b'", "<a'b>" },
        { "'a\\\\b'", "<a\\\\b>" },
        { "'\\n'", "<\\n>" },
        { "\"\\n\\r\\t\\b\\a\\q\\\\\"", "<\n\r\t\b\aq\\>" },
        { "\"\\x41\\x6a\\x6A\"", "<Ajj>" },
        { "\"\\x4\"", "<x4>" },
        { "\"\\x4g\"", "<x4g>" },
        { "a\"b c\"", "<ab c>" },
        { "a'b c'", "<ab c>" },
        { "a\\nb", "<a\\nb>" },
        { "\"a", "unbalanced" },
        { "'a", "unbalanced" },
        { "\"a\"b", "unbalanced" },
        { "'a'b", "unbalanced" },
        { "a\"", "unbalanced" },
        { "\"a\\", "unbalanced" },
        { "\"a\\\"", "unbalanced" },
        { "'a\\'", "unbalanced" },
        { "a\vb\fc", "<a\vb\fc>" },
        { "\va \f b", "<a><b>" },
        { "# a", "<#><a>" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        show(bytes_of_text(rows[i].line), text, sizeof(text));
        CHECKF(strcmp(text, rows[i].words) == 0, "%s gives %s, not %s", rows[i].line, text,
               rows[i].words);
    }
}

/* A second reader, written as a walk over states with nothing shared: words go to `out`, each
 * ended by a byte that no test line holds. Returns the length, or -1 for unbalanced quotes. */
static int model_cut(const char *line, char *out)
{
    enum { BETWEEN, PLAIN, DOUBLE, SINGLE, CLOSED } state = BETWEEN;
    int n = 0;
    for (const char *p = line;; p++) {
        bool space = *p == '\0' || strchr(" \t", *p) != NULL;
        if (state == CLOSED && !space)
            return -1;
        if (state != DOUBLE && state != SINGLE && space) {
            if (state != BETWEEN)
                out[n++] = '\1';
            state = BETWEEN;
        } else if (*p == '\0') {
            return -1;
        } else if (state == DOUBLE && *p == '\\' && p[1] != '\0') {
            unsigned byte;
            if (p[1] == 'x' && strspn(p + 2, "0123456789abcdefABCDEF") >= 2) {
                char hex[3] = { p[2], p[3], '\0' };
                (void)sscanf(hex, "%x", &byte);
                out[n++] = (char)byte;
                p += 3;
            } else {
                p++;
                out[n++] = *p == 'n' ? '\n' : *p == 'b' ? '\b' : *p == 'a' ? '\a' : *p;
            }
        } else if (state == SINGLE && *p == '\\' && p[1] == '\'') {
            out[n++] = *++p;
        } else if ((state == DOUBLE && *p == '"') || (state == SINGLE && *p == '\'')) {
            state = CLOSED;
        } else if (state != DOUBLE && state != SINGLE && (*p == '"' || *p == '\'')) {
            state = *p == '"' ? DOUBLE : SINGLE;
        } else {
            if (state == BETWEEN)
                state = PLAIN;
            out[n++] = *p;
        }
        if (*p == '\0')
            return n;
    }
}

TEST(conf_words_agree_with_the_model)
{
    static const char alphabet[] = "ab \t\"'\\xn4f";
    struct rng rng;
    struct conf_words words = { 0 };
    rng_init(&rng, test_seed());
    for (int round = 0; round < 200000; round++) {
        char line[24], wanted[32], found[64];
        size_t count = (size_t)rng_below(&rng, sizeof(line) - 1), used = 0;
        for (size_t i = 0; i < count; i++)
            line[i] = alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
        line[count] = '\0';
        int length = model_cut(line, wanted);
        enum err err = conf_words_cut(&words, bytes_of(line, count));
        CHECKF((err == ERR_SYNTAX) == (length < 0), "line [%s]", line);
        for (size_t i = 0; i < words.count; i++) {
            memcpy(found + used, words.items[i].at, words.items[i].count);
            used += words.items[i].count;
            found[used++] = '\1';
        }
        if (err == ERR_NONE)
            CHECKF(used == (size_t)length && memcmp(found, wanted, used) == 0, "line [%s]", line);
    }
    conf_words_release(&words);
}

TEST(conf_quote_is_undone_by_the_cut)
{
    struct rng rng;
    struct conf_words words = { 0 };
    struct buffer line = { 0 };
    rng_init(&rng, test_seed());
    for (int round = 0; round < 5000; round++) {
        uint8_t bytes[40];
        size_t count = (size_t)rng_below(&rng, sizeof(bytes));
        for (size_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)rng_below(&rng, 256);
        line.count = 0;
        CHECK(buffer_append_text(&line, "x ") && conf_quote(&line, bytes_of(bytes, count)));
        CHECK(buffer_append_text(&line, " y"));
        for (size_t i = 0; i < line.count; i++)
            CHECK(line.at[i] >= ' ' && line.at[i] <= '~');
        CHECK_EQ(conf_words_cut(&words, buffer_view(&line)), ERR_NONE);
        CHECK_EQ(words.count, 3);
        CHECK_BYTES(words.items[1], bytes_of(bytes, count));
    }
    buffer_release(&line);
    conf_words_release(&words);
}

TEST(conf_quote_writes_as_redis_does)
{
    struct buffer line = { 0 };
    CHECK(conf_quote(&line, BYTES("a b\"\\\n\r\t\a\b\x01\xff~")));
    CHECK_TEXT(buffer_view(&line), "\"a b\\\"\\\\\\n\\r\\t\\a\\b\\x01\\xff~\"");
    buffer_release(&line);
}

TEST(conf_words_are_bounded)
{
    struct conf_words words = { 0 };
    struct buffer line = { 0 };
    for (int i = 0; i < CONF_WORDS_MAX; i++)
        CHECK(buffer_append_text(&line, "a "));
    CHECK_EQ(conf_words_cut(&words, buffer_view(&line)), ERR_NONE);
    CHECK_EQ(words.count, CONF_WORDS_MAX);
    CHECK(buffer_append_text(&line, "a"));
    CHECK_EQ(conf_words_cut(&words, buffer_view(&line)), ERR_LIMIT);
    CHECK_EQ(words.count, 0);
    buffer_release(&line);
    conf_words_release(&words);
}

TEST(conf_words_at_single_spaces_keep_empty_ones)
{
    struct conf_words words = { 0 };
    CHECK_EQ(conf_words_cut_spaces(&words, BYTES(" a  \"b\" ")), ERR_NONE);
    CHECK_EQ(words.count, 5);
    CHECK_TEXT(words.items[0], "");
    CHECK_TEXT(words.items[1], "a");
    CHECK_TEXT(words.items[2], "");
    CHECK_TEXT(words.items[3], "\"b\"");
    CHECK_TEXT(words.items[4], "");
    conf_words_release(&words);
}
