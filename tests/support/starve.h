/* starve.h: memory that runs out when a test says so: the allocations of the whole process are counted, and fail from one on. To be
 * included by the test program itself, once. */
#ifndef CAIRN_TESTS_SUPPORT_STARVE_H
#define CAIRN_TESTS_SUPPORT_STARVE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static struct {
    atomic_bool on;
    atomic_ulong count; /* since it was turned on */
    unsigned long from; /* the first that fails; 0: none */
    unsigned long many; /* how many fail */
} starve;

static inline void starve_begin(unsigned long from, unsigned long many)
{
    starve.from = from;
    starve.many = many;
    atomic_store(&starve.count, 0);
    atomic_store(&starve.on, true);
}

/* Whether any allocation failed. */
static inline bool starve_end(void)
{
    atomic_store(&starve.on, false);
    return starve.from > 0 && atomic_load(&starve.count) >= starve.from;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(CAIRN_TXCHECK)
#define STARVES false /* sanitizers have allocators of their own, and the checking build does not go on without memory */
#else
#define STARVES true

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *before, size_t size);

static bool starve_fails(void)
{
    if (!atomic_load(&starve.on)) return false;
    unsigned long number = atomic_fetch_add(&starve.count, 1) + 1;
    bool fails = starve.from > 0 && number >= starve.from && number - starve.from < starve.many;
    if (fails) errno = ENOMEM;
    return fails;
}

void *malloc(size_t size)
{
    return starve_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return starve_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *before, size_t size)
{
    return starve_fails() ? NULL : __libc_realloc(before, size);
}
#endif

#endif
