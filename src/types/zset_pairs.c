#include "types/zset_pairs.h"

enum { WALK_PART = 64 };

/* --- order ------------------------------------------------------------------------------------ */

static int member_compare(const struct space *space, struct bytes member, const uint8_t *packed)
{
    uint8_t digits[NUMBER_I64_MAX];
    return bytes_compare(member, packed_view(space, packed, digits));
}

int pair_compare(const struct space *space, const struct pair_key *key, const uint8_t *pair)
{
    double score = packed_score(pair);
    if (key->score != score)
        return key->score < score ? -1 : 1;
    if (key->edge != 0)
        return key->edge;
    return member_compare(space, key->member, pair_at(pair).member);
}

int zset_compare(const struct zset_item *a, const struct zset_item *b)
{
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return bytes_compare(a->member, b->member);
}

/* Bits that sort as the scores do; -0 is 0. */
static uint64_t score_bits(double score)
{
    uint64_t bits;
    double plain = score + 0.0;
    memcpy(&bits, &plain, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t first_bytes(struct bytes member)
{
    uint64_t bits = 0;
    if (member.count > 0)
        memcpy(&bits, member.at, member.count < sizeof bits ? member.count : sizeof bits);
    return __builtin_bswap64(bits);
}

struct tree_key pair_tree_key(const struct pair_key *key)
{
    uint64_t low = key->edge < 0 ? 0 : key->edge > 0 ? UINT64_MAX : first_bytes(key->member);
    return (struct tree_key){ score_bits(key->score), low };
}

struct tree_key pair_tree_key_at(const struct space *space, const uint8_t *pair)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes member = packed_view(space, pair_at(pair).member, digits);
    return (struct tree_key){ score_bits(packed_score(pair)), first_bytes(member) };
}

/* --- places ----------------------------------------------------------------------------------- */

const uint8_t *pairs_place(const struct space *space, struct bytes pairs,
                           const struct pair_key *key, bool behind, uint64_t *index)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    uint64_t passed = 0;
    for (; at < end; at = pair_at(at).end, passed++) {
        int order = pair_compare(space, key, at);
        if (order < 0 || (order == 0 && !behind))
            break;
    }
    *index = passed;
    return at;
}

bool pairs_find(const struct space *space, struct bytes pairs, const struct packed_item *member,
                struct pair *found, uint64_t *index)
{
    if (pairs.count == 0) /* it may have no address */
        return false;
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    for (uint64_t passed = 0; at < end; passed++) {
        struct pair pair = pair_at(at);
        if (packed_is(space, pair.member, member)) {
            *found = pair;
            *index = passed;
            return true;
        }
        at = pair.end;
    }
    return false;
}

const uint8_t *pairs_skip(struct bytes pairs, uint64_t index)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    for (; index > 0 && at < end; index--)
        at = pair_at(at).end;
    return at;
}

uint64_t pairs_count(struct bytes pairs)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    uint64_t count = 0;
    for (; at < end; at = pair_at(at).end)
        count++;
    return count;
}

/* --- walks ------------------------------------------------------------------------------------ */

static bool show(const struct space *space, const uint8_t *at, const struct zset_visitor *visitor)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct pair pair = pair_at(at);
    struct zset_item item = pair_item(space, &pair, digits);
    return visitor->visit(visitor->context, &item, item.member.at == digits);
}

static uint64_t walk_forward(const struct space *space, struct bytes pairs, uint64_t most,
                             const struct zset_visitor *visitor)
{
    const uint8_t *at = pairs.at, *end = pairs.at + pairs.count;
    uint64_t shown = 0;
    for (; at < end && shown < most; shown++) {
        if (!show(space, at, visitor))
            return 0;
        at = pair_at(at).end;
    }
    return shown;
}

/* Pairs tell their length from the front only: a part of the run is looked through, and its places
 * kept, for each WALK_PART shown. */
static uint64_t walk_backward(const struct space *space, struct bytes pairs, uint64_t most,
                              const struct zset_visitor *visitor)
{
    uint64_t count = pairs_count(pairs), shown = 0;
    while (shown < most && shown < count) {
        uint64_t left = count - shown, part = left < WALK_PART ? left : WALK_PART;
        const uint8_t *places[WALK_PART];
        const uint8_t *at = pairs_skip(pairs, left - part);
        for (uint64_t i = 0; i < part; i++) {
            places[i] = at;
            at = pair_at(at).end;
        }
        for (; part > 0 && shown < most; shown++)
            if (!show(space, places[--part], visitor))
                return 0;
    }
    return shown;
}

uint64_t pairs_walk(const struct space *space, struct bytes pairs, uint64_t most, bool reverse,
                    const struct zset_visitor *visitor)
{
    return reverse ? walk_backward(space, pairs, most, visitor)
                   : walk_forward(space, pairs, most, visitor);
}
