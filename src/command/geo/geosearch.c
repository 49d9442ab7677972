/* geosearch.c: GEOSEARCH and GEOSEARCHSTORE. */
#include "command/arguments.h"
#include "command/geo/geo_commands.h"
#include "command/geo/search.h"

/* Which of the options that must be there were seen. */
struct given {
    bool member, point, radius, box;
};

/* FROMMEMBER, FROMLONLAT, BYRADIUS, BYBOX: likewise as geo_search_option. */
static bool parse_place(struct call *call, const struct entry *entry, size_t *arg, struct geo_search *search,
                        struct given *given, bool *failed_out)
{
    size_t at = *arg, behind = call->argc - at - 1;
    bool parsed = true;
    if (behind >= 1 && !given->point && call_arg_is(call, at, "FROMMEMBER")) {
        given->member = true;
        if (entry != NULL) parsed = geo_search_member(call, entry, at + 1, &search->shape.centre);
        *arg += 1;
    } else if (behind >= 2 && !given->member && call_arg_is(call, at, "FROMLONLAT")) {
        given->point = true;
        parsed = geo_parse_point(call, at + 1, &search->shape.centre);
        *arg += 2;
    } else if (behind >= 2 && !given->box && call_arg_is(call, at, "BYRADIUS")) {
        given->radius = true;
        parsed = geo_parse_radius(call, at + 1, &search->shape, &search->unit_m);
        *arg += 2;
    } else if (behind >= 3 && !given->radius && call_arg_is(call, at, "BYBOX")) {
        given->box = true;
        parsed = geo_parse_box(call, at + 1, &search->shape, &search->unit_m);
        *arg += 3;
    } else {
        return false;
    }
    *failed_out = !parsed;
    return true;
}

/* What was parsed makes sense. False after the error was replied. */
static bool is_complete(struct call *call, const struct geo_search *search, const struct given *given)
{
    int len = (int)call->argv[0].len;
    const char *name = call->argv[0].ptr;
    if (search->stores && (search->with_distance || search->with_hash || search->with_point))
        resp_error(call->out,
                   "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    else if (!given->member && !given->point)
        resp_errorf(call->out, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s", len,
                    name);
    else if (!given->radius && !given->box)
        resp_errorf(call->out, "ERR exactly one of BYRADIUS and BYBOX can be specified for %.*s", len, name);
    else if (search->any && search->count == 0)
        resp_error(call->out, "ERR the ANY argument requires COUNT argument");
    else return true;
    return false;
}

static void search_from(struct call *call, size_t arg, struct geo_search *search)
{
    const struct entry *entry = call_read(call, search->source_key);
    struct given given = {0};
    if (call_wrong_type(call, entry, ENTRY_ZSET)) return;
    for (; arg < call->argc; arg++) {
        bool failed = false;
        if (search->stores && call_arg_is(call, arg, "STOREDIST")) search->stores_distance = true;
        else if (!geo_search_option(call, &arg, search, &failed) &&
                 !parse_place(call, entry, &arg, search, &given, &failed)) {
            call_syntax_error(call);
            return;
        }
        if (failed) return;
    }
    if (is_complete(call, search, &given)) geo_search_run(call, search, entry);
}

#define FROM_ARGUMENT                                                                                        \
    {                                                                                                        \
        .name = "from", .type = ARG_ONEOF,                                                                   \
        .sub = ARGUMENTS(                                                                                    \
            ARGUMENT_AFTER("member", ARG_STRING, "FROMMEMBER"),                                              \
            {.name = "fromlonlat",                                                                           \
             .type = ARG_BLOCK,                                                                              \
             .token = "FROMLONLAT",                                                                          \
             .sub = ARGUMENTS(ARGUMENT("longitude", ARG_DOUBLE), ARGUMENT("latitude", ARG_DOUBLE))})         \
    }
#define UNIT_ARGUMENT                                                                                        \
    {                                                                                                        \
        .name = "unit", .type = ARG_ONEOF,                                                                   \
        .sub = ARGUMENTS(ARGUMENT_WORD("m", "m"), ARGUMENT_WORD("km", "km"), ARGUMENT_WORD("ft", "ft"),      \
                         ARGUMENT_WORD("mi", "mi"))                                                          \
    }
#define BY_ARGUMENT                                                                                          \
    {                                                                                                        \
        .name = "by", .type = ARG_ONEOF,                                                                     \
        .sub =                                                                                               \
            ARGUMENTS({.name = "circle",                                                                     \
                       .type = ARG_BLOCK,                                                                    \
                       .sub = ARGUMENTS(ARGUMENT_AFTER("radius", ARG_DOUBLE, "BYRADIUS"), UNIT_ARGUMENT)},   \
                      {.name = "box",                                                                        \
                       .type = ARG_BLOCK,                                                                    \
                       .sub = ARGUMENTS(ARGUMENT_AFTER("width", ARG_DOUBLE, "BYBOX"),                        \
                                        ARGUMENT("height", ARG_DOUBLE), UNIT_ARGUMENT)})                     \
    }
#define ORDER_ARGUMENT                                                                                       \
    {                                                                                                        \
        .name = "order", .type = ARG_ONEOF, .flags = ARG_OPTIONAL,                                           \
        .sub = ARGUMENTS(ARGUMENT_WORD("asc", "ASC"), ARGUMENT_WORD("desc", "DESC"))                         \
    }
#define COUNT_ARGUMENT                                                                                       \
    {                                                                                                        \
        .name = "count-block", .type = ARG_BLOCK, .flags = ARG_OPTIONAL,                                     \
        .sub = ARGUMENTS(ARGUMENT_AFTER("count", ARG_INTEGER, "COUNT"),                                      \
                         {.name = "any", .type = ARG_PURE_TOKEN, .token = "ANY", .flags = ARG_OPTIONAL})     \
    }
#define WITH_ARGUMENT(label, word)                                                                           \
    {                                                                                                        \
        .name = (label), .type = ARG_PURE_TOKEN, .token = (word), .flags = ARG_OPTIONAL                      \
    }
#define SEARCH_COMPLEXITY                                                                                    \
    "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape "  \
    "provided as the "                                                                                       \
    "filter and M is the number of items inside the shape"

static void geosearch(struct call *call);
const struct command geo_geosearch = {
    .name = "geosearch",
    .handler = geosearch,
    .arity = -7,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "6.2.0",
    .summary = "Answers the members inside a circle or a box.",
    .complexity = SEARCH_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), FROM_ARGUMENT, BY_ARGUMENT, ORDER_ARGUMENT, COUNT_ARGUMENT,
                           WITH_ARGUMENT("withcoord", "WITHCOORD"), WITH_ARGUMENT("withdist", "WITHDIST"),
                           WITH_ARGUMENT("withhash", "WITHHASH")),
    .history = HISTORY("7.0.0", "Added support for uppercase unit names."),
};

static void geosearch(struct call *call)
{
    struct geo_search search = {.source_key = 0};
    search_from(call, 2, &search);
}

static void geosearchstore(struct call *call);
const struct command geo_geosearchstore = {
    .name = "geosearchstore",
    .handler = geosearchstore,
    .arity = -8,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "6.2.0",
    .summary = "Stores the members inside a circle or a box.",
    .complexity = SEARCH_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)},
    .arguments =
        ARGUMENTS(ARGUMENT_KEY("destination", 0), ARGUMENT_KEY("source", 1), FROM_ARGUMENT, BY_ARGUMENT,
                  ORDER_ARGUMENT, COUNT_ARGUMENT, WITH_ARGUMENT("storedist", "STOREDIST")),
    .history = HISTORY("7.0.0", "Added support for uppercase unit names."),
};

static void geosearchstore(struct call *call)
{
    struct geo_search search = {.source_key = 1, .stores = true, .target_key = 0, .event = "geosearchstore"};
    search_from(call, 3, &search);
}
