/* wal_thread.c: the journal's threads. Each repeats its step (wal_internal.h) when it is woken, or after a while.
 *
 *     sync         makes published records durable: at once when somebody waits (group commit: all that came
 *                  in during one sync share the next), else at every tick
 *     room         prepares segments, so that nobody who appends waits for a file
 *     apply        patches the image, in batches as large as the tick lets them grow
 *     checkpoint   syncs the image and writes the note, so that a slow disk does not hold up the applier
 */
#include "journal/wal_internal.h"
#include "util/clock.h"
#include "util/thread.h"

#include <errno.h>
#include <time.h>

#define NS_PER_MS          INT64_C(1000000)
#define TICK_MS            50 /* while records come in */
#define TICK_IDLE_MS       200
#define APPLY_SOON_BYTES   (UINT64_C(8) << 10) /* short turns: those who wait for a sync wait for them, too */
#define TICK_NO_MS         1000 /* appendfsync no; J1 asks for a sync all the same */
#define TICK_FULL_MS       1000
#define TICK_CHECKPOINT_MS 200
#define TICK_APPLY_MS      100

static void wake_applier(struct wal *wal)
{
    pthread_mutex_lock(&wal->lock);
    wal_thread_wake(wal, WAL_THREAD_APPLY);
    pthread_mutex_unlock(&wal->lock);
}

bool wal_step_sync(struct wal *wal)
{
    uint64_t durable = atomic_load(&wal->durable);
    uint64_t target = atomic_load_explicit(&wal->published, memory_order_acquire);
    if (atomic_load(&wal->awaited_durable) > target) { /* who copies it now wakes nobody, if it does so under the lock */
        wal_pass_appenders(wal);
        target = atomic_load_explicit(&wal->published, memory_order_acquire);
    }
    if (target == durable || wal_error(wal) != ERROR_OK) return false;
    int64_t begin_ns = clock_monotonic_ns();
    uint64_t last = (target - 1) >> wal->data_shift;
    for (uint64_t number = durable >> wal->data_shift; number <= last; number++) {
        enum error error = wal->storage->sync(wal_segment_at(wal, number << wal->data_shift)->file);
        if (error != ERROR_OK) {
            wal_fail(wal, error, "the journal");
            return false;
        }
    }
    atomic_store(&wal->durable, target); /* pairs with wal_await_durable */
    pthread_mutex_lock(&wal->lock);
    wal->syncs++;
    wal->last_sync_us = (clock_monotonic_ns() - begin_ns) / 1000;
    pthread_cond_broadcast(&wal->progress); /* a sweep may wait for it (W5) */
    pthread_mutex_unlock(&wal->lock);
    if (target - atomic_load(&wal->applied) > APPLY_SOON_BYTES) wake_applier(wal);
    if (atomic_load(&wal->awaited_durable) > durable) wal->callbacks.advanced(wal->callbacks.arg);
    return true;
}

void wal_thread_wake(struct wal *wal, enum wal_thread_role role)
{
    struct wal_thread *thread = &wal->threads[role];
    if (thread->woken) return;
    thread->woken = true;
    pthread_cond_signal(&thread->cond);
}

static int tick_ms(const struct wal *wal, enum wal_thread_role role)
{
    switch (role) {
    case WAL_THREAD_SYNC:
        if (atomic_load(&wal->policy) == WAL_NO) return TICK_NO_MS;
        return wal->threads[role].was_busy ? TICK_MS : TICK_IDLE_MS;
    case WAL_THREAD_APPLY: return TICK_APPLY_MS;
    case WAL_THREAD_ROOM: return TICK_FULL_MS;
    case WAL_THREAD_CHECKPOINT:
    case WAL_THREADS: break;
    }
    return TICK_CHECKPOINT_MS;
}

/* Until woken or the tick is over. The lock is held. */
static void rest(struct wal_thread *thread, enum wal_thread_role role)
{
    int64_t until_ns = clock_monotonic_ns() + tick_ms(thread->wal, role) * NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    while (!thread->woken && !thread->wal->stops)
        if (pthread_cond_timedwait(&thread->cond, &thread->wal->lock, &until) == ETIMEDOUT) break;
    thread->woken = false;
}

static bool awaited(const struct wal *wal)
{
    return atomic_load(&wal->awaited_durable) > atomic_load(&wal->durable);
}

/* All there is to do now. */
static void work(struct wal *wal, enum wal_thread_role role)
{
    switch (role) {
    case WAL_THREAD_SYNC:
        wal->threads[role].was_busy = wal_step_sync(wal);
        while (awaited(wal) && !wal->stops && wal_step_sync(wal)) {
        }
        break;
    case WAL_THREAD_ROOM:
        while (!wal->stops && wal_step_room(wal)) {
        }
        break;
    case WAL_THREAD_APPLY:
        while (!wal->stops && wal_step_apply(wal)) {
        }
        break;
    case WAL_THREAD_CHECKPOINT:
        while (!wal->stops && wal_step_checkpoint(wal)) {
        }
        break;
    case WAL_THREADS: break;
    }
}

static void *run(void *arg)
{
    struct wal_thread *thread = arg;
    struct wal *wal = thread->wal;
    enum wal_thread_role role = (enum wal_thread_role)(thread - wal->threads);
    pthread_mutex_lock(&wal->lock);
    while (!wal->stops) {
        rest(thread, role);
        if (wal->stops) break;
        pthread_mutex_unlock(&wal->lock);
        work(wal, role);
        pthread_mutex_lock(&wal->lock);
    }
    pthread_mutex_unlock(&wal->lock);
    return NULL;
}

enum error wal_thread_start_all(struct wal *wal)
{
    static const char *const names[WAL_THREADS] = {"wal-sync", "wal-room", "wal-apply", "wal-checkpoint"};
    for (unsigned role = 0; role < WAL_THREADS; role++) {
        struct wal_thread *thread = &wal->threads[role];
        thread->woken = true; /* a first look */
        if (thread_start(&thread->id, names[role], run, thread) != 0) {
            wal_thread_stop_all(wal);
            return ERROR_MEMORY;
        }
        thread->runs = true;
    }
    return ERROR_OK;
}

void wal_thread_stop_all(struct wal *wal)
{
    pthread_mutex_lock(&wal->lock);
    wal->stops = true;
    for (unsigned role = 0; role < WAL_THREADS; role++)
        pthread_cond_signal(&wal->threads[role].cond);
    pthread_cond_broadcast(&wal->progress);
    pthread_mutex_unlock(&wal->lock);
    for (unsigned role = 0; role < WAL_THREADS; role++) {
        if (wal->threads[role].runs) pthread_join(wal->threads[role].id, NULL);
        wal->threads[role].runs = false;
    }
}
