/* cron.c: periods of background work (cron.h). */
#include "app/cron.h"

#include "app/persist.h"
#include "command/block.h"
#include "command/changes.h"
#include "command/server_state.h"
#include "command/worker.h"
#include "util/clock.h"
#include "util/thread.h"

#include <time.h>

#define NS_PER_MS           INT64_C(1000000)
#define NS_PER_SECOND       INT64_C(1000000000)
#define BUDGET_DIVISOR      4     /* of a period, at most this part is worked */
#define EXPIRE_STEP_KEYS    64    /* removed in one stay in the gate */
#define RECLAIM_STEP_BLOCKS 256   /* likewise */
#define TRACKING_STEP_KEYS  10000 /* let go in one period */
#define TRIM_EVERY_MS       1000
#define HZ_MAX              500
#define SOON_MS             10 /* while a checkpoint is under way */

/* ---- work ---- */

static bool has_time(int64_t deadline_ns)
{
    return clock_monotonic_ns() < deadline_ns;
}

/* In the journal: who waits for it inside of the gate holds up others. */
static bool has_room(const struct cron *cron)
{
    return heap_journal_room(cron->thread) == ERROR_OK;
}

static bool may_expire(const struct cron *cron, int64_t now_ms)
{
    return atomic_load_explicit(&cron->server->settings->active_expire, memory_order_relaxed) &&
           server_state_paused(cron->server, now_ms) == PAUSE_NONE;
}

static void note_expired(void *arg, unsigned db, struct slice name, enum keyspace_expiry how)
{
    struct cron *cron = arg;
    watch_touch_name(&cron->server->watches, cron->keyspace, db, name, how != KEYSPACE_EASED);
    if (how != KEYSPACE_EASED) block_touch_removed(cron->server, cron->keyspace, db, name);
    const char *event = how == KEYSPACE_EXPIRED ? "expired" : "hexpired";
    changes_tell_name(cron->server, cron->keyspace, event, db, name);
    if (how == KEYSPACE_EMPTIED) changes_tell_name(cron->server, cron->keyspace, "del", db, name);
}

/* One visit of every stripe, beginning where the last one ended; a stripe with much to remove is stayed with.
 */
static void expire(struct cron *cron, int64_t deadline_ns)
{
    struct gate *gate = &cron->server->gate;
    unsigned slot = cron->server->worker_count;
    unsigned visited = 0;
    while (visited < KEYSPACE_STRIPES && has_time(deadline_ns) && has_room(cron)) {
        int64_t now_ms = clock_wall_ms();
        if (!may_expire(cron, now_ms)) return;
        gate_enter_shared(gate, slot);
        unsigned removed = keyspace_expire_step(cron->keyspace, cron->thread, cron->next_stripe, now_ms,
                                                EXPIRE_STEP_KEYS, note_expired, cron);
        gate_leave_shared(gate, slot);
        if (removed == EXPIRE_STEP_KEYS) continue;
        cron->next_stripe = (cron->next_stripe + 1) % KEYSPACE_STRIPES;
        visited++;
    }
}

static void reclaim(struct cron *cron, int64_t deadline_ns)
{
    struct gate *gate = &cron->server->gate;
    unsigned slot = cron->server->worker_count;
    bool more = keyspace_reclaim_pending(cron->keyspace) > 0;
    while (more && has_time(deadline_ns) && has_room(cron)) {
        gate_enter_shared(gate, slot);
        more = keyspace_reclaim_step(cron->keyspace, cron->thread, RECLAIM_STEP_BLOCKS);
        gate_leave_shared(gate, slot);
    }
}

/* What no command makes room for: an idle server comes below a lowered maxmemory as well. */
static void evict(struct cron *cron, int64_t deadline_ns)
{
    enum memory_state state = MEMORY_ABOVE;
    while (state == MEMORY_ABOVE && has_time(deadline_ns) && has_room(cron))
        state =
            memory_limit_enforce(cron->server, cron->server->worker_count, cron->evictor, clock_wall_ms());
}

/* What no command does: after tracking-table-max-keys was lowered, an idle server comes down to it. */
static void limit_tracking(struct cron *cron)
{
    uint64_t max_keys =
        atomic_load_explicit(&cron->server->settings->tracking_max_keys, memory_order_relaxed);
    inbox_wake(cron->server, tracking_limit(cron->server, NULL, max_keys, TRACKING_STEP_KEYS));
}

static void tend_heap(struct cron *cron, int64_t now_ns, int64_t deadline_ns)
{
    bool more = true;
    while (more && has_time(deadline_ns))
        more = heap_background_step(cron->thread);
    if (now_ns / NS_PER_MS - cron->trimmed_ms < TRIM_EVERY_MS) return;
    cron->trimmed_ms = now_ns / NS_PER_MS;
    heap_thread_trim(cron->thread);
}

static void measure(struct cron_rate *rate, uint64_t count, int64_t passed_ns)
{
    uint64_t more = count < rate->counted ? 0 : count - rate->counted; /* less: CONFIG RESETSTAT */
    double per_second = (double)more * (double)NS_PER_SECOND / (double)passed_ns;
    atomic_store_explicit(&rate->per_second, (uint64_t)per_second, memory_order_relaxed);
    rate->counted = count;
}

static void measure_rates(struct cron *cron, int64_t now_ns)
{
    struct worker_counters counters;
    int64_t passed_ns = now_ns - cron->measured_ns;
    if (passed_ns < NS_PER_SECOND) return;
    link_cache_expire(&cron->server->links, clock_wall_ms());
    stats_counters(cron->server, &counters);
    measure(&cron->commands, counters.commands, passed_ns);
    measure(&cron->bytes_in, counters.bytes_in, passed_ns);
    measure(&cron->bytes_out, counters.bytes_out, passed_ns);
    cron->measured_ns = now_ns;
}

static void work(struct cron *cron)
{
    int64_t now_ns = clock_monotonic_ns();
    measure_rates(cron, now_ns);
    if (atomic_load_explicit(&cron->server->settings->cron_paused, memory_order_relaxed)) return;
    int64_t period_ns = atomic_load_explicit(&cron->period_ms, memory_order_relaxed) * NS_PER_MS;
    int64_t deadline_ns = now_ns + period_ns / BUDGET_DIVISOR;
    /* Growth first, as workers may wait for it; not all of the time, or a long rebuild would hold up the rest. */
    tend_heap(cron, now_ns, now_ns + (deadline_ns - now_ns) / 2);
    int64_t begun_ns = clock_monotonic_ns();
    expire(cron, deadline_ns);
    atomic_fetch_add_explicit(&cron->expire_ns, (uint64_t)(clock_monotonic_ns() - begun_ns),
                              memory_order_relaxed);
    evict(cron, deadline_ns);
    reclaim(cron, deadline_ns);
    limit_tracking(cron);
}

/* ---- the thread ---- */

/* Until the next period, or until somebody wants something. */
static void wait_for_period(struct cron *cron, bool soon)
{
    int64_t period_ms = atomic_load_explicit(&cron->period_ms, memory_order_relaxed);
    if (soon && period_ms > SOON_MS) period_ms = SOON_MS;
    int64_t until_ns = clock_monotonic_ns() + period_ms * NS_PER_MS;
    struct timespec until = {until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND};
    int status = 0;
    pthread_mutex_lock(&cron->lock);
    while (status == 0 && !cron->stop && !cron->woken)
        status = pthread_cond_timedwait(&cron->wake, &cron->lock, &until);
    cron->woken = false;
    pthread_mutex_unlock(&cron->lock);
}

static bool is_stopped(struct cron *cron)
{
    pthread_mutex_lock(&cron->lock);
    bool stop = cron->stop;
    pthread_mutex_unlock(&cron->lock);
    return stop;
}

/* What was asked of persist before the end is finished. */
static void *run(void *arg)
{
    struct cron *cron = arg;
    while (!is_stopped(cron)) {
        work(cron);
        wait_for_period(cron, persist_work(cron->persist, cron->thread));
    }
    bool more = true;
    while (more) {
        more = persist_work(cron->persist, cron->thread);
        if (more) wait_for_period(cron, true);
        more = more || persist_is_wanted(cron->persist);
    }
    return NULL;
}

void cron_wake(struct cron *cron)
{
    pthread_mutex_lock(&cron->lock);
    cron->woken = true;
    pthread_cond_signal(&cron->wake);
    pthread_mutex_unlock(&cron->lock);
}

int64_t cron_period_ms(int64_t hz)
{
    if (hz < 1) return 1000;
    return 1000 / (hz < HZ_MAX ? hz : HZ_MAX);
}

enum error cron_start(struct cron *cron, struct persist *persist, struct server_state *server,
                      struct keyspace *keyspace, int64_t hz)
{
    pthread_condattr_t monotonic;
    cron->persist = persist;
    cron->server = server;
    cron->keyspace = keyspace;
    atomic_init(&cron->period_ms, cron_period_ms(hz));
    pthread_mutex_init(&cron->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&cron->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum error error = heap_thread_open(keyspace_heap(keyspace), &cron->thread);
    if (error) return error;
    error = evict_open(keyspace, cron->thread, &cron->evictor);
    cron->started = !error && thread_start(&cron->id, "cron", run, cron) == 0;
    if (cron->started) return ERROR_OK;
    evict_close(cron->evictor);
    heap_thread_close(cron->thread);
    return ERROR_MEMORY;
}

void cron_stop(struct cron *cron)
{
    if (!cron->started) return;
    pthread_mutex_lock(&cron->lock);
    cron->stop = true;
    pthread_cond_signal(&cron->wake);
    pthread_mutex_unlock(&cron->lock);
    pthread_join(cron->id, NULL);
    evict_close(cron->evictor);
    heap_thread_close(cron->thread);
    cron->started = false;
}
