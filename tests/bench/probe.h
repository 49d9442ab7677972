/* probe.h: a client of its own that pings every millisecond and notes how long each reply takes. */
#ifndef CAIRN_BENCH_PROBE_H
#define CAIRN_BENCH_PROBE_H

#include <stdint.h>

struct probe;

struct probe_result {
    uint64_t pings;
    uint64_t median_us;
    uint64_t p999_us;
    uint64_t longest_us;
};

struct probe *probe_start(const char *address);
/* Ends and frees the probe. */
struct probe_result probe_stop(struct probe *probe);

#endif
