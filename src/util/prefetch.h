/* prefetch.h: asks for a cache line that will be needed, so that misses overlap.
 *
 * To be used instead of the builtin: a function of ours that does nothing but prefetch has no effects in the eyes of GCC 12, which
 * then drops the calls of it without a word. The empty instruction is an effect.
 */
#ifndef CAIRN_UTIL_PREFETCH_H
#define CAIRN_UTIL_PREFETCH_H

#include <stdint.h>

#define PREFETCH_LINE_BYTES UINT64_C(64)

/* The address need not be valid. */
static inline void prefetch_read(const void *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("");
}

static inline void prefetch_write(const void *at)
{
    __builtin_prefetch(at, 1);
    __asm__ volatile("");
}

#endif
