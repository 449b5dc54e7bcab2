/* The commands on streams as rows. */
#include "cmd/command.h"

const struct command stream_commands[] = {
    { .name = NULL },
};
