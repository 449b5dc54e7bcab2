/* The commands on sets as rows. */
#include "cmd/command.h"

const struct command set_commands[] = {
    { .name = NULL },
};
