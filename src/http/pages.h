/* http/pages.h - the files of the page, compiled in from web/ as they are.
 * Model:    a table that tools/embed.sh writes: a row for each file, `path` as it is asked for;
 *           index.html is "/" too.
 * Owner:    static, read only.
 * Pointers: live for ever.
 * Threads:  any.
 * Failure:  NULL: there is no such file.
 * Cost:     a walk over some ten rows. */
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include "base/bytes.h"

struct page {
    const char *path; /* "/index.html" */
    const unsigned char *at;
    size_t count;
};

extern const struct page pages[];
extern const size_t pages_count;

const struct page *page_find(struct bytes path);
/* By the name's end. */
const char *page_type(const struct page *page);

#endif
