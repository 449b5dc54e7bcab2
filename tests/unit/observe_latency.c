/* Latency events beside a list that keeps everything. */
#include "base/rng.h"
#include "harness.h"
#include "observe/latency.h"

enum { MS = 1000 * 1000, SECONDS_MAX = 1000 };

TEST(latency_keeps_what_is_over_its_threshold)
{
    static struct latency latency;
    const struct latency_row *row = &latency.rows[LATENCY_COMMAND];
    latency_add(&latency, LATENCY_COMMAND, 100 * MS, 0, 1000);
    latency_add(&latency, LATENCY_COMMAND, 10 * MS - 1, 10, 1000);
    CHECK_EQ(row->count, 0);
    latency_add(&latency, LATENCY_COMMAND, 10 * MS, 10, 1999);
    CHECK_EQ(row->count, 1);
    CHECK_EQ(latency_at(row, 0).seconds, 1);
    CHECK_EQ(latency_at(row, 0).ms, 10);
    latency_add(&latency, LATENCY_COMMAND, UINT64_MAX, 10, 2000);
    CHECK_EQ(row->max_ms, UINT64_MAX / MS > UINT32_MAX ? UINT32_MAX : UINT64_MAX / MS);
    CHECK_EQ(latency_reset(&latency, LATENCY_DEFRAG), 0);
    CHECK_EQ(latency_reset(&latency, LATENCY_EVENTS), 1);
    CHECK_EQ(row->count + row->max_ms, 0);
}

TEST(latency_keeps_the_worst_of_each_of_the_last_seconds)
{
    static struct latency latency;
    static uint32_t worst[SECONDS_MAX]; /* by second; 0: none */
    struct rng rng;
    const struct latency_row *row = &latency.rows[LATENCY_TIDY];
    uint32_t most = 0, seconds = 0;
    rng_init(&rng, test_seed());
    while (seconds < SECONDS_MAX) {
        uint32_t ms = 5 + (uint32_t)rng_below(&rng, 1000);
        latency_add(&latency, LATENCY_TIDY, (uint64_t)ms * MS, 5, (int64_t)seconds * 1000 + 7);
        worst[seconds] = ms > worst[seconds] ? ms : worst[seconds];
        most = ms > most ? ms : most;
        seconds += (uint32_t)rng_below(&rng, 3);
    }
    uint32_t at = row->count;
    CHECK_EQ(at, LATENCY_KEPT);
    for (uint32_t second = SECONDS_MAX; second-- > 0 && at > 0;) {
        if (worst[second] == 0)
            continue;
        at--;
        CHECK_EQ(latency_at(row, at).seconds, second);
        CHECK_EQ(latency_at(row, at).ms, worst[second]);
    }
    CHECK_EQ(at, 0);
    CHECK_EQ(row->max_ms, most);
}

TEST(latency_events_have_names)
{
    for (unsigned event = 0; event < LATENCY_EVENTS; event++) {
        struct bytes name = bytes_of_text(latency_name((enum latency_event)event));
        CHECK(name.count > 0);
        CHECK_EQ(latency_by_name(name), event);
    }
    CHECK_EQ(latency_by_name(BYTES("fork")), LATENCY_EVENTS);
    CHECK_EQ(latency_by_name(BYTES("")), LATENCY_EVENTS);
}
