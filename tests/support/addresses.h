/* addresses.h: a limit on the addresses that the process may take, for tests of what must not reserve many. */
#ifndef CAIRN_TESTS_SUPPORT_ADDRESSES_H
#define CAIRN_TESTS_SUPPORT_ADDRESSES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_ADDRESSES false /* a sanitizer's own take too many */
#else
#define LIMITS_ADDRESSES true
#endif

static inline uint64_t addresses_taken(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu", &pages), 1);
    fclose(file);
    return pages * 4096;
}

/* Those that are taken and `more`; returns the limit as it was. */
static inline struct rlimit addresses_limit(uint64_t more)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit limit = {.rlim_cur = addresses_taken() + more, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    return before;
}

static inline void addresses_unlimit(const struct rlimit *before)
{
    assert_int_equal(setrlimit(RLIMIT_AS, before), 0);
}

#endif
