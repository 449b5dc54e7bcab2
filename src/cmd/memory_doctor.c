/* MEMORY DOCTOR: what is wrong with the memory in plain words, with the directive that helps. The
 * bounds at which it speaks are those of Redis; below 5 MB figures mean little. */
#include "cmd/info.h"
#include "cmd/memory.h"
#include "conf/config.h"
#include "net/client.h"

#include <stdarg.h>
#include <stdio.h>

#define MB ((uint64_t)1 << 20)

enum { CLIENT_BYTES_HIGH = 200 * 1024 };

struct diagnosis {
    struct call *call;
    struct memory_report report;
    struct buffer text;
    unsigned findings;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void say(struct diagnosis *diagnosis,
                                                      const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t used = count < 0 ? 0 : (size_t)count < sizeof line ? (size_t)count : sizeof line - 1;
    if (!buffer_append(&diagnosis->text, BYTES(" * ")) ||
        !buffer_append(&diagnosis->text, bytes_of(line, used)) ||
        !buffer_append(&diagnosis->text, BYTES("\n\n")))
        diagnosis->failed = true;
    diagnosis->findings++;
}

static bool is_part_high(uint64_t above, uint64_t below, double ratio)
{
    return above > below && memory_ratio(above, below) > ratio && above - below > 10 * MB;
}

static void look_at_peak(struct diagnosis *diagnosis)
{
    char peak[INFO_HUMAN_MAX], used[INFO_HUMAN_MAX];
    const struct memory_report *report = &diagnosis->report;
    if (memory_ratio(report->peak, report->used) <= 1.5)
        return;
    info_human(peak, report->peak);
    info_human(used, report->used);
    say(diagnosis,
        "Past peak: %s were used once, %s are used now. Snug gives the difference back by itself; "
        "mem_fragmentation_ratio may lag until it has.",
        peak, used);
}

static void look_at_heap(struct diagnosis *diagnosis)
{
    char bytes[INFO_HUMAN_MAX];
    const struct memory_report *report = &diagnosis->report;
    const struct config *config = diagnosis->call->context->config;
    const struct defrag *defrag = diagnosis->call->context->defrag;
    if (!is_part_high(report->heap.active, report->heap.allocated, 1.1))
        return;
    info_human(bytes, report->heap_reclaimable);
    if (!config->activedefrag)
        say(diagnosis,
            "Fragmented heap: moving values would give back %s. Active defragmentation is off: "
            "CONFIG SET activedefrag yes.",
            bytes);
    else if (defrag->running)
        say(diagnosis,
            "Fragmented heap: %s are being given back right now, with %u %% of one CPU. To be "
            "done sooner raise active-defrag-cycle-max.",
            bytes, defrag->effort);
    else
        say(diagnosis,
            "Fragmented heap: moving would give back %s, which is under the thresholds set. To "
            "have it lower active-defrag-ignore-bytes or active-defrag-threshold-lower.",
            bytes);
}

static void look_at_the_rest(struct diagnosis *diagnosis)
{
    const struct memory_report *report = &diagnosis->report;
    if (is_part_high(report->malloc_active, report->malloc_allocated, 1.1))
        say(diagnosis,
            "Fragmented allocator: buffers of clients and the like leave %llu MB of holes in "
            "malloc's pages. They go when the clients do; MEMORY PURGE gives back what is free.",
            (unsigned long long)((report->malloc_active - report->malloc_allocated) / MB));
    if (is_part_high(report->resident, report->active, 1.1))
        say(diagnosis,
            "Free pages kept for reuse: %llu MB. They go back within a second of quiet, or at "
            "once with MEMORY PURGE.",
            (unsigned long long)((report->resident - report->active) / MB));
    if (is_part_high(report->rss, report->resident, 1.1))
        say(diagnosis,
            "Memory outside the allocators: %llu MB are resident that neither heap nor malloc "
            "know of (code, stacks, libraries).",
            (unsigned long long)((report->rss - report->resident) / MB));
}

static void look_at_clients(struct diagnosis *diagnosis)
{
    uint32_t clients = net_clients(diagnosis->call->context->net);
    uint64_t mean = clients > 0 ? diagnosis->report.clients / clients : 0;
    if (mean <= CLIENT_BYTES_HIGH)
        return;
    say(diagnosis,
        "Big client buffers: %llu KB for each of %u clients on average. Some do not read their "
        "replies, or send huge requests: see CLIENT LIST (omem, qbuf), and set "
        "client-output-buffer-limit.",
        (unsigned long long)(mean / 1024), clients);
}

static void look_at_limit(struct diagnosis *diagnosis)
{
    const struct memory_report *report = &diagnosis->report;
    uint64_t limit = report->maxmemory;
    if (limit == 0 || limit <= report->system_limit)
        return;
    say(diagnosis,
        "maxmemory is %llu MB, but the machine or cgroup allows %llu MB: the kernel would end the "
        "process first. Lower maxmemory, or write it as a percentage.",
        (unsigned long long)(limit / MB), (unsigned long long)(report->system_limit / MB));
}

static void answer(struct diagnosis *diagnosis)
{
    struct reply *reply = diagnosis->call->reply;
    if (diagnosis->failed)
        call_memory_error(diagnosis->call);
    else if (diagnosis->findings == 0)
        reply_verbatim(reply, "txt",
                       BYTES("No memory issue found: what is resident is what is used."));
    else
        reply_verbatim(reply, "txt", buffer_view(&diagnosis->text));
    buffer_release(&diagnosis->text);
}

void memory_doctor(struct call *call)
{
    struct diagnosis diagnosis = { .call = call };
    memory_report(call->context->observer, &diagnosis.report);
    if (diagnosis.report.used < 5 * MB) {
        reply_verbatim(call->reply, "txt",
                       BYTES("Hardly any data is held (less than 5 MB): too little to judge. Ask "
                             "again when the server is in use."));
        return;
    }
    look_at_peak(&diagnosis);
    look_at_heap(&diagnosis);
    look_at_the_rest(&diagnosis);
    look_at_clients(&diagnosis);
    look_at_limit(&diagnosis);
    answer(&diagnosis);
}
