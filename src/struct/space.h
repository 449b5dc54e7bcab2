/* struct/space.h - what values live in: a heap, the table from ids to roots, the seed of hashes.
 * Model:    a value that outgrows its key's entry has an id; the id leads to its root, a block of
 *           the heap like any other. Every block of such a value begins with the id and a number,
 *           so that a block that moves finds the one reference to it (struct/nodes.h).
 * Owner:    store/ makes one space for all databases.
 * Pointers: a root's address holds until the next safe point.
 * Threads:  the heap's.
 * Failure:  0 for an id when memory fails.
 * Cost:     8 bytes an id; a lookup is two dependent loads. */
#ifndef STRUCT_SPACE_H
#define STRUCT_SPACE_H

#include "base/hash.h"
#include "base/rng.h"
#include "heap/heap.h"

enum { ROOTS_CHUNK = 1024 };

struct roots_chunk {
    uint64_t refs[ROOTS_CHUNK]; /* of a root; of a free place: the next free one */
    uint32_t live, free;        /* free: the first free place */
};

/* ids are 1 + index; chunks without a live id are given back. */
struct roots {
    struct roots_chunk **chunks;
    uint32_t count, capacity; /* chunks */
    uint32_t sparse;          /* no chunk before this one has a free place */
    uint64_t live;
};

/* What big values hold of the heap, as it rounds; exact, kept as it goes. */
enum { SPACE_TYPES = 8 };
struct space_held {
    uint64_t by_type[SPACE_TYPES]; /* enum value_type: roots, directories, nodes, runs outside */
    uint64_t asked;                /* of it, but for runs outside, before rounding */
    uint64_t outside;              /* of it, runs of long elements */
    uint64_t kept;                 /* runs that only a snapshot holds: of no type any more */
};

struct past;
struct type_limits; /* types/limits.h */

struct space {
    struct heap *heap;
    uint8_t *base; /* the heap's */
    struct hash_seed seed;
    struct rng *rng;
    const struct type_limits *limits;
    struct roots roots;
    struct space_held held;
    struct past *past;            /* struct/past.h; NULL: no snapshot is under way */
    struct kept_value *past_rest; /* of values that were read: to be given back in steps */
    uint32_t epoch;               /* of roots that are made now */
    uint64_t doomed;              /* roots that are (struct/nodes.h) */
};

void space_init(struct space *space, struct heap *heap, const struct hash_seed *seed,
                struct rng *rng, const struct type_limits *limits);
/* pre: no root lives, or the heap is dropped with them. */
void space_release(struct space *space);

/* An id for the root `ref`; 0: no memory. */
MUST_CHECK uint32_t roots_take(struct roots *roots, uint64_t ref);
void roots_give(struct roots *roots, uint32_t id);
static inline uint64_t *roots_place(const struct roots *roots, uint32_t id)
{
    return &roots->chunks[(id - 1) / ROOTS_CHUNK]->refs[(id - 1) % ROOTS_CHUNK];
}
static inline uint64_t roots_ref(const struct roots *roots, uint32_t id)
{
    return *roots_place(roots, id);
}
static inline void roots_repoint(const struct roots *roots, uint32_t id, uint64_t ref)
{
    *roots_place(roots, id) = ref;
}
/* Whether there is a place for an id of unknown origin, and whether it leads to a root. */
bool roots_may_have(const struct roots *roots, uint32_t id);
bool roots_has(const struct roots *roots, uint32_t id);
uint64_t roots_bytes(const struct roots *roots); /* malloc'ed */

static inline void *space_at(const struct space *space, uint64_t ref)
{
    return heap_at(space->base, ref);
}
static inline uint64_t space_ref(const struct space *space, const void *block)
{
    return heap_ref(space->base, block);
}

#endif
