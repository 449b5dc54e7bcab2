/* store/pressure.h - maxmemory: the limit on what the process holds, and what is done about it.
 * Model:    what counts is what the kernel would say: the pages that heap and indexes hold, which
 *           are known exactly, what malloc has handed out, and what stands behind that of pages,
 *           by which the kernel corrects it from time to time. Over the limit, pages without blocks
 *           go back, what was removed is freed, keys go where what lives is too much, and what
 *           does not live is moved together (store/pressure_policy.h), until all is well or the
 *           time for this step is over.
 * Owner:    server/ keeps one; commands and the safe point both ask it.
 * Pointers: between commands only: entries go and move.
 * Threads:  the executing thread.
 * Failure:  `failed`: the limit is passed, and nothing can be done about it.
 * Cost:     some 50 ns where all is well; a step ends by the clock. */
#ifndef STORE_PRESSURE_H
#define STORE_PRESSURE_H

#include "store/defrag.h"
#include "store/evict.h"
#include "store/pressure_policy.h"

/* What only the process can tell. */
struct pressure_world {
    uint64_t (*anonymous)(void *context); /* bytes by the kernel's count; 0: it does not tell */
    uint64_t (*apart)(void *context);     /* bytes that do not count: buffers of log and replicas */
    bool (*is_paused)(void *context);     /* nothing may go: clients asked for it */
    void *context;
};

struct pressure_options {
    uint64_t limit;    /* 0: none */
    unsigned tenacity; /* 0 to 100: how long a step may take */
    struct evict_rule rule;
};

struct pressure {
    struct store *store;
    struct defrag *defrag;
    const struct seam *seam;
    struct pressure_world world;
    struct evictor evictor;
    uint64_t limit, slack;
    uint64_t step_ns;
    uint64_t known;    /* what is held by our own counts, at the last look */
    uint64_t expected; /* of that, by the end of the last step */
    uint64_t ahead;    /* what the command that waits will take: it counts as held */
    uint64_t owed_ns;  /* for what memory has grown by, a step may take longer */

    bool failed;  /* by the last look: what is held is too much, and stays so */
    bool running; /* the last step ended before its work did */

    /* What was last measured, and when. */
    uint64_t beyond; /* what the kernel counts and nobody here does */
    uint64_t measured_ns, measured_bytes;
    uint64_t index_bytes;
    unsigned index_age;
    uint64_t stuck; /* free cells that no moving gives back, as it was found then */
    uint64_t stuck_ns;
    uint64_t purged_ns; /* malloc gave back what it kept */

    uint64_t over_since_ns, over_total_ns; /* the limit is passed; 0: it is not */
    uint64_t moved_steps, freed_steps;

    bool timed; /* somebody wants to know the following, of the last step */
    uint64_t last_ns, last_evict_ns;
};

void pressure_init(struct pressure *pressure, struct defrag *defrag, const struct seam *seam,
                   const struct pressure_world *world);
void pressure_configure(struct pressure *pressure, const struct pressure_options *options);

/* What counts now, and what is held and does not. */
uint64_t pressure_held(struct pressure *pressure);
uint64_t pressure_apart(const struct pressure *pressure);

/* Before a command, which will take `ahead` bytes: false where the limit is passed or would be, and
 * nothing can be done about it. pre: there is a limit. */
MUST_CHECK bool pressure_ease(struct pressure *pressure, uint64_t ahead);
/* At the safe point: in how many ns to come back at the latest. */
uint64_t pressure_step(struct pressure *pressure, uint64_t now_ns);

/* Milliseconds for which the limit was passed, in all, and since it was last passed. */
uint64_t pressure_total_ms(const struct pressure *pressure);
uint64_t pressure_current_ms(const struct pressure *pressure);
void pressure_reset_counters(struct pressure *pressure);

#endif
