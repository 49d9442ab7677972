/* access.c: reading and advancing access clocks. */
#include "command/access.h"

#define CLOCK_MASK   0xFFFFFFu
#define MINUTES_MASK 0xFFFFu
#define COUNTER_MAX  255u

bool access_is_lfu(const struct settings *settings)
{
    int policy = atomic_load_explicit(&settings->maxmemory_policy, memory_order_relaxed);
    return policy == POLICY_ALLKEYS_LFU || policy == POLICY_VOLATILE_LFU;
}

static uint32_t clock_s(int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) & CLOCK_MASK;
}

static uint32_t clock_minutes(int64_t now_ms)
{
    return (uint32_t)(now_ms / 60000) & MINUTES_MASK;
}

uint32_t access_idle(int64_t now_ms, int64_t idle_s)
{
    return (clock_s(now_ms) - (uint32_t)idle_s) & CLOCK_MASK;
}

uint32_t access_frequent(int64_t now_ms, unsigned frequency)
{
    return clock_minutes(now_ms) << 8 | (frequency & COUNTER_MAX);
}

int64_t access_idle_s(uint32_t bits, int64_t now_ms)
{
    return (clock_s(now_ms) - bits) & CLOCK_MASK;
}

unsigned access_frequency(const struct settings *settings, uint32_t bits, int64_t now_ms)
{
    unsigned counter = bits & COUNTER_MAX;
    int decay_minutes = atomic_load_explicit(&settings->lfu_decay_time, memory_order_relaxed);
    if (decay_minutes <= 0) return counter;
    uint32_t elapsed = (clock_minutes(now_ms) - (bits >> 8)) & MINUTES_MASK;
    uint32_t periods = elapsed / (uint32_t)decay_minutes;
    return periods > counter ? 0 : counter - periods;
}

uint32_t access_new(const struct settings *settings, int64_t now_ms)
{
    return access_is_lfu(settings) ? clock_minutes(now_ms) << 8 | ACCESS_LFU_INITIAL : clock_s(now_ms);
}

uint32_t access_touched(const struct settings *settings, uint32_t bits, int64_t now_ms, uint32_t random)
{
    if (!access_is_lfu(settings)) return clock_s(now_ms);
    uint32_t counter = access_frequency(settings, bits, now_ms);
    int log_factor = atomic_load_explicit(&settings->lfu_log_factor, memory_order_relaxed);
    uint32_t above = counter > ACCESS_LFU_INITIAL ? counter - ACCESS_LFU_INITIAL : 0;
    uint32_t odds = above * (uint32_t)(log_factor > 0 ? log_factor : 0) + 1; /* one in so many */
    if (counter < COUNTER_MAX && random % odds == 0) counter++;
    return clock_minutes(now_ms) << 8 | counter;
}
