/* types/zset.h - sorted sets: members by score, and members of one score by their bytes.
 * Model:    small: all in the entry, a count (2 bytes), then score and member of each, packed, in
 *           order. Big: two sets of nodes in one root. Set 0 is a tree whose leaves hold scores and
 *           members in order; set 1 a table of 8 bytes for each member, its hash and its leaf.
 *
 *             score ---- tree ----> leaf [ score member | score member | ... ]
 *             member --- table ---> hash, number of the leaf -^
 *
 *           Ranges are ranks: bounds by score or member become ranks (zset_before), and ranks are
 *           walked, counted and removed.
 * Owner:    the body owns root, nodes and runs.
 * Pointers: a zset and what a walk shows die with the next change of the value.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY: the value is as before.
 * Cost:     a big one: O(log n) by score or rank, one look in the table by member; a small one is
 *           walked. About 14 bytes a member over member and score. */
#ifndef TYPES_ZSET_H
#define TYPES_ZSET_H

#include "types/edit.h"

/* Bodies in the entry carry the name that OBJECT ENCODING tells; the root's flags of a big one. */
enum zset_encoding { ZSET_LISTPACK = 0, ZSET_SKIPLIST = 1, ZSET_BIG = 2 };

extern const struct type_ops zset_ops;

/* --- looking ---------------------------------------------------------------------------------- */

struct zset {
    struct space *space;
    struct root *root;  /* of a big one; else NULL */
    struct bytes pairs; /* of a small one: behind the count */
    uint64_t count;
};

struct zset zset_view(struct space *space, const struct value *value);
static inline struct zset zset_edited(const struct value_edit *edit)
{
    return zset_view(edit->space, &edit->value);
}

MUST_CHECK bool zset_score(const struct zset *zset, struct bytes member, double *score);
/* Members before this one, and its score. */
MUST_CHECK bool zset_rank(const struct zset *zset, struct bytes member, uint64_t *rank,
                          double *score);

/* A place between members. By member it means something only where all scores are the same. */
struct zset_bound {
    enum {
        ZSET_FROM_START,
        ZSET_FROM_END,
        ZSET_BY_SCORE, /* in front of, or `behind`, all of this score */
        ZSET_BY_MEMBER
    } kind;
    bool behind;
    double score;
    struct bytes member;
};
/* How many members are before it. */
uint64_t zset_before(const struct zset *zset, const struct zset_bound *bound);

struct zset_item {
    double score;
    struct bytes member;
};
/* Gets items until it says false. The member is a view of the value or, `passing`, of digits that
 * the next item overwrites. */
struct zset_visitor {
    bool (*visit)(void *context, const struct zset_item *item, bool passing);
    void *context;
};
/* `count` items from `rank` on, or, `reverse`, from there downwards. pre: there are so many. */
void zset_walk(const struct zset *zset, uint64_t rank, uint64_t count, bool reverse,
               const struct zset_visitor *visitor);
/* SCAN: some items, and the next cursor, 0 at the end. */
uint64_t zset_scan(const struct zset *zset, uint64_t cursor, const struct zset_visitor *visitor);

/* --- changing --------------------------------------------------------------------------------- */

/* So many members are about to come, and the first is so long: the name follows at once. */
void zset_expect(struct value_edit *edit, uint64_t count, size_t member_bytes);

enum zset_condition {
    ZSET_NEW_ONLY = 1,   /* NX */
    ZSET_KNOWN_ONLY = 2, /* XX */
    ZSET_GREATER = 4,    /* GT */
    ZSET_LESS = 8,       /* LT */
    ZSET_ADD_UP = 16,    /* INCR: the score is added to the one before */
};
enum zset_outcome {
    ZSET_ADDED,
    ZSET_CHANGED,
    ZSET_SAME,    /* it had that score */
    ZSET_REFUSED, /* by a condition */
    ZSET_NAN,     /* infinities of both signs would be added up */
};
struct zset_result {
    enum zset_outcome outcome;
    double score; /* now; of a member that is there */
};
MUST_CHECK enum err zset_add(struct value_edit *edit, struct bytes member, double score,
                             unsigned conditions, struct zset_result *result);
MUST_CHECK enum err zset_remove(struct value_edit *edit, struct bytes member, bool *removed);
/* Where all are to be removed nothing is taken out: the caller removes the key. */
MUST_CHECK enum err zset_remove_ranks(struct value_edit *edit, uint64_t rank, uint64_t count);

/* The items, in order and each member once, as the content of a new value. `name` is what it would
 * be called (ZSET_LISTPACK: only within the limits; a zero of its items then loses its sign). */
MUST_CHECK enum err zset_fill(struct value_edit *edit, struct zset_item *items, uint64_t count,
                              enum zset_encoding name);
/* The order of items. */
int zset_compare(const struct zset_item *a, const struct zset_item *b);

#endif
