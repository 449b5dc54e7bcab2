/* Patterns: the input up to its first newline, and a text: the rest. */
#include "base/glob.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* Without special bytes a pattern is the text it fits. */
static bool is_plain(struct bytes pattern)
{
    for (size_t i = 0; i < pattern.count; i++) {
        if (pattern.at[i] != '\0' && strchr("*?[\\", pattern.at[i]) != NULL)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    const uint8_t *newline = count == 0 ? NULL : memchr(at, '\n', count);
    size_t first = newline == NULL ? count : (size_t)(newline - at);
    struct bytes pattern = bytes_of(at, first);
    struct bytes text =
        newline == NULL ? bytes_of(at, 0) : bytes_of(newline + 1, count - first - 1);
    bool fits = glob_match(pattern, text);
    bool fits_nocase = glob_match_nocase(pattern, text);
    if (is_plain(pattern)) {
        ENSURE(fits == bytes_equal(pattern, text));
        ENSURE(fits_nocase == bytes_equal_nocase(pattern, text));
    }
    return 0;
}
