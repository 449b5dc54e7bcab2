#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

void bug_at(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: this must hold, and does not: %s\n", file, line, text);
    abort();
}
