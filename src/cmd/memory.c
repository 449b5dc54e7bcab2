#include "cmd/memory.h"
#include "cmd/scripting.h"

#include "base/memory.h"
#include "cmd/functions.h"
#include "observe/memory_report.h"

#include <stdio.h>

void memory_help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Say in plain words what is wrong with the memory, and which option helps.",
        "MALLOC-STATS",
        "    Show the linked allocator's own account.",
        "MAP",
        "    Show the heap by kind and size of block: how full its spans are, and what moving",
        "    would give back and cost.",
        "PREVIEW DEFRAG",
        "    Tell what defragmentation would give back, in bytes, and cost, in seconds of CPU.",
        "PREVIEW <option> <value>",
        "    Tell what another value of an option of encodings would do to this keyspace.",
        "PURGE",
        "    Give free memory back to the system now.",
        "STATS",
        "    Show what memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    Tell the bytes that a key and its value take. The count is exact whatever the",
        "    number of samples.",
        NULL,
    };
    call_help(call, "MEMORY", lines);
}

/* SAMPLES is checked as in Redis, and has nothing to govern: the figure is exact. */
void memory_usage(struct call *call)
{
    int64_t samples;
    for (uint32_t at = 3; at < call->argc; at += 2) {
        if (!call_is(call, at, "samples") || at + 1 == call->argc) {
            call_syntax_error(call);
            return;
        }
        if (!call_i64(call, at + 1, &samples))
            return;
        if (samples < 0) {
            call_syntax_error(call);
            return;
        }
    }
    struct key key = call_key(call, 0, 2);
    const struct entry *entry =
        store_read(call->store, call->db, &key, STORE_NO_TOUCH | STORE_NO_COUNT);
    if (entry == NULL)
        reply_nil(call->reply);
    else
        reply_i64(call->reply, (int64_t)store_entry_bytes(call->store, entry));
}

/* --- STATS ------------------------------------------------------------------------------------ */

static void stat_count(struct call *call, const char *name, uint64_t value)
{
    reply_bulk_text(call->reply, name);
    reply_i64(call->reply, (int64_t)value);
}

static void stat_part(struct call *call, const char *name, double value)
{
    reply_bulk_text(call->reply, name);
    reply_double(call->reply, value);
}

static uint32_t databases_in_use(const struct call *call)
{
    uint32_t used = 0;
    for (unsigned db = 0; db < store_databases(call->store); db++)
        used += store_count(call->store, db) > 0;
    return used;
}

static void stat_databases(struct call *call)
{
    for (unsigned db = 0; db < store_databases(call->store); db++) {
        char name[24];
        if (store_count(call->store, db) == 0)
            continue;
        snprintf(name, sizeof name, "db.%u", db);
        reply_bulk_text(call->reply, name);
        reply_map(call->reply, 3);
        stat_count(call, "overhead.hashtable.main", store_index_bytes(call->store, db));
        stat_count(call, "overhead.hashtable.expires", 0);
        stat_count(call, "overhead.hashtable.slot-to-keys", 0);
    }
}

static void stat_buffers(struct call *call, const struct memory_report *report)
{
    struct functions_figures functions;
    functions_figures(call->context->functions, &functions);
    stat_count(call, "peak.allocated", report->peak);
    stat_count(call, "total.allocated", report->used);
    stat_count(call, "startup.allocated", report->startup);
    stat_count(call, "replication.backlog", report->others.replication);
    stat_count(call, "clients.slaves", 0);
    stat_count(call, "clients.normal", report->clients);
    stat_count(call, "cluster.links", 0);
    stat_count(call, "aof.buffer", report->others.log_buffers);
    struct scripting_figures scripts;
    scripting_figures(call->context->scripting, &scripts);
    stat_count(call, "lua.caches", scripts.vm_bytes + scripts.cache_bytes);
    stat_count(call, "functions.caches", functions.bytes + functions.vm_bytes);
}

static void stat_dataset(struct call *call, const struct memory_report *report)
{
    uint64_t keys = 0;
    uint64_t net = report->used > report->startup ? report->used - report->startup : 0;
    for (unsigned db = 0; db < store_databases(call->store); db++)
        keys += store_count(call->store, db);
    stat_count(call, "overhead.total", report->overhead);
    stat_count(call, "keys.count", keys);
    stat_count(call, "keys.bytes-per-key", keys > 0 ? net / keys : 0);
    stat_count(call, "dataset.bytes", report->dataset);
    stat_part(call, "dataset.percentage", 100 * memory_ratio(report->dataset, net));
    stat_part(call, "peak.percentage", 100 * memory_ratio(report->used, report->peak));
}

static void stat_allocator(struct call *call, const struct memory_report *report)
{
    stat_count(call, "allocator.allocated", report->allocated);
    stat_count(call, "allocator.active", report->active);
    stat_count(call, "allocator.resident", report->resident);
    stat_count(call, "allocator.muzzy", report->muzzy);
    stat_part(call, "allocator-fragmentation.ratio",
              memory_ratio(report->active, report->allocated));
    stat_count(call, "allocator-fragmentation.bytes", report->active - report->allocated);
    stat_part(call, "allocator-rss.ratio", memory_ratio(report->resident, report->active));
    stat_count(call, "allocator-rss.bytes", report->resident - report->active);
    stat_part(call, "rss-overhead.ratio", memory_ratio(report->rss, report->resident));
    stat_count(call, "rss-overhead.bytes", report->rss - report->resident);
    stat_part(call, "fragmentation", memory_ratio(report->rss, report->used));
    stat_count(call, "fragmentation.bytes", report->rss - report->used);
}

/* Snug's own: the heap whose blocks move. */
static void stat_heap(struct call *call, const struct memory_report *report)
{
    stat_count(call, "heap.allocated", report->heap.allocated);
    stat_count(call, "heap.active", report->heap.active);
    stat_count(call, "heap.free-spans", report->heap.free_spans);
    stat_count(call, "heap.tables", report->heap.tables);
    stat_count(call, "heap.reclaimable", report->heap_reclaimable);
    stat_count(call, "index.bytes", report->index_bytes);
    stat_count(call, "heap.rounding", report->held.rounding);
}

/* And the resident set cut into parts, which add up to it. */
static void stat_parts(struct call *call, const struct memory_report *report)
{
    char name[64];
    for (unsigned part = 0; part < MEMORY_PARTS; part++) {
        snprintf(name, sizeof name, "resident.%s", memory_part_name(part));
        stat_count(call, name, report->parts[part]);
    }
    stat_count(call, "resident.unnamed", (uint64_t)report->unnamed);
    stat_count(call, "resident", report->rss);
}

enum { STATS_FIXED = 10 + 6 + 12 + 7 + MEMORY_PARTS + 2 };

void memory_stats(struct call *call)
{
    struct memory_report report;
    memory_report(call->context->observer, &report);
    reply_map(call->reply, STATS_FIXED + databases_in_use(call));
    stat_buffers(call, &report);
    stat_databases(call);
    stat_dataset(call, &report);
    stat_allocator(call, &report);
    stat_heap(call, &report);
    stat_parts(call, &report);
}

/* --- the allocator and the system ------------------------------------------------------------- */

void memory_purge_now(struct call *call)
{
    heap_purge(call->heap);
    memory_purge();
    reply_ok(call->reply);
}

struct text {
    struct buffer buffer;
    bool failed;
};

static void add_text(void *context, const char *piece)
{
    struct text *text = context;
    if (!buffer_append_text(&text->buffer, piece))
        text->failed = true;
}

void memory_malloc_stats_text(struct call *call)
{
    struct text text = { .failed = false };
    memory_malloc_stats(add_text, &text);
    if (text.failed)
        call_memory_error(call);
    else
        reply_verbatim(call->reply, "txt", buffer_view(&text.buffer));
    buffer_release(&text.buffer);
}

/* --- MAP -------------------------------------------------------------------------------------- */

enum {
    MOVE_NS_A_BLOCK = 120, /* hash, index and bookkeeping; measured by bench/store.c */
    COPY_BYTES_A_US = 4000,
};

static uint64_t move_cost_us(const struct heap_lane_figures *lane)
{
    uint64_t blocks = lane->move_bytes / lane->cell_bytes;
    return blocks * MOVE_NS_A_BLOCK / 1000 + lane->move_bytes / COPY_BYTES_A_US;
}

static void reply_lane(struct call *call, const char *kind, const struct heap_lane_figures *lane)
{
    reply_map(call->reply, 11);
    reply_bulk_text(call->reply, "kind");
    reply_bulk_text(call->reply, kind);
    stat_count(call, "cell-bytes", lane->cell_bytes);
    stat_count(call, "span-bytes", lane->span_bytes);
    stat_count(call, "spans", lane->spans);
    stat_count(call, "draining", lane->draining);
    stat_count(call, "live-cells", lane->live);
    stat_count(call, "live-bytes", lane->live * lane->cell_bytes);
    stat_count(call, "free-cells", lane->free_cells);
    stat_count(call, "reclaimable-bytes", lane->reclaimable);
    stat_count(call, "move-cost-us", move_cost_us(lane));
    reply_bulk_text(call->reply, "occupancy"); /* spans by sixteenths, emptiest first */
    reply_array(call->reply, HEAP_OCCUPANCY_BINS);
    for (unsigned bin = 0; bin < HEAP_OCCUPANCY_BINS; bin++)
        reply_i64(call->reply, lane->by_occupancy[bin]);
}

static void reply_totals(struct call *call, const struct heap_lane_figures *lanes, unsigned count)
{
    struct heap_figures heap;
    uint64_t cost_us = 0, move_bytes = 0;
    struct store_held held;
    heap_figures(call->heap, &heap);
    store_held(call->store, &held);
    for (unsigned at = 0; at < count; at++)
        if (lanes[at].spans > 0) {
            cost_us += move_cost_us(&lanes[at]);
            move_bytes += lanes[at].move_bytes;
        }
    stat_count(call, "allocated", heap.allocated);
    stat_count(call, "active", heap.active);
    stat_count(call, "free-spans-bytes", heap.free_spans);
    stat_count(call, "tables-bytes", heap.tables);
    stat_count(call, "committed-bytes", heap.committed);
    stat_count(call, "rounding-bytes", held.rounding);
    stat_count(call, "runs", heap.runs);
    stat_count(call, "run-bytes", heap.run_bytes);
    stat_count(call, "reclaimable-bytes", heap_reclaimable(call->heap));
    stat_count(call, "move-bytes", move_bytes);
    stat_count(call, "move-cost-us", cost_us);
}

void memory_map(struct call *call)
{
    unsigned classes = heap_classes(call->heap), count = heap_kinds(call->heap) * classes;
    struct heap_lane_figures *lanes = arena_take_many(call->arena, count, sizeof *lanes);
    unsigned used = 0;
    if (lanes == NULL) {
        call_memory_error(call);
        return;
    }
    heap_map(call->heap, lanes);
    for (unsigned at = 0; at < count; at++)
        used += lanes[at].spans > 0;
    reply_map(call->reply, 12);
    reply_totals(call, lanes, count);
    reply_bulk_text(call->reply, "lanes");
    reply_array(call->reply, used);
    for (unsigned at = 0; at < count; at++)
        if (lanes[at].spans > 0)
            reply_lane(call, heap_kind_name(call->heap, at / classes), &lanes[at]);
}
