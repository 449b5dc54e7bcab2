/* observe/process_facts.h - the process as the system knows it, for INFO and the metrics.
 * Model:    a copy of facts, read when asked.
 * Owner:    the caller has the struct.
 * Pointers: none.
 * Threads:  any.
 * Failure:  what the system does not tell is 0 or "".
 * Cost:     a few system calls. */
#ifndef OBSERVE_PROCESS_FACTS_H
#define OBSERVE_PROCESS_FACTS_H

#include "os/process.h"

struct process_facts {
    uint64_t pid;
    char system[256];      /* "Linux 6.1.0 x86_64" */
    char executable[1024]; /* path */
    struct process_cpu cpu;
};

void process_facts(struct process_facts *facts);

#endif
