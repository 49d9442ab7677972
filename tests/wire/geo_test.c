/* geo_test.c: points and searches. */
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void points_and_distances(void **state)
{
    static const struct step steps[] = {
        {"GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
        {"GEOADD s NX 1 1 Palermo 2 2 new", ":1"},
        {"GEOADD s XX CH 2 3 new 4 4 missing", ":1"},
        {"GEOADD s CH 2 3 new", ":0"},
        {"ZSCORE s Palermo", "'3479099956230698'", ",3479099956230698"},
        {"GEOPOS s Palermo missing Catania",
         "[['13.36138933897018433', '38.11555639549629859'], nil, ['15.08726745843887329', "
         "'37.50266842333162032']]",
         "[[,13.36138933897018433, ,38.11555639549629859], nil, [,15.08726745843887329, "
         ",37.50266842333162032]]"},
        {"GEOPOS s", "[]"},
        {"GEOPOS none Palermo", "[nil]"},
        {"GEODIST s Palermo Catania", "'166274.1516'"},
        {"GEODIST s Palermo Catania km", "'166.2742'"},
        {"GEODIST s Palermo Catania FT", "'545518.8700'"},
        {"GEODIST s Palermo Catania mi", "'103.3182'"},
        {"GEODIST s Palermo missing", "nil"},
        {"GEODIST none a b", "nil"},
        {"GEODIST s Palermo Palermo", "'0.0000'"},
        {"GEODIST s Palermo Catania yd", "-ERR unsupported unit provided. please use M, KM, FT, MI"},
        {"GEODIST s Palermo Catania km x", "-ERR syntax error"},
        {"GEOHASH s Palermo missing Catania", "['sqc8b49rny0', nil, 'sqdtr74hyu0']"},
        {"GEOHASH s", "[]"},
        {"GEOHASH none a", "[nil]"},
        {"GEOADD s 181 0 far", "-ERR invalid longitude,latitude pair 181.000000,0.000000"},
        {"GEOADD s 0 86 far", "-ERR invalid longitude,latitude pair 0.000000,86.000000"},
        {"GEOADD s x 0 far", "-ERR value is not a valid float"},
        {"GEOADD s 0 x far", "-ERR value is not a valid float"},
        {"GEOADD s 0 0", "-ERR wrong number of arguments for 'geoadd' command"},
        {"GEOADD s NX XX 0 0 a", "-ERR syntax error"},
        {"GEOADD s 0 0 a 1", "-ERR syntax error"},
        {"GEOADD s GT 0 0 a", "-ERR syntax error"},
        {"GEOADD s 180 85.05112878 corner -180 -85.05112878 other", ":2"},
        {"GEOPOS s corner other",
         "[['180', '85.0511287799999991'], ['-179.99999731779098511', '-85.05112751263942528']]",
         "[[,180, ,85.0511287799999991], [,-179.99999731779098511, ,-85.05112751263942528]]"},
        {"TYPE s", "+zset"},
    };

    SCRIPT(*state, steps);
}

static void searches(void **state)
{
    static const struct step steps[] = {
        {"GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
        {"GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC", "['Catania', 'Palermo']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km DESC", "['Palermo', 'Catania']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
         "[['Catania', '56.4413'], ['Palermo', '190.4424'], ['edge2', '279.7403'], ['edge1', '279.7405']]"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHCOORD WITHDIST WITHHASH COUNT 2",
         "[['edge1', '279.7405', :3479273021651468, ['12.7584877610206604', '38.78813451624225195']], "
         "['edge2', '279.7403', :3481342659049484, ['17.24151045083999634', '38.78813451624225195']]]",
         "[['edge1', '279.7405', :3479273021651468, [,12.7584877610206604, ,38.78813451624225195]], "
         "['edge2', '279.7403', :3481342659049484, [,17.24151045083999634, ,38.78813451624225195]]]"},
        {"GEOSEARCH s FROMMEMBER Palermo BYRADIUS 200 km ASC WITHDIST",
         "[['Palermo', '0.0000'], ['edge1', '91.4007'], ['Catania', '166.2742']]"},
        {"GEOSEARCH s FROMMEMBER Palermo BYRADIUS 0 m", "['Palermo']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 mi COUNT 1", "['Catania']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 mi COUNT 1 DESC", "['edge1']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 20000 km COUNT 2 ANY", "['Palermo', 'edge1']"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 m", "[]"},
        {"GEOSEARCH s FROMLONLAT -170 -80 BYRADIUS 25000 km ASC", "['Catania', 'Palermo', 'edge2', 'edge1']"},
        {"GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 1 m", "[]"},
        {"GEOSEARCH none FROMMEMBER a BYRADIUS 1 m", "[]"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 3", ":3"},
        {"ZRANGE d 0 -1 WITHSCORES",
         "['Palermo', '3479099956230698', 'Catania', '3479447370796909', 'edge2', '3481342659049484']",
         "[['Palermo', ,3479099956230698], ['Catania', ,3479447370796909], ['edge2', ,3481342659049484]]"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", ":2"},
        {"ZRANGE d 0 -1", "['Catania', 'Palermo']"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 m", ":0"},
        {"EXISTS d", ":0"},
        {"SET d string", "+OK"},
        {"GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 m", ":0"},
        {"EXISTS d", ":0"},
        {"CONFIG SET zset-max-listpack-entries 2", "+OK"},
        {"ZADD s 0 origin", ":1"},
        {"OBJECT ENCODING s", "'skiplist'"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHHASH",
         "[['Catania', :3479447370796909], ['Palermo', :3479099956230698]]"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC", "['Catania', 'Palermo', 'edge2', 'edge1']"},
        {"CONFIG SET zset-max-listpack-entries 128", "+OK"},
    };

    SCRIPT(*state, steps);
}

static void search_errors(void **state)
{
    static const struct step steps[] = {
        {"GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
        {"GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km FOO", "-ERR syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 200 km", "-ERR syntax error"},
        {"GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 15 37 BYRADIUS 200 km", "-ERR syntax error"},
        {"GEOSEARCH s BYRADIUS 200 km ASC DESC",
         "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"},
        {"geosearch s FROMMEMBER Palermo ASC DESC ASC",
         "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch"},
        {"GEOSEARCH s FROMMEMBER missing BYRADIUS 200 km", "-ERR could not decode requested zset member"},
        {"GEOSEARCH s FROMLONLAT 200 37 BYRADIUS 200 km",
         "-ERR invalid longitude,latitude pair 200.000000,37.000000"},
        {"GEOSEARCH s FROMLONLAT x 37 BYRADIUS 200 km", "-ERR value is not a valid float"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS x km", "-ERR need numeric radius"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS -1 km", "-ERR radius cannot be negative"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 parsec",
         "-ERR unsupported unit provided. please use M, KM, FT, MI"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX x 1 km", "-ERR need numeric width"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 x km", "-ERR need numeric height"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 -1 km", "-ERR height or width cannot be negative"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 1 km BYRADIUS 1 m", "-ERR syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0", "-ERR COUNT must be > 0"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT x",
         "-ERR value is not an integer or out of range"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km COUNT", "-ERR syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km ANY", "-ERR the ANY argument requires COUNT argument"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STORE d", "-ERR syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST", "-ERR syntax error"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 km WITHDIST",
         "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 ASC DESC ASC",
         "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCHSTORE"},
        {"GEOSEARCH s", "-ERR wrong number of arguments for 'geosearch' command"},
    };

    SCRIPT(*state, steps);
}

static void radius_searches(void **state)
{
    static const struct step steps[] = {
        {"GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
        {"GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"},
        {"GEORADIUS s 15 37 200 km ASC", "['Catania', 'Palermo']"},
        {"GEORADIUS s 15 37 200 km WITHDIST DESC", "[['Palermo', '190.4424'], ['Catania', '56.4413']]"},
        {"GEORADIUS s 15 37 200 km WITHCOORD COUNT 1",
         "[['Catania', ['15.08726745843887329', '37.50266842333162032']]]",
         "[['Catania', [,15.08726745843887329, ,37.50266842333162032]]]"},
        {"GEORADIUS s 15 37 200 km WITHDIST WITHCOORD WITHHASH ASC",
         "[['Catania', '56.4413', :3479447370796909, ['15.08726745843887329', '37.50266842333162032']], "
         "['Palermo', '190.4424', :3479099956230698, ['13.36138933897018433', '38.11555639549629859']]]",
         "[['Catania', '56.4413', :3479447370796909, [,15.08726745843887329, ,37.50266842333162032]], "
         "['Palermo', '190.4424', :3479099956230698, [,13.36138933897018433, ,38.11555639549629859]]]"},
        {"GEORADIUS_RO s 15 37 200 km ASC COUNT 1 ANY", "['Palermo']"},
        {"GEORADIUSBYMEMBER s Palermo 200 km ASC", "['Palermo', 'edge1', 'Catania']"},
        {"GEORADIUSBYMEMBER_RO s Palermo 200 km WITHDIST DESC",
         "[['Catania', '166.2742'], ['edge1', '91.4007'], ['Palermo', '0.0000']]"},
        {"GEORADIUSBYMEMBER none Palermo 200 km", "[]"},
        {"GEORADIUS none 15 37 200 km", "[]"},
        {"GEORADIUS s 15 37 200 km STORE d", ":2"},
        {"ZRANGE d 0 -1", "['Palermo', 'Catania']"},
        {"GEORADIUS s 15 37 200 km ASC COUNT 1 STOREDIST d", ":1"},
        {"ZRANGE d 0 -1", "['Catania']"},
        {"GEORADIUSBYMEMBER s Palermo 1 m STORE d", ":1"},
        {"ZRANGE d 0 -1", "['Palermo']"},
        {"GEORADIUS s 15 37 1 m STORE d", ":0"},
        {"EXISTS d", ":0"},
        {"GEORADIUSBYMEMBER none Palermo 200 km STORE d", ":0"},
        {"GEORADIUS s 15 37 200 km STORE d STOREDIST e", ":2"},
        {"EXISTS d e", ":1"},
        {"GEORADIUS s 15 37 200 km STORE d WITHDIST",
         "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"},
        {"GEORADIUS_RO s 15 37 200 km STORE d", "-ERR syntax error"},
        {"GEORADIUSBYMEMBER_RO s Palermo 200 km STORE d", "-ERR syntax error"},
        {"GEORADIUS s 15 37 200 km STORE", "-ERR syntax error"},
        {"GEORADIUS s 15 37 200 km FOO", "-ERR syntax error"},
        {"GEORADIUS s 15 37 200 yd", "-ERR unsupported unit provided. please use M, KM, FT, MI"},
        {"GEORADIUS s 15 37 x km", "-ERR need numeric radius"},
        {"GEORADIUS s 15 37 -1 km", "-ERR radius cannot be negative"},
        {"GEORADIUS s 15 x 1 km", "-ERR value is not a valid float"},
        {"GEORADIUS s 15 37 1 km COUNT 0", "-ERR COUNT must be > 0"},
        {"GEORADIUS s 15 37 1 km ANY", "-ERR the ANY argument requires COUNT argument"},
        {"GEORADIUSBYMEMBER s missing 1 km", "-ERR could not decode requested zset member"},
        {"COMMAND GETKEYS GEORADIUS s 15 37 200 km STORE d STOREDIST e", "['s', 'e']", CAIRN_ONLY},
    };

    SCRIPT(*state, steps);
}

static void wrong_types(void **state)
{
    static const struct step steps[] = {
        {"SET k v", "+OK"},
        {"GEOADD k 1 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEOPOS k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEODIST k a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEOHASH k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m",
         "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEOSEARCHSTORE d k FROMLONLAT 1 1 BYRADIUS 1 m",
         "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEORADIUS k 1 1 1 m", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"GEORADIUSBYMEMBER k a 1 m", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    };

    SCRIPT(*state, steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_and_distances), cmocka_unit_test(searches),
        cmocka_unit_test(search_errors),        cmocka_unit_test(radius_searches),
        cmocka_unit_test(wrong_types),
    };
    return cmocka_run_group_tests(tests, script_open_server, script_close_server);
}
