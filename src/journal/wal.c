/* wal.c: an open journal: making, beginning and ending one; its state. See wal.h. */
#include "journal/wal_internal.h"
#include "util/assert.h"
#include "util/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MARGIN_BYTES  (UINT64_C(4) << 20) /* for records of transactions that run when room ends */
#define FIRST_SEGMENT 1
#define FIRST_EPOCH   1
#define WAIT_MS       200
#define NS_PER_MS     INT64_C(1000000)

#define LLU(value) ((unsigned long long)(value))

/* ---- small things ---- */

void wal_log(const struct wal *wal, enum wal_level level, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (wal->callbacks.log != NULL) wal->callbacks.log(wal->callbacks.arg, level, line);
}

void wal_fail(struct wal *wal, enum error error, const char *what)
{
    int none = ERROR_OK;
    if (!atomic_compare_exchange_strong(&wal->failure, &none, (int)error)) return;
    wal_log(
        wal, WAL_WARNING,
        "Cannot write %s to the disk: %s. What was not durable before may be lost; nothing is tried again",
        what, error_text(error));
    pthread_mutex_lock(&wal->lock);
    wal_update_room(wal);
    pthread_cond_broadcast(&wal->progress);
    pthread_mutex_unlock(&wal->lock);
    wal->callbacks.advanced(wal->callbacks.arg);
}

enum error wal_error(const struct wal *wal)
{
    return (enum error)atomic_load_explicit(&wal->failure, memory_order_acquire);
}

static void advance_nobody(void *arg)
{
    (void)arg;
}

/* ---- making and destroying ---- */

static void make_conditions(struct wal *wal)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&wal->lock, NULL);
    pthread_mutex_init(&wal->rest_lock, NULL);
    pthread_cond_init(&wal->progress, &monotonic);
    for (unsigned role = 0; role < WAL_THREADS; role++) {
        wal->threads[role].wal = wal;
        pthread_cond_init(&wal->threads[role].cond, &monotonic);
    }
    pthread_condattr_destroy(&monotonic);
}

static enum error open_image(struct wal *wal, uint64_t reserve_bytes, char *detail, size_t detail_cap)
{
    enum error error = wal->storage->open(wal->storage, wal->image_path, wal->way, &wal->image);
    if (error == ERROR_OK) error = wal->storage->map(wal->image, reserve_bytes, &wal->image_base);
    if (error == ERROR_OK && wal->storage->size(wal->image) < wal->note_off + WAL_NOTE_BYTES)
        error = ERROR_TRUNCATED;
    if (error != ERROR_OK)
        snprintf(detail, detail_cap, "cannot open %s for its journal: %s", wal->image_path,
                 error_text(error));
    else
        wal->target =
            (struct wal_target){wal->image_base, wal->storage->size(wal->image), wal->image, reserve_bytes};
    return error;
}

void wal_set_geometry(struct wal *wal, uint64_t data_bytes)
{
    wal->data_bytes = data_bytes;
    wal->data_shift = (unsigned)__builtin_ctzll(data_bytes);
    wal->margin_bytes = MARGIN_BYTES < data_bytes / 4 ? MARGIN_BYTES : data_bytes / 4;
}

enum error wal_make(const struct wal_options *options, enum pmem_storage_way way, struct wal **wal_out,
                    char *detail, size_t detail_cap)
{
    uint64_t data_bytes = options->segment_bytes != 0 ? options->segment_bytes : WAL_SEGMENT_BYTES;
    ASSERT((data_bytes & (data_bytes - 1)) == 0 && data_bytes >= WAL_HEAD_BYTES);
    ASSERT(options->note_off % WAL_SECTOR_BYTES == 0);
    struct wal *wal = aligned_alloc(64, (sizeof *wal + 63) / 64 * 64);
    if (wal == NULL) return ERROR_MEMORY;
    memset(wal, 0, sizeof *wal);
    wal->storage = options->storage != NULL ? options->storage : pmem_storage_files();
    wal->way = way;
    wal->callbacks = options->callbacks;
    wal->live = options->live;
    if (wal->callbacks.advanced == NULL) wal->callbacks.advanced = advance_nobody;
    wal->note_off = options->note_off;
    wal->boot_mark = options->boot_mark;
    wal->image_is_doubted = options->image_is_doubted;
    wal_set_geometry(wal, data_bytes);
    wal->tail_limit_bytes = options->tail_limit_bytes != 0 ? options->tail_limit_bytes : WAL_TAIL_LIMIT_BYTES;
    atomic_store(&wal->policy, (int)options->policy);
    memcpy(wal->heap_id, options->heap_id, sizeof wal->heap_id);
    make_conditions(wal);
    bool fits =
        (size_t)snprintf(wal->image_path, WAL_PATH_BYTES, "%s", options->image_path) < WAL_PATH_BYTES &&
        (size_t)snprintf(wal->folder_path, WAL_PATH_BYTES, "%s", options->folder_path) < WAL_PATH_BYTES;
    enum error error = fits ? open_image(wal, options->reserve_bytes, detail, detail_cap) : ERROR_UNSUPPORTED;
    if (!fits) snprintf(detail, detail_cap, "the path of the journal is too long");
    if (error != ERROR_OK) {
        wal_destroy(wal);
        return error;
    }
    *wal_out = wal;
    return ERROR_OK;
}

enum error wal_make_for_notes(const struct wal_options *options, enum pmem_storage_way way,
                              struct wal **wal_out, char *detail, size_t detail_cap)
{
    struct wal_options narrow = *options;
    narrow.reserve_bytes = options->note_off + WAL_NOTE_BYTES;
    return wal_make(&narrow, way, wal_out, detail, detail_cap);
}

void wal_destroy(struct wal *wal)
{
    wal_segment_close_all(wal);
    if (wal->image != NULL) wal->storage->close(wal->image);
    wal_copy_end(wal);
    wal_patches_free(&wal->patches);
    for (unsigned role = 0; role < WAL_THREADS; role++)
        pthread_cond_destroy(&wal->threads[role].cond);
    pthread_cond_destroy(&wal->progress);
    pthread_mutex_destroy(&wal->lock);
    pthread_mutex_destroy(&wal->rest_lock);
    free(wal);
}

/* ---- a new journal ---- */

void wal_begin_at(struct wal *wal, const struct wal_position *position)
{
    wal->applied_position = *position;
    wal->chain = position->chain;
    wal->epoch = position->epoch;
    atomic_store(&wal->reserved, position->lsn);
    atomic_store(&wal->published, position->lsn);
    atomic_store(&wal->durable, position->lsn);
    atomic_store(&wal->applied, position->lsn);
    atomic_store(&wal->noted, position->lsn);
    atomic_store(&wal->prepared_end, position->lsn);
}

static enum error first_segment(struct wal *wal, char *detail, size_t detail_cap)
{
    detail[0] = '\0';
    enum error error = wal_segment_begin(wal, detail, detail_cap);
    if (error == ERROR_OK && !wal_step_room(wal)) error = ERROR_DISK_FULL;
    if (error != ERROR_OK && detail[0] == '\0')
        snprintf(detail, detail_cap, "cannot begin a journal in %s: %s", wal->folder_path, error_text(error));
    return error;
}

enum error wal_begin_new(struct wal *wal, int64_t used_bytes, char *detail, size_t detail_cap)
{
    struct wal_position start = {
        .lsn = (uint64_t)FIRST_SEGMENT << wal->data_shift, .used_bytes = used_bytes, .epoch = FIRST_EPOCH};
    if (getrandom(&wal->stream, sizeof wal->stream, 0) != (ssize_t)sizeof wal->stream ||
        getrandom(&start.chain, sizeof start.chain, 0) != (ssize_t)sizeof start.chain) {
        snprintf(detail, detail_cap, "the kernel gives no random numbers");
        return ERROR_IO;
    }
    wal_begin_at(wal, &start);
    enum error error = first_segment(wal, detail, detail_cap);
    /* From here on a start in this boot replays what is appended. */
    if (error == ERROR_OK) wal_note_write(wal, WAL_NOTE_APPLIED, &start);
    return error;
}

enum error wal_create(const struct wal_options *options, int64_t used_bytes, struct wal **wal_out,
                      char *detail, size_t detail_cap)
{
    struct wal *wal;
    *wal_out = NULL;
    enum error error = wal_make(options, PMEM_STORAGE_OPEN, &wal, detail, detail_cap);
    if (error != ERROR_OK) return error;
    struct wal_notes notes;
    wal_note_read_own(wal, &notes);
    if (wal_note_presence(&notes) == WAL_PRESENT) {
        snprintf(detail, detail_cap, "%s has a journal already", wal->image_path);
        error = ERROR_IN_USE;
    } else {
        wal->note_sequence = notes.checkpoint.sequence > notes.other.sequence ? notes.checkpoint.sequence
                                                                              : notes.other.sequence;
        wal->checkpoint_turn = notes.checkpoint_turn;
        error = wal_begin_new(wal, used_bytes, detail, detail_cap);
    }
    wal->has_threads = !options->no_threads;
    if (error == ERROR_OK && wal->has_threads) error = wal_thread_start_all(wal);
    if (error != ERROR_OK) {
        wal_destroy(wal);
        return error;
    }
    *wal_out = wal;
    return ERROR_OK;
}

enum error wal_base_durable(struct wal *wal)
{
    if (atomic_load(&wal->base_is_durable))
        return ERROR_OK; /* the applier has begun: the position is its own now */
    if (wal_error(wal) != ERROR_OK) return ERROR_IO;
    if (wal->image_is_doubted) wal_image_store_again(wal);
    enum error error = wal_note_checkpoint(wal, &wal->applied_position);
    if (error != ERROR_OK) return error;
    pthread_mutex_lock(&wal->lock);
    atomic_store(&wal->noted, wal->applied_position.lsn);
    atomic_store(&wal->base_is_durable, true);
    wal_update_room(wal);
    pthread_mutex_unlock(&wal->lock);
    return ERROR_OK;
}

bool wal_base_is_durable(const struct wal *wal)
{
    return atomic_load(&wal->base_is_durable);
}

/* ---- the end ---- */

static enum error end(struct wal *wal)
{
    wal_thread_stop_all(wal);
    wal->has_threads = false;
    atomic_store(&wal->rest_allowed, false); /* what is left is patched: nobody asks any more */
    enum error error = wal_base_durable(wal);
    while (wal_step_sync(wal)) {
    }
    while (wal_step_apply(wal)) {
    }
    if (error == ERROR_OK) error = wal_error(wal);
    if (error == ERROR_OK && atomic_load(&wal->applied) != atomic_load(&wal->reserved)) error = ERROR_MEMORY;
    wal->is_complete = error == ERROR_OK;
    if (error == ERROR_OK) error = wal_note_checkpoint(wal, &wal->applied_position);
    return error;
}

enum error wal_close(struct wal *wal)
{
    enum error error = end(wal);
    wal_destroy(wal);
    return error;
}

enum error wal_finish(struct wal *wal)
{
    bool had_threads = wal->has_threads;
    enum error error = end(wal);
    if (error == ERROR_OK) return ERROR_OK;
    wal->is_complete = false;
    if (wal_error(wal) != ERROR_OK || !had_threads) return error;
    wal->stops = false;
    wal->has_threads = true;
    if (wal_thread_start_all(wal) != ERROR_OK) wal_give_up(wal, ERROR_MEMORY);
    return error;
}

void wal_give_up(struct wal *wal, enum error error)
{
    wal_image_failed(wal, error);
}

void wal_abandon(struct wal *wal)
{
    wal_thread_stop_all(wal);
    wal_destroy(wal);
}

enum error wal_remove_notes(struct wal *wal)
{
    struct wal_notes notes;
    wal_note_read_own(wal, &notes);
    uint64_t newest = notes.checkpoint.sequence;
    if (notes.applied.sequence > newest) newest = notes.applied.sequence;
    if (notes.other.sequence > newest) newest = notes.other.sequence;
    if (newest == 0) return ERROR_OK;
    wal->note_sequence = newest;
    wal->checkpoint_turn = notes.checkpoint_turn;
    wal_note_write(wal, WAL_NOTE_REMOVED, &wal->applied_position);
    return wal->storage->sync(wal->image);
}

static enum error remove_segments(struct wal *wal)
{
    enum error error = wal_segment_list(wal, false);
    if (error == ERROR_NOT_FOUND) return ERROR_OK;
    return error == ERROR_OK ? wal_segment_remove_all(wal) : error;
}

/* Does that to an image that is not open. */
static enum error with_image(const struct wal_options *options, enum error (*act)(struct wal *wal))
{
    struct wal *wal;
    char detail[512];
    enum error error = wal_make_for_notes(options, PMEM_STORAGE_OPEN, &wal, detail, sizeof detail);
    if (error != ERROR_OK) return error;
    error = act(wal);
    wal_destroy(wal);
    return error;
}

enum error wal_remove_segments(const struct wal_options *options)
{
    return with_image(options, remove_segments);
}

enum error wal_remove(const struct wal_options *options)
{
    enum error error = with_image(options, wal_remove_notes);
    return error == ERROR_OK ? wal_remove_segments(options) : error;
}

/* ---- settings, checkpoints, figures ---- */

void wal_set_policy(struct wal *wal, enum wal_policy policy)
{
    if (atomic_load(&wal->policy) == WAL_ALWAYS && policy != WAL_ALWAYS)
        atomic_store(&wal->strict_end, atomic_load(&wal->reserved)); /* before it counts */
    atomic_store(&wal->policy, (int)policy);
    pthread_mutex_lock(&wal->lock);
    wal_thread_wake(wal, WAL_THREAD_SYNC);
    pthread_mutex_unlock(&wal->lock);
    wal->callbacks.advanced(wal->callbacks.arg); /* who waited for durable may have what is needed now */
}

void wal_set_tail_limit(struct wal *wal, uint64_t bytes)
{
    pthread_mutex_lock(&wal->lock);
    wal->tail_limit_bytes = bytes;
    wal_update_room(wal);
    pthread_cond_broadcast(&wal->progress);
    pthread_mutex_unlock(&wal->lock);
}

void wal_allow_rest(struct wal *wal, bool allowed)
{
    pthread_mutex_lock(&wal->rest_lock);
    atomic_store(&wal->rest_allowed, allowed && wal->live.at_rest != NULL);
    pthread_mutex_unlock(&wal->rest_lock);
}

void wal_copy_always(struct wal *wal, bool always)
{
    atomic_store(&wal->copier.always, always);
}

uint64_t wal_request_checkpoint(struct wal *wal)
{
    uint64_t end = atomic_load(&wal->published);
    uint64_t requested = atomic_load(&wal->requested_checkpoint);
    while (requested < end && !atomic_compare_exchange_weak(&wal->requested_checkpoint, &requested, end)) {
    }
    wal_await_durable(wal, end);
    return end;
}

enum error wal_checkpoint(struct wal *wal)
{
    uint64_t end = wal_request_checkpoint(wal);
    while (atomic_load(&wal->noted) < end && wal_error(wal) == ERROR_OK) {
        if (!wal->has_threads) {
            bool works = wal_step_sync(wal);
            works |= wal_step_apply(wal);
            works |= wal_step_checkpoint(wal);
            if (!works) return ERROR_IO;
            continue;
        }
        pthread_mutex_lock(&wal->lock);
        int64_t until_ns = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
        struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
        wal_thread_wake(wal, WAL_THREAD_APPLY);
        wal_thread_wake(wal, WAL_THREAD_CHECKPOINT);
        pthread_cond_timedwait(&wal->progress, &wal->lock, &until);
        pthread_mutex_unlock(&wal->lock);
    }
    return wal_error(wal) == ERROR_OK ? ERROR_OK : ERROR_IO;
}

void wal_stats(const struct wal *wal, struct wal_stats *stats_out)
{
    struct wal *open = (struct wal *)(uintptr_t)wal; /* the lock is no part of what is looked at */
    pthread_mutex_lock(&open->lock);
    *stats_out = (struct wal_stats){
        .reserved_lsn = atomic_load(&wal->reserved),
        .published_lsn = atomic_load(&wal->published),
        .durable_lsn = atomic_load(&wal->durable),
        .applied_lsn = atomic_load(&wal->applied),
        .noted_lsn = atomic_load(&wal->noted),
        .segment_files_bytes = wal->segment_files * (WAL_HEAD_BYTES + wal->data_bytes),
        .records = atomic_load(&wal->records),
        .syncs = wal->syncs,
        .checkpoints = wal->checkpoints,
        .waits_for_room = wal->waits_for_room,
        .last_sync_us = wal->last_sync_us,
        .last_checkpoint_us = wal->last_checkpoint_us,
        .epoch = wal->epoch,
        .checkpoint_runs = atomic_load(&wal->checkpoint_runs),
        .base_durable = atomic_load(&wal->base_is_durable),
        .disk_full = atomic_load(&wal->disk_full),
        .copies = atomic_load(&wal->copier.on),
    };
    pthread_mutex_unlock(&open->lock);
}
