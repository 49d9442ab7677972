/* radius.c: the older searches, by radius alone: GEORADIUS, GEORADIUSBYMEMBER, and their _RO forms. */
#include "command/arguments.h"
#include "command/geo/geo_commands.h"
#include "command/geo/search.h"

#define SOURCE_ARG 1

/* The argument behind the last STORE or STOREDIST; 0: there is none. */
static size_t target_argument(const struct slice *argv, size_t argc, size_t from)
{
    size_t target = 0;
    for (size_t arg = from; arg + 1 < argc; arg++)
        if (slice_is_word(argv[arg], "STORE") || slice_is_word(argv[arg], "STOREDIST")) target = ++arg;
    return target;
}

static size_t radius_keys(const struct slice *argv, size_t argc, size_t *indexes, size_t cap)
{
    size_t count = 0, target = target_argument(argv, argc, 5);
    if (argc > SOURCE_ARG && count < cap) indexes[count++] = SOURCE_ARG;
    if (target > 0 && count < cap) indexes[count++] = target;
    return count;
}

/* Reads the centre and the radius. False after the error was replied. */
static bool parse_circle(struct call *call, const struct entry *entry, bool by_member,
                         struct geo_search *search)
{
    if (!by_member)
        return geo_parse_point(call, 2, &search->shape.centre) &&
               geo_parse_radius(call, 4, &search->shape, &search->unit_m);
    return entry == NULL || (geo_search_member(call, entry, 2, &search->shape.centre) &&
                             geo_parse_radius(call, 3, &search->shape, &search->unit_m));
}

static bool parse_options(struct call *call, size_t arg, bool may_store, struct geo_search *search)
{
    for (; arg < call->argc; arg++) {
        bool failed = false, distance = call_arg_is(call, arg, "STOREDIST");
        if (may_store && arg + 1 < call->argc && (distance || call_arg_is(call, arg, "STORE"))) {
            search->stores = true;
            search->stores_distance = distance;
            arg++;
        } else if (!geo_search_option(call, &arg, search, &failed)) {
            call_syntax_error(call);
            return false;
        }
        if (failed) return false;
    }
    if (search->stores && (search->with_distance || search->with_hash || search->with_point))
        resp_error(
            call->out,
            "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    else if (search->any && search->count == 0)
        resp_error(call->out, "ERR the ANY argument requires COUNT argument");
    else return true;
    return false;
}

static void search_radius(struct call *call, bool by_member, bool may_store)
{
    struct geo_search search = {.source_key = 0, .target_key = 1, .event = "georadiusstore"};
    const struct entry *entry = call_read(call, 0);
    if (call_wrong_type(call, entry, ENTRY_ZSET) || !parse_circle(call, entry, by_member, &search)) return;
    if (parse_options(call, by_member ? 5 : 6, may_store, &search)) geo_search_run(call, &search, entry);
}

#define STORE_KEYS(word, from)                                                                               \
    {                                                                                                        \
        KEY_BEGIN_KEYWORD, (from), (word), KEY_FIND_RANGE, 0, 1, 0, KEY_OW | KEY_UPDATE, NULL                \
    }
#define UNIT_ARGUMENT                                                                                        \
    {                                                                                                        \
        .name = "unit", .type = ARG_ONEOF,                                                                   \
        .sub = ARGUMENTS(ARGUMENT_WORD("m", "m"), ARGUMENT_WORD("km", "km"), ARGUMENT_WORD("ft", "ft"),      \
                         ARGUMENT_WORD("mi", "mi"))                                                          \
    }
#define WITH_ARGUMENT(label, word)                                                                           \
    {                                                                                                        \
        .name = (label), .type = ARG_PURE_TOKEN, .token = (word), .flags = ARG_OPTIONAL                      \
    }
#define OPTION_ARGUMENTS                                                                                     \
    WITH_ARGUMENT("withcoord", "WITHCOORD"), WITH_ARGUMENT("withdist", "WITHDIST"),                          \
        WITH_ARGUMENT("withhash", "WITHHASH"),                                                               \
        {.name = "count-block",                                                                              \
         .type = ARG_BLOCK,                                                                                  \
         .flags = ARG_OPTIONAL,                                                                              \
         .sub = ARGUMENTS(ARGUMENT_AFTER("count", ARG_INTEGER, "COUNT"), {.name = "any",                     \
                                                                          .type = ARG_PURE_TOKEN,            \
                                                                          .token = "ANY",                    \
                                                                          .flags = ARG_OPTIONAL,             \
                                                                          .since = "6.2.0"})},               \
    {                                                                                                        \
        .name = "order", .type = ARG_ONEOF, .flags = ARG_OPTIONAL,                                           \
        .sub = ARGUMENTS(ARGUMENT_WORD("asc", "ASC"), ARGUMENT_WORD("desc", "DESC"))                         \
    }
#define STORE_ARGUMENT                                                                                       \
    {                                                                                                        \
        .name = "store", .type = ARG_ONEOF, .flags = ARG_OPTIONAL,                                           \
        .sub = ARGUMENTS({.name = "storekey", .type = ARG_KEY, .token = "STORE", .key_spec = 1},             \
                         {.name = "storedistkey", .type = ARG_KEY, .token = "STOREDIST", .key_spec = 2})     \
    }
#define RADIUS_COMPLEXITY                                                                                    \
    "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited "  \
    "by center and "                                                                                         \
    "radius and M is the number of items inside the index."
#define POINT_ARGUMENTS                                                                                      \
    ARGUMENT_KEY("key", 0), ARGUMENT("longitude", ARG_DOUBLE), ARGUMENT("latitude", ARG_DOUBLE),             \
        ARGUMENT("radius", ARG_DOUBLE), UNIT_ARGUMENT
#define MEMBER_ARGUMENTS                                                                                     \
    ARGUMENT_KEY("key", 0), ARGUMENT("member", ARG_STRING), ARGUMENT("radius", ARG_DOUBLE), UNIT_ARGUMENT

static void georadius(struct call *call);
const struct command geo_georadius = {
    .name = "georadius",
    .handler = georadius,
    .arity = -6,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Answers or stores the members within a distance of a point.",
    .complexity = RADIUS_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS), STORE_KEYS("STORE", 6), STORE_KEYS("STOREDIST", 6)},
    .get_keys = radius_keys,
    .arguments = ARGUMENTS(POINT_ARGUMENTS, OPTION_ARGUMENTS, STORE_ARGUMENT),
    .history = HISTORY("6.2.0", "Added the `ANY` option for `COUNT`.", "7.0.0",
                       "Added support for uppercase unit names."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
};

static void georadius(struct call *call)
{
    search_radius(call, false, true);
}

static void georadius_ro(struct call *call);
const struct command geo_georadius_ro = {
    .name = "georadius_ro",
    .handler = georadius_ro,
    .arity = -6,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.10",
    .summary = "Answers the members within a distance of a point.",
    .complexity = RADIUS_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(POINT_ARGUMENTS, OPTION_ARGUMENTS),
    .history = HISTORY("6.2.0", "Added the `ANY` option for `COUNT`."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
};

static void georadius_ro(struct call *call)
{
    search_radius(call, false, false);
}

static void georadiusbymember(struct call *call);
const struct command geo_georadiusbymember = {
    .name = "georadiusbymember",
    .handler = georadiusbymember,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.0",
    .summary = "Answers or stores the members within a distance of a member.",
    .complexity = RADIUS_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS), STORE_KEYS("STORE", 5), STORE_KEYS("STOREDIST", 5)},
    .get_keys = radius_keys,
    .arguments = ARGUMENTS(MEMBER_ARGUMENTS, OPTION_ARGUMENTS, STORE_ARGUMENT),
    .history = HISTORY("6.2.0", "Added the `ANY` option for `COUNT`.", "7.0.0",
                       "Added support for uppercase unit names."),
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
};

static void georadiusbymember(struct call *call)
{
    search_radius(call, true, true);
}

static void georadiusbymember_ro(struct call *call);
const struct command geo_georadiusbymember_ro = {
    .name = "georadiusbymember_ro",
    .handler = georadiusbymember_ro,
    .arity = -5,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_GEO,
    .group = GROUP_GEO,
    .since = "3.2.10",
    .summary = "Answers the members within a distance of a member.",
    .complexity = RADIUS_COMPLEXITY,
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(MEMBER_ARGUMENTS, OPTION_ARGUMENTS),
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
};

static void georadiusbymember_ro(struct call *call)
{
    search_radius(call, true, false);
}
