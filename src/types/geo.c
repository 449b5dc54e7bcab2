/* Places: between degrees, scores and letters, and how far they are apart. The steps of each
 * calculation are in Redis's order, so that the last digits are the same. */
#include "types/geo.h"
#include "types/geo_cell.h"

#include <math.h>

bool geo_point_valid(struct geo_point point)
{
    return point.longitude >= -GEO_LONGITUDE_MAX && point.longitude <= GEO_LONGITUDE_MAX &&
           point.latitude >= -GEO_LATITUDE_MAX && point.latitude <= GEO_LATITUDE_MAX;
}

/* ---- bits -------------------------------------------------------------------------------------
 */

/* Spreads 32 bits to every other of 64, halving the distance at each step. */
static uint64_t spread(uint32_t bits)
{
    uint64_t wide = bits;
    wide = (wide | wide << 16) & 0x0000ffff0000ffff;
    wide = (wide | wide << 8) & 0x00ff00ff00ff00ff;
    wide = (wide | wide << 4) & 0x0f0f0f0f0f0f0f0f;
    wide = (wide | wide << 2) & 0x3333333333333333;
    return (wide | wide << 1) & 0x5555555555555555;
}

static uint32_t gather(uint64_t wide)
{
    wide &= 0x5555555555555555;
    wide = (wide | wide >> 1) & 0x3333333333333333;
    wide = (wide | wide >> 2) & 0x0f0f0f0f0f0f0f0f;
    wide = (wide | wide >> 4) & 0x00ff00ff00ff00ff;
    wide = (wide | wide >> 8) & 0x0000ffff0000ffff;
    return (uint32_t)(wide | wide >> 16);
}

/* At the very end of a scale the cell is one past the last, as in Redis. */
static uint32_t cell_of(double degrees, double limit, unsigned steps)
{
    double part = (degrees + limit) / (limit + limit);
    return (uint32_t)(part * (double)(UINT64_C(1) << steps));
}

struct geo_cell geo_cell_at(struct geo_point point, unsigned steps)
{
    return (struct geo_cell){ cell_of(point.longitude, GEO_LONGITUDE_MAX, steps),
                              cell_of(point.latitude, GEO_LATITUDE_MAX, steps), steps };
}

uint64_t geo_cell_bits(struct geo_cell cell)
{
    return spread(cell.x) << 1 | spread(cell.y);
}

static double edge(double cell, double limit, unsigned steps)
{
    return -limit + cell / (double)(UINT64_C(1) << steps) * (limit + limit);
}

struct geo_bounds geo_cell_bounds(struct geo_cell cell)
{
    const double x_limit = GEO_LONGITUDE_MAX, y_limit = GEO_LATITUDE_MAX;
    double x = cell.x, y = cell.y;
    return (struct geo_bounds){ .west = edge(x, x_limit, cell.steps),
                                .east = edge(x + 1, x_limit, cell.steps),
                                .south = edge(y, y_limit, cell.steps),
                                .north = edge(y + 1, y_limit, cell.steps) };
}

/* ---- scores -----------------------------------------------------------------------------------
 */

double geo_score(struct geo_point point)
{
    return (double)geo_cell_bits(geo_cell_at(point, GEO_STEPS));
}

/* Any score may stand in a sorted set. Beyond 64 bits and below zero this is what the conversion
 * gives on x86-64, where Redis's answers come from; C leaves it open. */
static uint64_t bits_of(double score)
{
    const double half = 9223372036854775808.0; /* 2^63 */
    const uint64_t top = UINT64_C(1) << 63;
    if (score >= half)
        return score - half < half ? (uint64_t)(score - half) ^ top : 0;
    return score >= -half ? (uint64_t)(int64_t)score : top;
}

static double clamp(double degrees, double limit)
{
    if (degrees > limit)
        return limit;
    return degrees < -limit ? -limit : degrees;
}

struct geo_point geo_place(double score)
{
    uint64_t bits = bits_of(score);
    struct geo_cell cell = { gather(bits >> 1), gather(bits), GEO_STEPS };
    struct geo_bounds bounds = geo_cell_bounds(cell);
    return (struct geo_point){ clamp((bounds.west + bounds.east) / 2, GEO_LONGITUDE_MAX),
                               clamp((bounds.south + bounds.north) / 2, GEO_LATITUDE_MAX) };
}

/* ---- distances --------------------------------------------------------------------------------
 */

double geo_radians(double degrees)
{
    return degrees * (M_PI / 180.0);
}

double geo_degrees(double radians)
{
    return radians / (M_PI / 180.0);
}

double geo_distance_north(double latitude, double other)
{
    return GEO_EARTH_RADIUS_M * fabs(geo_radians(other) - geo_radians(latitude));
}

double geo_distance(struct geo_point one, struct geo_point other)
{
    double v = sin((geo_radians(other.longitude) - geo_radians(one.longitude)) / 2);
    if (v == 0.0)
        return geo_distance_north(one.latitude, other.latitude);
    double latitude = geo_radians(one.latitude), other_latitude = geo_radians(other.latitude);
    double u = sin((other_latitude - latitude) / 2);
    double a = u * u + cos(latitude) * cos(other_latitude) * v * v;
    return 2.0 * GEO_EARTH_RADIUS_M * asin(sqrt(a));
}

/* ---- letters ----------------------------------------------------------------------------------
 */

/* There the scale of latitudes goes to the poles, so the place is encoded anew. */
void geo_text(struct geo_point point, char text[GEO_TEXT_BYTES])
{
    static const char letters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct geo_cell cell = { cell_of(point.longitude, 180.0, GEO_STEPS),
                             cell_of(point.latitude, 90.0, GEO_STEPS), GEO_STEPS };
    uint64_t bits = geo_cell_bits(cell);
    for (unsigned i = 0; i < GEO_TEXT_BYTES - 1; i++)
        text[i] = letters[bits >> (2 * GEO_STEPS - 5 * (i + 1)) & 31];
    text[GEO_TEXT_BYTES - 1] = letters[0];
}
