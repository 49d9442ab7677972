/* arguments.c: reading and writing points and distances. */
#include "command/geo/arguments.h"

#include "util/number.h"

bool geo_parse_point(struct call *call, size_t arg, struct geo_point *point_out)
{
    if (!call_double(call, arg, &point_out->longitude) || !call_double(call, arg + 1, &point_out->latitude))
        return false;
    if (geohash_holds(*point_out)) return true;
    resp_errorf(call->out, "ERR invalid longitude,latitude pair %f,%f", point_out->longitude,
                point_out->latitude);
    return false;
}

bool geo_parse_unit(struct call *call, size_t arg, double *metres_out)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (!call_arg_is(call, arg, units[i].name)) continue;
        *metres_out = units[i].metres;
        return true;
    }
    resp_error(call->out, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

static bool parse_length(struct call *call, size_t arg, const char *error, double *length_out)
{
    if (number_parse_double(call->argv[arg], length_out)) return true;
    resp_error(call->out, error);
    return false;
}

bool geo_parse_radius(struct call *call, size_t arg, struct geo_shape *shape, double *unit_m_out)
{
    double radius;
    if (!parse_length(call, arg, "ERR need numeric radius", &radius)) return false;
    if (radius < 0) {
        resp_error(call->out, "ERR radius cannot be negative");
        return false;
    }
    if (!geo_parse_unit(call, arg + 1, unit_m_out)) return false;
    shape->is_box = false;
    shape->radius_m = radius * *unit_m_out;
    return true;
}

bool geo_parse_box(struct call *call, size_t arg, struct geo_shape *shape, double *unit_m_out)
{
    double width, height;
    if (!parse_length(call, arg, "ERR need numeric width", &width)) return false;
    if (!parse_length(call, arg + 1, "ERR need numeric height", &height)) return false;
    if (width < 0 || height < 0) {
        resp_error(call->out, "ERR height or width cannot be negative");
        return false;
    }
    if (!geo_parse_unit(call, arg + 2, unit_m_out)) return false;
    shape->is_box = true;
    shape->width_m = width * *unit_m_out;
    shape->height_m = height * *unit_m_out;
    return true;
}

void geo_reply_distance(struct resp_out *out, double distance)
{
    resp_bulkf(out, "%.4f", distance);
}

/* Without an exponent, under both protocols. */
static void reply_coordinate(struct resp_out *out, double value)
{
    char text[NUMBER_LONG_DOUBLE_TEXT_MAX];
    size_t len = number_long_double_text(text, value);
    if (out->proto == 2) {
        resp_bulk(out, text, len);
        return;
    }
    resp_raw(out, ",", 1);
    resp_raw(out, text, len);
    resp_raw(out, "\r\n", 2);
}

void geo_reply_point(struct resp_out *out, struct geo_point point)
{
    resp_array(out, 2);
    reply_coordinate(out, point.longitude);
    reply_coordinate(out, point.latitude);
}
