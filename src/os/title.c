#include "os/title.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <unistd.h>

/* The kernel lays arguments and environment one after another; how far that holds is measured,
 * since whoever started us may have changed either. */
static char *end_of_row(char *end, char *const *strings)
{
    for (; *strings != NULL; strings++) {
        if (*strings == end)
            end += strlen(end) + 1;
    }
    return end;
}

static size_t bytes_in(char *const *strings, size_t *count)
{
    size_t bytes = 0;
    for (*count = 0; strings[*count] != NULL; ++*count)
        bytes += strlen(strings[*count]) + 1;
    return bytes;
}

static char *move_strings(char **strings, char *to)
{
    for (; *strings != NULL; strings++) {
        size_t bytes = strlen(*strings) + 1;
        memcpy(to, *strings, bytes);
        *strings = to;
        to += bytes;
    }
    return to;
}

bool title_init(struct title *title, int argc, char **argv)
{
    *title = (struct title){ 0 };
    if (argc < 1 || argv[0] == NULL)
        return false;
    char *begin = argv[0];
    char *end = end_of_row(end_of_row(begin, argv), environ);
    size_t count;
    char *copies = memory_take(bytes_in(argv, &count) + bytes_in(environ, &count));
    if (copies == NULL)
        return false;
    move_strings(environ, move_strings(argv, copies));
    *title = (struct title){ begin, (size_t)(end - begin) };
    return true;
}

void title_set(struct title *title, const char *text)
{
    if (title->bytes == 0)
        return;
    size_t count = strlen(text);
    if (count >= title->bytes)
        count = title->bytes - 1;
    memcpy(title->at, text, count);
    memset(title->at + count, 0, title->bytes - count);
}
