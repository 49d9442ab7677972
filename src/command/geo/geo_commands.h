/* geo_commands.h: the rows of the group, each defined above its handler. */
#ifndef CAIRN_COMMAND_GEO_GEO_COMMANDS_H
#define CAIRN_COMMAND_GEO_GEO_COMMANDS_H

#include "command/table.h"

/* position.c */
extern const struct command geo_geoadd, geo_geodist, geo_geohash, geo_geopos;
/* geosearch.c */
extern const struct command geo_geosearch, geo_geosearchstore;
/* radius.c */
extern const struct command geo_georadius, geo_georadius_ro, geo_georadiusbymember, geo_georadiusbymember_ro;

#endif
