/* observe/biggest.h - the biggest keys found so far, by a walk in small steps.
 * Model:    rounds over all databases by SCAN's cursor. The best of the round that runs, and those
 *           of the last whole round: what is shown is the best of both.
 * Owner:    the caller has the struct; all zero is a valid start.
 * Pointers: names are copied, cut to BIGGEST_NAME_MAX.
 * Threads:  the executing thread.
 * Failure:  none: fixed size.
 * Cost:     some 200 ns a key, since each is a miss of the cache. */
#ifndef OBSERVE_BIGGEST_H
#define OBSERVE_BIGGEST_H

#include "base/seam.h"
#include "store/store.h"

enum { BIGGEST_KEPT = 20, BIGGEST_NAME_MAX = 128 };

struct biggest_key {
    uint64_t bytes;    /* as MEMORY USAGE */
    uint64_t elements; /* of a string: bytes */
    uint64_t name_hash;
    uint32_t db;
    uint32_t name_bytes; /* of the whole name; what is kept may be less */
    const char *type;    /* static */
    const char *encoding;
    uint8_t name[BIGGEST_NAME_MAX];
};

struct biggest_list {
    uint32_t count;
    struct biggest_key keys[BIGGEST_KEPT]; /* the biggest first */
};

struct biggest {
    struct biggest_list running, last;
    unsigned db;
    uint64_t cursor;
    uint64_t visited; /* keys of this round */
    uint64_t rounds;  /* whole ones */
};

/* Visits keys until the deadline; true at the end of a round. */
bool biggest_step(struct biggest *biggest, struct store *store, const struct seam *seam,
                  uint64_t deadline_ns);
void biggest_found(const struct biggest *biggest, struct biggest_list *list);

#endif
