/* shape.c: the geometry of searches. The formulas, and the order of cells, are those that Redis's users see. */
#include "command/geo/shape.h"

#include <math.h>

#define EARTH_RADIUS_M 6372797.560856
#define MERCATOR_MAX_M 20037726.37 /* half of the equator, as projected */

static double radians(double degrees)
{
    return degrees * (M_PI / 180.0);
}

static double degrees(double rad)
{
    return rad / (M_PI / 180.0);
}

static double latitude_distance_m(double a, double b)
{
    return EARTH_RADIUS_M * fabs(radians(a) - radians(b));
}

double geo_distance_m(struct geo_point a, struct geo_point b)
{
    double v = sin((radians(b.longitude) - radians(a.longitude)) / 2);
    if (fpclassify(v) == FP_ZERO) return latitude_distance_m(a.latitude, b.latitude);
    double u = sin((radians(b.latitude) - radians(a.latitude)) / 2);
    double haversine = u * u + cos(radians(a.latitude)) * cos(radians(b.latitude)) * v * v;
    return 2.0 * EARTH_RADIUS_M * asin(sqrt(haversine));
}

bool geo_shape_holds(const struct geo_shape *shape, struct geo_point point, double *distance_m_out)
{
    struct geo_point centre = shape->centre;
    if (shape->is_box) {
        struct geo_point beside = {centre.longitude, point.latitude};
        if (latitude_distance_m(point.latitude, centre.latitude) > shape->height_m / 2) return false;
        if (geo_distance_m(point, beside) > shape->width_m / 2) return false;
    }
    *distance_m_out = geo_distance_m(centre, point);
    return shape->is_box || *distance_m_out <= shape->radius_m;
}

static struct geo_area bounds_of(const struct geo_shape *shape)
{
    struct geo_point centre = shape->centre;
    double height_m = shape->is_box ? shape->height_m / 2 : shape->radius_m;
    double width_m = shape->is_box ? shape->width_m / 2 : shape->radius_m;
    double rows = degrees(height_m / EARTH_RADIUS_M);
    /* Degrees of longitude are shortest on the side of the nearer pole. */
    double narrow = centre.latitude < 0 ? centre.latitude - rows : centre.latitude + rows;
    double columns = degrees(width_m / EARTH_RADIUS_M / cos(radians(narrow)));
    return (struct geo_area){{centre.longitude - columns, centre.latitude - rows},
                             {centre.longitude + columns, centre.latitude + rows}};
}

/* Halvings at which a cell and its neighbours cover the radius, or nearly. */
static unsigned steps_for(double radius_m, double latitude)
{
    int steps = -1;
    if (fpclassify(radius_m) == FP_ZERO) return GEOHASH_STEPS;
    for (double range = radius_m; range < MERCATOR_MAX_M && steps < 2 * GEOHASH_STEPS; range *= 2)
        steps++;
    if (fabs(latitude) > 66) steps--; /* cells are narrow there */
    if (fabs(latitude) > 80) steps--;
    if (steps < 1) return 1;
    return steps > GEOHASH_STEPS ? GEOHASH_STEPS : (unsigned)steps;
}

/* Whether the neighbours of the centre's cell reach as far as the shape. */
static bool reaches(struct geo_cell cell, const struct geo_area *bounds)
{
    return geohash_area(geohash_neighbour(cell, 0, 1)).high.latitude >= bounds->high.latitude &&
           geohash_area(geohash_neighbour(cell, 0, -1)).low.latitude <= bounds->low.latitude &&
           geohash_area(geohash_neighbour(cell, 1, 0)).high.longitude >= bounds->high.longitude &&
           geohash_area(geohash_neighbour(cell, -1, 0)).low.longitude <= bounds->low.longitude;
}

static bool same_cell(struct geo_cell a, struct geo_cell b)
{
    return a.column == b.column && a.row == b.row;
}

size_t geo_shape_cover(const struct geo_shape *shape, struct geo_cell cells_out[GEO_COVER_CELLS])
{
    static const signed char sides[GEO_COVER_CELLS][2] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                                          {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    double radius_m =
        shape->is_box
            ? sqrt(shape->width_m / 2 * (shape->width_m / 2) + shape->height_m / 2 * (shape->height_m / 2))
            : shape->radius_m;
    struct geo_area bounds = bounds_of(shape);
    unsigned steps = steps_for(radius_m, shape->centre.latitude);
    struct geo_cell cell = geohash_cell(shape->centre, steps);
    if (steps > 1 && !reaches(cell, &bounds)) cell = geohash_cell(shape->centre, --steps);
    struct geo_area area = geohash_area(cell);
    bool trims = steps >= 2;
    bool no_south = trims && area.low.latitude < bounds.low.latitude;
    bool no_north = trims && area.high.latitude > bounds.high.latitude;
    bool no_west = trims && area.low.longitude < bounds.low.longitude;
    bool no_east = trims && area.high.longitude > bounds.high.longitude;
    size_t count = 0;
    for (unsigned i = 0; i < GEO_COVER_CELLS; i++) {
        int columns = sides[i][0], rows = sides[i][1];
        if ((rows < 0 && no_south) || (rows > 0 && no_north)) continue;
        if ((columns < 0 && no_west) || (columns > 0 && no_east)) continue;
        struct geo_cell next = geohash_neighbour(cell, columns, rows);
        bool seen = false; /* cells of few steps are their own neighbours round the globe */
        for (size_t j = 0; j < count; j++)
            seen = seen || same_cell(cells_out[j], next);
        if (!seen) cells_out[count++] = next;
    }
    return count;
}
