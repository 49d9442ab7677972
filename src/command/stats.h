/* stats.h: what commands cost and which errors they gave: INFO commandstats, errorstats, latencystats.
 *
 * Terms: a worker's counters are written by that worker alone. A *reset* starts a new *epoch*: each worker
 * zeroes its own counters when it next works, and readers take a worker of an older epoch for zero.
 */
#ifndef CAIRN_COMMAND_STATS_H
#define CAIRN_COMMAND_STATS_H

#include "command/histogram.h"
#include "resp/write.h"
#include "util/error.h"
#include "util/slice.h"

#include <pthread.h>
#include <stdbool.h>

struct server_state;
struct worker;
struct worker_counters;

struct command_stats {
    _Atomic uint64_t calls;
    _Atomic uint64_t duration_ns;
    _Atomic uint64_t rejected;             /* refused before they ran */
    _Atomic uint64_t failed;               /* ran and replied an error */
    _Atomic(struct histogram *) histogram; /* from the first call on */
};

/* Adds to a counter of which this thread is the only writer. */
static inline void stats_add(_Atomic uint64_t *counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

/* ---- errors by their first word ---- */
#define ERROR_STATS_MAX      128
#define ERROR_STATS_NAME_MAX 32
struct error_stats {
    pthread_mutex_t lock;
    unsigned count;
    struct {
        char name[ERROR_STATS_NAME_MAX];
        uint64_t replies;
    } rows[ERROR_STATS_MAX];
};
/* `reply` is an error reply's text after the '-'. */
void stats_count_error(struct error_stats *stats, struct slice reply);

/* ---- a worker's side ---- */
/* Zeroes the worker's counters when a reset happened since the last call. */
void stats_follow_reset(struct worker *worker);

/* ---- readers: sums over all workers ---- */
struct stats_sum {
    uint64_t calls, duration_ns, rejected, failed;
};
struct stats_sum stats_of_command(const struct server_state *server, unsigned command_id);
/* False when the command has not run since the last reset. */
bool stats_histogram(const struct server_state *server, unsigned command_id, struct histogram_sum *sum_out);
/* Sum of the counters of worker.h over all workers. */
void stats_counters(const struct server_state *server, struct worker_counters *sum_out);
void stats_reset(struct server_state *server);

/* The lines of three INFO sections, without their headers. */
void stats_write_commandstats(const struct server_state *server, struct resp_out *text_out);
void stats_write_errorstats(struct server_state *server, struct resp_out *text_out);
void stats_write_latencystats(const struct server_state *server, struct resp_out *text_out);

#endif
