/* position.c: adding points, and what is known of them: GEOADD, GEOPOS, GEODIST, GEOHASH. */
#include "command/arguments.h"
#include "command/geo/arguments.h"
#include "command/geo/geo_commands.h"
#include "command/sorted_set/add.h"
#include "command/sorted_set/edit.h"

#include <stdlib.h>

#define POINT_WORDS 3 /* longitude latitude member */

static void geoadd(struct call *call);
const struct command geo_geoadd = {
    .name = "geoadd",
    .handler = geoadd,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Adds points with names to a sorted set, or moves them.",
    .complexity = "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    .specs = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "condition",
         .type = ARG_ONEOF,
         .flags = ARG_OPTIONAL,
         .since = "6.2.0",
         .sub = ARGUMENTS(ARGUMENT_WORD("nx", "NX"), ARGUMENT_WORD("xx", "XX"))},
        {.name = "change", .type = ARG_PURE_TOKEN, .token = "CH", .flags = ARG_OPTIONAL, .since = "6.2.0"},
        {.name = "data",
         .type = ARG_BLOCK,
         .flags = ARG_MULTIPLE,
         .sub = ARGUMENTS(ARGUMENT("longitude", ARG_DOUBLE), ARGUMENT("latitude", ARG_DOUBLE),
                          ARGUMENT("member", ARG_STRING))}),
    .history = HISTORY("6.2.0", "Added the `CH`, `NX` and `XX` options."),
};

/* Points in a command's arguments, their scores computed once. */
struct points {
    const struct slice *argv;
    double *scores;
};

static struct zset_item next_point(void *ctx, size_t index)
{
    const struct points *points = ctx;
    return (struct zset_item){points->argv[POINT_WORDS * index + 2], points->scores[index]};
}

static void geoadd(struct call *call)
{
    unsigned options = 0;
    size_t arg = 2;
    while (sorted_set_add_option(call, arg, SORTED_SET_NX | SORTED_SET_XX | SORTED_SET_CH, &options))
        arg++;
    size_t words = call->argc - arg, count = words / POINT_WORDS;
    if (words % POINT_WORDS != 0 || ((options & SORTED_SET_NX) && (options & SORTED_SET_XX))) {
        call_syntax_error(call);
        return;
    }
    struct points points = {call->argv + arg, malloc((count + 1) * sizeof(double))};
    if (points.scores == NULL) {
        call_fail(call, ERROR_MEMORY);
        return;
    }
    bool parsed = true;
    for (size_t i = 0; i < count && parsed; i++) {
        struct geo_point point;
        parsed = geo_parse_point(call, arg + POINT_WORDS * i, &point);
        if (parsed) points.scores[i] = (double)geohash_score(point);
    }
    if (parsed && count == 0) call_syntax_error(call);
    else if (parsed) sorted_set_add(call, options, count, next_point, &points);
    free(points.scores);
}

static bool find_point(const struct zset_view *view, struct slice member, struct geo_point *point_out)
{
    double score;
    return zset_view_score(view, member, &score) && geohash_point(score, point_out);
}

static void geopos(struct call *call);
const struct command geo_geopos = {
    .name = "geopos",
    .handler = geopos,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Answers the longitude and latitude of members.",
    .complexity = "O(1) for each member requested.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "member", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void geopos(struct call *call)
{
    struct zset_view view;
    struct geo_point point;
    if (!sorted_set_peek(call, 0, &view)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t arg = 2; arg < call->argc; arg++) {
        if (find_point(&view, call->argv[arg], &point)) geo_reply_point(call->out, point);
        else resp_null_array(call->out);
    }
}

static void geodist(struct call *call);
const struct command geo_geodist = {
    .name = "geodist",
    .handler = geodist,
    .arity = -4,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Answers how far two members are from each other.",
    .complexity = "O(1)",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("key", 0), ARGUMENT("member1", ARG_STRING), ARGUMENT("member2", ARG_STRING),
                  {.name = "unit",
                   .type = ARG_ONEOF,
                   .flags = ARG_OPTIONAL,
                   .sub = ARGUMENTS(ARGUMENT_WORD("m", "m"), ARGUMENT_WORD("km", "km"),
                                    ARGUMENT_WORD("ft", "ft"), ARGUMENT_WORD("mi", "mi"))}),
};

static void geodist(struct call *call)
{
    struct zset_view view;
    struct geo_point a, b;
    double unit_m = 1;
    if (call->argc > 5) {
        call_syntax_error(call);
        return;
    }
    if (call->argc == 5 && !geo_parse_unit(call, 4, &unit_m)) return;
    if (!sorted_set_peek(call, 0, &view)) return;
    if (find_point(&view, call->argv[2], &a) && find_point(&view, call->argv[3], &b))
        geo_reply_distance(call->out, geo_distance_m(a, b) / unit_m);
    else resp_null(call->out);
}

static void geohash(struct call *call);
const struct command geo_geohash = {
    .name = "geohash",
    .handler = geohash,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Answers the standard geohashes of members.",
    .complexity = "O(1) for each member requested.",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "member", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void geohash(struct call *call)
{
    struct zset_view view;
    struct geo_point point;
    char text[GEOHASH_TEXT_CHARS];
    if (!sorted_set_peek(call, 0, &view)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t arg = 2; arg < call->argc; arg++) {
        if (!find_point(&view, call->argv[arg], &point)) {
            resp_null(call->out);
            continue;
        }
        geohash_text(point, text);
        resp_bulk(call->out, text, sizeof(text));
    }
}
