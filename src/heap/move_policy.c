#include "heap/move_policy.h"

/* Redis's formula: linear from min at lower to max at upper, clamped. */
static unsigned effort_at(const struct move_limits *limits, double percent)
{
    double low = limits->threshold_lower, high = limits->threshold_upper;
    double least = limits->cycle_min, most = limits->cycle_max;
    double effort = high > low ? least + (percent - low) * (most - least) / (high - low) : most;
    if (effort > most)
        effort = most;
    if (effort < least)
        effort = least;
    return (unsigned)effort;
}

static struct move_decision stay_idle(enum move_reason reason)
{
    return (struct move_decision){ .reason = reason, .effort = 0 };
}

struct move_decision move_decide(const struct move_limits *limits,
                                 const struct move_figures *figures)
{
    if (!limits->enabled)
        return stay_idle(MOVE_DISABLED);
    uint64_t frag = figures->active - figures->allocated;
    double allocated = figures->allocated > 0 ? (double)figures->allocated : 1;
    double percent = (double)frag * 100 / allocated;
    if (!figures->running && frag < limits->ignore_bytes)
        return stay_idle(MOVE_BELOW_IGNORE);
    if (!figures->running && percent < limits->threshold_lower)
        return stay_idle(MOVE_BELOW_THRESHOLD);
    if (figures->running && percent < limits->threshold_stop)
        return stay_idle(MOVE_HEALED);
    if (figures->reclaimable == 0)
        return stay_idle(MOVE_NOTHING_LEFT);
    return (struct move_decision){ .reason = MOVE_RUN, .effort = effort_at(limits, percent) };
}
