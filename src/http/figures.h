/* http/figures.h - INFO's text read back: lines "name:value" under titles "# Title".
 * Model:    a reader that goes from line to line, and a search that begins where the last one
 *           ended, since who asks does so in INFO's order.
 * Owner:    the text is the edition's.
 * Pointers: views into the text.
 * Threads:  any.
 * Failure:  false: the end, or no such name.
 * Cost:     a line: its length; a search in order: the lines between. */
#ifndef HTTP_FIGURES_H
#define HTTP_FIGURES_H

#include "base/bytes.h"

struct figure {
    struct bytes section, name, value;
};

struct figures {
    struct bytes text;
    size_t at;
    struct bytes section;
};

/* The next figure; false at the end. */
bool figures_next(struct figures *figures, struct figure *figure);
bool figures_find(struct figures *figures, const char *name, struct figure *figure);
/* The part `name=` of a value such as "calls=1,usec=2"; false: there is none. */
bool figure_part(struct bytes value, const char *name, struct bytes *part);
/* A number as it stands in front, whatever follows ("12.5%"); false: it begins with none. */
bool figure_number(struct bytes value, double *number);

#endif
