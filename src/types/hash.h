/* types/hash.h - hashes: fields with values, some of them with an expiry of their own.
 * Model:    small: all pairs stand in the entry's body, in the order in which the fields came.
 *           Big: a table of buckets of pairs (struct/table.h). A pair with an expiry carries it in
 *           front; a hash with such pairs has an encoding of its own, so that the sweep finds its
 *           key. What has expired and was not removed yet is there, and no reader is shown it.
 * Owner:    the body, or the root, owns the pairs and the runs of long strings.
 * Pointers: a pair's address holds until the hash is changed, and until the next safe point.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY: the hash is as before.
 * Cost:     a small hash is walked: at most 512 pairs or 8 KiB; a big one is one bucket. */
#ifndef TYPES_HASH_H
#define TYPES_HASH_H

#include "struct/packed.h"
#include "struct/table.h"
#include "types/edit.h"

/* Form and whether some field has an expiry; the name that OBJECT ENCODING tells is kept with the
 * pairs. */
enum hash_encoding { HASH_SMALL = 0, HASH_BIG = 1, HASH_EXPIRING = 2 };

/* Times are in ms since 1970. */
#define HASH_NO_EXPIRY INT64_MAX
#define HASH_KEEP_EXPIRY INT64_MIN /* for hash_set: the one that the field has, if any */
#define HASH_EXPIRY_MAX (((int64_t)1 << 46) - 1)

/* A hash as a call looks at it; nothing of it is stored. */
struct hash {
    struct space *space;
    struct root *root; /* NULL: small */
    struct bytes body; /* of a small one */
    int64_t now_ms;
    bool expiring; /* some field may have an expiry */
};

struct hash_pair {
    const uint8_t *at;            /* NULL: none */
    const uint8_t *field, *value; /* packed strings */
    int64_t expiry;               /* or HASH_NO_EXPIRY */
};

/* Where a field stands, or would stand in a big hash. */
struct hash_place {
    struct hash_pair pair;
    struct table_place in;
    uint64_t hash; /* of the field, where the hash is big */
};

void hash_view(struct hash *hash, struct space *space, const struct value *value, int64_t now_ms);
/* As the edit has it now; to be viewed anew after each change. */
void hash_view_edit(struct hash *hash, const struct value_edit *edit, int64_t now_ms);

/* Pairs that are stored, expired ones included. */
uint64_t hash_count(const struct hash *hash);
static inline bool hash_is_live(const struct hash *hash, const struct hash_pair *pair)
{
    return pair->expiry >= hash->now_ms;
}

/* Finds a field that has not expired. */
MUST_CHECK bool hash_get(const struct hash *hash, struct bytes field, struct hash_place *place);
/* Calls visit for each pair that has not expired, until it says false. */
void hash_each(const struct hash *hash, bool (*visit)(void *context, const struct hash_pair *pair),
               void *context);
/* SCAN's walk over such pairs: a small hash is one step. Returns the next cursor, 0 at the end. */
uint64_t hash_scan(const struct hash *hash, uint64_t cursor,
                   void (*visit)(void *context, const struct hash_pair *pair), void *context);
/* One of them at random; false when there is none. */
MUST_CHECK bool hash_random(const struct hash *hash, struct rng *rng, struct hash_pair *pair);

/* --- changes: of the edit, which the caller commits ------------------------------------------- */

/* Makes a new edit's body that of an empty hash. */
MUST_CHECK bool hash_begin(struct value_edit *edit);
/* The name that Redis 7.2 gives a hash that such a request touches: before its pairs are set.
 * `texts` are fields and values. */
MUST_CHECK bool hash_expect(struct value_edit *edit, const struct bytes *texts, size_t count);
enum hash_outcome { HASH_ADDED, HASH_REPLACED };
/* Sets a field. `expiry`: a time, HASH_NO_EXPIRY or HASH_KEEP_EXPIRY. A big hash gets a first
 * expiry only after hash_allow_expiries. */
MUST_CHECK enum err hash_set(struct value_edit *edit, int64_t now_ms, struct bytes field,
                             struct bytes value, int64_t expiry, enum hash_outcome *outcome);
/* Removes the pair at a place that hash_get found in the edit as it is. */
MUST_CHECK enum err hash_remove(struct value_edit *edit, const struct hash_place *place);
/* Gives the field at such a place another expiry, or takes it away. */
MUST_CHECK enum err hash_set_expiry(struct value_edit *edit, const struct hash_place *place,
                                    int64_t expiry);
/* What a big hash needs beside its table before a field gets an expiry. */
MUST_CHECK bool hash_allow_expiries(struct space *space, struct root *root);
/* The encoding that fits what the edit has become: call it once before the commit. */
void hash_settle(struct value_edit *edit);

extern const struct type_ops hash_ops;

#endif
