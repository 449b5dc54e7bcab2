#include "base/split.h"

/* White space of the C locale. */
static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20u;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static uint8_t escaped(uint8_t letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return letter;
    }
}

/* What follows a backslash between double quotes. A backslash that ends the line stands for
 * itself; the missing quote is found next. */
static void take_escape(struct splitter *in)
{
    if (in->end - in->at >= 4 && in->at[1] == 'x' && hex_digit(in->at[2]) >= 0 &&
        hex_digit(in->at[3]) >= 0) {
        *in->text++ = (uint8_t)(hex_digit(in->at[2]) * 16 + hex_digit(in->at[3]));
        in->at += 4;
    } else if (in->end - in->at >= 2) {
        *in->text++ = escaped(in->at[1]);
        in->at += 2;
    } else {
        *in->text++ = *in->at++;
    }
}

/* From behind the opening quote to behind the closing one, which must end the word. */
static bool take_quoted(struct splitter *in, uint8_t quote)
{
    while (in->at < in->end) {
        if (*in->at == quote) {
            in->at++;
            return in->at == in->end || is_space(*in->at);
        }
        if (*in->at == '\\' && quote == '"') {
            take_escape(in);
        } else if (*in->at == '\\' && in->end - in->at >= 2 && in->at[1] == '\'') {
            *in->text++ = '\'';
            in->at += 2;
        } else {
            *in->text++ = *in->at++;
        }
    }
    return false;
}

/* White space as it ends a word outside of quotes: without the two rarest kinds, as Redis has
 * it. */
static bool ends_word(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool take_word(struct splitter *in)
{
    while (in->at < in->end && !ends_word(*in->at)) {
        uint8_t byte = *in->at++;
        if (byte == '"' || byte == '\'')
            return take_quoted(in, byte);
        *in->text++ = byte;
    }
    return true;
}

enum split_result split_next(struct splitter *in, struct bytes *word)
{
    while (in->at < in->end && is_space(*in->at))
        in->at++;
    if (in->at == in->end)
        return SPLIT_END;
    uint8_t *begin = in->text;
    if (!take_word(in))
        return SPLIT_UNBALANCED;
    *word = bytes_of(begin, (size_t)(in->text - begin));
    return SPLIT_WORD;
}

bool split_line(struct bytes line, uint8_t *text, struct bytes *words, uint32_t *count)
{
    struct splitter in = split_begin(line, text);
    enum split_result result;
    for (*count = 0; (result = split_next(&in, &words[*count])) == SPLIT_WORD; ++*count)
        ;
    return result == SPLIT_END;
}
