#include "observe/memory_report.h"

#include "base/memory.h"
#include "conf/config.h"
#include "net/client.h"
#include "os/process.h"

enum { UNTOUCHED_MIN = 1 << 20, MACHINE_LOOK_NS = 1000 * 1000 * 1000 };

static uint64_t maxmemory_bytes(const struct config *config, uint64_t system_limit)
{
    if (config->maxmemory.percent != 0)
        return system_limit / 100 * config->maxmemory.percent;
    return config->maxmemory.bytes;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void add_malloc(struct memory_report *report, const struct memory_figures *figures)
{
    report->malloc_allocated = figures->allocated;
    report->malloc_active =
        figures->active > figures->allocated ? figures->active : figures->allocated;
    report->malloc_resident =
        figures->resident > report->malloc_active ? figures->resident : report->malloc_active;
    report->muzzy = figures->muzzy;
}

/* Overhead as Redis means it: what is needed beside keys and values. */
static void add_up(struct observer *observer, struct memory_report *report)
{
    uint64_t fixed = report->index_bytes;
    const struct memory_others *others = &report->others;
    report->used = report->heap.allocated + fixed + report->malloc_allocated;
    report->allocated = report->used;
    report->active = report->heap.active + fixed + report->malloc_active;
    report->resident = report->heap.committed + fixed + report->malloc_resident;
    if (report->used > observer->peak_used)
        observer->peak_used = report->used;
    report->peak = observer->peak_used;
    report->startup = observer->startup_used;
    report->overhead = report->startup + report->index_bytes + report->clients +
                       others->replication + others->log_buffers + others->scripts +
                       others->functions;
    report->dataset = less(report->used, report->overhead);
}

/* A limit of more than the machine has is none. */
static uint64_t bound_of(enum cgroup_figure figure, uint64_t memory)
{
    uint64_t found = machine_cgroup_memory(figure);
    return found < memory ? found : 0;
}

static void look_at_machine(struct observer *observer)
{
    struct machine_facts *machine = &observer->machine;
    uint64_t now_ns = seam_now_ns(observer->seam);
    if (machine->memory != 0 && now_ns - machine->looked_ns < MACHINE_LOOK_NS)
        return;
    *machine = (struct machine_facts){ .looked_ns = now_ns, .memory = machine_memory() };
    machine->limit = machine_memory_limit();
    machine->cgroup_limit = bound_of(CGROUP_LIMIT, machine->memory);
    machine->cgroup_high = bound_of(CGROUP_HIGH, machine->memory);
    machine->cgroup_current = bound_of(CGROUP_CURRENT, machine->memory);
    machine->huge_pages_always = machine_has_huge_pages_always();
    machine->counts_reservations = machine_counts_reservations();
}

/* --- parts ------------------------------------------------------------------------------------ */

static void name_heap(struct memory_report *report)
{
    uint64_t *parts = report->parts;
    for (unsigned type = 0; type < VALUE_TYPES; type++)
        parts[MEMORY_DATA_STRING + type] = report->held.by_type[type];
    parts[MEMORY_INDEX] = report->index_bytes + report->held.ids;
    parts[MEMORY_HEAP_FREE_CELLS] = report->heap.active - report->heap.allocated;
    parts[MEMORY_HEAP_FREE_SPANS] = report->heap.free_spans;
    parts[MEMORY_HEAP_TABLES] = report->heap.tables;
    parts[MEMORY_SNAPSHOT] = report->held.kept + report->held.copies;
}

static void name_clients(struct memory_report *report, const struct net_figures *net)
{
    uint64_t *parts = report->parts;
    parts[MEMORY_CLIENT_STRUCTS] = net->struct_bytes;
    parts[MEMORY_CLIENT_INPUT] = net->held_input_bytes;
    parts[MEMORY_CLIENT_OUTPUT] = net->held_output_bytes;
    parts[MEMORY_CLIENT_TLS] = net->tls_bytes;
    parts[MEMORY_CLIENT_TABLES] = net->beside_bytes;
}

/* Of what malloc gave. */
static uint64_t named_of_malloc(const struct memory_report *report)
{
    uint64_t named = report->held.ids + report->held.copies;
    for (unsigned part = MEMORY_CLIENT_STRUCTS; part < MEMORY_SERVER; part++)
        named += report->parts[part];
    return named;
}

static void name_malloc(const struct observer *observer, struct memory_report *report,
                        const struct memory_figures *figures)
{
    uint64_t *parts = report->parts;
    parts[MEMORY_REPLICATION] = report->others.replication;
    parts[MEMORY_LOG_BUFFERS] = report->others.log_buffers;
    parts[MEMORY_SCRIPTS] = report->others.scripts;
    parts[MEMORY_FUNCTIONS] = report->others.functions;
    parts[MEMORY_WATCHING] = observer->watching_bytes;
    int64_t server = (int64_t)report->malloc_allocated - (int64_t)named_of_malloc(report) +
                     observer->start_beside;
    parts[MEMORY_SERVER] = server > 0 ? (uint64_t)server : 0;
    parts[MEMORY_MALLOC_SPARE] = figures->spare;
    if (!figures->spare_is_bound)
        parts[MEMORY_MALLOC_HOLES] = report->malloc_active - report->malloc_allocated;
}

static uint64_t sum_of_parts(const struct memory_report *report)
{
    uint64_t sum = 0;
    for (unsigned part = 0; part < MEMORY_PARTS; part++)
        sum += report->parts[part];
    return sum;
}

/* Some allocators know what is free, and not what of it holds memory: the kernel knows the sum. */
static void bound_spare(struct memory_report *report)
{
    uint64_t sum = sum_of_parts(report);
    uint64_t *spare = &report->parts[MEMORY_MALLOC_SPARE];
    *spare = sum > report->rss ? less(*spare, sum - report->rss) : *spare;
}

static void add_room(void *context, struct client *client)
{
    uint64_t *room = context;
    *room += client_input_free(client);
}

/* A request that has announced its length has room for it before it comes. Who holds less than was
 * given to him is looked for where the kernel says that somebody does. */
static void look_for_untouched(const struct observer *observer, struct memory_report *report)
{
    uint64_t *input = &report->parts[MEMORY_CLIENT_INPUT], room = 0;
    uint64_t missing = report->unnamed < 0 ? (uint64_t)-report->unnamed : 0;
    if (missing < UNTOUCHED_MIN || *input < UNTOUCHED_MIN)
        return;
    net_each_client(observer->net, add_room, &room);
    missing = missing < room ? missing : room;
    missing = missing < *input ? missing : *input;
    *input -= missing;
    report->unnamed += (int64_t)missing;
}

static void name_all(const struct observer *observer, struct memory_report *report,
                     const struct net_figures *net, const struct memory_figures *figures)
{
    name_heap(report);
    name_clients(report, net);
    report->parts[MEMORY_CODE] = process_resident_files();
    name_malloc(observer, report, figures);
    if (figures->spare_is_bound)
        bound_spare(report);
    report->unnamed = (int64_t)report->rss - (int64_t)sum_of_parts(report);
    look_for_untouched(observer, report);
}

void memory_report_start(struct observer *observer)
{
    struct memory_figures figures;
    struct heap_figures heap;
    uint64_t resident = process_resident();
    memory_figures(&figures);
    heap_figures(store_heap(observer->store), &heap);
    uint64_t counted = process_resident_files() + heap.committed +
                       store_all_index_bytes(observer->store) + figures.allocated;
    if (!figures.spare_is_bound)
        counted += less(figures.active, figures.allocated) + figures.spare;
    observer->start_beside = resident == 0 ? 0 : (int64_t)resident - (int64_t)counted;
}

void memory_report(struct observer *observer, struct memory_report *report)
{
    struct store_figures store;
    struct net_figures net;
    struct memory_figures figures;
    memory_figures(&figures);
    *report = (struct memory_report){ .rss = process_resident() };
    store_figures(observer->store, &store);
    store_held(observer->store, &report->held);
    net_figures(observer->net, &net);
    heap_figures(store_heap(observer->store), &report->heap);
    if (observer->others != NULL)
        observer->others(observer->others_context, &report->others);
    report->heap_reclaimable = heap_reclaimable(store_heap(observer->store));
    report->index_bytes = store.index_bytes;
    report->clients = net.client_bytes;
    report->rss_peak = process_resident_peak();
    look_at_machine(observer);
    report->system_total = observer->machine.memory;
    report->system_limit = observer->machine.limit;
    report->maxmemory = maxmemory_bytes(observer->config, report->system_limit);
    add_malloc(report, &figures);
    add_up(observer, report);
    name_all(observer, report, &net, &figures);
}
