#include "base/memory.h"
#include "cmd/functions.h"
#include "cmd/info.h"
#include "cmd/scripting.h"
#include "conf/config.h"
#include "conf/options.h"
#include "observe/memory_now.h"
#include "store/defrag.h"
#include "store/pressure.h"

#include <stdio.h>

static double percent(uint64_t part, uint64_t whole)
{
    return 100 * memory_ratio(part, whole);
}

static void line_percent(struct info *info, const char *name, double value)
{
    info_line(info, "%s:%.2f%%", name, value);
}

static void line_part(struct info *info, const char *name, uint64_t above, uint64_t below)
{
    info_line(info, "%s_ratio:%.2f", name, memory_ratio(above, below));
    info_line(info, "%s_bytes:%lld", name, (long long)(above - below));
}

static void used(struct info *info, const struct memory_report *report)
{
    uint64_t data = report->used > report->startup ? report->used - report->startup : 0;
    info_bytes(info, "used_memory", report->used);
    info_bytes(info, "used_memory_rss", report->rss);
    info_bytes(info, "used_memory_peak", report->peak);
    line_percent(info, "used_memory_peak_perc", percent(report->used, report->peak));
    info_count(info, "used_memory_overhead", report->overhead);
    info_count(info, "used_memory_startup", report->startup);
    info_count(info, "used_memory_dataset", report->dataset);
    line_percent(info, "used_memory_dataset_perc", percent(report->dataset, data));
}

static void scripts(struct info *info)
{
    struct scripting_figures figures;
    struct functions_figures functions;
    scripting_figures(info->context->scripting, &figures);
    functions_figures(info->context->functions, &functions);
    info_count(info, "used_memory_vm_eval", figures.vm_bytes);
    info_bytes(info, "used_memory_lua", figures.vm_bytes);
    info_count(info, "used_memory_scripts_eval", figures.cache_bytes);
    info_count(info, "number_of_cached_scripts", figures.cached);
    info_count(info, "number_of_functions", functions.functions);
    info_count(info, "number_of_libraries", functions.libraries);
    info_count(info, "used_memory_vm_functions", functions.vm_bytes);
    info_bytes(info, "used_memory_vm_total", figures.vm_bytes + functions.vm_bytes);
    info_count(info, "used_memory_functions", functions.bytes);
    info_bytes(info, "used_memory_scripts", figures.cache_bytes + functions.bytes);
}

static void allocator(struct info *info, const struct memory_report *report)
{
    info_count(info, "allocator_allocated", report->allocated);
    info_count(info, "allocator_active", report->active);
    info_count(info, "allocator_resident", report->resident);
    info_count(info, "allocator_muzzy", report->muzzy);
}

static void ratios(struct info *info, const struct memory_report *report)
{
    line_part(info, "allocator_frag", report->active, report->allocated);
    line_part(info, "allocator_rss", report->resident, report->active);
    line_part(info, "rss_overhead", report->rss, report->resident);
    info_line(info, "mem_fragmentation_ratio:%.2f", memory_ratio(report->rss, report->used));
    info_line(info, "mem_fragmentation_bytes:%lld", (long long)(report->rss - report->used));
}

static void limits(struct info *info, const struct memory_report *report)
{
    struct buffer policy = { 0 };
    const struct option *option = option_find(BYTES("maxmemory-policy"));
    info_bytes(info, "maxmemory", report->maxmemory);
    if (option == NULL || !option_get(option, info->context->config, &policy))
        info->failed = true;
    info_line(info, "maxmemory_policy:%.*s", (int)policy.count, (const char *)policy.at);
    buffer_release(&policy);
}

static void buffers(struct info *info, const struct memory_report *report)
{
    struct pressure *pressure = info->context->pressure;
    info_count(info, "mem_not_counted_for_evict", pressure != NULL ? pressure_apart(pressure) : 0);
    info_count(info, "mem_counted_for_evict", pressure != NULL ? pressure_held(pressure) : 0);
    info_count(info, "mem_replication_backlog", 0);
    info_count(info, "mem_total_replication_buffers", 0);
    info_count(info, "mem_clients_slaves", 0);
    info_count(info, "mem_clients_normal", report->clients);
    info_count(info, "mem_cluster_links", 0);
    info_count(info, "mem_aof_buffer", report->others.log_buffers);
    info_line(info, "mem_allocator:%s", memory_allocator_name());
    info_count(info, "mem_overhead_db_hashtable_rehashing", 0);
}

/* Snug's own: what the control group says, 0 where it says nothing, and how much of what may be had
 * this process has. */
static void machine(struct info *info, const struct memory_report *report)
{
    const struct machine_facts *machine = &info->context->observer->machine;
    info_line(info, "system_memory_usage_ratio:%.4f",
              memory_ratio(report->rss, report->system_limit));
    info_bytes(info, "system_memory_limit", report->system_limit);
    info_count(info, "cgroup_memory_limit", machine->cgroup_limit);
    info_count(info, "cgroup_memory_high", machine->cgroup_high);
    info_count(info, "cgroup_memory_current", machine->cgroup_current);
}

static uint64_t memory_of_now(const struct info *info)
{
    struct memory_now now;
    memory_now(info->context->observer, &now);
    return now.held;
}

/* Snug's own: the heap that moves, and what moving has done and can do. */
static void own_heap(struct info *info, const struct memory_report *report)
{
    const struct heap_figures *heap = &report->heap;
    const struct defrag *defrag = info->context->defrag;
    info_count(info, "heap_allocated", heap->allocated);
    info_count(info, "heap_active", heap->active);
    info_count(info, "heap_committed", heap->committed);
    info_count(info, "heap_blocks", heap->blocks);
    info_line(info, "heap_frag_ratio:%.3f", memory_ratio(heap->active, heap->allocated));
    info_count(info, "heap_frag_bytes", heap->active - heap->allocated);
    info_count(info, "heap_reclaimable_bytes", report->heap_reclaimable);
    info_count(info, "heap_free_spans_bytes", heap->free_spans);
    info_count(info, "heap_run_bytes", heap->run_bytes);
    info_count(info, "heap_moved_bytes", heap->moved_bytes);
    info_count(info, "heap_drained_spans", heap->drained_spans);
    info_count(info, "heap_returned_bytes", heap->returned_bytes);
    info_count(info, "index_bytes", report->index_bytes);
    info_bytes(info, "held_memory", memory_of_now(info));
    info_line(info, "active_defrag_state:%s", defrag_reason_name(defrag->reason));
    info_count(info, "active_defrag_slices", defrag->slices);
    info_count(info, "active_defrag_slice_max_us", defrag->slice_max_ns / 1000);
    info_count(info, "active_defrag_slice_cpu_max_us", defrag->slice_cpu_max_ns / 1000);
    info_count(info, "active_defrag_slices_over_limit", defrag->slices_over);
    info_count(info, "active_defrag_cpu_us", defrag->slice_cpu_total_ns / 1000);
}

/* "data.free-cells" is resident_data_free_cells. */
static void part(struct info *info, const char *name, int64_t bytes)
{
    char line[64];
    int count = snprintf(line, sizeof line, "resident_%s", name);
    for (int at = 0; at < count; at++)
        if (line[at] == '.' || line[at] == '-')
            line[at] = '_';
    info_line(info, "%s:%lld", line, (long long)bytes);
}

/* Snug's own: used_memory_rss cut into parts, which add up to it. */
static void parts(struct info *info, const struct memory_report *report)
{
    for (unsigned at = 0; at < MEMORY_PARTS; at++)
        part(info, memory_part_name(at), (int64_t)report->parts[at]);
    part(info, "unnamed", report->unnamed);
    info_count(info, "heap_rounding_bytes", report->held.rounding);
}

void info_memory(struct info *info)
{
    struct memory_report report;
    struct store_figures store;
    memory_report(info->context->observer, &report);
    store_figures(info->context->store, &store);
    used(info, &report);
    allocator(info, &report);
    info_bytes(info, "total_system_memory", report.system_total);
    machine(info, &report);
    scripts(info);
    limits(info, &report);
    ratios(info, &report);
    buffers(info, &report);
    info_count(info, "active_defrag_running", info->context->defrag->effort);
    info_count(info, "lazyfree_pending_objects", store.lazyfree_pending);
    info_count(info, "lazyfreed_objects", store.lazyfreed);
    own_heap(info, &report);
    parts(info, &report);
}
