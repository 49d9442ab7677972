/* shape.h: distances on the globe, circles and boxes, and the cells that cover them. */
#ifndef CAIRN_COMMAND_GEO_SHAPE_H
#define CAIRN_COMMAND_GEO_SHAPE_H

#include "command/geo/geohash.h"

#include <stddef.h>

/* Metres between two points, on a sphere. */
double geo_distance_m(struct geo_point a, struct geo_point b);

struct geo_shape {
    struct geo_point centre;
    bool is_box;
    double radius_m;          /* circle */
    double width_m, height_m; /* box */
};

/* distance_m_out is set when the point is inside. */
bool geo_shape_holds(const struct geo_shape *shape, struct geo_point point, double *distance_m_out);

#define GEO_COVER_CELLS 9

/* Cells that hold every point of the shape, in the order in which they are searched: the centre's first. */
size_t geo_shape_cover(const struct geo_shape *shape, struct geo_cell cells_out[GEO_COVER_CELLS]);

#endif
