/* memory_limit.h: keeps the heap below `maxmemory`: frees what is dropped already, then evicts, in bounded time.
 *
 * Invariants:
 * M1. Who enforces is outside the gate and holds no stripe; each stay in the gate is a few steps long.
 * M2. What waits on the reclaim list goes first: nothing is evicted for memory that is free soon (H7).
 * M3. A pause holds the data still: nothing is evicted, nothing is refused.
 */
#ifndef CAIRN_COMMAND_MEMORY_LIMIT_H
#define CAIRN_COMMAND_MEMORY_LIMIT_H

#include "db/evict.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct server_state;

enum memory_state {
    MEMORY_BELOW, /* the limit, or there is none */
    MEMORY_ABOVE, /* time is up; there is more to free */
    MEMORY_HELD,  /* above, and a pause holds the data still */
    MEMORY_STUCK, /* nothing more can be freed: what needs memory is refused */
};

/* Shared by all threads; zero at the start. */
struct memory_limit {
    _Atomic uint64_t evicted;
    _Atomic int64_t exceeded_since_ns; /* monotonic; 0: below */
    _Atomic uint64_t exceeded_ns;      /* how long memory was above, when it came below again */
};

/* Frees until the heap is below the limit or the time that maxmemory-eviction-tenacity grants is up. `slot` is the
 * caller's in the gate (M1), the evictor its own. Next to free of cost while memory is below. */
enum memory_state memory_limit_enforce(struct server_state *server, unsigned slot, struct evictor *evictor,
                                       int64_t now_ms);

/* For INFO; times in milliseconds. */
struct memory_limit_stats {
    uint64_t evicted;
    uint64_t total_exceeded_ms;
    uint64_t current_exceeded_ms;
};
struct memory_limit_stats memory_limit_stats(const struct memory_limit *limit);
void memory_limit_reset_stats(struct memory_limit *limit);

#endif
