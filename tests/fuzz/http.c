/* What we read ourselves of an HTTP request, and of our own figures: the first line is a password,
 * the rest a header's value, and text as INFO writes it. */
#include "base/buffer.h"
#include "base/err.h"
#include "http/figures.h"
#include "http/guard.h"
#include "http/pages.h"
#include "http/state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

static void read_figures(struct bytes text)
{
    struct figures figures = { .text = text };
    struct figure figure;
    size_t lines = 0;
    while (figures_next(&figures, &figure)) {
        struct bytes part;
        double number;
        ENSURE(figure.value.at + figure.value.count <= text.at + text.count);
        ENSURE(++lines <= text.count);
        if (figure_part(figure.value, "keys", &part))
            ENSURE(part.count <= figure.value.count);
        if (figure_number(figure.value, &number))
            ENSURE(figure.value.count > 0);
    }
}

/* Whatever the texts hold, an edition becomes something. */
static void write_edition(struct bytes text)
{
    struct edition edition = { .number = 1 };
    struct http_figures http = { .requests = 1 };
    struct buffer written = { 0 };
    if (!buffer_append(&edition.figures, text) || !buffer_append(&edition.doctor, text))
        exit(1);
    size_t name = text.count < BIGGEST_NAME_MAX ? text.count : BIGGEST_NAME_MAX;
    edition.biggest.count = 1;
    edition.biggest.keys[0] = (struct biggest_key){ .name_bytes = (uint32_t)text.count,
                                                    .type = "string",
                                                    .encoding = "raw" };
    memcpy(edition.biggest.keys[0].name, text.at, name);
    if (!state_write(&edition, &http, 2, &written))
        exit(1);
    for (size_t i = 0; i + 1 < written.count; i++)
        ENSURE(written.at[i] >= ' ');
    written.count = 0;
    /* Only what stands in no line may be left out for its length. */
    if (metrics_write(&edition, &http, 2, METRICS_OPEN, &written))
        ENSURE(written.count > 0);
    buffer_release(&written);
    buffer_release(&edition.figures);
    buffer_release(&edition.doctor);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    const uint8_t *newline = count == 0 ? NULL : memchr(at, '\n', count);
    if (newline == NULL)
        return 0;
    struct bytes password = bytes_of(at, (size_t)(newline - at));
    struct bytes text = bytes_of(newline + 1, count - password.count - 1);
    struct guard guard;
    guard_init(&guard, password, BYTES(""));
    if (guard_admits(&guard, text) && guard_asks(&guard))
        ENSURE(text.count > 6); /* "Bearer" or "Basic", a space, and something */
    (void)guard_knows_host(text);
    (void)page_find(text);
    read_figures(text);
    write_edition(text);
    return 0;
}
