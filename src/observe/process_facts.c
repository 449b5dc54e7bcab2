#include "observe/process_facts.h"

#include <unistd.h>

void process_facts(struct process_facts *facts)
{
    facts->pid = (uint64_t)getpid();
    machine_text(facts->system, sizeof facts->system);
    process_executable(facts->executable, sizeof facts->executable);
    process_cpu(&facts->cpu);
}
