/* sizeclass.h: which block a size gets, and how spans are cut.
 *
 * Sizes go in steps of 8 to 128 bytes, then in eight steps per doubling to 32 KiB (H6: at most 12.5 % of a
 * block is waste). A larger object is a page run of its own. Each class has a span length that leaves at
 * most 1.2 % of a span unused.
 */
#ifndef CAIRN_HEAP_SIZECLASS_H
#define CAIRN_HEAP_SIZECLASS_H

#include "heap/heap_layout.h"

#include <stdint.h>

#define SIZECLASS_COUNT     79
#define SIZECLASS_MAX_BYTES 32768 /* of a block in a span */
#define SIZECLASS_MAX_PAGES 16    /* of a span */
#define SIZECLASS_MAX_WORDS (SIZECLASS_MAX_PAGES * HEAP_BITMAP_PAGE_BYTES / 8)

struct sizeclass {
    uint32_t bytes;      /* of a block */
    uint32_t reciprocal; /* ceil(2^32 / bytes) */
    uint16_t blocks;     /* in a span */
    uint16_t pages;      /* of a span */
};
extern const struct sizeclass sizeclass_table[SIZECLASS_COUNT];

/* The class of an object of 1 .. SIZECLASS_MAX_BYTES. */
static inline unsigned sizeclass_of(size_t size)
{
    if (size <= 128) return size <= 16 ? 0 : (unsigned)((size + 7) / 8 - 2);
    unsigned log = 63u - (unsigned)__builtin_clzl(size - 1); /* 2^log < size <= 2^(log+1) */
    return 15 + (log - 7) * 8 + (unsigned)((size - 1) >> (log - 3)) - 8;
}

/* The block that holds the byte `at` of a span. Exact: at < 2^16 and the reciprocal is too large by less than
 * bytes / 2^32, so the error stays under 2^16 * 2^15 / 2^32 of a step. */
static inline uint32_t sizeclass_index(const struct sizeclass *class, uint32_t at)
{
    return (uint32_t)((uint64_t)at * class->reciprocal >> 32);
}

#endif
