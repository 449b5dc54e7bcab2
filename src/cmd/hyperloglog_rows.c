/* The commands on HyperLogLogs as rows. */
#include "cmd/command.h"

const struct command hyperloglog_commands[] = {
    { .name = NULL },
};
