/* The commands on places as rows. */
#include "cmd/command.h"

const struct command geo_commands[] = {
    { .name = NULL },
};
