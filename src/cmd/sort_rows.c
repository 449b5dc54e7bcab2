/* The SORT commands as rows. */
#include "cmd/command.h"

const struct command sort_commands[] = {
    { .name = NULL },
};
