/* When and how often a key was used, in the entry's 24 bits: LRU keeps seconds, LFU keeps minutes
 * (16 bits) and a logarithmic counter (8 bits), as Redis, so that its options mean the same. */
#include "store/inside.h"

void store_set_use_options(struct store *store, const struct store_use_options *options)
{
    store->use = *options;
}

static uint32_t now_minutes(const struct store *store)
{
    return (uint32_t)((uint64_t)store->now_ms / 60000) & 0xffffu;
}

static unsigned decayed(const struct store *store, const struct entry *entry)
{
    uint32_t used = entry_used(entry);
    unsigned counter = used & 0xffu;
    uint32_t minutes = (now_minutes(store) - (used >> 8)) & 0xffffu;
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

void store_touch(struct store *store, struct entry *entry)
{
    uint32_t used = store->clock;
    if (store->use.lfu)
        used = now_minutes(store) << 8 | counted(store, decayed(store, entry));
    if (entry_used(entry) != used)
        entry_set_used(entry, used);
}

void store_set_use(struct store *store, struct entry *entry, int64_t idle_s, int frequency)
{
    const int64_t longest = 0xffffff;
    if (store->use.lfu && frequency >= 0)
        entry_set_used(entry, now_minutes(store) << 8 | ((unsigned)frequency & 0xffu));
    else if (!store->use.lfu && idle_s >= 0)
        entry_set_used(entry, (store->clock - (uint32_t)(idle_s < longest ? idle_s : longest)) &
                                  0xffffffu);
}

void store_start_use(struct store *store, struct entry *entry)
{
    entry_set_used(entry, store->use.lfu ? now_minutes(store) << 8 | LFU_START : store->clock);
}

uint64_t store_idle_seconds(const struct store *store, const struct entry *entry)
{
    return (store->clock - entry_used(entry)) & 0xffffffu;
}

unsigned store_frequency(const struct store *store, const struct entry *entry)
{
    return decayed(store, entry);
}
