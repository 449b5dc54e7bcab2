#include "http/pages.h"

const struct page *page_find(struct bytes path)
{
    if (bytes_equal(path, BYTES("/")))
        path = BYTES("/index.html");
    for (size_t at = 0; at < pages_count; at++)
        if (bytes_equal(path, bytes_of_text(pages[at].path)))
            return &pages[at];
    return NULL;
}

const char *page_type(const struct page *page)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        { ".html", "text/html; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".webmanifest", "application/manifest+json" },
    };
    size_t count = strlen(page->path);
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        size_t end = strlen(types[at].end);
        if (count > end && strcmp(page->path + count - end, types[at].end) == 0)
            return types[at].type;
    }
    return "application/octet-stream";
}
