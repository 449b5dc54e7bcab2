#include "http/figures.h"

#include <stdlib.h>
#include <string.h>

static struct bytes next_line(struct figures *figures)
{
    const uint8_t *from = figures->text.at + figures->at;
    size_t left = figures->text.count - figures->at;
    const uint8_t *end = memchr(from, '\n', left);
    size_t count = end == NULL ? left : (size_t)(end - from);
    figures->at += count + (end != NULL);
    while (count > 0 && from[count - 1] == '\r')
        count--;
    return bytes_of(from, count);
}

bool figures_next(struct figures *figures, struct figure *figure)
{
    while (figures->at < figures->text.count) {
        struct bytes line = next_line(figures);
        if (line.count > 2 && line.at[0] == '#') {
            figures->section = bytes_of(line.at + 2, line.count - 2);
            continue;
        }
        const uint8_t *colon = line.count == 0 ? NULL : memchr(line.at, ':', line.count);
        if (colon == NULL)
            continue;
        size_t name = (size_t)(colon - line.at);
        *figure = (struct figure){ figures->section, bytes_of(line.at, name),
                                   bytes_of(colon + 1, line.count - name - 1) };
        return true;
    }
    return false;
}

bool figures_find(struct figures *figures, const char *name, struct figure *figure)
{
    size_t began = figures->at;
    while (figures_next(figures, figure))
        if (bytes_equal(figure->name, bytes_of_text(name)))
            return true;
    figures->at = 0;
    while (figures->at < began && figures_next(figures, figure))
        if (bytes_equal(figure->name, bytes_of_text(name)))
            return true;
    figures->at = began;
    return false;
}

bool figure_part(struct bytes value, const char *name, struct bytes *part)
{
    size_t count = strlen(name), at = 0;
    while (at < value.count) {
        const uint8_t *from = value.at + at;
        const uint8_t *comma = memchr(from, ',', value.count - at);
        size_t length = comma == NULL ? value.count - at : (size_t)(comma - from);
        if (length > count && memcmp(from, name, count) == 0 && from[count] == '=') {
            *part = bytes_of(from + count + 1, length - count - 1);
            return true;
        }
        at += length + 1;
    }
    return false;
}

bool figure_number(struct bytes value, double *number)
{
    char text[64], *end;
    size_t count = value.count < sizeof text - 1 ? value.count : sizeof text - 1;
    if (count == 0 || !(value.at[0] == '-' || (value.at[0] >= '0' && value.at[0] <= '9')))
        return false;
    memcpy(text, value.at, count);
    text[count] = 0;
    double read = strtod(text, &end);
    if (end == text)
        return false;
    *number = read;
    return true;
}
