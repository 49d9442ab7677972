/* geohash.h: cells of the globe as numbers. Pure arithmetic.
 *
 * Terms: a *cell* of `step` halvings is a column (longitude) and a row (latitude) of 2^step each; its number interleaves their bits,
 * the column's in the odd places. A *score* is the number of a cell of GEOHASH_STEPS, what sorted sets keep of a point.
 */
#ifndef CAIRN_COMMAND_GEO_GEOHASH_H
#define CAIRN_COMMAND_GEO_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

#define GEOHASH_STEPS         26
#define GEOHASH_LATITUDE_MAX  85.05112878 /* of the Mercator projection that Redis uses */
#define GEOHASH_LONGITUDE_MAX 180.0
#define GEOHASH_TEXT_CHARS    11

struct geo_point {
    double longitude;
    double latitude;
};

struct geo_cell {
    uint32_t column;
    uint32_t row;
    unsigned step;
};

struct geo_area {
    struct geo_point low, high;
};

bool geohash_holds(struct geo_point point);
struct geo_cell geohash_cell(struct geo_point point, unsigned step);
/* The cell that lies so many columns and rows away, round the globe. */
struct geo_cell geohash_neighbour(struct geo_cell cell, int columns, int rows);
struct geo_area geohash_area(struct geo_cell cell);

uint64_t geohash_score(struct geo_point point);
/* Scores of points inside the cell: [*first_out, *end_out). */
void geohash_scores(struct geo_cell cell, uint64_t *first_out, uint64_t *end_out);
/* The middle of the score's cell. False when no point has this score. */
bool geohash_point(double score, struct geo_point *point_out);
/* The usual geohash, whose latitudes go from pole to pole. */
void geohash_text(struct geo_point point, char text[GEOHASH_TEXT_CHARS]);

#endif
