#include "heap/move_policy.h"

/* From `least` at `low` to `most` at `high`, and those on either side. */
static double between(double at, double low, double high, double least, double most)
{
    if (at >= high)
        return most;
    return at <= low ? least : least + (at - low) * (most - least) / (high - low);
}

/* Redis's formula, linear between the thresholds, is for waste that is there. Waste that grows
 * while it is being mended needs as much as it takes: all by the time it has grown by half of the
 * lower threshold. */
static unsigned effort_at(const struct move_limits *limits, double percent, double grown)
{
    double least = limits->cycle_min, most = limits->cycle_max;
    double low = limits->threshold_lower, high = limits->threshold_upper;
    double effort = between(percent, low, high, least, most);
    return (unsigned)between(grown, 0, low > 2 ? low / 2 : 1, effort, most);
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
    double grown = figures->running ? percent - figures->least : 0;
    if (!figures->running && frag < limits->ignore_bytes)
        return stay_idle(MOVE_BELOW_IGNORE);
    if (!figures->running && percent < limits->threshold_lower)
        return stay_idle(MOVE_BELOW_THRESHOLD);
    if (figures->running && percent < limits->threshold_stop)
        return stay_idle(MOVE_HEALED);
    if (figures->reclaimable == 0)
        return stay_idle(MOVE_NOTHING_LEFT);
    return (struct move_decision){ .reason = MOVE_RUN,
                                   .effort = effort_at(limits, percent, grown),
                                   .percent = percent };
}
