#include "cmd/memory_others.h"

#include "cmd/context.h"
#include "cmd/functions.h"
#include "cmd/persist.h"
#include "cmd/scripting.h"

void memory_count_others(void *context, struct memory_others *others)
{
    const struct cmd_context *parts = context;
    struct scripting_figures scripts;
    struct functions_figures functions;
    *others = (struct memory_others){ 0 };
    if (parts->scripting != NULL) {
        scripting_figures(parts->scripting, &scripts);
        others->scripts = scripts.vm_bytes + scripts.cache_bytes;
    }
    if (parts->functions != NULL) {
        functions_figures(parts->functions, &functions);
        others->functions = functions.bytes + functions.vm_bytes;
    }
    if (parts->persistence != NULL && parts->persistence->log.made)
        others->log_buffers = parts->persistence->log.set.log.pending.capacity;
}
