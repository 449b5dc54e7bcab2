/* Inline commands: any line is split within its bounds, and words that are quoted and joined come
 * back as they were. */
#include "base/err.h"
#include "base/memory.h"
#include "base/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

struct words {
    uint8_t *text;
    struct bytes *words;
    uint32_t count;
};

static bool split(struct bytes line, struct words *words)
{
    words->text = memory_take(line.count + 1);
    words->words = memory_take(split_words_max(line.count) * sizeof(struct bytes));
    ENSURE(words->text != NULL && words->words != NULL);
    if (!split_line(line, words->text, words->words, &words->count))
        return false;
    ENSURE(words->count <= split_words_max(line.count));
    size_t bytes = 0;
    for (uint32_t i = 0; i < words->count; i++)
        bytes += words->words[i].count;
    ENSURE(bytes <= line.count);
    return true;
}

static void drop(struct words *words)
{
    memory_give(words->text);
    memory_give(words->words);
}

/* "\x41" for each byte. */
static size_t quote(uint8_t *at, struct bytes word)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = 0;
    at[count++] = '"';
    for (size_t i = 0; i < word.count; i++) {
        at[count++] = '\\';
        at[count++] = 'x';
        at[count++] = (uint8_t)digits[word.at[i] >> 4];
        at[count++] = (uint8_t)digits[word.at[i] & 15];
    }
    at[count++] = '"';
    at[count++] = ' ';
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct words first, second;
    if (split(bytes_of(at, count), &first)) {
        uint8_t *line = memory_take(4 * count + 3 * (size_t)first.count + 1);
        ENSURE(line != NULL);
        size_t bytes = 0;
        for (uint32_t i = 0; i < first.count; i++)
            bytes += quote(line + bytes, first.words[i]);
        ENSURE(split(bytes_of(line, bytes), &second));
        ENSURE(second.count == first.count);
        for (uint32_t i = 0; i < first.count; i++)
            ENSURE(bytes_equal(first.words[i], second.words[i]));
        drop(&second);
        memory_give(line);
    }
    drop(&first);
    return 0;
}
