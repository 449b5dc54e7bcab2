/* Circles and boxes on the globe: what lies inside, and which cells cover them. */
#include "types/geo.h"
#include "types/geo_cell.h"

#include <math.h>

/* ---- inside -----------------------------------------------------------------------------------
 */

bool geo_area_has(const struct geo_area *area, struct geo_point point, double *distance)
{
    if (area->shape == GEO_CIRCLE) {
        *distance = geo_distance(area->centre, point);
        return !(*distance > area->radius * area->unit_m);
    }
    /* The latitude's is the cheaper one. */
    struct geo_point beside = { area->centre.longitude, point.latitude };
    if (geo_distance_north(point.latitude, area->centre.latitude) > area->height * area->unit_m / 2)
        return false;
    if (geo_distance(point, beside) > area->width * area->unit_m / 2)
        return false;
    *distance = geo_distance(area->centre, point);
    return true;
}

/* ---- cells ------------------------------------------------------------------------------------
 */

/* Towards the pole a degree of longitude is shorter, so the edge that is nearer to it is taken. */
static struct geo_bounds bounds_of(const struct geo_area *area)
{
    struct geo_point centre = area->centre;
    double half_height =
        area->unit_m * (area->shape == GEO_CIRCLE ? area->radius : area->height / 2);
    double half_width = area->unit_m * (area->shape == GEO_CIRCLE ? area->radius : area->width / 2);
    double up = geo_degrees(half_height / GEO_EARTH_RADIUS_M);
    double nearer = centre.latitude < 0 ? centre.latitude - up : centre.latitude + up;
    double aside = geo_degrees(half_width / GEO_EARTH_RADIUS_M / cos(geo_radians(nearer)));
    return (struct geo_bounds){ .west = centre.longitude - aside,
                                .east = centre.longitude + aside,
                                .south = centre.latitude - up,
                                .north = centre.latitude + up };
}

/* The depth where three cells in a row are wide enough in most places: cells get narrower towards
 * the poles. */
static unsigned steps_for(double metres, double latitude)
{
    const double half_map_m = 20037726.37; /* of the square map's edge */
    int steps = -1;
    if (metres == 0)
        return GEO_STEPS;
    for (; metres < half_map_m; metres *= 2)
        steps++;
    if (fabs(latitude) > 66)
        steps--;
    if (fabs(latitude) > 80)
        steps--;
    if (steps < 1)
        return 1;
    return steps > GEO_STEPS ? GEO_STEPS : (unsigned)steps;
}

/* Around the globe, also from pole to pole. */
static struct geo_cell moved(struct geo_cell cell, int x, int y)
{
    uint32_t mask = (uint32_t)(UINT64_C(1) << cell.steps) - 1;
    if (x != 0)
        cell.x = (cell.x + (uint32_t)x) & mask;
    if (y != 0)
        cell.y = (cell.y + (uint32_t)y) & mask;
    return cell;
}

/* Whether the nine cells leave out an edge of the area. */
static bool too_narrow(struct geo_cell cell, const struct geo_bounds *wanted)
{
    return geo_cell_bounds(moved(cell, 0, 1)).north < wanted->north ||
           geo_cell_bounds(moved(cell, 0, -1)).south > wanted->south ||
           geo_cell_bounds(moved(cell, 1, 0)).east < wanted->east ||
           geo_cell_bounds(moved(cell, -1, 0)).west > wanted->west;
}

/* Whether the area lies within the middle row or column on that side. */
static bool is_needless(const struct geo_bounds *middle, const struct geo_bounds *wanted, int x,
                        int y)
{
    return (y < 0 && middle->south < wanted->south) || (y > 0 && middle->north > wanted->north) ||
           (x < 0 && middle->west < wanted->west) || (x > 0 && middle->east > wanted->east);
}

static struct geo_range range_of(struct geo_cell cell)
{
    unsigned below = 2 * (GEO_STEPS - cell.steps);
    uint64_t bits = geo_cell_bits(cell);
    return (struct geo_range){ (double)(bits << below), (double)((bits + 1) << below) };
}

unsigned geo_area_ranges(const struct geo_area *area, struct geo_range ranges[GEO_CELLS_MAX])
{
    static const int8_t moves[GEO_CELLS_MAX][2] = { { 0, 0 },  { 0, 1 },  { 0, -1 },
                                                    { 1, 0 },  { -1, 0 }, { 1, 1 },
                                                    { -1, 1 }, { 1, -1 }, { -1, -1 } };
    struct geo_bounds wanted = bounds_of(area);
    double reach = area->radius;
    if (area->shape == GEO_BOX)
        reach = sqrt(area->width / 2 * (area->width / 2) + area->height / 2 * (area->height / 2));
    unsigned steps = steps_for(reach * area->unit_m, area->centre.latitude);
    struct geo_cell cell = geo_cell_at(area->centre, steps);
    if (steps > 1 && too_narrow(cell, &wanted))
        cell = geo_cell_at(area->centre, --steps);
    struct geo_bounds middle = geo_cell_bounds(cell);
    unsigned count = 0;
    for (unsigned i = 0; i < GEO_CELLS_MAX; i++) {
        int x = moves[i][0], y = moves[i][1];
        if (steps >= 2 && is_needless(&middle, &wanted, x, y))
            continue;
        struct geo_range range = range_of(moved(cell, x, y));
        /* Where the globe is two cells around, both ways lead to the same one. */
        bool again = count > 1 && ranges[count - 1].min == range.min;
        if (!again)
            ranges[count++] = range;
    }
    return count;
}
