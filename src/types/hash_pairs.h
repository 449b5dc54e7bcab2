/* types/hash_pairs.h - how the pairs of a hash stand in memory, for the files of hashes alone.
 * Model:    a pair is field, value: two packed strings; or 0xf2, expiry (6 bytes), field, value.
 *           A small body is a word of 2 bytes (count, and bits for the name), then the pairs. A big
 *           hash has the pairs in a table, the first set of its root's nodes, and struct hash_more.
 *           When the first expiry comes, the second set gets slots: each is the earliest expiry, or
 *           less, of the buckets whose number has the slot's low bits. Splits and merges of buckets
 *           stay within a slot, because both are addressed by linear hashing.
 *
 *             nodes of the second set:  [ least of all | slot 0 | slot 1 | ... slot 511 ]
 *
 * Owner:    the root.
 * Pointers: as struct/nodes.h.
 * Threads:  the heap's.
 * Failure:  as types/hash.h.
 * Cost:     7 bytes for each expiry; 8 for each slot, which is four buckets. */
#ifndef TYPES_HASH_PAIRS_H
#define TYPES_HASH_PAIRS_H

#include "types/big.h"
#include "types/hash.h"

enum {
    HASH_WORD_BYTES = 2,
    HASH_SMALL_PAIRS_MAX = 512,
    PAIR_MARK = 0xf2, /* no packed string begins so */
    PAIR_MARK_BYTES = 7,
    PAIR_EXPIRY_BYTES = 6,
};

/* The word of a small body; the bits for the name stand in root->flags of a big hash. */
enum {
    HASH_COUNT_BITS = 0x3fff,
    HASH_NAMED_EX = 1 << 14,    /* "listpackex" */
    HASH_NAMED_TABLE = 1 << 15, /* "hashtable" */
};

enum { HASH_TABLE_SET = 0, HASH_SLOT_SET = 1, HASH_SETS = 2, HASH_NODE_SLOTS = 512 };

struct hash_more {
    uint64_t expiring;  /* pairs with an expiry */
    int64_t earliest;   /* no pair expires before */
    int64_t pass_least; /* the same of the nodes of slots that the pass under way has seen */
    uint32_t slots;     /* 0: there never was an expiry */
    uint32_t pass;      /* the node of slots where it goes on */
};

struct hash_slots { /* payload of a node of the second set */
    int64_t least;
    int64_t at[HASH_NODE_SLOTS];
};

extern const struct table_ops hash_table_ops;
extern const struct big_ops hash_big_ops;

static inline struct hash_more *hash_more_of(const struct root *root)
{
    return root_more(root);
}

static inline struct table hash_table_of(struct space *space, struct root *root)
{
    return (struct table){ space, root, HASH_TABLE_SET, &hash_table_ops, &root->count };
}

static inline unsigned hash_word(struct bytes body)
{
    return (unsigned)body.at[0] | (unsigned)body.at[1] << 8;
}
static inline void hash_write_word(uint8_t *body, unsigned word)
{
    body[0] = (uint8_t)word;
    body[1] = (uint8_t)(word >> 8);
}

static inline size_t pair_mark_bytes(const uint8_t *at)
{
    return at[0] == PAIR_MARK ? PAIR_MARK_BYTES : 0;
}

static inline int64_t pair_expiry(const uint8_t *at)
{
    uint64_t low = 0;
    if (LIKELY(at[0] != PAIR_MARK))
        return HASH_NO_EXPIRY;
    memcpy(&low, at + 1, PAIR_EXPIRY_BYTES);
    return (int64_t)(low << 16) >> 16;
}

static inline struct hash_pair pair_at(const uint8_t *at)
{
    const uint8_t *field = at + pair_mark_bytes(at);
    return (struct hash_pair){ at, field, packed_next(field), pair_expiry(at) };
}

static inline size_t pair_bytes(const uint8_t *at)
{
    const uint8_t *value = packed_next(at + pair_mark_bytes(at));
    return (size_t)(packed_next(value) - at);
}

static inline uint64_t pair_hash(const struct space *space, const uint8_t *at)
{
    return packed_hash(space, at + pair_mark_bytes(at));
}

/* Writes the expiry, unless there is none, and returns what is behind. */
static inline uint8_t *pair_write_mark(uint8_t *at, int64_t expiry)
{
    if (expiry == HASH_NO_EXPIRY)
        return at;
    at[0] = PAIR_MARK;
    memcpy(at + 1, &expiry, PAIR_EXPIRY_BYTES);
    return at + PAIR_MARK_BYTES;
}

/* hash.c: the place of a field, expired or not; place->pair.at is NULL where there is none.
 * `needle` was made of `field` by packed_sought. */
void hash_find(const struct hash *hash, struct bytes field, const struct packed_item *needle,
               struct hash_place *place);

/* hash_due.c: a pair with this expiry stands in the bucket of this hash, or will. */
void hash_due_note(struct space *space, struct root *root, uint64_t hash, int64_t expiry);
/* As many slots as the table's buckets call for, or a step towards it. */
void hash_due_settle(struct space *space, struct root *root);
int64_t hash_earliest(const struct space *space, const struct value *value);
void hash_expire_step(struct space *space, const struct value *value, int64_t now_ms,
                      struct value_expiry *expiry);
bool hash_due_valid(const struct space *space, struct root *root);

/* A root without pairs; NULL: no memory. */
MUST_CHECK struct root *hash_root_new(struct space *space, unsigned names, bool expiring);
/* Adds a pair that has no run and whose field is not there. */
MUST_CHECK bool hash_add_raw(struct space *space, struct root *root, const uint8_t *pair);

/* hash_image.c */
MUST_CHECK enum err hash_encode(struct space *space, const struct value *value,
                                struct buffer *image);
MUST_CHECK enum err hash_decode(struct space *space, struct bytes image, struct value *value,
                                struct buffer *body);

#endif
