/* The move policy as a table: figures in, decision out. */
#include "harness.h"
#include "heap/move_policy.h"

#define MB (1024 * 1024ULL)

static struct move_limits defaults(void)
{
    return (struct move_limits){ .enabled = true,
                                 .ignore_bytes = 100 * MB,
                                 .threshold_lower = 10,
                                 .threshold_upper = 100,
                                 .threshold_stop = 5,
                                 .cycle_min = 1,
                                 .cycle_max = 25 };
}

struct policy_row {
    bool running;
    uint64_t allocated, active, reclaimable;
    enum move_reason reason;
    unsigned effort;
};

TEST(policy_decides_from_figures)
{
    static const struct policy_row rows[] = {
        { false, 1000 * MB, 1099 * MB, MB, MOVE_BELOW_IGNORE, 0 },
        { false, 2000 * MB, 2199 * MB, MB, MOVE_BELOW_THRESHOLD, 0 },
        { false, 2000 * MB, 2200 * MB, MB, MOVE_RUN, 1 },
        { false, 1000 * MB, 1100 * MB, MB, MOVE_RUN, 1 },
        { false, 1000 * MB, 1550 * MB, MB, MOVE_RUN, 13 },
        { false, 1000 * MB, 2000 * MB, MB, MOVE_RUN, 25 },
        { false, 1000 * MB, 9000 * MB, MB, MOVE_RUN, 25 },
        { false, 1000 * MB, 2000 * MB, 0, MOVE_NOTHING_LEFT, 0 },
        { true, 1000 * MB, 1051 * MB, MB, MOVE_RUN, 1 },
        { true, 1000 * MB, 1049 * MB, MB, MOVE_HEALED, 0 },
        { false, 0, 0, 0, MOVE_BELOW_IGNORE, 0 },
        { false, 0, 200 * MB, MB, MOVE_RUN, 25 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        struct move_limits limits = defaults();
        struct move_figures figures = { rows[at].running, rows[at].allocated, rows[at].active,
                                        rows[at].reclaimable };
        struct move_decision decision = move_decide(&limits, &figures);
        CHECKF(decision.reason == rows[at].reason && decision.effort == rows[at].effort,
               "row %zu: reason %d effort %u", at, (int)decision.reason, decision.effort);
    }
}

TEST(policy_never_moves_when_disabled)
{
    struct move_limits limits = defaults();
    limits.enabled = false;
    struct move_figures figures = { true, MB, 900 * MB, 899 * MB };
    CHECK_EQ(move_decide(&limits, &figures).reason, MOVE_DISABLED);
}

TEST(policy_with_equal_thresholds_uses_the_most)
{
    struct move_limits limits = defaults();
    limits.threshold_upper = limits.threshold_lower;
    struct move_figures figures = { false, 1000 * MB, 1200 * MB, 200 * MB };
    CHECK_EQ(move_decide(&limits, &figures).effort, 25);
}
