/* clock.h: wall time, monotonic time, and a cheap tick counter for timing single commands.
 *
 * Terms: a *tick* is a step of the CPU's constant-rate counter (of CLOCK_MONOTONIC where there is none); a
 * *scale* turns differences of ticks into nanoseconds and is calibrated once, at boot.
 */
#ifndef CAIRN_UTIL_CLOCK_H
#define CAIRN_UTIL_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* since the epoch */
int64_t clock_wall_us(void);      /* since the epoch */
int64_t clock_monotonic_ns(void); /* never goes back */

struct clock_scale {
    uint64_t ns_per_tick_q32; /* nanoseconds per tick, times 2^32 */
};

/* Busy for about half a millisecond. */
struct clock_scale clock_calibrate(void);

#if defined(__x86_64__)
static inline uint64_t clock_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#elif defined(__aarch64__)
static inline uint64_t clock_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
static inline uint64_t clock_ticks(void)
{
    return (uint64_t)clock_monotonic_ns();
}
#endif

static inline uint64_t clock_ticks_ns(struct clock_scale scale, uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * scale.ns_per_tick_q32) >> 32);
}

#endif
