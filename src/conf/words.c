/* Lines into arguments, and back. */
#include "conf/words.h"

#include "base/memory.h"
#include "base/split.h"
#include "conf/file.h"

static enum err add_item(struct conf_words *words, struct bytes item)
{
    if (words->count == CONF_WORDS_MAX)
        return ERR_LIMIT;
    if (words->count == words->capacity) {
        size_t capacity = words->capacity == 0 ? 16 : words->capacity * 2;
        struct bytes *items = memory_resize(words->items, capacity * sizeof(*items));
        if (items == NULL)
            return ERR_MEMORY;
        words->items = items;
        words->capacity = capacity;
    }
    words->items[words->count++] = item;
    return ERR_NONE;
}

/* The items point into `text`, which has room for the whole line. */
static enum err begin_cut(struct conf_words *words, struct bytes line)
{
    words->count = 0;
    words->text.count = 0;
    return buffer_reserve(&words->text, line.count + 1) ? ERR_NONE : ERR_MEMORY;
}

static enum err end_cut(struct conf_words *words, enum err err)
{
    if (err != ERR_NONE)
        words->count = 0;
    return err;
}

enum err conf_words_cut(struct conf_words *words, struct bytes line)
{
    enum err err = begin_cut(words, line);
    struct splitter splitter = split_begin(line, words->text.at);
    enum split_result result = SPLIT_WORD;
    struct bytes word;
    while (err == ERR_NONE && (result = split_next(&splitter, &word)) == SPLIT_WORD)
        err = add_item(words, word);
    if (result == SPLIT_UNBALANCED)
        err = ERR_SYNTAX;
    return end_cut(words, err);
}

enum err conf_words_cut_spaces(struct conf_words *words, struct bytes text)
{
    enum err err = begin_cut(words, text);
    if (err == ERR_NONE && text.count > 0)
        memcpy(words->text.at, text.at, text.count);
    const uint8_t *begin = words->text.at;
    for (size_t i = 0; err == ERR_NONE && i <= text.count; i++) {
        const uint8_t *at = words->text.at + i;
        if (i < text.count && *at != ' ')
            continue;
        err = add_item(words, bytes_of(begin, (size_t)(at - begin)));
        begin = at + 1;
    }
    return end_cut(words, err);
}

void conf_words_release(struct conf_words *words)
{
    memory_give(words->items);
    buffer_release(&words->text);
    *words = (struct conf_words){ 0 };
}

static bool quote_byte(struct buffer *line, uint8_t byte)
{
    static const char letters[] = "\a\b\t\n";
    static const char escapes[] = "abtn";
    const char *found = byte == '\0' ? NULL : strchr(letters, byte);
    if (byte == '\\' || byte == '"')
        return buffer_printf(line, "\\%c", byte);
    if (byte == '\r')
        return buffer_append_text(line, "\\r");
    if (found != NULL)
        return buffer_printf(line, "\\%c", escapes[found - letters]);
    if (byte < ' ' || byte > '~')
        return buffer_printf(line, "\\x%02x", byte);
    return buffer_append_byte(line, byte);
}

bool conf_quote(struct buffer *line, struct bytes argument)
{
    if (!buffer_append_byte(line, '"'))
        return false;
    for (size_t i = 0; i < argument.count; i++)
        if (!quote_byte(line, argument.at[i]))
            return false;
    return buffer_append_byte(line, '"');
}
