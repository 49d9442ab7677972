/* histogram.c: durations into buckets and back.
 *
 * Terms: a *unit* is 1/8 µs, so that the first eight buckets are a unit wide and every power of two of µs is
 * the border of a bucket.
 */
#include "command/histogram.h"

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)
#define UNIT_NS     125

static unsigned bucket_of(uint64_t duration_ns)
{
    uint64_t units = duration_ns / UNIT_NS;
    if (units < SUB_BUCKETS) return (unsigned)units;
    unsigned octave = 63 - (unsigned)__builtin_clzll(units) - HISTOGRAM_SUB_BITS;
    unsigned bucket = (octave << HISTOGRAM_SUB_BITS) + (unsigned)(units >> octave);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The first unit beyond a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < SUB_BUCKETS) return bucket + 1;
    unsigned octave = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return ((uint64_t)(bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS + 1) << octave;
}

void histogram_record(struct histogram *histogram, uint64_t duration_ns)
{
    _Atomic uint64_t *bucket = &histogram->buckets[bucket_of(duration_ns)];
    uint64_t count = atomic_load_explicit(bucket, memory_order_relaxed); /* one writer */
    atomic_store_explicit(bucket, count + 1, memory_order_relaxed);
}

void histogram_reset(struct histogram *histogram)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_store_explicit(&histogram->buckets[i], 0, memory_order_relaxed);
}

void histogram_add(struct histogram_sum *sum, const struct histogram *histogram)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t count = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        sum->buckets[i] += count;
        sum->total += count;
    }
}

uint64_t histogram_below_us(const struct histogram_sum *sum, unsigned exponent)
{
    uint64_t below = 0;
    unsigned end = exponent < HISTOGRAM_OCTAVES ? (exponent + 1) << HISTOGRAM_SUB_BITS : HISTOGRAM_BUCKETS;
    for (unsigned i = 0; i < end; i++)
        below += sum->buckets[i];
    return below;
}

double histogram_percentile_us(const struct histogram_sum *sum, double percentile)
{
    if (sum->total == 0) return 0;
    double wanted = (double)sum->total * percentile / 100;
    uint64_t seen = 0;
    unsigned i = 0;
    for (; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += sum->buckets[i];
        if (seen > 0 && (double)seen >= wanted) break;
    }
    return (double)bucket_end(i) / SUB_BUCKETS;
}
