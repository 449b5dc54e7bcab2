/* struct/index.h - from a hash to references: linear hashing, one bucket at a time.
 * Model:    2^L + s buckets of one cache line; bucket s splits when the load passes a bound, the
 *           last one merges back when it falls. A bucket holds ten one-byte fingerprints and ten
 *           40-bit references; what does not fit goes to overflow nodes, which are kept dense.
 * Owner:    the caller owns what references mean; the index owns its buckets only.
 * Pointers: a probe dies with the next insert or remove, where buckets may move too.
 * Threads:  one.
 * Failure:  insert says false when pages are refused; the index is unchanged (a split that cannot
 *           have its page is simply put off).
 * Cost:     O(1), one or two cache lines; no rehash, no spike; memory follows the count both ways.
 */
#ifndef STRUCT_INDEX_H
#define STRUCT_INDEX_H

#include "base/err.h"
#include "base/rng.h"
#include "base/seam.h"

#include <stdint.h>

enum { INDEX_SLOTS = 10, INDEX_NODE_SLOTS = 4 };

struct index_bucket {
    uint8_t fingerprint[INDEX_SLOTS]; /* 0: free */
    uint8_t ref[INDEX_SLOTS][5];      /* little endian */
    uint8_t next[4];                  /* 1 + number of the first overflow node; 0: none */
};
_Static_assert(sizeof(struct index_bucket) == 64, "a bucket is one cache line");

struct index_node {
    uint8_t fingerprint[INDEX_NODE_SLOTS];
    uint8_t ref[INDEX_NODE_SLOTS][5];
    uint32_t next; /* 1 + number of the next node of this chain; 0: none */
    uint32_t home; /* the bucket that the chain hangs on */
};
_Static_assert(sizeof(struct index_node) == 32, "a node is half a cache line");

struct index_ops {
    /* The hash of what a reference leads to (needed when its bucket splits or merges). */
    uint64_t (*hash)(void *context, uint64_t ref);
    /* Asks the processor for what `ref` leads to; may be NULL. */
    void (*prefetch)(void *context, uint64_t ref);
    void *context;
};

struct index {
    struct index_bucket *buckets; /* NULL until the first insert */
    struct index_node *nodes;
    uint32_t bucket_count; /* at least 1 */
    uint32_t node_count;
    uint64_t count;
    const struct seam *seam;
    struct index_ops ops;
    uint64_t buckets_reserved, nodes_reserved;   /* bytes of address space */
    uint64_t buckets_committed, nodes_committed; /* bytes usable */
    uint64_t buckets_touched, nodes_touched;     /* bytes of pages that hold memory */
    uint64_t buckets_merged; /* private: bytes at the front that were put on large pages */
};

/* An empty index, which costs nothing: address space is reserved at the first insert. True always
 * (kept for what may fail later). */
MUST_CHECK bool index_init(struct index *index, const struct seam *seam,
                           const struct index_ops *ops);
void index_release(struct index *index);

/* Where a lookup stands; see index_first. */
struct index_probe {
    uint8_t *slot_fingerprint; /* where the last answer stands */
    uint8_t *slot_ref;
    uint32_t matches; /* bit for each candidate left in this bucket or node */
    uint32_t node;    /* 1 + the overflow node we are in; 0: the bucket */
    uint32_t bucket;
    uint8_t fingerprint;
};

/* Lookup is inline (struct/index_inline.h): index_prefetch, index_prefetch_found,
 * index_first, index_next, index_repoint. */

/* Removes where the probe stands; may merge buckets and return pages. */
void index_remove_at(struct index *index, struct index_probe *probe);

MUST_CHECK bool index_insert(struct index *index, uint64_t hash, uint64_t ref);
/* Finds `ref` itself under `hash` and puts `to` in its place; false when it is not there. */
bool index_move(struct index *index, uint64_t hash, uint64_t ref, uint64_t to);

/* Calls visit for every reference of the bucket(s) at the cursor and returns the next cursor, 0 at
 * the end. Whatever is in the index from the first call to the last is visited at least once,
 * across splits and merges. visit must not change the index. */
uint64_t index_scan(const struct index *index, uint64_t cursor,
                    void (*visit)(void *context, uint64_t ref), void *context);

/* A reference at random, each with the same chance; 0 when empty. */
uint64_t index_random(const struct index *index, struct rng *rng);

/* The references of a bucket at random, at most so many; how many. A bucket holds some seven of
 * them, so each costs a fraction of what index_random does, and each has the same chance to be
 * among them, but not independently of its neighbours. */
uint64_t index_sample(const struct index *index, struct rng *rng, uint64_t *refs, uint64_t most);

/* Takes references out from the end, without looking at hashes, until `most` are taken or it is
 * empty; pages go back on the way. For dropping a whole index in steps. Returns how many. */
uint64_t index_pop(struct index *index, uint64_t *refs, uint64_t most);

struct index_figures {
    uint64_t bytes; /* memory held: touched pages of buckets and nodes */
    uint64_t slots; /* in buckets and nodes */
    uint32_t buckets, nodes;
    uint32_t chain[6]; /* buckets with 0, 1, ... and 5 or more overflow nodes; costs a walk */
};
uint64_t index_bytes(const struct index *index);
void index_figures(const struct index *index, struct index_figures *figures);

/* Checks every bucket, fingerprint and chain; walks everything. */
bool index_valid(const struct index *index);

#include "struct/index_inline.h"

#endif
