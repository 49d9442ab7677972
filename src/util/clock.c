/* clock.c: reading the clocks. */
#include "util/clock.h"

#include <time.h>

#define CALIBRATION_NS INT64_C(500000)

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_wall_us(void)
{
    return read_ns(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

struct clock_scale clock_calibrate(void)
{
    int64_t start_ns = clock_monotonic_ns();
    uint64_t start = clock_ticks();
    int64_t now_ns;
    uint64_t now;
    do {
        now_ns = clock_monotonic_ns();
        now = clock_ticks();
    } while (now_ns - start_ns < CALIBRATION_NS || now == start);
    unsigned __int128 elapsed = (unsigned __int128)(uint64_t)(now_ns - start_ns) << 32;
    return (struct clock_scale){.ns_per_tick_q32 = (uint64_t)(elapsed / (now - start))};
}
