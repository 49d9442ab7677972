/* persist.c: modes of the heap, saves and the journal's failures (persist.h).
 *
 * Invariants:
 * Q1. The heap's mode changes with the gate entered alone and `media` held.
 * Q2. A journal that failed under appendfsync always ends the process before anything that was not durable is acknowledged (J10).
 */
#include "app/persist.h"

#include "app/app.h"
#include "command/block.h"
#include "util/clock.h"
#include "util/thread.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS      INT64_C(1000000)
#define RETRY_SAVE_MS  5000 /* after a save point's save failed */
#define NEVER_MS       (-1000)
#define PERCENT        100.0
#define BYTES_PER_MEBI 1048576.0

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

/* ---- the journal's callbacks ---- */

static void on_log(void *arg, enum wal_level level, const char *line)
{
    struct persist *persist = arg;
    log_line(&persist->app->log, level == WAL_WARNING ? LOG_WARNING : LOG_NOTICE, "%s", line);
}

static void on_progress(void *arg, const struct wal_progress *progress)
{
    struct persist *persist = arg;
    loading_progress(&persist->app->loading, progress);
    double part = progress->tail_bytes ? (double)progress->done_bytes / (double)progress->tail_bytes : 1;
    log_line(&persist->app->log, LOG_NOTICE, "Recovering from the journal: %.0f%% of %.0f MiB, %.0f MiB/s",
             part * PERCENT, (double)progress->tail_bytes / BYTES_PER_MEBI,
             (double)progress->bytes_per_s / BYTES_PER_MEBI);
}

/* Q2 */
static void judge_failure(struct persist *persist, enum error error, enum wal_policy policy)
{
    if (policy == WAL_ALWAYS) {
        log_line(&persist->app->log, LOG_WARNING,
                 "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting... (%s)",
                 error_text(error));
        _exit(1);
    }
    if (atomic_exchange(&persist->failure_told, true)) return;
    log_line(&persist->app->log, LOG_WARNING,
             "Error writing to the journal: %s. Writes are refused from now on; restart the server once the "
             "disk is well",
             error_text(error));
}

static void on_advanced(void *arg)
{
    struct persist *persist = arg;
    pthread_mutex_lock(&persist->lock);
    if (persist->pool) {
        client_pool_acknowledged(persist->pool);
        block_durable_moved(&persist->app->server);
    }
    enum error error = persist->pool ? heap_journal_failure(persist->app->heap) : ERROR_OK;
    enum wal_policy policy = persist->append_only ? persist->fsync : WAL_EVERYSEC;
    pthread_mutex_unlock(&persist->lock);
    if (error) judge_failure(persist, error, policy);
}

/* ---- rest ---- */

static void stop_transactions(void *arg)
{
    gate_enter_exclusive(&((struct persist *)arg)->app->server.gate);
}

static void resume_transactions(void *arg)
{
    gate_leave_exclusive(&((struct persist *)arg)->app->server.gate);
}

/* ---- options ---- */

void persist_init(struct persist *persist, struct app *app)
{
    persist->app = app;
    pthread_mutex_init(&persist->media, NULL);
    pthread_mutex_init(&persist->lock, NULL);
    pthread_cond_init(&persist->changed, NULL);
    atomic_init(&persist->save.ended_s, clock_wall_ms() / 1000);
    atomic_init(&persist->save.duration_ms, NEVER_MS);
    atomic_init(&persist->rewrite.duration_ms, NEVER_MS);
}

static void note_points(struct persist *persist, const char *text)
{
    persist->point_count = 0;
    long long seconds, changes;
    int used;
    while (persist->point_count < PERSIST_POINTS_MAX &&
           sscanf(text, "%lld %lld%n", &seconds, &changes, &used) == 2) {
        persist->points[persist->point_count].seconds = seconds;
        persist->points[persist->point_count++].changes = (uint64_t)changes;
        text += used;
    }
}

void persist_note_config(struct persist *persist)
{
    static const enum wal_policy policies[] = {WAL_EVERYSEC, WAL_ALWAYS,
                                               WAL_NO}; /* as the option's words stand */
    const struct config *config = persist->app->config;
    pthread_mutex_lock(&persist->lock);
    persist->append_only = config_bool(config, "appendonly");
    persist->fsync = policies[config_choice(config, "appendfsync")];
    persist->tail_limit_bytes = (uint64_t)config_int(config, "journal-max-size");
    note_points(persist, config_text(config, "save"));
    pthread_mutex_unlock(&persist->lock);
}

void persist_options(struct persist *persist, struct heap_journal_options *options_out)
{
    pthread_mutex_lock(&persist->lock);
    *options_out = (struct heap_journal_options){
        .wanted = persist->append_only || persist->point_count > 0,
        .policy = persist->append_only ? persist->fsync : WAL_EVERYSEC,
        .tail_limit_bytes = persist->tail_limit_bytes,
        .callbacks = {persist, on_advanced, on_log, on_progress},
        .rest = {persist, stop_transactions, resume_transactions},
    };
    pthread_mutex_unlock(&persist->lock);
}

void persist_set_pool(struct persist *persist, struct client_pool *pool)
{
    if (persist->app->heap) heap_journal_allow_rest(persist->app->heap, pool != NULL); /* the gate is there as long as the pool */
    pthread_mutex_lock(&persist->lock);
    persist->pool = pool;
    pthread_mutex_unlock(&persist->lock);
    if (pool) on_advanced(persist); /* the journal may have failed already (Q2) */
}

/* ---- changing the mode ---- */

static void *make_base(void *arg)
{
    struct persist *persist = arg;
    enum error error = heap_journal_base(persist->app->heap);
    if (error)
        log_line(&persist->app->log, LOG_WARNING, "The base of the journal could not be made durable: %s",
                 error_text(error));
    else
        log_line(&persist->app->log, LOG_NOTICE,
                 "The base of the journal is durable: the data survives power loss from now on");
    atomic_store(&persist->rewrite.failed, error != ERROR_OK);
    atomic_store(&persist->base_runs, false);
    on_advanced(persist); /* WAITAOF */
    return NULL;
}

static void await_base(struct persist *persist)
{
    if (!persist->base_started) return;
    pthread_join(persist->base, NULL);
    persist->base_started = false;
}

static void start_base(struct persist *persist)
{
    atomic_store(&persist->base_runs, true);
    persist->base_started = thread_start(&persist->base, "base", make_base, persist) == 0;
    if (!persist->base_started) make_base(persist); /* without a thread of its own: now */
}

/* Q1 */
static enum error begin_journal(struct persist *persist, const struct heap_journal_options *options,
                                char *detail, size_t detail_cap)
{
    struct app *app = persist->app;
    gate_enter_exclusive(&app->server.gate);
    enum error error = heap_journal_begin(app->heap, options, detail, detail_cap);
    gate_leave_exclusive(&app->server.gate);
    if (!error) heap_journal_allow_rest(app->heap, true);
    if (!error) start_base(persist);
    return error;
}

static enum error end_journal(struct persist *persist, char *detail, size_t detail_cap)
{
    struct app *app = persist->app;
    await_base(persist);
    enum error error = heap_sync(app->heap); /* most of it before anybody has to wait */
    if (error) return error;
    heap_journal_allow_rest(app->heap, false); /* who waits for the gate would be waited for inside of it */
    gate_enter_exclusive(&app->server.gate);
    error = heap_journal_end(app->heap, detail, detail_cap);
    gate_leave_exclusive(&app->server.gate);
    heap_journal_allow_rest(app->heap, error != ERROR_OK);
    return error;
}

static enum error change_mode(struct persist *persist, struct heap_thread *thread, char *detail,
                              size_t detail_cap)
{
    struct heap *heap = persist->app->heap;
    struct heap_journal_options options;
    persist_options(persist, &options);
    bool is_journaled = heap_mode(heap) == HEAP_MODE_JOURNALED;
    bool wanted = options.wanted && heap_wants_journal(heap);
    heap_journal_set_policy(thread, options.policy);
    heap_journal_set_tail_limit(thread, options.tail_limit_bytes);
    if (wanted == is_journaled) return ERROR_OK;
    int64_t begun_ms = now_ms();
    enum error error = wanted ? begin_journal(persist, &options, detail, detail_cap)
                              : end_journal(persist, detail, detail_cap);
    if (error)
        log_line(&persist->app->log, LOG_WARNING, "The heap stays in mode %s: %s. %s",
                 persist_mode_name(heap_mode(heap)), error_text(error), detail);
    else
        log_line(&persist->app->log, LOG_NOTICE, "The heap is in mode %s now (%lld ms)",
                 persist_mode_name(heap_mode(heap)), (long long)(now_ms() - begun_ms));
    return error;
}

static void do_change(struct persist *persist, struct heap_thread *thread)
{
    char detail[256] = "";
    pthread_mutex_lock(&persist->media);
    enum error error = change_mode(persist, thread, detail, sizeof detail);
    pthread_mutex_unlock(&persist->media);
    pthread_mutex_lock(&persist->lock);
    persist->change_failed = error != ERROR_OK;
    persist->change_wanted = false;
    if (persist->pool) { /* there may be nothing to wait for any more */
        client_pool_acknowledged(persist->pool);
        block_durable_moved(&persist->app->server);
    }
    pthread_cond_broadcast(&persist->changed);
    pthread_mutex_unlock(&persist->lock);
}

bool persist_apply(struct persist *persist, char *error, size_t error_cap)
{
    pthread_mutex_lock(&persist->lock);
    persist->change_wanted = true;
    cron_wake(&persist->app->cron);
    while (persist->change_wanted)
        pthread_cond_wait(&persist->changed, &persist->lock);
    bool failed = persist->change_failed;
    bool is_on = persist->append_only;
    pthread_mutex_unlock(&persist->lock);
    if (failed)
        snprintf(error, error_cap,
                 "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn %s AOF. "
                 "Check server logs.",
                 is_on ? "on" : "off");
    return !failed;
}

/* ---- saves ---- */

static uint64_t count_changes(const struct persist *persist)
{
    struct worker_counters counters;
    stats_counters(&persist->app->server, &counters);
    return counters.changes;
}

/* False while one of its kind is under way, or waits to be. */
static bool begin_record(struct persist_record *record)
{
    int64_t none = 0;
    return atomic_compare_exchange_strong(&record->begun_ms, &none, now_ms());
}

static void end_record(struct persist_record *record, enum error error)
{
    int64_t begun_ms = atomic_exchange(&record->begun_ms, 0);
    atomic_store(&record->failed, error != ERROR_OK);
    atomic_store(&record->duration_ms, now_ms() - begun_ms);
    if (error) return;
    atomic_store(&record->ended_s, clock_wall_ms() / 1000);
    atomic_fetch_add(&record->count, 1);
}

/* Whether writes are refused follows from how the last save went and what the options say. */
static void judge_save(struct persist *persist, enum error error)
{
    struct app *app = persist->app;
    if (error)
        log_line(&app->log, LOG_WARNING, "The heap could not be synced to its medium: %s", error_text(error));
    else
        log_line(&app->log, LOG_NOTICE, "DB saved on disk: the heap was synced in %lld ms",
                 (long long)atomic_load(&persist->save.duration_ms));
    atomic_store(&app->server.save_failed, error != ERROR_OK);
}

static void end_save(struct persist *persist, enum error error, uint64_t changes)
{
    end_record(&persist->save, error);
    if (!error) atomic_store(&persist->changes_at_save, changes);
    else atomic_store(&persist->tried_save_ms, now_ms());
    judge_save(persist, error);
}

enum error persist_save(struct persist *persist)
{
    uint64_t changes = count_changes(persist);
    if (!begin_record(&persist->save)) return ERROR_IN_USE;
    pthread_mutex_lock(&persist->media);
    enum error error = heap_sync(persist->app->heap);
    end_save(persist, error, changes);
    pthread_mutex_unlock(&persist->media);
    return error;
}

static void end_rewrite(struct persist *persist, enum error error)
{
    end_record(&persist->rewrite, error);
    if (error)
        log_line(&persist->app->log, LOG_WARNING, "Background AOF rewrite failed: %s", error_text(error));
    else log_line(&persist->app->log, LOG_NOTICE, "Background AOF rewrite finished successfully");
}

enum error persist_begin(struct persist *persist, enum persist_work work)
{
    struct persist_record *record = work == PERSIST_SAVE ? &persist->save : &persist->rewrite;
    pthread_mutex_lock(&persist->lock);
    bool busy = !begin_record(record);
    if (!busy) persist->wanted |= (unsigned)work;
    pthread_mutex_unlock(&persist->lock);
    if (!busy) cron_wake(&persist->app->cron);
    return busy ? ERROR_IN_USE : ERROR_OK;
}

void persist_note_flush(struct persist *persist, uint64_t changes)
{
    pthread_mutex_lock(&persist->lock);
    bool counts = persist->point_count > 0;
    pthread_mutex_unlock(&persist->lock);
    if (counts) atomic_store(&persist->changes_at_save, count_changes(persist) + changes);
}

static void end_work(struct persist *persist, enum error error, uint64_t changes)
{
    if (persist->running & PERSIST_SAVE) end_save(persist, error, changes);
    if (persist->running & PERSIST_REWRITE) end_rewrite(persist, error);
    persist->running = 0;
}

/* A journal makes its checkpoint in the background; another medium is synced here and now. */
static void start_work(struct persist *persist, struct heap_thread *thread, unsigned work)
{
    persist->running = work;
    persist->running_changes = count_changes(persist);
    if (heap_checkpoint(thread, &persist->running_lsn)) return;
    pthread_mutex_lock(&persist->media);
    enum error error = heap_sync(persist->app->heap);
    pthread_mutex_unlock(&persist->media);
    end_work(persist, error, persist->running_changes);
}

static void look_at_checkpoint(struct persist *persist, struct heap_thread *thread)
{
    struct wal_stats stats;
    enum error error = heap_journal_error(thread);
    /* Without a journal now: it was ended, and everything synced. */
    bool done = !heap_journal_stats(thread, &stats) || stats.noted_lsn >= persist->running_lsn;
    if (done || error) end_work(persist, done ? ERROR_OK : error, persist->running_changes);
}

/* True when a save point is reached. */
static bool point_reached(struct persist *persist)
{
    uint64_t changes = count_changes(persist);
    uint64_t saved = atomic_load(&persist->changes_at_save);
    int64_t passed_s = clock_wall_ms() / 1000 - atomic_load(&persist->save.ended_s);
    bool failing =
        atomic_load(&persist->save.failed) && now_ms() - atomic_load(&persist->tried_save_ms) < RETRY_SAVE_MS;
    bool reached = false;
    if (failing || changes <= saved) return false;
    pthread_mutex_lock(&persist->lock);
    for (unsigned i = 0; i < persist->point_count && !reached; i++) {
        reached = changes - saved >= persist->points[i].changes && passed_s > persist->points[i].seconds;
        if (reached)
            log_line(&persist->app->log, LOG_NOTICE, "%llu changes in %lld seconds. Saving...",
                     (unsigned long long)persist->points[i].changes, (long long)persist->points[i].seconds);
    }
    pthread_mutex_unlock(&persist->lock);
    return reached;
}

static unsigned take_wanted(struct persist *persist, bool *change_out)
{
    pthread_mutex_lock(&persist->lock);
    unsigned wanted = persist->running ? 0 : persist->wanted;
    if (!persist->running) persist->wanted = 0;
    *change_out = persist->change_wanted;
    pthread_mutex_unlock(&persist->lock);
    return wanted;
}

bool persist_work(struct persist *persist, struct heap_thread *thread)
{
    bool change;
    if (persist->running) look_at_checkpoint(persist, thread);
    unsigned wanted = take_wanted(persist, &change);
    if (change) do_change(persist, thread);
    if (!persist->running && !wanted && point_reached(persist) && begin_record(&persist->save))
        wanted = PERSIST_SAVE;
    if (wanted) start_work(persist, thread, wanted);
    return persist->running != 0;
}

bool persist_is_wanted(struct persist *persist)
{
    pthread_mutex_lock(&persist->lock);
    bool wanted = persist->change_wanted || (persist->wanted != 0 && !persist->running);
    pthread_mutex_unlock(&persist->lock);
    return wanted;
}

void persist_end(struct persist *persist)
{
    await_base(persist);
    persist_set_pool(persist, NULL);
}

void persist_free(struct persist *persist)
{
    pthread_mutex_destroy(&persist->media);
    pthread_mutex_destroy(&persist->lock);
    pthread_cond_destroy(&persist->changed);
}

const char *persist_mode_name(enum heap_mode mode)
{
    if (mode == HEAP_MODE_DAX) return "dax";
    return mode == HEAP_MODE_JOURNALED ? "journaled" : "shared";
}
