/* persist_info.c: INFO persistence (persist.h). The fields are Redis's: a checkpoint is its AOF rewrite, the heap file its base, the
 * journal's tail what was appended since. */
#include "app/app.h"
#include "app/persist.h"
#include "util/clock.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 1024
#define LLU(value) ((unsigned long long)(value))

static __attribute__((format(printf, 2, 3))) void put(struct resp_out *out, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0) resp_raw(out, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

static const char *status(const struct persist_record *record)
{
    return atomic_load(&record->failed) ? "err" : "ok";
}

static long long last_s(const struct persist_record *record)
{
    return (long long)atomic_load(&record->duration_ms) / 1000;
}

static long long current_s(const struct persist_record *record)
{
    int64_t begun_ms = atomic_load(&record->begun_ms);
    return begun_ms ? (long long)(clock_monotonic_ns() / 1000000 - begun_ms) / 1000 : -1;
}

static void write_snapshots(struct persist *persist, struct resp_out *out)
{
    struct worker_counters counters;
    const struct persist_record *save = &persist->save;
    stats_counters(&persist->app->server, &counters);
    put(out, "rdb_changes_since_last_save:%llu\r\nrdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%lld\r\n",
        LLU(counters.changes - atomic_load(&persist->changes_at_save)), atomic_load(&save->begun_ms) != 0,
        (long long)atomic_load(&save->ended_s));
    put(out,
        "rdb_last_bgsave_status:%s\r\nrdb_last_bgsave_time_sec:%lld\r\nrdb_current_bgsave_time_sec:%lld\r\n",
        status(save), last_s(save), current_s(save));
    put(out,
        "rdb_saves:%llu\r\nrdb_last_cow_size:0\r\nrdb_last_load_keys_expired:0\r\nrdb_last_load_keys_loaded:"
        "0\r\n",
        LLU(atomic_load(&save->count)));
}

static void write_append_only(struct persist *persist, bool enabled, enum error failure, struct resp_out *out)
{
    const struct persist_record *rewrite = &persist->rewrite;
    bool runs = atomic_load(&rewrite->begun_ms) != 0 || atomic_load(&persist->base_runs);
    put(out,
        "aof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:0\r\naof_last_rewrite_time_"
        "sec:%lld\r\n"
        "aof_current_rewrite_time_sec:%lld\r\naof_last_bgrewrite_status:%s\r\naof_rewrites:%llu\r\n"
        "aof_rewrites_consecutive_failures:%d\r\naof_last_write_status:%s\r\naof_last_cow_size:0\r\n"
        "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n",
        enabled, runs, last_s(rewrite), current_s(rewrite), status(rewrite),
        LLU(atomic_load(&rewrite->count)), atomic_load(&rewrite->failed), failure ? "err" : "ok");
}

static void write_journal(struct persist *persist, const struct wal_stats *stats, struct resp_out *out)
{
    struct heap_stats heap;
    heap_stats(persist->app->heap, &heap);
    uint64_t tail = stats->reserved_lsn - stats->noted_lsn;
    put(out,
        "aof_current_size:%llu\r\naof_base_size:%llu\r\naof_pending_rewrite:0\r\naof_buffer_length:0\r\n"
        "aof_pending_bio_fsync:%d\r\naof_delayed_fsync:%llu\r\n",
        LLU(heap.file_bytes + tail), LLU(heap.file_bytes), stats->durable_lsn < stats->reserved_lsn,
        LLU(stats->waits_for_room));
    put(out,
        "journal_lsn:%llu\r\njournal_durable_lsn:%llu\r\njournal_applied_lsn:%llu\r\njournal_noted_lsn:%"
        "llu\r\n"
        "journal_tail_bytes:%llu\r\njournal_files_bytes:%llu\r\njournal_records:%llu\r\njournal_syncs:%"
        "llu\r\n"
        "journal_checkpoints:%llu\r\njournal_last_sync_usec:%lld\r\njournal_last_checkpoint_usec:%lld\r\n"
        "journal_base_durable:%d\r\njournal_epoch:%u\r\njournal_copies_pages:%d\r\n",
        LLU(stats->reserved_lsn), LLU(stats->durable_lsn), LLU(stats->applied_lsn), LLU(stats->noted_lsn),
        LLU(tail), LLU(stats->segment_files_bytes), LLU(stats->records), LLU(stats->syncs),
        LLU(stats->checkpoints), (long long)stats->last_sync_us, (long long)stats->last_checkpoint_us,
        stats->base_durable, stats->epoch, stats->copies);
}

void persist_write_info(struct persist *persist, struct heap_thread *thread, struct resp_out *out)
{
    struct app *app = persist->app;
    struct wal_stats stats;
    bool journaled = heap_journal_stats(thread, &stats);
    enum error failure = heap_journal_error(thread);
    pthread_mutex_lock(&persist->lock);
    bool enabled = persist->append_only;
    pthread_mutex_unlock(&persist->lock);
    put(out, "loading:0\r\nasync_loading:0\r\nheap_mode:%s\r\nheap_path:%s\r\nheap_recovered:%d\r\n",
        persist_mode_name(heap_mode(app->heap)), app->heap_path,
        !app->report.created && !app->report.was_clean);
    put(out,
        "current_cow_peak:0\r\ncurrent_cow_size:0\r\ncurrent_cow_size_age:0\r\ncurrent_fork_perc:0.00\r\n"
        "current_save_keys_processed:0\r\ncurrent_save_keys_total:0\r\n");
    write_snapshots(persist, out);
    write_append_only(persist, enabled, failure, out);
    if (journaled) write_journal(persist, &stats, out);
}
