/* observe/memory_report.h - the memory of the whole process, by cause: one place adds it up.
 * Model:    figures of heap, indexes, the linked malloc and the kernel, taken together. INFO
 *           memory, MEMORY STATS, MEMORY DOCTOR and the metrics all read this.
 * Owner:    the caller has the struct.
 * Pointers: none.
 * Threads:  the executing thread.
 * Failure:  none; what the system does not tell is 0.
 * Cost:     some 10 us: a system call, and the allocator's own statistics. */
#ifndef OBSERVE_MEMORY_REPORT_H
#define OBSERVE_MEMORY_REPORT_H

#include "heap/heap.h"
#include "observe/memory_parts.h"
#include "observe/observer.h"

struct memory_report {
    uint64_t used;     /* live, as the server asked for it: values, indexes, what malloc gave */
    uint64_t peak;     /* of used */
    uint64_t startup;  /* used before there was data */
    uint64_t overhead; /* of used, what is not keys and values: start, indexes, clients */
    uint64_t dataset;  /* used less overhead */
    uint64_t rss, rss_peak;

    /* The heap and the linked malloc together, as Redis's allocator_* fields mean them. */
    uint64_t allocated; /* live blocks as rounded */
    uint64_t active;    /* pages that hold a live block */
    uint64_t resident;  /* pages held, free ones kept for reuse too */
    uint64_t muzzy;

    struct heap_figures heap;
    uint64_t heap_reclaimable; /* what moving can give back */
    uint64_t index_bytes;
    uint64_t malloc_allocated, malloc_active, malloc_resident;
    uint64_t clients; /* normal clients' buffers and structs */
    struct memory_others others;
    struct store_held held;

    uint64_t parts[MEMORY_PARTS]; /* of rss */
    int64_t unnamed;              /* rss less these; negative: parts that nobody has touched yet */

    uint64_t system_total; /* the machine's memory */
    uint64_t system_limit; /* what machine and cgroup allow */
    uint64_t maxmemory;    /* 0: none */
};

void memory_report(struct observer *observer, struct memory_report *report);
/* Once, when the rooms are made and hold nothing yet: what is resident beside what is counted. */
void memory_report_start(struct observer *observer);

/* a / b, and 0 where b is 0. */
static inline double memory_ratio(uint64_t a, uint64_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

#endif
