#include "store/pressure_policy.h"

static uint64_t less(uint64_t from, uint64_t bytes)
{
    return bytes < from ? from - bytes : 0;
}

enum pressure_action pressure_decide(const struct pressure_figures *figures)
{
    bool over = figures->held > figures->limit;
    uint64_t movable = less(figures->free_cells, figures->stuck);
    uint64_t holes = figures->may_move ? movable : figures->free_cells;
    uint64_t living = less(figures->held, figures->free_pages + holes);
    bool too_much = living > less(figures->limit, figures->slack);
    if (over && figures->free_pages > 0)
        return PRESSURE_GIVE_BACK;
    if (figures->freeing && (over || too_much))
        return PRESSURE_FREE;
    if (too_much && figures->may_evict)
        return PRESSURE_EVICT;
    if (!over)
        return PRESSURE_REST;
    if (figures->may_move && movable > 0)
        return PRESSURE_MOVE;
    return figures->may_evict ? PRESSURE_CLEAR : PRESSURE_FAIL;
}
