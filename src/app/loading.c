/* loading.c: the thread that answers while the heap is recovered (loading.h). */
#include "app/loading.h"

#include "app/app.h"
#include "app/info.h"
#include "util/clock.h"
#include "util/thread.h"

#define PATIENCE_MS 500 /* a start that is faster than this has nothing to tell */
#define NS_PER_MS   INT64_C(1000000)
#define PERCENT     100.0

void loading_write_info(const struct loading *loading, struct resp_out *out)
{
    uint64_t loaded = atomic_load(&loading->loaded_bytes);
    uint64_t total = atomic_load(&loading->total_bytes);
    uint64_t rate = atomic_load(&loading->bytes_per_s);
    info_put(out,
             "loading:1\r\nasync_loading:0\r\nloading_start_time:%lld\r\nloading_total_bytes:%llu\r\n"
             "loading_rdb_used_mem:0\r\nloading_loaded_bytes:%llu\r\nloading_loaded_perc:%.2f\r\n"
             "loading_eta_seconds:%llu\r\n",
             (long long)loading->begun_s, (unsigned long long)total, (unsigned long long)loaded,
             total ? (double)loaded * PERCENT / (double)total : 0,
             (unsigned long long)(rate ? (total - loaded) / rate : 1));
}

static bool is_long(struct loading *loading)
{
    int64_t until_ns = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;
    struct timespec until = {until_ns / (1000 * NS_PER_MS), until_ns % (1000 * NS_PER_MS)};
    int status = 0;
    pthread_mutex_lock(&loading->lock);
    while (status == 0 && !atomic_load(&loading->done))
        status = pthread_cond_timedwait(&loading->ended, &loading->lock, &until);
    pthread_mutex_unlock(&loading->lock);
    return !atomic_load(&loading->done);
}

static void *run(void *arg)
{
    struct loading *loading = arg;
    if (!is_long(loading)) return NULL;
    log_line(&loading->app->log, LOG_NOTICE,
             "The recovery takes long: clients are told that the server is loading");
    loading->reception = reception_open(loading->app);
    while (loading->reception && !atomic_load(&loading->done))
        reception_serve(loading->reception);
    return NULL;
}

void loading_begin(struct loading *loading, struct app *app)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&loading->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&loading->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    loading->app = app;
    loading->begun_s = clock_wall_ms() / 1000;
    loading->started = thread_start(&loading->thread, "loading", run, loading) == 0;
}

void loading_progress(struct loading *loading, const struct wal_progress *progress)
{
    atomic_store(&loading->loaded_bytes, progress->done_bytes);
    atomic_store(&loading->total_bytes, progress->tail_bytes);
    atomic_store(&loading->bytes_per_s, progress->bytes_per_s);
}

void loading_end(struct loading *loading)
{
    if (!loading->app) return;
    pthread_mutex_lock(&loading->lock);
    atomic_store(&loading->done, true);
    pthread_cond_signal(&loading->ended);
    pthread_mutex_unlock(&loading->lock);
    if (loading->started) pthread_join(loading->thread, NULL);
    pthread_cond_destroy(&loading->ended);
    pthread_mutex_destroy(&loading->lock);
    loading->app = NULL;
    if (loading->reception) reception_close_doors(loading->reception);
}

void loading_hand_over(struct loading *loading)
{
    if (loading->reception) reception_hand_over(loading->reception);
    loading_forget(loading);
}

void loading_forget(struct loading *loading)
{
    reception_free(loading->reception);
    loading->reception = NULL;
}
