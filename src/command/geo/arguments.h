/* arguments.h: points and distances in commands, and how they are answered. Parsers answer false after having replied. */
#ifndef CAIRN_COMMAND_GEO_ARGUMENTS_H
#define CAIRN_COMMAND_GEO_ARGUMENTS_H

#include "command/call.h"
#include "command/geo/shape.h"

/* Longitude and latitude at `arg` and behind it. */
bool geo_parse_point(struct call *call, size_t arg, struct geo_point *point_out);
/* m, km, ft, mi. */
bool geo_parse_unit(struct call *call, size_t arg, double *metres_out);
/* A radius and its unit. */
bool geo_parse_radius(struct call *call, size_t arg, struct geo_shape *shape, double *unit_m_out);
/* Width, height and their unit. */
bool geo_parse_box(struct call *call, size_t arg, struct geo_shape *shape, double *unit_m_out);

/* A distance, with four digits behind the point. */
void geo_reply_distance(struct resp_out *out, double distance);
/* An array of longitude and latitude. */
void geo_reply_point(struct resp_out *out, struct geo_point point);

#endif
