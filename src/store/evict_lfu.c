/* LFU with as few bits as Redis has, that neither keeps what was popular once nor is washed away by
 * keys that come once.
 *
 * Where popularity stays as it is, a key that came and was not used again is the best to go. Where
 * it moves on, such a key is the popular one of tomorrow, and what should go is what was popular
 * yesterday: its counter is high, but nobody uses it. Keys of both kinds are counted when looked at
 * and when used, and the kind with fewer uses a look goes first. */
#include "store/evict_lfu.h"

#include "store/inside.h"

/* A new key that is used may be used ever more: 5 uses of new ones count for 8 of idle ones. */
enum { CREDIT = 5, CREDIT_OF = 8 };
enum {
    USES = 256, /* of both kinds together, before they are compared */
    STEP = 2,   /* of the counter, in the score */
    IDLE_LESS = STEP,
    IDLE_FIRST_LESS = 2 * STEP,
    NEW_LESS = STEP + 1,
};

/* Of those worth as much, first the one not used for longest. */
uint64_t lfu_score(const struct evictor *evictor, const struct entry *entry)
{
    const struct store *store = evictor->store;
    bool idle_first = evictor->learning.idle_first;
    unsigned less = LFU_MAX - store_frequency(store, entry);
    less *= STEP;
    if (lfu_is_idle(entry))
        less += idle_first ? IDLE_FIRST_LESS : IDLE_LESS;
    if (lfu_is_new(entry) && !idle_first)
        less += NEW_LESS;
    return (uint64_t)less << 16 | store_idle_minutes(store, entry);
}

void lfu_look(struct evictor *evictor, struct entry *entry)
{
    struct evict_learning *learning = &evictor->learning;
    learning->looked++;
    if (lfu_is_new(entry))
        learning->looked_new++;
    else if (lfu_is_idle(entry))
        learning->looked_idle++;
    entry_set_used(entry, entry_used(entry) & ~(uint32_t)LFU_USED);
}

/* Uses of the keys that may go. */
static struct use_counts uses(const struct evictor *evictor)
{
    const struct use_counts *counts = evictor->store->touched_by_use;
    if (evictor->rule.volatile_only)
        return counts[true];
    return (struct use_counts){ counts[false].first + counts[true].first,
                                counts[false].idle + counts[true].idle };
}

/* Where more keys are used for the first time than are looked at, most of it was when none had to
 * go: counting begins anew. */
bool lfu_learn(struct evictor *evictor)
{
    struct evict_learning *learning = &evictor->learning;
    struct use_counts now = uses(evictor);
    uint64_t first = now.first - learning->first, idle = now.idle - learning->idle;
    if (first + idle < USES)
        return false;
    bool idle_first = learning->idle_first;
    if (first > learning->looked) {
        *learning = (struct evict_learning){ now.first, now.idle, .idle_first = idle_first };
        return false;
    }
    learning->idle_first =
        first * CREDIT_OF * learning->looked_idle > idle * CREDIT * learning->looked_new;
    learning->first = now.first - first / 2; /* what is older counts less */
    learning->idle = now.idle - idle / 2;
    learning->looked /= 2;
    learning->looked_new /= 2;
    learning->looked_idle /= 2;
    return learning->idle_first != idle_first;
}
