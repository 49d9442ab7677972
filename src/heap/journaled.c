/* journaled.c: a heap whose commits go to a redo journal: recovery at open, and the change from and to a shared mapping.
 *
 * Terms: the *notes* stand in the file (HEAP_NOTES_OFF) while a journal belongs to it; `run` is the superblock's mark.
 *
 * Invariants:
 * J-a. While the notes name a journal, file and journal together are trusted after any boot (wal_presence), whatever `run` says.
 *      Notes of another boot whose base never became durable name none: `run` decides.
 * J-b. The notes go only when `run` is this boot's mark, durably: from then on the file is a shared heap in use. Who finds that
 *      after the death of a process makes it durable again before it stores anything (file.c).
 * J-c. The mapping is private exactly while heap->wal is set, a moment of heap_journal_begin and _end aside in which nobody
 *      stores.
 * J-d. heap->wal is freed only after every thread that could have read it has left (`looks`).
 * J-e. Once the notes name a journal, `run` is not 0: a file whose notes are damaged is not taken for a clean one.
 *
 * Crash table of a change from shared to journaled (the lanes are at rest; `run` is this boot's mark, or 0 when a clean or new
 * file is opened: then a power cut leaves it as clean as it was):
 *   1. wal_create            notes that name a journal whose base is not durable: trusted in this boot only
 *   2. the private mapping   the same; the file is not written until
 *   3. heap_journal_base     the base is durable and the notes say so: J-a
 *   4. at open, where `run` is 0: run = mark, durable (J-e); this comes before 2 then, and so does 3
 * and back (the image holds everything, by a checkpoint):
 *   1. run = mark, durable   still journaled
 *   2. used bytes of lanes   the same; the journal knows the sum
 *   3. notes removed, durably: a shared heap in use
 *   4. segments removed      the same
 * Where 1 or 3 fails, nobody knows what the disk has (J10): the heap goes back to the private mapping, so that nothing is stored
 * that it might be trusted with, and its journal acknowledges nothing any more.
 */
#include "heap/detail.h"
#include "heap/file.h"
#include "heap/heap_state.h"
#include "heap/superblock.h"
#include "pmem/persist.h"
#include "util/assert.h"

#include <sched.h>
#include <stdio.h>

#define SPINS_FOR_PUBLISHING 200 /* a record of another thread that is being copied takes less */

struct wal_setup {
    struct wal_options options;
    char folder[sizeof(((struct pmem_map *)0)->path) + 16];
};

/* No system transaction either: threads trim their caches, and the heap grows ahead, without asking anybody. */
static void stop_system(struct heap *heap)
{
    pthread_mutex_lock(&heap->pages.grow_lock);
    pthread_mutex_lock(&heap->pages.lock);
}

static void resume_system(struct heap *heap)
{
    pthread_mutex_unlock(&heap->pages.lock);
    pthread_mutex_unlock(&heap->pages.grow_lock);
}

static bool at_rest(void *arg, void (*look)(void *context, const char *live), void *context)
{
    struct heap *heap = arg;
    heap->rest.stop(heap->rest.arg);
    stop_system(heap);
    bool is_live = heap->map.mode == PMEM_MODE_JOURNALED;
    if (is_live) look(context, heap->map.base);
    resume_system(heap);
    heap->rest.resume(heap->rest.arg);
    return is_live;
}

static void set_up(struct heap *heap, const struct heap_journal_options *journal, struct wal_setup *setup)
{
    snprintf(setup->folder, sizeof(setup->folder), "%s.journal", heap->map.path);
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)heap->map.base;
    setup->options = (struct wal_options){
        .storage = heap->map.file->storage,
        .image_path = heap->map.path,
        .folder_path = setup->folder,
        .note_off = HEAP_NOTES_OFF,
        .boot_mark = heap->boot_mark,
        .reserve_bytes = heap->map.reserved_bytes,
        .segment_bytes = journal->segment_bytes,
        .tail_limit_bytes = journal->tail_limit_bytes,
        .policy = journal->policy,
        .no_threads = journal->no_threads,
        .callbacks = journal->callbacks,
        .live = {heap, journal->rest.stop ? at_rest : NULL},
        .image_is_doubted = heap_is_doubted(heap),
    };
    static_assert(sizeof(setup->options.heap_id) == sizeof(super->seed), "the seed names the heap");
    memcpy(setup->options.heap_id, super->seed, sizeof(super->seed));
}

static enum error measure(struct heap *heap)
{
    uint64_t size = heap->map.file->storage->size(heap->map.file);
    if (size > heap->map.reserved_bytes) return ERROR_MEMORY;
    heap->map.size_bytes = size;
    return ERROR_OK;
}

/* ---- at open ---- */

enum error journaled_recover(struct heap *heap, const struct heap_options *options,
                             struct heap_report *report)
{
    struct wal_setup setup;
    struct wal *wal;
    set_up(heap, &options->journal, &setup);
    heap->rest = options->journal.rest;
    enum error error = wal_open(&setup.options, &wal, &report->tail, report->detail, sizeof(report->detail));
    if (error) return error;
    atomic_store(&heap->wal, wal);
    atomic_store(&heap->policy, options->journal.policy);
    report->was_clean = report->tail.was_closed;
    return measure(heap);
}

enum error journaled_view(struct heap *heap, const struct heap_options *options, struct heap_report *report)
{
    struct wal_setup setup;
    struct pmem_map *map = &heap->map;
    set_up(heap, &options->journal, &setup);
    enum error error = pmem_map_fill(map, map->size_bytes, map->reserved_bytes - map->size_bytes);
    if (!error)
        error = wal_view(&setup.options, map->base, &report->tail, report->detail, sizeof(report->detail));
    if (error) return error;
    map->size_bytes = report->tail.image_bytes;
    report->was_clean = report->tail.was_closed;
    return ERROR_OK;
}

/* The journal of a heap that stays, or becomes, journaled. */
static enum error go_private(struct heap *heap, struct wal *wal, uint64_t used_bytes)
{
    enum error error = pmem_map_switch(&heap->map, PMEM_MODE_JOURNALED);
    if (error) return error;
    journal_shadow_remapped(heap->journal);
    journal_set_wal(heap->journal, wal, used_bytes);
    atomic_store(&heap->wal, wal);
    return ERROR_OK;
}

/* J-d */
static void await_lookers(struct heap *heap)
{
    for (unsigned lane = 0; lane < JOURNAL_LANES; lane++) {
        pthread_mutex_lock(&heap->threads_lock); /* a thread may be closing */
        while (heap->threads[lane] && atomic_load(&heap->threads[lane]->looks))
            sched_yield(); /* what they do is short */
        pthread_mutex_unlock(&heap->threads_lock);
    }
}

/* The mapping is shared. */
static enum error mark_in_use(struct heap *heap)
{
    enum error error = superblock_mark(&heap->map, heap->boot_mark);
    journal_shadow_take(heap->journal, offsetof(struct superblock_layout, run), sizeof(uint64_t));
    return error;
}

/* A sync that failed before the journal began: its base, and the checkpoint behind it, have made up for it. */
static void forget_failure(struct heap *heap)
{
    if (!heap_is_doubted(heap)) return;
    struct superblock_layout *super = (struct superblock_layout *)(void *)heap->map.base;
    pmem_persist_store64(&heap->map, &super->failed, 0);
    journal_shadow_take(heap->journal, offsetof(struct superblock_layout, failed), sizeof(uint64_t));
}

/* The image holds everything, and the mapping shows it: J-b. */
static enum error leave_journal(struct heap *heap, struct wal *wal, uint64_t used_bytes)
{
    forget_failure(heap);
    enum error error = mark_in_use(heap);
    if (error) return error;
    journal_set_wal(heap->journal, NULL, used_bytes);
    error = wal_remove_notes(wal); /* by its own mapping: there may be no addresses for another */
    journal_shadow_take(heap->journal, HEAP_NOTES_OFF,
                        WAL_NOTE_BYTES); /* shared: what wal.h writes is seen here */
    return error;
}

/* On an error the heap stays journaled, with a journal that goes on or has failed for good (J10). */
static enum error go_shared(struct heap *heap, struct wal *wal, uint64_t used_bytes)
{
    struct wal_setup setup;
    const struct heap_journal_options none = {0};
    set_up(heap, &none, &setup);
    enum error error = wal_finish(wal);
    if (error) return error;
    if (heap->map.mode == PMEM_MODE_JOURNALED) {
        error = pmem_map_switch(&heap->map, PMEM_MODE_SHARED);
        if (!error) journal_shadow_remapped(heap->journal);
    }
    if (!error) error = leave_journal(heap, wal, used_bytes);
    if (error) {
        wal_give_up(wal, error);
        if (heap->map.mode == PMEM_MODE_JOURNALED) return error;
        journal_shadow_take(heap->journal, HEAP_NOTES_OFF, WAL_NOTE_BYTES);
        journal_shadow_compare(heap->journal);
        ASSERT(go_private(heap, wal, used_bytes) == ERROR_OK); /* nothing can go on without a mapping */
        return error;
    }
    atomic_store(&heap->wal, NULL);
    await_lookers(heap);
    wal_abandon(wal);
    wal_remove_segments(&setup.options); /* those that stay have no meaning: the next journal uses them up */
    return ERROR_OK;
}

static enum error create_wal(struct heap *heap, const struct heap_journal_options *journal,
                             struct wal **wal_out, char *detail, size_t detail_cap)
{
    struct wal_setup setup;
    set_up(heap, journal, &setup);
    heap->rest = journal->rest;
    atomic_store(&heap->policy, journal->policy);
    return wal_create(&setup.options, (int64_t)journal_used_bytes(heap->journal), wal_out, detail,
                      detail_cap);
}

/* At open: the notes say durably that a journal counts, so a file that was clean need not look so any longer (J-e). */
static enum error settle_private(struct heap *heap, struct wal *wal, uint64_t used_bytes)
{
    const struct superblock_layout *super = (const struct superblock_layout *)(const void *)heap->map.base;
    enum error error = super->run == 0 ? mark_in_use(heap) : ERROR_OK;
    journal_shadow_compare(heap->journal);
    return error ? error : go_private(heap, wal, used_bytes);
}

enum error journaled_settle(struct heap *heap, const struct heap_options *options, struct heap_report *report)
{
    struct wal *wal = atomic_load(&heap->wal);
    bool wanted = file_wants_journal(&heap->map, options);
    if (report->journaled && heap->map.mode == PMEM_MODE_PRIVATE) { /* the view of a tool */
        journal_set_wal(heap->journal, NULL, (uint64_t)report->tail.used_bytes);
        return ERROR_OK;
    }
    if (wal && wanted) return settle_private(heap, wal, (uint64_t)report->tail.used_bytes);
    if (wal) return go_shared(heap, wal, (uint64_t)report->tail.used_bytes);
    if (!wanted) return ERROR_OK;
    enum error error = create_wal(heap, &options->journal, &wal, report->detail, sizeof(report->detail));
    if (error) return error;
    error = wal_base_durable(wal);
    if (!error) error = settle_private(heap, wal, journal_used_bytes(heap->journal));
    if (error) wal_abandon(wal);
    return error;
}

enum error journaled_close(struct heap *heap)
{
    struct wal *wal = atomic_exchange(&heap->wal, NULL);
    return wal ? wal_close(wal) : ERROR_OK;
}

/* ---- while it runs ---- */

bool heap_wants_journal(const struct heap *heap)
{
    return heap->map.medium == PMEM_MEDIUM_DISK && pmem_map_mode(&heap->map) != PMEM_MODE_DAX;
}

/* It did not come to a journal, and what was noted of one must not be found: the lanes count. */
static void forget_journal(struct heap *heap)
{
    struct wal_setup setup;
    const struct heap_journal_options none = {0};
    set_up(heap, &none, &setup);
    wal_remove(&setup.options); /* durable or not: no note says that the base is */
    journal_shadow_take(heap->journal, HEAP_NOTES_OFF, WAL_NOTE_BYTES);
}

enum error heap_journal_begin(struct heap *heap, const struct heap_journal_options *options, char *detail,
                              size_t detail_cap)
{
    struct wal *wal = NULL;
    ASSERT(heap->map.mode == PMEM_MODE_SHARED);
    stop_system(heap);
    journal_shadow_compare(heap->journal);
    enum error error = create_wal(heap, options, &wal, detail, detail_cap);
    if (!error) {
        error = go_private(heap, wal, journal_used_bytes(heap->journal));
        if (error) wal_abandon(wal);
    }
    if (error) forget_journal(heap);
    resume_system(heap);
    return error;
}

enum error heap_journal_base(struct heap *heap)
{
    return wal_base_durable(atomic_load(&heap->wal));
}

void heap_journal_allow_rest(struct heap *heap, bool allowed)
{
    struct wal *wal = atomic_load(&heap->wal);
    if (wal) wal_allow_rest(wal, allowed);
}

enum error heap_journal_end(struct heap *heap, char *detail, size_t detail_cap)
{
    struct wal *wal = atomic_load(&heap->wal);
    uint64_t used_bytes = journal_used_bytes(heap->journal);
    ASSERT(wal && heap->map.mode == PMEM_MODE_JOURNALED);
    stop_system(heap);
    journal_shadow_compare(heap->journal);
    enum error error = wal_checkpoint(wal); /* so that little is left to go wrong behind it */
    if (!error) error = go_shared(heap, wal, used_bytes);
    resume_system(heap);
    if (error) snprintf(detail, detail_cap, "the journal could not be ended: %s", error_text(error));
    return error;
}

/* ---- for those who wait ---- */

/* NULL: no journal. Otherwise it stays until `leave`. */
static struct wal *look(struct heap_thread *thread)
{
    if (!atomic_load_explicit(&thread->heap->wal, memory_order_relaxed)) return NULL;
    atomic_store(&thread->looks, true); /* seq_cst, as the exchange that takes it away */
    struct wal *wal = atomic_load(&thread->heap->wal);
    if (!wal) atomic_store_explicit(&thread->looks, false, memory_order_release);
    return wal;
}

static void leave(struct heap_thread *thread)
{
    atomic_store_explicit(&thread->looks, false, memory_order_release);
}

uint64_t heap_lsn(struct heap_thread *thread)
{
    struct wal *wal = look(thread);
    if (!wal) return 0;
    uint64_t lsn = wal_end(wal);
    leave(thread);
    return lsn;
}

bool heap_await(struct heap_thread *thread, uint64_t lsn)
{
    struct wal *wal = look(thread);
    if (!wal) return true;
    bool done = wal_acknowledged(wal) >= lsn || lsn > wal_end(wal); /* the journal of that LSN has ended */
    bool is_near = !done && atomic_load_explicit(&thread->heap->policy, memory_order_relaxed) != WAL_ALWAYS;
    for (unsigned spin = 0; is_near && !done && spin < SPINS_FOR_PUBLISHING; spin++)
        done = wal_acknowledged(wal) >= lsn;
    if (!done) done = wal_await(wal, lsn);
    leave(thread);
    return done;
}

bool heap_await_durable(struct heap_thread *thread, uint64_t lsn)
{
    struct wal *wal = look(thread);
    if (!wal) return false;
    bool done = wal_base_is_durable(wal) && (lsn > wal_end(wal) || wal_await_durable(wal, lsn));
    leave(thread);
    return done;
}

enum error heap_journal_room(struct heap_thread *thread)
{
    struct wal *wal = look(thread);
    if (!wal) return ERROR_OK;
    enum error error = wal_has_room(wal) ? ERROR_OK : wal_wait_room(wal, 0);
    leave(thread);
    return error;
}

enum error heap_journal_error(struct heap_thread *thread)
{
    struct wal *wal = look(thread);
    if (!wal) return ERROR_OK;
    enum error error = wal_error(wal);
    leave(thread);
    return error;
}

enum error heap_journal_failure(const struct heap *heap)
{
    const struct wal *wal = atomic_load(&heap->wal);
    return wal ? wal_error(wal) : ERROR_OK;
}

bool heap_checkpoint(struct heap_thread *thread, uint64_t *lsn_out)
{
    struct wal *wal = look(thread);
    if (!wal) return false;
    *lsn_out = wal_request_checkpoint(wal);
    leave(thread);
    return true;
}

void heap_journal_set_policy(struct heap_thread *thread, enum wal_policy policy)
{
    struct wal *wal = look(thread);
    if (!wal) return;
    atomic_store(&thread->heap->policy, policy);
    wal_set_policy(wal, policy);
    leave(thread);
}

void heap_journal_set_tail_limit(struct heap_thread *thread, uint64_t bytes)
{
    struct wal *wal = look(thread);
    if (!wal) return;
    wal_set_tail_limit(wal, bytes);
    leave(thread);
}

void heap_journal_copy_always(struct heap_thread *thread, bool always)
{
    struct wal *wal = look(thread);
    if (!wal) return;
    wal_copy_always(wal, always);
    leave(thread);
}

bool heap_journal_stats(struct heap_thread *thread, struct wal_stats *stats_out)
{
    struct wal *wal = look(thread);
    if (!wal) return false;
    wal_stats(wal, stats_out);
    leave(thread);
    return true;
}
