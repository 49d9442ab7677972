/* histogram_test.c: borders of buckets, sums and percentiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/histogram.h"

#include <string.h>

static struct histogram_sum sum_of(const struct histogram *histogram)
{
    struct histogram_sum sum;
    memset(&sum, 0, sizeof sum);
    histogram_add(&sum, histogram);
    return sum;
}

/* A duration just below 2^e µs counts as below it, one at it does not. */
static void test_borders(void **state)
{
    (void)state;
    for (unsigned exponent = 0; exponent < HISTOGRAM_OCTAVES; exponent++) {
        struct histogram histogram;
        uint64_t border_ns = UINT64_C(1000) << exponent;
        histogram_reset(&histogram);
        histogram_record(&histogram, border_ns - 1);
        histogram_record(&histogram, border_ns);
        struct histogram_sum sum = sum_of(&histogram);
        assert_int_equal(sum.total, 2);
        assert_int_equal(histogram_below_us(&sum, exponent), 1);
        assert_int_equal(histogram_below_us(&sum, exponent + 1), 2);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_reset(&histogram);
    histogram_record(&histogram, 0);
    histogram_record(&histogram, UINT64_MAX);
    struct histogram_sum sum = sum_of(&histogram);
    assert_int_equal(sum.buckets[0], 1);
    assert_int_equal(sum.buckets[HISTOGRAM_BUCKETS - 1], 1);
    assert_int_equal(histogram_below_us(&sum, HISTOGRAM_OCTAVES), 2);
}

/* Of a thousand durations of 1 .. 1000 µs each percentile is right within a bucket: an eighth. */
static void test_percentiles(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_reset(&histogram);
    for (uint64_t us = 1; us <= 1000; us++)
        histogram_record(&histogram, us * 1000);
    struct histogram_sum sum = sum_of(&histogram);
    const double percentiles[] = {1, 10, 50, 90, 99, 99.9, 100};
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        double found = histogram_percentile_us(&sum, percentiles[i]);
        double exact = percentiles[i] * 10;
        assert_true(found >= exact && found <= exact * 1.125 + 0.25);
    }
    memset(&sum, 0, sizeof sum);
    assert_true(histogram_percentile_us(&sum, 50) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
