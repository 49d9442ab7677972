/* wal_append.c: putting records into the stream, and waiting: for room, for an acknowledgement. See wal.h.
 *
 * A place in the stream is given, and small records are copied, under one short lock; no system call is made
 * and no file waited for under it (J3). Large records are copied outside of the lock, and `published` stays
 * before the first of them that is not complete (J4).
 */
#include "journal/wal_internal.h"
#include "util/assert.h"
#include "util/clock.h"
#include "util/crc32c.h"
#include "util/prefetch.h"

#include <errno.h>
#include <time.h>

#define COPY_IN_LOCK_BYTES 4096
#define TOUCH_AHEAD_BYTES  256
#define TOUCH_MAX_BYTES    1024
#define SYNC_EARLY_BYTES   (UINT64_C(1) << 20) /* what is not durable is not applied: a restart has to do it */
#define PROMISED_MAX_BYTES (UINT64_C(15) << 30) /* a frame counts 16 GiB */
#define RESERVE_WAIT_MS    100
#define NS_PER_MS          INT64_C(1000000)

bool wal_wait_progress(struct wal *wal, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    return pthread_cond_timedwait(&wal->progress, &wal->lock, &until) != ETIMEDOUT;
}

/* ---- appending ---- */

/* The append lock is held: everything before the oldest copy that still runs is complete. */
static void publish(struct wal *wal)
{
    uint64_t end = atomic_load_explicit(&wal->reserved, memory_order_relaxed);
    for (unsigned i = 0; i < wal->copies; i++)
        if (wal->copy_start[i] < end) end = wal->copy_start[i];
    atomic_store(&wal->published, end); /* pairs with wal_await */
}

static void end_copy(struct wal *wal, uint64_t start)
{
    spinlock_lock(&wal->append_lock);
    unsigned i = 0;
    while (wal->copy_start[i] != start)
        i++;
    wal->copy_start[i] = wal->copy_start[--wal->copies];
    publish(wal);
    spinlock_unlock(&wal->append_lock);
    if (atomic_exchange(&wal->awaits_published, false)) wal->callbacks.advanced(wal->callbacks.arg);
    if (wal->has_threads) { /* who waits for what is behind this record */
        pthread_mutex_lock(&wal->lock);
        wal_thread_wake(wal, WAL_THREAD_SYNC);
        pthread_mutex_unlock(&wal->lock);
    }
}

/* Waits until the stream is prepared up to `end`. False: it will not be. */
static bool prepare_up_to(struct wal *wal, uint64_t end)
{
    bool may_go_on = true;
    pthread_mutex_lock(&wal->lock);
    if (wal->wanted_end <= end) wal->wanted_end = end + 1;
    wal->waits_for_room++;
    while (atomic_load(&wal->prepared_end) <= end && may_go_on) {
        may_go_on = atomic_load(&wal->failure) == ERROR_OK && !atomic_load(&wal->disk_full);
        if (!may_go_on) break;
        if (wal->has_threads) {
            wal_thread_wake(wal, WAL_THREAD_ROOM);
            wal_wait_progress(wal, clock_monotonic_ns() + RESERVE_WAIT_MS * NS_PER_MS);
        } else {
            pthread_mutex_unlock(&wal->lock);
            may_go_on = wal_step_room(wal);
            pthread_mutex_lock(&wal->lock);
        }
    }
    pthread_mutex_unlock(&wal->lock);
    return may_go_on;
}

/* With the append lock held on return, unless the record is lost. */
static bool lock_with_room(struct wal *wal, uint64_t bytes)
{
    for (;;) {
        spinlock_lock(&wal->append_lock);
        uint64_t end = atomic_load_explicit(&wal->reserved, memory_order_relaxed) + bytes;
        if (end < atomic_load_explicit(&wal->prepared_end, memory_order_acquire) && !wal->lost)
            return true; /* W1 */
        bool was_lost = wal->lost;
        spinlock_unlock(&wal->append_lock);
        if (was_lost) return false;
        if (prepare_up_to(wal, end)) continue;
        spinlock_lock(&wal->append_lock);
        wal->lost = true; /* J4: nothing may follow it */
        spinlock_unlock(&wal->append_lock);
        if (atomic_load(&wal->failure) == ERROR_OK)
            wal_fail(wal, ERROR_DISK_FULL, "the journal's next record");
        return false;
    }
}

/* A record goes to lines that are in no cache, and the unlock waits for its stores: those of a next one as long are asked for. The append
 * lock is held, so `noted` can't pass the end, and its segment stays. */
static void touch_ahead(const struct wal *wal, uint64_t lsn, uint64_t len)
{
    uint64_t off = (lsn & (wal->data_bytes - 1)) + TOUCH_AHEAD_BYTES;
    uint64_t last = off + (len < TOUCH_MAX_BYTES ? len : TOUCH_MAX_BYTES);
    const char *base = wal_segment_at(wal, lsn)->base + WAL_HEAD_BYTES; /* W1 */
    if (last > wal->data_bytes) return;
    for (off &= ~(PREFETCH_LINE_BYTES - 1); off < last; off += PREFETCH_LINE_BYTES)
        prefetch_write(base + off);
}

uint64_t wal_append(struct wal *wal, const void *record, size_t len)
{
    ASSERT(len > 0 && len % WAL_FRAME_ALIGN == 0 && len / WAL_FRAME_ALIGN <= UINT32_MAX);
    uint32_t payload_crc = crc32c(0, record, len);
    if (!lock_with_room(wal, sizeof(struct wal_frame_layout) + len)) return WAL_LSN_NEVER;
    uint64_t start = atomic_load_explicit(&wal->reserved, memory_order_relaxed);
    struct wal_frame_layout frame = wal_stream_frame(wal->chain, wal->epoch, start, len, payload_crc);
    uint64_t end = start + sizeof frame + len;
    wal->chain = frame.crc32c;
    atomic_store_explicit(&wal->records, atomic_load_explicit(&wal->records, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    bool copies_outside = len > COPY_IN_LOCK_BYTES && wal->copies < WAL_COPIES_MAX;
    if (copies_outside) wal->copy_start[wal->copies++] = start;
    atomic_store_explicit(&wal->reserved, end, memory_order_release);
    if (!copies_outside) {
        wal_stream_put(wal, start, &frame, sizeof frame);
        wal_stream_put(wal, start + sizeof frame, record, len);
        if (wal->copies == 0) atomic_store_explicit(&wal->published, end, memory_order_release);
        else publish(wal);
    }
    touch_ahead(wal, end, end - start);
    spinlock_unlock(&wal->append_lock);
    if (copies_outside) {
        wal_stream_put(wal, start, &frame, sizeof frame);
        wal_stream_put(wal, start + sizeof frame, record, len);
        end_copy(wal, start);
    }
    if (start / SYNC_EARLY_BYTES != end / SYNC_EARLY_BYTES && wal->has_threads) {
        pthread_mutex_lock(&wal->lock);
        wal_thread_wake(wal, WAL_THREAD_SYNC);
        wal_thread_wake(wal, WAL_THREAD_ROOM);
        pthread_mutex_unlock(&wal->lock);
    }
    return end;
}

/* ---- room ---- */

uint64_t wal_tail_limit(const struct wal *wal)
{
    uint64_t most = (uint64_t)(WAL_SLOTS / 2) << wal->data_shift;
    uint64_t limit = atomic_load(&wal->tail_limit_bytes);
    return limit < most ? limit : most;
}

bool wal_needs_segments(const struct wal *wal, uint64_t lsn)
{
    return atomic_load(&wal->disk_full) && lsn >> wal->data_shift > atomic_load(&wal->noted) >> wal->data_shift;
}

void wal_update_room(struct wal *wal)
{
    uint64_t taken = wal->margin_bytes + wal->promised_bytes;
    uint64_t prepared = atomic_load(&wal->prepared_end);
    uint64_t end = prepared > taken ? prepared - taken : 0;
    uint64_t tail = wal_tail_limit(wal);
    /* The last quarter is given as the checkpoint goes: who outruns the disk slows down and does not wait for all of it. */
    uint64_t last = tail / 4;
    uint64_t limit = atomic_load(&wal->noted) + tail - last + last / WAL_SHARE_ALL * wal->checkpoint_share;
    if (end > limit) end = limit;
    if (atomic_load(&wal->failure) != ERROR_OK) end = 0;
    atomic_store(&wal->room_end, end);
}

bool wal_has_room(const struct wal *wal)
{
    return atomic_load_explicit(&wal->reserved, memory_order_relaxed) <
           atomic_load_explicit(&wal->room_end, memory_order_relaxed);
}

#define TELL_AFTER_NS (1000 * NS_PER_MS)

/* The lock is held. */
static enum error room_error(struct wal *wal)
{
    if (wal_error(wal) != ERROR_OK) return ERROR_IO;
    if (wal_has_room(wal)) return ERROR_OK;
    bool is_full = atomic_load(&wal->disk_full) && !wal_needs_segments(wal, atomic_load(&wal->reserved));
    return is_full ? ERROR_DISK_FULL : ERROR_IN_USE;
}

/* Not of a short wait for the next segment. */
static void tell_of_limit(struct wal *wal)
{
    uint64_t tail = atomic_load(&wal->reserved) - atomic_load(&wal->noted);
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns - wal->last_wait_ns > TELL_AFTER_NS) wal->waits_since_ns = now_ns; /* a new stretch of waits */
    wal->last_wait_ns = now_ns;
    bool lasts = now_ns - wal->waits_since_ns >= TELL_AFTER_NS;
    if (wal->told_of_limit || (tail < wal_tail_limit(wal) && !lasts)) return;
    wal->told_of_limit = true;
    wal_log(wal, WAL_WARNING,
            "The disk is slower than the writers: %llu MiB of journal wait for the image (limit %llu MiB). "
            "Writes are slowed down to the disk's speed",
            (unsigned long long)tail >> 20, (unsigned long long)wal_tail_limit(wal) >> 20);
}

enum error wal_wait_room(struct wal *wal, int timeout_ms)
{
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    pthread_mutex_lock(&wal->lock);
    enum error error = room_error(wal);
    if (error == ERROR_IN_USE) {
        wal->waits_for_room++;
        tell_of_limit(wal);
    }
    while (error == ERROR_IN_USE) {
        for (unsigned role = 0; role < WAL_THREADS; role++)
            wal_thread_wake(wal, (enum wal_thread_role)role);
        bool in_time = wal_wait_progress(wal, deadline_ns);
        error = room_error(wal);
        if (!in_time) break;
    }
    pthread_mutex_unlock(&wal->lock);
    return error;
}

enum error wal_reserve(struct wal *wal, uint64_t bytes)
{
    pthread_mutex_lock(&wal->lock);
    if (bytes > PROMISED_MAX_BYTES - wal->promised_bytes) {
        pthread_mutex_unlock(&wal->lock);
        return ERROR_TOO_LARGE;
    }
    wal->promised_bytes += bytes;
    uint64_t end = atomic_load(&wal->reserved) + wal->promised_bytes + wal->margin_bytes;
    bool has_slots = (end - atomic_load(&wal->noted)) >> wal->data_shift < WAL_SLOTS - 4;
    wal_update_room(wal);
    pthread_mutex_unlock(&wal->lock);
    if (atomic_load(&wal->prepared_end) > end || (has_slots && prepare_up_to(wal, end))) return ERROR_OK;
    wal_release(wal, bytes);
    return wal_error(wal) != ERROR_OK ? ERROR_IO : ERROR_DISK_FULL;
}

enum error wal_try_reserve(struct wal *wal, uint64_t bytes)
{
    enum error error = ERROR_IN_USE;
    pthread_mutex_lock(&wal->lock);
    uint64_t end = atomic_load(&wal->reserved) + wal->promised_bytes + bytes + wal->margin_bytes;
    if (bytes > PROMISED_MAX_BYTES - wal->promised_bytes) {
        error = ERROR_TOO_LARGE;
    } else if (wal_error(wal) != ERROR_OK) {
        error = ERROR_IO;
    } else if (atomic_load(&wal->prepared_end) > end) {
        wal->promised_bytes += bytes;
        wal_update_room(wal);
        error = ERROR_OK;
    } else {
        if (wal->wanted_end <= end) wal->wanted_end = end + 1;
        wal->waits_for_room++;
        wal_thread_wake(wal, WAL_THREAD_ROOM);
        if (atomic_load(&wal->disk_full)) error = ERROR_DISK_FULL;
    }
    pthread_mutex_unlock(&wal->lock);
    return error;
}

void wal_release(struct wal *wal, uint64_t bytes)
{
    pthread_mutex_lock(&wal->lock);
    ASSERT(wal->promised_bytes >= bytes);
    wal->promised_bytes -= bytes;
    if (wal->promised_bytes == 0) wal->wanted_end = 0;
    wal_update_room(wal);
    pthread_mutex_unlock(&wal->lock);
}

/* ---- acknowledging ---- */

void wal_pass_appenders(struct wal *wal)
{
    spinlock_lock(&wal->append_lock);
    spinlock_unlock(&wal->append_lock);
}

uint64_t wal_end(const struct wal *wal)
{
    return wal->lost ? WAL_LSN_NEVER : atomic_load_explicit(&wal->reserved, memory_order_acquire);
}

uint64_t wal_durable(const struct wal *wal)
{
    return atomic_load_explicit(&wal->durable, memory_order_acquire);
}

/* What was appended under WAL_ALWAYS keeps its promise when the policy is loosened. */
static bool needs_durable(const struct wal *wal)
{
    if (wal_durable(wal) < atomic_load_explicit(&wal->strict_end, memory_order_acquire)) return true;
    return atomic_load_explicit(&wal->policy, memory_order_relaxed) == WAL_ALWAYS;
}

uint64_t wal_acknowledged(const struct wal *wal)
{
    if (needs_durable(wal)) return wal_durable(wal);
    return atomic_load_explicit(&wal->published, memory_order_acquire);
}

bool wal_await_durable(struct wal *wal, uint64_t lsn)
{
    if (wal_durable(wal) >= lsn) return true;
    uint64_t awaited = atomic_load(&wal->awaited_durable);
    while (awaited < lsn && !atomic_compare_exchange_weak(&wal->awaited_durable, &awaited, lsn)) {
    }
    if (atomic_load(&wal->durable) >= lsn) return true; /* pairs with wal_step_sync */
    if (wal->has_threads) {
        pthread_mutex_lock(&wal->lock);
        wal_thread_wake(wal, WAL_THREAD_SYNC);
        pthread_mutex_unlock(&wal->lock);
    }
    return false;
}

bool wal_await(struct wal *wal, uint64_t lsn)
{
    if (needs_durable(wal)) return wal_await_durable(wal, lsn);
    if (atomic_load_explicit(&wal->published, memory_order_acquire) >= lsn) return true;
    atomic_store(&wal->awaits_published, true);
    if (atomic_load(&wal->published) >= lsn) return true;
    wal_pass_appenders(wal); /* they look at nobody; who copies outside of the lock looks (end_copy) */
    return atomic_load(&wal->published) >= lsn;
}
