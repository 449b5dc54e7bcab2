/* When and how often a key was used, in the entry's 24 bits. LRU keeps seconds; LFU keeps a
 * logarithmic counter (8 bits) as Redis, so that its options mean the same, minutes (15), and
 * whether the key was used since it was last looked at by who evicts. */
#include "store/inside.h"

void store_set_use_options(struct store *store, const struct store_use_options *options)
{
    store->use = *options;
}

static uint32_t now_minutes(const struct store *store)
{
    return (uint32_t)((uint64_t)store->now_ms / 60000) & LFU_MINUTES;
}

unsigned store_idle_minutes(const struct store *store, const struct entry *entry)
{
    return (now_minutes(store) - (entry_used(entry) >> 8)) & LFU_MINUTES;
}

static unsigned decayed(const struct store *store, const struct entry *entry)
{
    uint32_t used = entry_used(entry);
    unsigned counter = used & LFU_MAX;
    uint32_t minutes = store_idle_minutes(store, entry);
    uint32_t periods = store->use.lfu_decay_time != 0 ? minutes / store->use.lfu_decay_time : 0;
    return periods > counter ? 0 : counter - periods;
}

/* The more often used, the less likely to count: 1 / ((counter - start) * factor + 1). */
static unsigned counted(struct store *store, unsigned counter)
{
    if (counter == LFU_MAX)
        return counter;
    uint64_t over = counter > LFU_START ? counter - LFU_START : 0;
    bool up = rng_below(&store->rng, over * store->use.lfu_log_factor + 1) == 0;
    return up ? counter + 1 : counter;
}

static uint32_t counter_of(const struct store *store, unsigned counter)
{
    return LFU_USED | now_minutes(store) << 8 | counter;
}

static uint32_t used_again(struct store *store, const struct entry *entry)
{
    struct use_counts *counts = &store->touched_by_use[entry_expires(entry)];
    if (lfu_is_new(entry))
        counts->first++;
    else if (lfu_is_idle(entry))
        counts->idle++;
    return counter_of(store, counted(store, decayed(store, entry)));
}

void store_touch(struct store *store, struct entry *entry)
{
    uint32_t used = store->clock;
    if (store->use.lfu)
        used = used_again(store, entry);
    if (entry_used(entry) != used)
        entry_set_used(entry, used);
}

void store_set_use(struct store *store, struct entry *entry, int64_t idle_s, int frequency)
{
    const int64_t longest = 0xffffff;
    if (store->use.lfu && frequency >= 0)
        entry_set_used(entry, counter_of(store, (unsigned)frequency & LFU_MAX));
    else if (!store->use.lfu && idle_s >= 0)
        entry_set_used(entry, (store->clock - (uint32_t)(idle_s < longest ? idle_s : longest)) &
                                  0xffffffu);
}

void store_start_use(struct store *store, struct entry *entry)
{
    entry_set_used(entry, store->use.lfu ? counter_of(store, LFU_START) : store->clock);
}

uint64_t store_idle_seconds(const struct store *store, const struct entry *entry)
{
    return (store->clock - entry_used(entry)) & 0xffffffu;
}

unsigned store_frequency(const struct store *store, const struct entry *entry)
{
    return decayed(store, entry);
}
