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

static double percent_of(const struct move_figures *figures)
{
    double allocated = figures->allocated > 0 ? (double)figures->allocated : 1;
    return (double)(figures->active - figures->allocated) * 100 / allocated;
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
                                        rows[at].reclaimable, 0 };
        figures.least = percent_of(&figures);
        struct move_decision decision = move_decide(&limits, &figures);
        CHECKF(decision.reason == rows[at].reason && decision.effort == rows[at].effort,
               "row %zu: reason %d effort %u", at, (int)decision.reason, decision.effort);
    }
}

TEST(policy_never_moves_when_disabled)
{
    struct move_limits limits = defaults();
    limits.enabled = false;
    struct move_figures figures = { true, MB, 900 * MB, 899 * MB, 0 };
    CHECK_EQ(move_decide(&limits, &figures).reason, MOVE_DISABLED);
}

TEST(policy_with_equal_thresholds_uses_the_most)
{
    struct move_limits limits = defaults();
    limits.threshold_upper = limits.threshold_lower;
    struct move_figures figures = { false, 1000 * MB, 1200 * MB, 200 * MB, 0 };
    CHECK_EQ(move_decide(&limits, &figures).effort, 25);
}

struct growth_row {
    bool running;
    double least; /* percent, of the run */
    uint64_t active;
    unsigned effort;
};

/* Of 1,000 MB; threshold-lower is 10 %, so 5 points more than the least are answered in full. */
TEST(policy_answers_waste_that_grows)
{
    static const struct growth_row rows[] = {
        { false, 0, 1200 * MB, 3 }, /* before a run nothing is known of growth */
        { true, 20, 1200 * MB, 3 }, /* that of the fragmentation alone */
        { true, 21, 1200 * MB, 3 }, /* it falls */
        { true, 19, 1200 * MB, 7 },   { true, 17.5, 1200 * MB, 14 }, { true, 15, 1200 * MB, 25 },
        { true, 5, 1200 * MB, 25 },   { true, 5, 1060 * MB, 5 },     { true, 5, 1100 * MB, 25 },
        { true, 100, 2000 * MB, 25 },
    };
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        struct move_limits limits = defaults();
        struct move_figures figures = { rows[at].running, 1000 * MB, rows[at].active, MB,
                                        rows[at].least };
        unsigned effort = move_decide(&limits, &figures).effort;
        CHECKF(effort == rows[at].effort, "row %zu: %u", at, effort);
    }
}

TEST(policy_of_growth_keeps_between_min_and_max)
{
    for (unsigned lower = 0; lower <= 10; lower++)
        for (unsigned tenths = 0; tenths <= 200; tenths++) {
            struct move_limits limits = defaults();
            limits.threshold_lower = lower;
            limits.cycle_min = 5;
            limits.cycle_max = 10;
            struct move_figures figures = { true, 1000 * MB, 1060 * MB, MB, tenths / 10.0 };
            unsigned effort = move_decide(&limits, &figures).effort;
            CHECK(effort >= 5 && effort <= 10);
        }
}
