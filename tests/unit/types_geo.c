/* Places: their scores, letters and distances, and that the cells of an area leave out nothing that
 * lies inside of it. */
#include "base/rng.h"
#include "harness.h"
#include "types/geo.h"

#include <math.h>

enum { POINTS = 2000, AREAS = 20000 };

static double between(struct rng *rng, double least, double most)
{
    return least + (most - least) * ((double)(rng_next(rng) >> 11) / (double)(UINT64_C(1) << 53));
}

static struct geo_point any_point(struct rng *rng)
{
    return (struct geo_point){ between(rng, -GEO_LONGITUDE_MAX, GEO_LONGITUDE_MAX),
                               between(rng, -GEO_LATITUDE_MAX, GEO_LATITUDE_MAX) };
}

/* A cell's middle is at most half a cell away, and has the cell's score. */
TEST(geo_a_score_is_a_place)
{
    const double cells = (double)(UINT64_C(1) << GEO_STEPS);
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < POINTS * 10; i++) {
        struct geo_point point = any_point(&rng), place = geo_place(geo_score(point));
        CHECK(geo_point_valid(place));
        CHECK(fabs(place.longitude - point.longitude) <= GEO_LONGITUDE_MAX / cells * 1.001);
        CHECK(fabs(place.latitude - point.latitude) <= GEO_LATITUDE_MAX / cells * 1.001);
        CHECK(geo_score(place) == geo_score(point));
    }
}

TEST(geo_limits)
{
    const double inside[][2] = { { 180, 85.05112878 }, { -180, -85.05112878 }, { 0, 0 } };
    const double outside[][2] = {
        { 180.0000001, 0 }, { -181, 0 }, { 0, 85.0511288 }, { 0, -86 },
        { NAN, 0 },         { 0, NAN },  { INFINITY, 0 },   { 0, -INFINITY },
    };
    for (unsigned i = 0; i < 3; i++) {
        struct geo_point point = { inside[i][0], inside[i][1] };
        CHECK(geo_point_valid(point));
        CHECK(geo_point_valid(geo_place(geo_score(point))));
    }
    for (unsigned i = 0; i < 8; i++)
        CHECK(!geo_point_valid((struct geo_point){ outside[i][0], outside[i][1] }));
}

/* A sorted set may hold any number, and GEOPOS may ask for it. */
TEST(geo_any_score_is_somewhere)
{
    const double scores[] = { 0,    -1,      0.5,   -0.5,   4503599627370496.0, 1.8e19,   1.9e19,
                              9e18, -9.3e18, 1e300, -1e300, INFINITY,           -INFINITY };
    for (unsigned i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        char text[GEO_TEXT_BYTES];
        struct geo_point place = geo_place(scores[i]);
        CHECKF(geo_point_valid(place), "%g: %g %g", scores[i], place.longitude, place.latitude);
        geo_text(place, text);
    }
}

/* Known answers: geohash.org's letters, and distances as Redis's documentation has them. */
TEST(geo_known_places)
{
    char text[GEO_TEXT_BYTES];
    struct geo_point palermo = { 13.361389, 38.115556 }, catania = { 15.087269, 37.502669 };
    CHECK(geo_score(palermo) == 3479099956230698.0);
    CHECK(geo_score(catania) == 3479447370796909.0);
    geo_text(geo_place(geo_score(palermo)), text);
    CHECK_TEXT(bytes_of(text, sizeof text), "sqc8b49rny0");
    geo_text((struct geo_point){ -5.603, 42.605 }, text);
    CHECK_TEXT(bytes_of(text, 5), "ezs42");
    double metres = geo_distance(geo_place(geo_score(palermo)), geo_place(geo_score(catania)));
    CHECKF(fabs(metres - 166274.1516) < 0.0001, "%f", metres);
}

/* Symmetric, zero to itself, no more than half around, and along a meridian what the angle says. */
TEST(geo_distances)
{
    const double radius_m = 6372797.560856;
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < POINTS; i++) {
        struct geo_point one = any_point(&rng), other = any_point(&rng);
        double metres = geo_distance(one, other);
        CHECK(geo_distance(one, one) == 0);
        CHECK(fabs(metres - geo_distance(other, one)) < 1e-6);
        CHECK(metres >= 0 && metres <= radius_m * M_PI * (1 + 1e-12));
        other.longitude = one.longitude;
        double angle = fabs(one.latitude - other.latitude) / 180 * M_PI;
        CHECK(fabs(geo_distance(one, other) - radius_m * angle) < 1e-6);
    }
}

/* ---- areas ------------------------------------------------------------------------------------
 */

/* Where cells are regular enough for nine of them to do: below the polar circles, and no wider than
 * an ocean. */
static struct geo_area any_area(struct rng *rng)
{
    double size = pow(10, between(rng, 0, 6.3));
    struct geo_area area = { .shape = rng_below(rng, 2) == 0 ? GEO_CIRCLE : GEO_BOX,
                             .centre = any_point(rng),
                             .unit_m = rng_below(rng, 2) == 0 ? 1 : 0.3048 };
    area.centre.latitude *= 0.7;
    area.radius = size;
    area.width = size * between(rng, 0.1, 2);
    area.height = size * between(rng, 0.1, 2);
    return area;
}

static struct geo_point near(struct rng *rng, const struct geo_area *area)
{
    double degrees = area->radius * area->unit_m / 111000.0;
    struct geo_point point = {
        area->centre.longitude + between(rng, -2.5, 2.5) * degrees,
        area->centre.latitude + between(rng, -1.2, 1.2) * degrees,
    };
    if (point.longitude > GEO_LONGITUDE_MAX)
        point.longitude -= 2 * GEO_LONGITUDE_MAX;
    if (point.longitude < -GEO_LONGITUDE_MAX)
        point.longitude += 2 * GEO_LONGITUDE_MAX;
    return point;
}

/* In how many of the ranges a place lies. */
static unsigned ranges_with(const struct geo_range *ranges, unsigned count, double score)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++)
        found += score >= ranges[i].min && score < ranges[i].max;
    return found;
}

TEST(geo_cells_cover_areas)
{
    struct rng rng;
    unsigned inside = 0;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < AREAS; i++) {
        struct geo_area area = any_area(&rng);
        struct geo_range ranges[GEO_CELLS_MAX];
        unsigned count = geo_area_ranges(&area, ranges);
        CHECK(count >= 1 && count <= GEO_CELLS_MAX);
        for (unsigned j = 0; j < 20; j++) {
            struct geo_point point = near(&rng, &area);
            double distance = -1;
            if (!geo_point_valid(point))
                continue;
            double score = geo_score(point);
            point = geo_place(score);
            unsigned found = ranges_with(ranges, count, score);
            bool has = geo_area_has(&area, point, &distance);
            CHECKF(found <= 1, "%u ranges have %f %f", found, point.longitude, point.latitude);
            CHECKF(!has || found == 1, "shape %d at %f %f, size %f m: %f %f is left out",
                   (int)area.shape, area.centre.longitude, area.centre.latitude,
                   area.radius * area.unit_m, point.longitude, point.latitude);
            CHECK(!has || distance >= 0);
            inside += has;
        }
    }
    CHECKF(inside > AREAS, "%u", inside);
}

/* Whatever a client says: no range is empty or beyond the bits of a score. */
TEST(geo_areas_of_any_size)
{
    const double sizes[] = { 0, 1e-9, 1, 2e7, 2.1e7, 1e12, 1e300, INFINITY };
    const double latitudes[] = { 0, 66.5, -66.5, 80.5, -80.5, GEO_LATITUDE_MAX, -GEO_LATITUDE_MAX };
    for (unsigned i = 0; i < 8 * 7 * 2; i++) {
        struct geo_area area = { .shape = i % 2 == 0 ? GEO_CIRCLE : GEO_BOX,
                                 .centre = { 179.9999, latitudes[i / 2 % 7] },
                                 .radius = sizes[i / 14],
                                 .width = sizes[i / 14],
                                 .height = sizes[i / 14] / 3,
                                 .unit_m = 1609.34 };
        struct geo_range ranges[GEO_CELLS_MAX];
        unsigned count = geo_area_ranges(&area, ranges);
        CHECK(count >= 1 && count <= GEO_CELLS_MAX);
        for (unsigned j = 0; j < count; j++)
            CHECK(ranges[j].min < ranges[j].max && ranges[j].min >= 0);
    }
}
