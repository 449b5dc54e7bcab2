/* The bounds at which a rule speaks are those of Redis where it has the rule too. */
#include "observe/doctor.h"

#include "conf/config.h"
#include "net/client.h"

#include <stdarg.h>
#include <stdio.h>

#define MB ((uint64_t)1 << 20)

enum {
    CLIENT_BYTES_HIGH = 200 * 1024,
    REPLICA_BYTES_HIGH = 10 << 20,
    SCRIPTS_MANY = 1000,
    EXPIRING_MANY = 1000,  /* among fewer some that are due are no pile */
    NEAR_PERCENT = 90,     /* of the machine, or of the control group */
    HEADROOM_PERCENT = 95, /* of maxmemory */
    ROUNDING_PERCENT = 8,  /* of what values take: some 2 are usual */
    INDEX_PERCENT = 35,    /* of what keys and values take */
    STALE_PERCENT = 10,    /* Redis looks for more as well */
    SNAPSHOT_PERCENT = 90, /* of what a snapshot may keep */
};

typedef bool rule_function(const struct doctor_facts *facts, char *words);

__attribute__((format(printf, 2, 3))) static bool say(char *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, DOCTOR_WORDS_MAX, format, arguments);
    va_end(arguments);
    return true;
}

static unsigned long long mb(uint64_t bytes)
{
    return (unsigned long long)(bytes / MB);
}

static bool is_high(uint64_t above, uint64_t below, double ratio)
{
    return above > below && memory_ratio(above, below) > ratio && above - below > 10 * MB;
}

static bool is_share(uint64_t part, uint64_t whole, unsigned percent)
{
    return part > 10 * MB && part / percent > whole / 100;
}

/* --- the machine ------------------------------------------------------------------------------ */

static bool limit_beyond_machine(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return report->maxmemory > report->system_limit &&
           say(words,
               "Limit beyond the machine: maxmemory is %llu MB, but the machine or cgroup allows "
               "%llu MB: the kernel would end the process first.",
               mb(report->maxmemory), mb(report->system_limit));
}

static bool near_cgroup(const struct doctor_facts *facts, char *words)
{
    const struct machine_facts *machine = &facts->machine;
    uint64_t bound = machine->cgroup_limit;
    if (machine->cgroup_high != 0 && (bound == 0 || machine->cgroup_high < bound))
        bound = machine->cgroup_high;
    return bound != 0 && machine->cgroup_current / NEAR_PERCENT > bound / 100 &&
           say(words,
               "Control group nearly full: %llu MB of %llu MB are in use (this process has %llu "
               "MB). Past its bound the kernel slows the process down, or ends it.",
               mb(machine->cgroup_current), mb(bound), mb(facts->report.rss));
}

static bool near_machine(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return report->rss / NEAR_PERCENT > report->system_limit / 100 &&
           say(words,
               "Machine nearly full: this process alone has %llu MB of the %llu MB that there are.",
               mb(report->rss), mb(report->system_limit));
}

static bool small_headroom(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return report->maxmemory > 0 && report->rss / HEADROOM_PERCENT > report->maxmemory / 100 &&
           say(words,
               "Little headroom: %llu MB are resident, and maxmemory is %llu MB. Writes are "
               "refused, or keys are evicted, at the limit.",
               mb(report->rss), mb(report->maxmemory));
}

static bool huge_pages(const struct doctor_facts *facts, char *words)
{
    return facts->machine.huge_pages_always &&
           say(words, "Transparent huge pages are always on: memory that malloc gives back piece "
                      "by piece may stay resident.");
}

static bool reservations(const struct doctor_facts *facts, char *words)
{
    return facts->machine.counts_reservations &&
           say(words, "Strict accounting of memory (vm.overcommit_memory is 2): address space that "
                      "is only reserved counts, and may run out long before memory does.");
}

/* --- the heap --------------------------------------------------------------------------------- */

static bool is_fragmented(const struct doctor_facts *facts)
{
    return is_high(facts->report.heap.active, facts->report.heap.allocated, 1.1);
}

static bool fragmented_and_off(const struct doctor_facts *facts, char *words)
{
    return is_fragmented(facts) && !facts->defrag_enabled &&
           say(words,
               "Fragmented heap: moving values would give back %llu MB, and active defragmentation "
               "is off.",
               mb(facts->report.heap_reclaimable));
}

static bool fragmented_and_running(const struct doctor_facts *facts, char *words)
{
    return is_fragmented(facts) && facts->defrag_enabled && facts->defrag_running &&
           say(words,
               "Fragmented heap: %llu MB are being given back right now, with %u %% of one CPU.",
               mb(facts->report.heap_reclaimable), facts->defrag_effort);
}

static bool fragmented_and_idle(const struct doctor_facts *facts, char *words)
{
    return is_fragmented(facts) && facts->defrag_enabled && !facts->defrag_running &&
           say(words,
               "Fragmented heap: moving would give back %llu MB, which is under the thresholds "
               "set.",
               mb(facts->report.heap_reclaimable));
}

static bool past_peak(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return memory_ratio(report->peak, report->used) > 1.5 &&
           say(words,
               "Past peak: %llu MB were used once, %llu MB are used now. Snug gives the difference "
               "back by itself; mem_fragmentation_ratio may lag until it has.",
               mb(report->peak), mb(report->used));
}

static bool much_rounding(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return is_share(report->held.rounding, report->heap.allocated, ROUNDING_PERCENT) &&
           say(words,
               "Much rounding: %llu MB of the %llu MB that values take are room past their end. "
               "Values of just over 64 KiB take whole pages, and elements that long a run each.",
               mb(report->held.rounding), mb(report->heap.allocated));
}

static bool large_index(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    uint64_t data = report->heap.allocated + report->index_bytes;
    return is_share(report->index_bytes, data, INDEX_PERCENT) &&
           say(words,
               "Large index: %llu MB of the %llu MB of keys and values only lead to them: %llu "
               "keys are very small.",
               mb(report->index_bytes), mb(data), (unsigned long long)facts->keys);
}

static bool pile_of_dead(const struct doctor_facts *facts, char *words)
{
    return facts->stale_percent > STALE_PERCENT && facts->keys_with_expiry > EXPIRING_MANY &&
           say(words,
               "Expired keys pile up: %.0f %% of the %llu keys with an expiry are due and still "
               "there.",
               facts->stale_percent, (unsigned long long)facts->keys_with_expiry);
}

static bool snapshot_at_limit(const struct doctor_facts *facts, char *words)
{
    uint64_t held = facts->others.snapshot_held;
    return facts->snapshot_limit > 0 && held / SNAPSHOT_PERCENT >= facts->snapshot_limit / 100 &&
           held > 0 &&
           say(words,
               "Snapshot at its limit: up to %llu MB of changed data were kept for one, of %llu MB "
               "allowed%s.",
               mb(held), mb(facts->snapshot_limit),
               facts->others.snapshot_failed ? ", and it was given up" : "");
}

/* --- beside the heap -------------------------------------------------------------------------- */

static bool large_clients(const struct doctor_facts *facts, char *words)
{
    uint64_t mean = facts->clients > 0 ? facts->report.clients / facts->clients : 0;
    return mean > CLIENT_BYTES_HIGH &&
           say(words,
               "Big client buffers: %llu KB for each of %u clients on average. Some do not read "
               "their replies, or send huge requests: see CLIENT LIST (omem, qbuf).",
               (unsigned long long)(mean / 1024), facts->clients);
}

static bool large_replicas(const struct doctor_facts *facts, char *words)
{
    return facts->others.replication > REPLICA_BYTES_HIGH &&
           say(words, "Big replica buffers: %llu MB wait for replicas that do not keep up.",
               mb(facts->others.replication));
}

static bool many_scripts(const struct doctor_facts *facts, char *words)
{
    return facts->others.cached_scripts > SCRIPTS_MANY &&
           say(words,
               "Many scripts: %llu are cached, and take %llu KB with the interpreter. Arguments "
               "written into the text of a script make a new script of each call.",
               (unsigned long long)facts->others.cached_scripts,
               (unsigned long long)(facts->others.scripts / 1024));
}

static bool malloc_holes(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    return is_high(report->malloc_active, report->malloc_allocated, 1.1) &&
           say(words,
               "Fragmented allocator: buffers of clients and the like leave %llu MB of holes in "
               "malloc's pages. They go when the clients do.",
               mb(report->malloc_active - report->malloc_allocated));
}

static bool free_pages(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    uint64_t spare = report->parts[MEMORY_HEAP_FREE_SPANS] + report->parts[MEMORY_MALLOC_SPARE];
    return spare > 10 * MB && spare > report->rss / 10 &&
           say(words,
               "Free pages kept for reuse: %llu MB. They go back within some seconds of quiet.",
               mb(spare));
}

static bool unnamed(const struct doctor_facts *facts, char *words)
{
    const struct memory_report *report = &facts->report;
    uint64_t bytes = report->unnamed > 0 ? (uint64_t)report->unnamed : 0;
    return bytes > 10 * MB && bytes > report->rss / 10 &&
           say(words,
               "Memory outside the allocators: %llu MB are resident that neither heap nor malloc "
               "know of (libraries, threads).",
               mb(bytes));
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct rule {
    const char *name;
    rule_function *applies;
    const char *directive;
    bool always; /* also where hardly any data is held */
} rules[] = {
    { "maxmemory-beyond-machine", limit_beyond_machine,
      "Lower maxmemory, or write it as a percentage.", true },
    { "cgroup-nearly-full", near_cgroup,
      "Lower maxmemory under the group's bound, or raise the bound (memory.max, memory.high).",
      true },
    { "machine-nearly-full", near_machine, "Set or lower maxmemory.", true },
    { "small-headroom", small_headroom,
      "Raise maxmemory, or choose what may go by maxmemory-policy.", true },
    { "snapshot-at-limit", snapshot_at_limit,
      "Raise snapshot-memory-limit, or write snapshots when fewer keys change.", false },
    { "defrag-off", fragmented_and_off, "CONFIG SET activedefrag yes.", false },
    { "defrag-idle", fragmented_and_idle,
      "To have it lower active-defrag-ignore-bytes or active-defrag-threshold-lower.", false },
    { "defrag-running", fragmented_and_running, "To be done sooner raise active-defrag-cycle-max.",
      false },
    { "expired-keys", pile_of_dead, "Raise active-expire-effort.", false },
    { "client-buffers", large_clients,
      "Set client-output-buffer-limit, client-query-buffer-limit or maxmemory-clients.", false },
    { "replica-buffers", large_replicas,
      "Set client-output-buffer-limit replica, or look at the replicas' network.", false },
    { "many-scripts", many_scripts,
      "Pass what changes in KEYS and ARGV; SCRIPT FLUSH gives back what there is.", false },
    { "large-index", large_index,
      "Gather small values in hashes (hash-max-listpack-entries keeps them compact).", false },
    { "rounding", much_rounding, "Store such values in pieces, or compressed.", false },
    { "malloc-holes", malloc_holes, "MEMORY PURGE gives back what is free.", false },
    { "free-pages", free_pages, "To have them back at once: MEMORY PURGE.", false },
    { "past-peak", past_peak, "Nothing; to begin the peak anew restart the server.", false },
    { "unnamed", unnamed, "Look at /proc/PID/smaps.", false },
    { "huge-pages", huge_pages,
      "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or disable-thp yes.", true },
    { "overcommit", reservations, "sysctl vm.overcommit_memory=1.", true },
};
enum { RULES = sizeof rules / sizeof *rules };

unsigned doctor_rules(void)
{
    return RULES;
}

bool doctor_examine(const struct doctor_facts *facts, unsigned *at, struct doctor_finding *finding)
{
    bool little = facts->report.used < DOCTOR_USED_MIN;
    while (*at < RULES) {
        const struct rule *rule = &rules[(*at)++];
        if ((little && !rule->always) || !rule->applies(facts, finding->words))
            continue;
        finding->name = rule->name;
        finding->directive = rule->directive;
        return true;
    }
    return false;
}

static void count_keys(const struct store *store, struct doctor_facts *facts)
{
    for (unsigned db = 0; db < store_databases(store); db++) {
        facts->keys += store_count(store, db);
        facts->keys_with_expiry += store_expires_count(store, db);
    }
}

void doctor_facts(struct observer *observer, struct doctor_facts *facts)
{
    struct store_figures store;
    *facts = (struct doctor_facts){
        .clients = net_clients(observer->net),
        .snapshot_limit = observer->config->snapshot_memory_limit,
        .defrag_enabled = observer->config->activedefrag,
        .defrag_running = observer->defrag->running,
        .defrag_effort = observer->defrag->effort,
    };
    memory_report(observer, &facts->report);
    facts->others = facts->report.others;
    facts->machine = observer->machine;
    if (observer->config->disable_thp)
        facts->machine.huge_pages_always = false; /* this process is left out */
    store_figures(observer->store, &store);
    facts->stale_percent = store.expired_stale_percent;
    count_keys(observer->store, facts);
}
