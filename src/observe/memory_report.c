#include "observe/memory_report.h"

#include "base/memory.h"
#include "conf/config.h"
#include "net/client.h"
#include "os/process.h"

static uint64_t maxmemory_bytes(const struct config *config, uint64_t system_limit)
{
    if (config->maxmemory.percent != 0)
        return system_limit / 100 * config->maxmemory.percent;
    return config->maxmemory.bytes;
}

static void add_malloc(struct memory_report *report)
{
    struct memory_figures figures;
    memory_figures(&figures);
    report->malloc_allocated = figures.allocated;
    report->malloc_active = figures.active > figures.allocated ? figures.active : figures.allocated;
    report->malloc_resident =
        figures.resident > report->malloc_active ? figures.resident : report->malloc_active;
    report->muzzy = figures.muzzy;
}

static void add_up(struct observer *observer, struct memory_report *report)
{
    uint64_t fixed = report->index_bytes;
    report->used = report->heap.allocated + fixed + report->malloc_allocated;
    report->allocated = report->used;
    report->active = report->heap.active + fixed + report->malloc_active;
    report->resident = report->heap.committed + fixed + report->malloc_resident;
    if (report->used > observer->peak_used)
        observer->peak_used = report->used;
    report->peak = observer->peak_used;
    report->startup = observer->startup_used;
    report->overhead = report->startup + report->index_bytes + report->clients;
    report->dataset = report->used > report->overhead ? report->used - report->overhead : 0;
}

void memory_report(struct observer *observer, struct memory_report *report)
{
    struct store_figures store;
    struct net_figures net;
    *report = (struct memory_report){ .rss = process_resident() };
    store_figures(observer->store, &store);
    net_figures(observer->net, &net);
    heap_figures(store_heap(observer->store), &report->heap);
    report->heap_reclaimable = heap_reclaimable(store_heap(observer->store));
    report->index_bytes = store.index_bytes;
    report->clients = net.client_bytes;
    report->rss_peak = process_resident_peak();
    report->system_total = machine_memory();
    report->system_limit = machine_memory_limit();
    report->maxmemory = maxmemory_bytes(observer->config, report->system_limit);
    add_malloc(report);
    add_up(observer, report);
}
