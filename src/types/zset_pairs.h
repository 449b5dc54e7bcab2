/* types/zset_pairs.h - scores and members side by side: small bodies and leaves.
 * Model:    a run of pairs in order, each a packed score and a packed member.
 * Owner:    the memory is the caller's.
 * Pointers: as the memory's.
 * Threads:  pure functions.
 * Failure:  none.
 * Cost:     a run is walked from its start; runs are a few hundred bytes, small bodies some KiB. */
#ifndef TYPES_ZSET_PAIRS_H
#define TYPES_ZSET_PAIRS_H

#include "struct/packed.h"
#include "struct/tree.h"
#include "types/zset.h"

struct pair {
    const uint8_t *at, *member, *end;
};

static inline struct pair pair_at(const uint8_t *at)
{
    const uint8_t *member = at + (at[0] == PACKED_DOUBLE ? 9u : 1u + (at[0] & 0x0fu));
    return (struct pair){ at, member, packed_next(member) };
}

/* What is sought in the order: a member of a score, or an edge of all members of a score. */
struct pair_key {
    double score;
    struct bytes member;
    int edge; /* <0: in front of all of the score; >0: behind them */
};
static inline struct pair_key pair_key_of(double score, struct bytes member)
{
    return (struct pair_key){ score, member, 0 };
}
/* <0: the key is before the pair. */
int pair_compare(const struct space *space, const struct pair_key *key, const uint8_t *pair);
/* What sorts as keys do, but for long members. */
struct tree_key pair_tree_key(const struct pair_key *key);
struct tree_key pair_tree_key_at(const struct space *space, const uint8_t *pair);

/* The first pair that is not before the key (not before or at it: `behind`), or the end. */
const uint8_t *pairs_place(const struct space *space, struct bytes pairs,
                           const struct pair_key *key, bool behind, uint64_t *index);
/* Whether a member is there. */
bool pairs_find(const struct space *space, struct bytes pairs, const struct packed_item *member,
                struct pair *found, uint64_t *index);
/* The pair of this index, or the end. */
const uint8_t *pairs_skip(struct bytes pairs, uint64_t index);
uint64_t pairs_count(struct bytes pairs);

static inline struct zset_item pair_item(const struct space *space, const struct pair *pair,
                                         uint8_t *digits)
{
    return (struct zset_item){ packed_score(pair->at), packed_view(space, pair->member, digits) };
}
/* Shows up to `most` pairs, the first `most` or, `reverse`, the last, backwards; how many, 0: the
 * visitor has had enough. pre: most > 0, and there is a pair. */
uint64_t pairs_walk(const struct space *space, struct bytes pairs, uint64_t most, bool reverse,
                    const struct zset_visitor *visitor);

/* A score and a member on their way in. */
struct pair_items {
    struct packed_item score, member;
};
static inline size_t pair_items_bytes(const struct pair_items *items)
{
    return packed_item_bytes(&items->score) + packed_item_bytes(&items->member);
}
static inline void pair_write(uint8_t *at, const struct pair_items *items)
{
    packed_write(packed_write(at, &items->score), &items->member);
}

#endif
