/* observe/preview.h - what a setting would do, before it is made.
 * Model:    defragmentation: by the exact occupancy of the heap and the policy's own limits; what
 *           moving costs is what it has cost so far, where enough was moved.
 *           An option of encodings: values at random, or all where they are few, are made anew
 *           beside the store with either setting, and what they take is compared.
 * Owner:    the caller has the results; nothing of the store changes.
 * Pointers: names are static.
 * Threads:  the executing thread.
 * Failure:  false: no memory, or no option of encodings.
 * Cost:     1 ms for each 4 GB of heap; 5 ms of CPU at the most for an option, by what it saw until
 *           then. */
#ifndef OBSERVE_PREVIEW_H
#define OBSERVE_PREVIEW_H

#include "heap/move_policy.h"
#include "observe/observer.h"
#include "types/limits.h"

struct preview_defrag {
    enum move_reason reason; /* MOVE_RUN: it would start */
    unsigned effort;         /* percent of one CPU, when it starts */
    uint64_t returned;       /* until it stops; 0 where it does not start */
    uint64_t returned_at_most, move_blocks, move_bytes; /* of all that moving can give back */
    double cpu_seconds, cpu_seconds_at_most;
    bool measured; /* the cost is what moving has cost, and not the default */
};

/* `lanes` as heap_map fills it. */
void preview_defrag(const struct heap_lane_figures *lanes, unsigned count,
                    const struct heap_figures *heap, const struct defrag *defrag,
                    struct preview_defrag *preview);

struct preview_option {
    unsigned type;                     /* enum value_type that it governs */
    uint64_t looked_at, keys, too_big; /* at all keys; of the type; of these not made anew */
    uint64_t bytes_now, bytes_then;    /* of those that were */
    uint64_t renamed;                  /* of these, with another name of encoding */
    bool whole;                        /* every key was looked at */
    int64_t change;                    /* of bytes, in the whole keyspace */
    uint64_t renamed_in_all;
};

/* Which type the option governs by its form or name; false: it is none of encodings. */
MUST_CHECK bool preview_type(struct bytes option, unsigned *type);
MUST_CHECK bool preview_option(struct observer *observer, unsigned type,
                               const struct type_limits *then, struct preview_option *preview);

#endif
