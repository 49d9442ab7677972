/* geo_commands.c: the commands of the geo group. */
#include "command/geo/geo_commands.h"

#include "command/index.h"

const struct command *const geo_commands[] = {
    &geo_geoadd,
    &geo_geodist,
    &geo_geohash,
    &geo_geopos,
    &geo_georadius,
    &geo_georadius_ro,
    &geo_georadiusbymember,
    &geo_georadiusbymember_ro,
    &geo_geosearch,
    &geo_geosearchstore,
    NULL,
};
