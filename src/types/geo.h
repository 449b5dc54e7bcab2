/* types/geo.h - places on the globe as numbers that sort near ones near each other.
 * Model:    longitude and latitude are each halved 26 times, and the bits of both halvings are
 *           interleaved (a geohash): one number of 52 bits, which a double holds, so that a sorted
 *           set of such scores is an index of places. A cell is what shares the first bits; an area
 *           on the globe is covered by the cell of its centre and the eight around it, at the depth
 *           where those are just large enough. Latitudes end at 85.05112878 degrees, where the
 *           square map of the web does (EPSG:3857); the globe is a sphere of 6,372,797.560856 m.
 *
 *             longitude  x25 x24 ... x0       bits  x25 y25 x24 y24 ... x0 y0
 *             latitude    y25 y24 ... y0
 *
 * Owner:    nobody: pure functions.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  any score decodes to some place within the limits.
 * Cost:     O(1). */
#ifndef TYPES_GEO_H
#define TYPES_GEO_H

#include <stdbool.h>
#include <stdint.h>

#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX 85.05112878
enum { GEO_STEPS = 26, GEO_TEXT_BYTES = 11, GEO_CELLS_MAX = 9 };

struct geo_point {
    double longitude, latitude; /* degrees */
};

/* Within the limits; false for NaN too. */
bool geo_point_valid(struct geo_point point);

/* The score of a place, and the middle of the cell that a score stands for. */
double geo_score(struct geo_point point);
struct geo_point geo_place(double score);

/* Metres along the great circle (haversine). */
double geo_distance(struct geo_point one, struct geo_point other);

/* The place in the letters of geohash.org: 10 of 50 bits, and a '0' that holds the 11th place. */
void geo_text(struct geo_point point, char text[GEO_TEXT_BYTES]);

/* ---- areas ------------------------------------------------------------------------------------
 */

struct geo_area {
    enum { GEO_CIRCLE, GEO_BOX } shape;
    struct geo_point centre;
    double radius;        /* of the circle; in units */
    double width, height; /* of the box */
    double unit_m;        /* metres to a unit */
};

/* True when the point lies inside, and how far it is from the centre in metres. */
bool geo_area_has(const struct geo_area *area, struct geo_point point, double *distance);

/* Scores from `min` on, below `max`. */
struct geo_range {
    double min, max;
};
/* Ranges that together cover the area, none overlapping: the centre's first, then north, south,
 * east, west, and the corners. Returns how many. */
unsigned geo_area_ranges(const struct geo_area *area, struct geo_range ranges[GEO_CELLS_MAX]);

#endif
