/* Who waits for which key: the queues beside a naive model. */
#include "base/memory.h"
#include "base/rng.h"
#include "cmd/blocking_queues.h"
#include "harness.h"

#include <stdio.h>

enum { KEYS = 12, KEYS_EACH = 3, WAITERS = 64, STEPS = 20000 };

struct bench {
    struct queues queues;
    struct rng rng;
    char names[KEYS][8];
    struct key keys[KEYS];
    struct waiter *waiters[WAITERS]; /* in the order they came; NULL behind */
    unsigned wants[WAITERS][KEYS_EACH];
    unsigned count;
    unsigned ready[2 * KEYS], ready_count;
    uint64_t last_id;
};

/* Two databases: a key's number is db * KEYS + its name's. Hashes collide in pairs. */
static void init_bench(struct bench *bench)
{
    *bench = (struct bench){ .count = 0 };
    rng_init(&bench->rng, test_seed());
    for (unsigned i = 0; i < KEYS; i++) {
        int count = snprintf(bench->names[i], sizeof bench->names[i], "k%u", i);
        bench->keys[i].name = bytes_of(bench->names[i], (size_t)count);
        bench->keys[i].hash = i / 2 * UINT64_C(0x123456789abcdef);
    }
}

static void add_one(struct bench *bench)
{
    struct waiter *waiter =
        memory_take_zeroed(sizeof *waiter + KEYS_EACH * sizeof(struct waiting_link));
    struct key keys[KEYS_EACH];
    uint32_t count = 1 + (uint32_t)rng_below(&bench->rng, KEYS_EACH);
    CHECK(waiter != NULL);
    waiter->client_id = ++bench->last_id;
    waiter->db = (uint32_t)rng_below(&bench->rng, 2);
    waiter->until_gone = rng_below(&bench->rng, 4) == 0;
    waiter->deadline_ns =
        rng_below(&bench->rng, 3) == 0 ? WAIT_FOREVER_NS : rng_below(&bench->rng, 1000);
    for (uint32_t i = 0; i < KEYS_EACH; i++) {
        unsigned key = (unsigned)rng_below(&bench->rng, KEYS);
        if (i < count)
            keys[i] = bench->keys[key];
        bench->wants[bench->count][i] = i < count ? waiter->db * KEYS + key : UINT32_MAX;
    }
    CHECK(queues_add(&bench->queues, waiter, keys, count));
    bench->waiters[bench->count++] = waiter;
}

static void remove_at(struct bench *bench, unsigned at)
{
    queues_remove(&bench->queues, bench->waiters[at]);
    memory_give(bench->waiters[at]);
    bench->count--;
    for (unsigned i = at; i < bench->count; i++) {
        bench->waiters[i] = bench->waiters[i + 1];
        memcpy(bench->wants[i], bench->wants[i + 1], sizeof bench->wants[i]);
    }
}

static bool wants(const struct bench *bench, unsigned waiter, unsigned key)
{
    for (unsigned i = 0; i < KEYS_EACH; i++)
        if (bench->wants[waiter][i] == key)
            return true;
    return false;
}

static unsigned waiters_of(const struct bench *bench, unsigned key, bool until_gone)
{
    unsigned count = 0;
    for (unsigned i = 0; i < bench->count; i++)
        count += wants(bench, i, key) && (!until_gone || bench->waiters[i]->until_gone);
    return count;
}

static void change(struct bench *bench, unsigned key)
{
    bool listed = waiters_of(bench, key, false) == 0;
    for (unsigned i = 0; i < bench->ready_count; i++)
        listed = listed || bench->ready[i] == key;
    if (!listed)
        bench->ready[bench->ready_count++] = key;
}

/* A key that lost its waiters meanwhile may or may not come: it has none. */
static void take_ready(struct bench *bench)
{
    struct waited_key *key = queues_next_ready(&bench->queues);
    unsigned number = key == NULL ? UINT32_MAX : 0;
    for (unsigned i = 0; key != NULL && i < KEYS; i++)
        if (bytes_equal(key->key.name, bench->keys[i].name))
            number = key->db * KEYS + i;
    CHECK_EQ(number == UINT32_MAX, bench->ready_count == 0);
    if (key == NULL)
        return;
    CHECK_EQ(number, bench->ready[0]);
    bench->ready_count--;
    memmove(bench->ready, bench->ready + 1, bench->ready_count * sizeof bench->ready[0]);
    struct waiting_link *link = key->oldest;
    for (unsigned i = 0; i < bench->count; i++) {
        if (!wants(bench, i, number))
            continue;
        CHECK(link != NULL && link->waiter == bench->waiters[i]);
        link = link->newer;
    }
    CHECK(link == NULL);
    queues_let_go(&bench->queues, key);
}

static void compare(const struct bench *bench)
{
    unsigned keys = 0, until_gone = 0, deadlines = 0;
    uint64_t earliest = WAIT_FOREVER_NS;
    for (unsigned key = 0; key < 2 * KEYS; key++) {
        keys += waiters_of(bench, key, false) > 0;
        until_gone += waiters_of(bench, key, true) > 0;
    }
    for (unsigned i = 0; i < bench->count; i++) {
        uint64_t deadline = bench->waiters[i]->deadline_ns;
        deadlines += deadline != WAIT_FOREVER_NS;
        earliest = deadline < earliest ? deadline : earliest;
    }
    const struct waiter *first = queues_earliest(&bench->queues);
    CHECK_EQ(bench->queues.waiters, bench->count);
    CHECK_EQ(bench->queues.keys_until_gone, until_gone);
    CHECK_EQ(bench->queues.deadline_count, deadlines);
    CHECK(earliest == (first == NULL ? WAIT_FOREVER_NS : first->deadline_ns));
    if (bench->ready_count == 0)
        CHECK_EQ(bench->queues.keys, keys);
}

static void step(struct bench *bench)
{
    unsigned key = (unsigned)rng_below(&bench->rng, 2 * KEYS);
    switch (rng_below(&bench->rng, 8)) {
    case 0:
    case 1:
    case 2:
        if (bench->count < WAITERS)
            add_one(bench);
        break;
    case 3:
    case 4:
        if (bench->count > 0)
            remove_at(bench, (unsigned)rng_below(&bench->rng, bench->count));
        break;
    case 5:
        change(bench, key);
        queues_changed(&bench->queues, key / KEYS, &bench->keys[key % KEYS]);
        break;
    case 6:
        if (bench->count > 0)
            queues_drop_deadline(&bench->queues, bench->waiters[key % bench->count]);
        break;
    default:
        take_ready(bench);
        break;
    }
}

TEST(waiting_is_as_the_model)
{
    struct bench bench;
    init_bench(&bench);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&bench);
        compare(&bench);
    }
    queues_release(&bench.queues);
}

TEST(waiting_ends_with_nothing_held)
{
    struct bench bench;
    init_bench(&bench);
    for (unsigned i = 0; i < WAITERS; i++)
        add_one(&bench);
    queues_all_changed(&bench.queues, 1);
    while (bench.count > 0)
        remove_at(&bench, bench.count - 1);
    struct waited_key *key;
    while ((key = queues_next_ready(&bench.queues)) != NULL) {
        CHECK(key->oldest == NULL && key->db == 1);
        queues_let_go(&bench.queues, key);
    }
    CHECK(bench.queues.buckets == NULL && bench.queues.deadlines == NULL);
}

/* Each take of memory fails in turn, and nothing is left behind. */
TEST(waiting_without_memory_changes_nothing)
{
    for (uint64_t fail = 0;; fail++) {
        struct bench bench;
        init_bench(&bench);
        struct waiter *waiter =
            memory_take_zeroed(sizeof *waiter + KEYS_EACH * sizeof(struct waiting_link));
        CHECK(waiter != NULL);
        waiter->deadline_ns = 5;
        memory_fail_after(fail);
        bool added = queues_add(&bench.queues, waiter, bench.keys, KEYS_EACH);
        memory_fail_after(UINT64_MAX);
        if (added) {
            queues_release(&bench.queues);
            break;
        }
        CHECK_EQ(bench.queues.waiters, 0);
        CHECK(bench.queues.buckets == NULL);
        memory_give(waiter);
    }
}
