/* observe/published.h - what the server tells of itself, handed to another thread whole.
 * Model:    three editions: one is being written, one lies ready, one is being read. Both sides
 *           change theirs for the one that lies ready by one atomic exchange, so neither ever waits
 *           for the other. An edition is made only when the reader has asked for one.
 *
 *             executing thread:  published_is_asked -> published_begin, fill, published_end
 *             reader:            published_read: asks, waits a moment, reads what lies ready
 *
 * Owner:    server/ makes one; it owns the editions and the picture of the heap.
 * Pointers: an edition holds until the reader's next published_read.
 * Threads:  one writer, the executing thread, and one reader.
 * Failure:  an edition that could not be written whole says so (`failed`).
 * Cost:     of asking: a load. Of an edition: what INFO costs, at most twenty times a second. */
#ifndef OBSERVE_PUBLISHED_H
#define OBSERVE_PUBLISHED_H

#include "base/buffer.h"
#include "observe/biggest.h"
#include "observe/heap_picture.h"
#include "observe/history.h"
#include "observe/observer.h"

#include <stdatomic.h>

/* Durations of a command: how many calls took at most so many us. The ceilings are those of LATENCY
 * HISTOGRAM, up to the longest that is told apart. */
enum { PUBLISHED_CEILINGS = HISTORY_CEILINGS };
struct published_command {
    const char *name; /* "config|get"; lives as long as the command table */
    uint64_t calls, ns, rejected, failed;
    uint64_t timed; /* calls in the histogram */
    uint64_t within[PUBLISHED_CEILINGS];
};

/* One size class of one kind that has spans. */
struct published_lane {
    uint32_t kind, size_class;
    struct heap_lane_figures figures;
};

struct edition {
    uint64_t number; /* from 1 */
    uint64_t made_ns;
    int64_t made_wall_ms;
    uint64_t cost_ns;       /* what making it took of the executing thread */
    uint64_t piece_ns;      /* the longest piece of that, at one safe point */
    bool failed;            /* memory was short: something is left out */
    struct buffer figures;  /* INFO's text, every section; then "# Snug", what only we have */
    struct buffer doctor;   /* MEMORY DOCTOR's words */
    struct buffer commands; /* of struct published_command, those that were called */
    struct buffer lanes;    /* of struct published_lane */
    struct slice_histogram slices;
    struct biggest_list biggest;
    uint64_t biggest_visited, biggest_rounds;
    uint32_t ceilings_us[PUBLISHED_CEILINGS];

    /* Facts of the heap that never change. */
    uint32_t kinds, classes;
    const char *kind_names[HEAP_KINDS_MAX];
    const uint32_t *class_bytes; /* `classes` of them; the published struct's */
};

struct published {
    const struct seam *seam;
    struct edition editions[3];
    unsigned back, front;         /* the writer's, and the reader's */
    _Atomic unsigned ready;       /* number of the one between, with PUBLISHED_FRESH */
    _Atomic uint64_t asked, made; /* numbers: `asked` is one more than `made` when one is wanted */
    _Atomic uint64_t watched_ns;  /* when the picture and the biggest keys were last asked for */
    uint64_t start_wall_ms;       /* since 1970: when it was made */
    _Atomic bool closing;         /* the reader must not wait any more */
    uint64_t missed_ns;           /* the reader's: when it last waited in vain */
    uint64_t last_ns;             /* the writer's: when it made one */
    int told;                     /* an eventfd: the reader waits there */
    struct heap_picture *picture;
    struct history history;
    uint32_t *class_bytes;
    void (*wake)(void *context); /* makes the executing thread look */
    void *wake_context;
};

MUST_CHECK struct published *published_new(const struct seam *seam, const struct heap *heap);
void published_drop(struct published *published);

/* The writer. What all of it takes of memory. */
uint64_t published_bytes(const struct published *published);
bool published_is_asked(const struct published *published, uint64_t now_ns);
struct edition *published_begin(struct published *published);
void published_end(struct published *published);
/* Whether somebody looks at the picture now: sweeps are worth their time. */
bool published_is_watched(const struct published *published, uint64_t now_ns);

/* Whether the reader may wait; told by the executing thread before it waits for the reader. */
void published_open(struct published *published, bool open);

/* The reader. Never NULL once an edition was made; one that is older than `fresh_ns` is read only
 * where no newer one came within `wait_ms`, or did not a moment ago. */
const struct edition *published_read(struct published *published, uint64_t fresh_ns, int wait_ms);
/* Tells that the picture and the biggest keys are wanted for some seconds from now. */
void published_watch(struct published *published);

#endif
