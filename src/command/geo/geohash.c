/* geohash.c: points, cells and scores. */
#include "command/geo/geohash.h"

#define POLE 90.0

bool geohash_holds(struct geo_point point)
{
    return point.longitude >= -GEOHASH_LONGITUDE_MAX && point.longitude <= GEOHASH_LONGITUDE_MAX &&
           point.latitude >= -GEOHASH_LATITUDE_MAX && point.latitude <= GEOHASH_LATITUDE_MAX;
}

/* Which of 2^step equal parts of [-max, max] the value is in. */
static uint32_t part_of(double value, double max, unsigned step)
{
    double fraction = (value + max) / (max + max);
    return (uint32_t)(fraction * (double)(UINT64_C(1) << step));
}

struct geo_cell geohash_cell(struct geo_point point, unsigned step)
{
    return (struct geo_cell){part_of(point.longitude, GEOHASH_LONGITUDE_MAX, step),
                             part_of(point.latitude, GEOHASH_LATITUDE_MAX, step), step};
}

/* A point on the last meridian or parallel is in a part of its own, beyond the others: not moving leaves it there. */
static uint32_t moved(uint32_t part, int parts, unsigned step)
{
    return parts == 0 ? part : (part + (uint32_t)parts) & ((UINT32_C(1) << step) - 1);
}

struct geo_cell geohash_neighbour(struct geo_cell cell, int columns, int rows)
{
    return (struct geo_cell){moved(cell.column, columns, cell.step), moved(cell.row, rows, cell.step),
                             cell.step};
}

/* The edge of part `part` of 2^step parts of [-max, max]. */
static double edge_of(uint32_t part, double max, unsigned step)
{
    return -max + (double)part / (double)(UINT64_C(1) << step) * (max + max);
}

struct geo_area geohash_area(struct geo_cell cell)
{
    return (struct geo_area){{edge_of(cell.column, GEOHASH_LONGITUDE_MAX, cell.step),
                              edge_of(cell.row, GEOHASH_LATITUDE_MAX, cell.step)},
                             {edge_of(cell.column + 1, GEOHASH_LONGITUDE_MAX, cell.step),
                              edge_of(cell.row + 1, GEOHASH_LATITUDE_MAX, cell.step)}};
}

/* Moves bit i to bit 2i. */
static uint64_t spread_bits(uint32_t bits)
{
    static const uint64_t masks[] = {UINT64_C(0x0000ffff0000ffff), UINT64_C(0x00ff00ff00ff00ff),
                                     UINT64_C(0x0f0f0f0f0f0f0f0f), UINT64_C(0x3333333333333333),
                                     UINT64_C(0x5555555555555555)};
    uint64_t spread = bits;
    for (unsigned i = 0; i < 5; i++)
        spread = (spread | spread << (16u >> i)) & masks[i];
    return spread;
}

/* Moves bit 2i to bit i. */
static uint32_t gather_bits(uint64_t spread)
{
    static const uint64_t masks[] = {UINT64_C(0x3333333333333333), UINT64_C(0x0f0f0f0f0f0f0f0f),
                                     UINT64_C(0x00ff00ff00ff00ff), UINT64_C(0x0000ffff0000ffff),
                                     UINT64_C(0x00000000ffffffff)};
    spread &= UINT64_C(0x5555555555555555);
    for (unsigned i = 0; i < 5; i++)
        spread = (spread | spread >> (1u << i)) & masks[i];
    return (uint32_t)spread;
}

static uint64_t number_of(struct geo_cell cell)
{
    return spread_bits(cell.row) | spread_bits(cell.column) << 1;
}

uint64_t geohash_score(struct geo_point point)
{
    return number_of(geohash_cell(point, GEOHASH_STEPS));
}

void geohash_scores(struct geo_cell cell, uint64_t *first_out, uint64_t *end_out)
{
    unsigned shift = 2 * (GEOHASH_STEPS - cell.step);
    *first_out = number_of(cell) << shift;
    *end_out = (number_of(cell) + 1) << shift;
}

static double middle(double low, double high, double max)
{
    double value = (low + high) / 2;
    return value > max ? max : value < -max ? -max : value;
}

bool geohash_point(double score, struct geo_point *point_out)
{
    if (!(score >= 0 && score < (double)(UINT64_C(1) << 62))) return false;
    uint64_t number = (uint64_t)score;
    struct geo_cell cell = {gather_bits(number >> 1), gather_bits(number), GEOHASH_STEPS};
    struct geo_area area = geohash_area(cell);
    *point_out = (struct geo_point){middle(area.low.longitude, area.high.longitude, GEOHASH_LONGITUDE_MAX),
                                    middle(area.low.latitude, area.high.latitude, GEOHASH_LATITUDE_MAX)};
    return true;
}

void geohash_text(struct geo_point point, char text[GEOHASH_TEXT_CHARS])
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct geo_cell cell = {part_of(point.longitude, GEOHASH_LONGITUDE_MAX, GEOHASH_STEPS),
                            part_of(point.latitude, POLE, GEOHASH_STEPS), GEOHASH_STEPS};
    uint64_t number = number_of(cell);
    /* 52 bits are ten digits and two bits: the last digit is always 0, as Redis has it. */
    for (unsigned i = 0; i < GEOHASH_TEXT_CHARS - 1; i++)
        text[i] = digits[number >> (2 * GEOHASH_STEPS - 5 * (i + 1)) & 31];
    text[GEOHASH_TEXT_CHARS - 1] = digits[0];
}
