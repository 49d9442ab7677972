/* histogram.h: a log-linear histogram of durations: eight buckets per power of two, from 1/8 µs to a second.
 *
 * One writer; readers may look at any time (relaxed loads, each bucket for itself).
 */
#ifndef CAIRN_COMMAND_HISTOGRAM_H
#define CAIRN_COMMAND_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 3
#define HISTOGRAM_OCTAVES  20 /* 1 µs .. 2^20 µs; what is slower goes into the last bucket */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_OCTAVES + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *histogram, uint64_t duration_ns);
void histogram_reset(struct histogram *histogram);

/* A plain copy to compute with; histogram_add sums several writers' histograms. */
struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t total;
};
void histogram_add(struct histogram_sum *sum, const struct histogram *histogram);
/* Samples of less than 2^exponent µs. */
uint64_t histogram_below_us(const struct histogram_sum *sum, unsigned exponent);
/* The upper end, in µs, of the bucket that holds the percentile (0..100]; 0 when empty. */
double histogram_percentile_us(const struct histogram_sum *sum, double percentile);

#endif
