/* range.h: ranges of indexes as clients give them: both ends included, negative ones counted from the end. */
#ifndef CAIRN_UTIL_RANGE_H
#define CAIRN_UTIL_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* Turns *first and *last into indexes of a sequence of `len` elements; false when nothing is left. */
static inline bool range_clamp(int64_t *first, int64_t *last, int64_t len)
{
    if (*first < 0) *first += len;
    if (*last < 0) *last += len;
    if (*first < 0) *first = 0;
    if (*last < 0) *last = 0;
    if (*last >= len) *last = len - 1;
    return *first <= *last;
}

#endif
