/* The commands on sorted sets as rows. */
#include "cmd/command.h"

const struct command zset_commands[] = {
    { .name = NULL },
};
