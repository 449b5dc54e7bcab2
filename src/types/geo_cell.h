/* types/geo_cell.h - cells of the globe at any depth; for types/geo*.c alone.
 * Model:    at `steps` each scale is cut into 2^steps; x counts from the west, y from the south.
 * Owner:    nobody: pure functions.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     O(1). */
#ifndef TYPES_GEO_CELL_H
#define TYPES_GEO_CELL_H

#include "types/geo.h"

#define GEO_EARTH_RADIUS_M 6372797.560856

struct geo_cell {
    uint32_t x, y;
    unsigned steps;
};
struct geo_bounds {
    double west, east, south, north;
};

struct geo_cell geo_cell_at(struct geo_point point, unsigned steps);
/* The interleaved bits, 2 * steps of them. */
uint64_t geo_cell_bits(struct geo_cell cell);
struct geo_bounds geo_cell_bounds(struct geo_cell cell);

double geo_radians(double degrees);
double geo_degrees(double radians);
/* Metres between two latitudes. */
double geo_distance_north(double latitude, double other);

#endif
