/* observe/memory_parts.h - the resident set cut into parts, each with a name: where memory went.
 * Model:    every part is counted by whoever owns it; none is the difference of two others but
 *           `server` (what malloc gave and nobody named). What the kernel counts and no part has is
 *           `unnamed`, and stays within 2 % and 1 MiB:
 *
 *             RSS = code + server + data by type + index + slack of the heap by cause
 *                   + clients + scripts + ... + slack of malloc by cause + unnamed
 *
 * Owner:    the caller has the figures.
 * Pointers: names are static.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     none beside memory_report, which fills them. */
#ifndef OBSERVE_MEMORY_PARTS_H
#define OBSERVE_MEMORY_PARTS_H

#include <stdint.h>

enum memory_part {
    MEMORY_DATA_STRING, /* in the order of enum value_type: keys, values, and their rounding */
    MEMORY_DATA_LIST,
    MEMORY_DATA_SET,
    MEMORY_DATA_ZSET,
    MEMORY_DATA_HASH,
    MEMORY_DATA_STREAM,
    MEMORY_INDEX, /* from keys to entries, and from ids to big values */
    MEMORY_HEAP_FREE_CELLS,
    MEMORY_HEAP_FREE_SPANS,
    MEMORY_HEAP_TABLES,
    MEMORY_SNAPSHOT, /* kept for one under way */
    MEMORY_CLIENT_STRUCTS,
    MEMORY_CLIENT_INPUT,
    MEMORY_CLIENT_OUTPUT,
    MEMORY_CLIENT_TLS,
    MEMORY_CLIENT_TABLES, /* subscriptions, tracking, queued transactions */
    MEMORY_REPLICATION,   /* backlog and buffers of replicas */
    MEMORY_LOG_BUFFERS,
    MEMORY_SCRIPTS,
    MEMORY_FUNCTIONS,
    MEMORY_WATCHING,     /* figures, their history and the picture of the heap, for who watches */
    MEMORY_SERVER,       /* what else malloc gave, static data, stacks */
    MEMORY_MALLOC_HOLES, /* free blocks in pages that are in use */
    MEMORY_MALLOC_SPARE, /* free pages kept */
    MEMORY_CODE,         /* pages of files: the program and its libraries */
    MEMORY_PARTS,
};

/* "data.string", "heap.free-cells". */
const char *memory_part_name(enum memory_part part);

#endif
