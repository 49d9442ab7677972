/* stats.c: counting, summing and resetting what commands did. */
#include "command/stats.h"

#include "command/server_state.h"
#include "command/worker.h"
#include "util/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOAD(counter) atomic_load_explicit(&(counter), memory_order_relaxed)
#define ZERO(counter) atomic_store_explicit(&(counter), 0, memory_order_relaxed)

/* ---- errors ---- */

void stats_count_error(struct error_stats *stats, struct slice reply)
{
    size_t len = 0;
    while (len < reply.len && len < ERROR_STATS_NAME_MAX - 1 && reply.ptr[len] > ' ')
        len++;
    pthread_mutex_lock(&stats->lock);
    unsigned i = 0;
    while (i < stats->count && !slice_equal(slice_of(stats->rows[i].name), (struct slice){reply.ptr, len}))
        i++;
    if (i == stats->count && i < ERROR_STATS_MAX) {
        memcpy(stats->rows[i].name, reply.ptr, len);
        stats->rows[i].name[len] = '\0';
        stats->rows[i].replies = 0;
        stats->count++;
    }
    if (i < stats->count) stats->rows[i].replies++;
    pthread_mutex_unlock(&stats->lock);
}

/* ---- resets ---- */

void stats_reset(struct server_state *server)
{
    atomic_fetch_add_explicit(&server->stats_epoch, 1, memory_order_relaxed);
    pthread_mutex_lock(&server->errors.lock);
    server->errors.count = 0;
    pthread_mutex_unlock(&server->errors.lock);
    memory_limit_reset_stats(&server->memory_limit);
}

/* `changes` stays: it counts since the last save, not since the reset. */
static void zero_counters(struct worker_counters *counters)
{
    ZERO(counters->commands);
    ZERO(counters->keyspace_hits);
    ZERO(counters->keyspace_misses);
    ZERO(counters->expired_keys);
    ZERO(counters->error_replies);
    ZERO(counters->bytes_in);
    ZERO(counters->bytes_out);
    ZERO(counters->reads);
    ZERO(counters->writes);
    ZERO(counters->payloads_checked);
}

void stats_follow_reset(struct worker *worker)
{
    uint64_t epoch = LOAD(worker->server->stats_epoch);
    if (LOAD(worker->stats_epoch) == epoch) return;
    zero_counters(&worker->counters);
    for (unsigned id = 0; id < command_table_count(worker->server->table); id++) {
        struct command_stats *stats = &worker->stats[id];
        ZERO(stats->calls);
        ZERO(stats->duration_ns);
        ZERO(stats->rejected);
        ZERO(stats->failed);
        struct histogram *histogram = LOAD(stats->histogram);
        if (histogram) histogram_reset(histogram);
    }
    atomic_store_explicit(&worker->stats_epoch, epoch, memory_order_release);
}

/* ---- sums ---- */

/* Worker `i` when its counters are of this epoch. */
static struct worker *current_worker(const struct server_state *server, unsigned i)
{
    struct worker *worker = server->workers[i];
    if (!worker) return NULL;
    uint64_t epoch = atomic_load_explicit(&worker->stats_epoch, memory_order_acquire);
    return epoch == LOAD(server->stats_epoch) ? worker : NULL;
}

struct stats_sum stats_of_command(const struct server_state *server, unsigned command_id)
{
    struct stats_sum sum = {0};
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct worker *worker = current_worker(server, i);
        if (!worker) continue;
        const struct command_stats *stats = &worker->stats[command_id];
        sum.calls += LOAD(stats->calls);
        sum.duration_ns += LOAD(stats->duration_ns);
        sum.rejected += LOAD(stats->rejected);
        sum.failed += LOAD(stats->failed);
    }
    return sum;
}

bool stats_histogram(const struct server_state *server, unsigned command_id, struct histogram_sum *sum_out)
{
    memset(sum_out, 0, sizeof *sum_out);
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct worker *worker = current_worker(server, i);
        if (!worker) continue;
        const struct histogram *histogram =
            atomic_load_explicit(&worker->stats[command_id].histogram, memory_order_acquire);
        if (histogram) histogram_add(sum_out, histogram);
    }
    return sum_out->total > 0;
}

void stats_counters(const struct server_state *server, struct worker_counters *sum_out)
{
    memset(sum_out, 0, sizeof *sum_out);
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct worker *worker = server->workers[i];
        if (!worker) continue;
        const struct worker_counters *from = &worker->counters;
        stats_add(&sum_out->changes, LOAD(from->changes));
        if (!current_worker(server, i)) continue;
        stats_add(&sum_out->commands, LOAD(from->commands));
        stats_add(&sum_out->keyspace_hits, LOAD(from->keyspace_hits));
        stats_add(&sum_out->keyspace_misses, LOAD(from->keyspace_misses));
        stats_add(&sum_out->expired_keys, LOAD(from->expired_keys));
        stats_add(&sum_out->error_replies, LOAD(from->error_replies));
        stats_add(&sum_out->bytes_in, LOAD(from->bytes_in));
        stats_add(&sum_out->bytes_out, LOAD(from->bytes_out));
        stats_add(&sum_out->reads, LOAD(from->reads));
        stats_add(&sum_out->writes, LOAD(from->writes));
        stats_add(&sum_out->payloads_checked, LOAD(from->payloads_checked));
    }
}

/* ---- INFO ---- */

__attribute__((format(printf, 2, 3))) static void text_line(struct resp_out *text_out, const char *format,
                                                            ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    resp_raw(text_out, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

void stats_write_commandstats(const struct server_state *server, struct resp_out *text_out)
{
    for (unsigned id = 0; id < command_table_count(server->table); id++) {
        struct stats_sum sum = stats_of_command(server, id);
        if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
        double usec = (double)sum.duration_ns / 1000;
        text_line(
            text_out,
            "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu\r\n",
            command_table_at(server->table, id)->full_name, (unsigned long long)sum.calls, usec,
            sum.calls ? usec / (double)sum.calls : 0, (unsigned long long)sum.rejected,
            (unsigned long long)sum.failed);
    }
}

void stats_write_errorstats(struct server_state *server, struct resp_out *text_out)
{
    struct error_stats *errors = &server->errors;
    pthread_mutex_lock(&errors->lock);
    for (unsigned i = 0; i < errors->count; i++)
        text_line(text_out, "errorstat_%s:count=%llu\r\n", errors->rows[i].name,
                  (unsigned long long)errors->rows[i].replies);
    pthread_mutex_unlock(&errors->lock);
}

static void write_percentiles(const struct latency_percentiles *wanted, const struct histogram_sum *sum,
                              struct resp_out *text_out)
{
    size_t count = LOAD(wanted->count);
    for (size_t i = 0; i < count; i++) {
        double percentile = LOAD(wanted->at[i]);
        char label[NUMBER_DOUBLE_TEXT_MAX];
        size_t len = number_double_text(label, percentile);
        text_line(text_out, "%sp%.*s=%.3f", i > 0 ? "," : "", (int)len, label,
                  histogram_percentile_us(sum, percentile));
    }
}

void stats_write_latencystats(const struct server_state *server, struct resp_out *text_out)
{
    struct histogram_sum sum;
    for (unsigned id = 0; id < command_table_count(server->table); id++) {
        if (!stats_histogram(server, id, &sum)) continue;
        text_line(text_out, "latency_percentiles_usec_%s:", command_table_at(server->table, id)->full_name);
        write_percentiles(&server->settings->latency_percentiles, &sum, text_out);
        text_line(text_out, "\r\n");
    }
}
