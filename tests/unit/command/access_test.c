/* access_test.c: access clocks: seconds that wrap, counters that grow slowly and decay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/access.h"

#define MINUTE_MS INT64_C(60000)
#define NOW_MS    (INT64_C(1700000000) * 1000)

static struct settings settings_of(enum maxmemory_policy policy)
{
    struct settings settings = {.lfu_log_factor = 10, .lfu_decay_time = 1};
    atomic_store(&settings.maxmemory_policy, (int)policy);
    return settings;
}

static void test_lru(void **state)
{
    (void)state;
    struct settings settings = settings_of(POLICY_ALLKEYS_LRU);
    uint32_t bits = access_new(&settings, NOW_MS);
    assert_int_equal(access_touched(&settings, 0, NOW_MS, 1), bits);
    assert_int_equal(access_idle_s(bits, NOW_MS), 0);
    assert_int_equal(access_idle_s(bits, NOW_MS + 90 * 1000), 90);
    int64_t wrap_ms = INT64_C(1000) << 24;
    assert_int_equal(access_idle_s(access_new(&settings, wrap_ms - 5000), wrap_ms + 5000), 10);
}

static void test_lfu_decays(void **state)
{
    (void)state;
    struct settings settings = settings_of(POLICY_ALLKEYS_LFU);
    uint32_t bits = access_new(&settings, NOW_MS);
    assert_int_equal(access_frequency(&settings, bits, NOW_MS), ACCESS_LFU_INITIAL);
    assert_int_equal(access_frequency(&settings, bits, NOW_MS + 3 * MINUTE_MS), ACCESS_LFU_INITIAL - 3);
    assert_int_equal(access_frequency(&settings, bits, NOW_MS + 100 * MINUTE_MS), 0);
    atomic_store(&settings.lfu_decay_time, 0);
    assert_int_equal(access_frequency(&settings, bits, NOW_MS + 100 * MINUTE_MS), ACCESS_LFU_INITIAL);
}

/* A counter above the start grows once in (counter - 5) * factor + 1 touches, and stops at 255. */
static void test_lfu_grows(void **state)
{
    (void)state;
    struct settings settings = settings_of(POLICY_VOLATILE_LFU);
    uint32_t bits = access_new(&settings, NOW_MS);
    bits = access_touched(&settings, bits, NOW_MS, 12345);
    assert_int_equal(bits & 255, ACCESS_LFU_INITIAL + 1);
    unsigned grown = 0;
    for (uint32_t random = 0; random < 110; random++)
        grown += (access_touched(&settings, bits, NOW_MS, random) & 255) > ACCESS_LFU_INITIAL + 1;
    assert_int_equal(grown, 110 / 11);
    bits |= 255;
    assert_int_equal(access_touched(&settings, bits, NOW_MS, 0) & 255, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru),
        cmocka_unit_test(test_lfu_decays),
        cmocka_unit_test(test_lfu_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
