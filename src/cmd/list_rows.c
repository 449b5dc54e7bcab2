/* The commands on lists as rows. */
#include "cmd/command.h"

const struct command list_commands[] = {
    { .name = NULL },
};
