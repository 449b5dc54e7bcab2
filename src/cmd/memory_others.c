#include "cmd/memory_others.h"

#include "cmd/context.h"
#include "cmd/functions.h"
#include "cmd/persist.h"
#include "cmd/scripting.h"
#include "persist/snapshot.h"

static void count_snapshot(const struct saver *saver, struct memory_others *others)
{
    struct snapshot_figures figures = { 0 };
    if (saver->snapshot != NULL)
        snapshot_figures(saver->snapshot, &figures);
    others->snapshot_held = saver->snapshot != NULL ? figures.held_most : saver->last_held;
    others->snapshot_failed = saver->last_failed;
}

void memory_count_others(void *context, struct memory_others *others)
{
    const struct cmd_context *parts = context;
    struct scripting_figures scripts;
    struct functions_figures functions;
    *others = (struct memory_others){ 0 };
    if (parts->scripting != NULL) {
        scripting_figures(parts->scripting, &scripts);
        others->scripts = scripts.vm_bytes + scripts.cache_bytes;
        others->cached_scripts = scripts.cached;
    }
    if (parts->functions != NULL) {
        functions_figures(parts->functions, &functions);
        others->functions = functions.bytes + functions.vm_bytes;
    }
    if (parts->persistence != NULL)
        count_snapshot(&parts->persistence->saver, others);
    if (parts->persistence != NULL && parts->persistence->log.made)
        others->log_buffers = parts->persistence->log.set.log.pending.capacity;
}
