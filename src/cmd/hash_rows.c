/* The commands on hashes as rows. */
#include "cmd/command.h"

const struct command hash_commands[] = {
    { .name = NULL },
};
